// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPayouts} from "./IPayouts.sol";

/// @title Rewards for taking part, in epochs.
/// @notice The DAO reckons who took part, publishes the list, and puts its merkle root and the money here. Anyone may bring a claim; it is paid to its account only.
/// @dev A leaf is keccak256(keccak256(abi.encode(account, amount))), as OpenZeppelin's `StandardMerkleTree` of `["address", "uint256"]`. An account is in an epoch's list
///  once. Whatever the root says, an epoch never pays more than was put in for it.
interface IRewards is IPayouts {
    /// @notice An epoch can be claimed until and with `until`.
    event EpochOpened(uint256 indexed epoch, bytes32 root, address indexed asset, uint256 total, uint64 until);

    /// @notice `account` got its reward.
    event RewardClaimed(uint256 indexed epoch, address indexed account, address asset, uint256 amount);

    /// @notice What nobody claimed went back to the owner.
    event EpochClosed(uint256 indexed epoch, address indexed asset, uint256 left);

    /// @notice No money, no root, or an end that is past or too far.
    error BadEpoch(string field);

    /// @notice The money for the epoch did not arrive in full.
    error EpochNotFunded(uint256 received, uint256 total);

    /// @notice The account is not in the list with that amount.
    error BadProof(uint256 epoch, address account);

    /// @notice The account was paid before.
    error AlreadyClaimed(uint256 epoch, address account);

    /// @notice The list gives away more than was put in.
    error EpochExhausted(uint256 epoch, uint256 left);

    /// @notice The epoch is over, or is not over yet, at `until`.
    error WrongEpochTime(uint256 epoch, uint64 until);

    /// @notice Opens the next epoch with money of the owner: native coin as value, tokens by allowance. Only the owner (the DAO's timelock).
    function openEpoch(bytes32 root, address asset, uint256 total, uint64 until) external payable returns (uint256 epoch);

    /// @notice Pays a reward to its account. Anyone may call.
    function claim(uint256 epoch, address account, uint256 amount, bytes32[] calldata proof) external;

    /// @notice Gives back to the owner what nobody claimed, after the end. Anyone may call.
    function closeEpoch(uint256 epoch) external;

    /// @notice An epoch: `left` is what can still be claimed.
    function epochOf(uint256 epoch) external view returns (bytes32 root, address asset, uint256 left, uint64 until);

    /// @notice Whether an account was paid.
    function claimed(uint256 epoch, address account) external view returns (bool);

    /// @notice How many epochs there are; also the number of the newest.
    function epochCount() external view returns (uint256);

    /// @notice The longest that an epoch can be claimed, in seconds.
    function MAX_WINDOW() external view returns (uint32);
}
