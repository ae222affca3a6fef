// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IGate} from "../interfaces/IGate.sol";

/// @title A gate.
/// @dev `whenOpen` stands on entries alone, never on a way out. The flag shares the word of the authority.
abstract contract Gate is IGate, AccessManaged {
    bool private _shut;

    modifier whenOpen() {
        _checkOpen();
        _;
    }

    constructor(address manager) AccessManaged(manager) {}

    /// @inheritdoc IGate
    function pause() external restricted {
        if (paused()) return;
        _setShut(true);
        emit Paused(msg.sender);
    }

    /// @inheritdoc IGate
    function unpause() external restricted {
        if (!paused()) return;
        _setShut(false);
        emit Unpaused(msg.sender);
    }

    /// @inheritdoc IGate
    function paused() public view virtual returns (bool) {
        return _shut;
    }

    /// @dev A contract whose entries read another word anyway keeps the flag there.
    function _setShut(bool shut) internal virtual {
        _shut = shut;
    }

    function _checkOpen() internal view {
        if (paused()) revert EntriesPaused();
    }
}
