// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC5192} from "../interfaces/IERC5192.sol";
import {Collection} from "./Collection.sol";

/// @title A collection of badges: tokens that stay with whom they were given to (ERC-5192), used through clones.
/// @dev Minted and burned as in `Collection`, never transferred.
contract BadgeCollection is IERC5192, Collection {
    /// @inheritdoc IERC5192
    function locked(uint256 tokenId) external view returns (bool) {
        if (!_exists(tokenId)) revert TokenDoesNotExist();
        return true;
    }

    /// @dev ERC-165: those of a collection, and ERC-5192.
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return super.supportsInterface(interfaceId) || interfaceId == 0xb45a3c0e;
    }

    /// @dev Every way that a token moves goes through here.
    function _beforeTokenTransfer(address from, address to, uint256 tokenId) internal override {
        if (from != address(0) && to != address(0)) revert TokenLocked(tokenId);
        if (from == address(0)) emit Locked(tokenId);
    }
}
