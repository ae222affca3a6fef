// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {IVotesToken} from "../interfaces/IVotesToken.sol";

/// @title The token that votes.
/// @dev All supply exists from the start; nobody can make more.
contract VotesToken is IVotesToken, ERC20, ERC20Permit, ERC20Votes {
    /// @param name_ At most 31 bytes, as it is also the name of the EIP-712 domain.
    constructor(string memory name_, string memory symbol_, address[] memory holders, uint256[] memory amounts) ERC20(name_, symbol_) ERC20Permit(name_) {
        if (holders.length != amounts.length) revert HoldersMismatch(holders.length, amounts.length);
        for (uint256 i; i < holders.length; ++i) {
            _mint(holders[i], amounts[i]);
        }
    }

    /// @dev ERC-6372: seconds, so that votes last as long on every chain.
    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @dev ERC-6372.
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    /// @inheritdoc ERC20Permit
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }
}
