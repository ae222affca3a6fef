// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The token that votes: OpenZeppelin's ERC-20 + ERC-2612 permit + checkpointed votes on the timestamp clock (ERC-6372), fixed supply.
/// @dev Emits the events of OpenZeppelin, unchanged:
///  `Transfer(address indexed from, address indexed to, uint256 value)`,
///  `DelegateChanged(address indexed delegator, address indexed fromDelegate, address indexed toDelegate)`,
///  `DelegateVotesChanged(address indexed delegate, uint256 previousVotes, uint256 newVotes)`.
///  Balances vote only after their holder has delegated (to itself or to another).
interface IVotesToken {
    /// @notice The lists of first holders and their amounts differ in length.
    error HoldersMismatch(uint256 holders, uint256 amounts);
}
