// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Deposit addresses without keys.
/// @notice Whatever is sent to `addressOf(destination, depositId)`, before anything is deployed there or after, can go to `destination` and nowhere else; anyone may
///  send it on. Nobody needs to keep a key for the address.
interface IDeposits {
    /// @notice `amount` of `asset` (zero: native coin) left a deposit address for its destination. A token that takes a part on the way delivers less.
    event DepositSwept(address indexed forwarder, address indexed destination, bytes32 indexed depositId, address asset, uint256 amount);

    /// @notice An asset could not be sent on; the others of the batch were. It stays where it is.
    event DepositStuck(address indexed forwarder, address indexed destination, bytes32 indexed depositId, address asset);

    /// @notice More than `MAX_SWEEP` addresses or assets, or no destination.
    error BadSweep();

    /// @notice Sends on everything that lies at these deposit addresses. Anyone may call.
    function sweep(address destination, bytes32[] calldata depositIds, address[] calldata assets) external;

    /// @notice The deposit address. Known before anything is deployed.
    function addressOf(address destination, bytes32 depositId) external view returns (address forwarder);

    /// @notice The most deposit addresses, and the most assets, of one sweep.
    function MAX_SWEEP() external view returns (uint256);

    /// @notice The code that every deposit address delegates to.
    function implementation() external view returns (address);
}

/// @title What stands at a deposit address once it was swept.
interface IForwarder {
    /// @notice The destination, or the token, refused.
    error ForwardFailed(address asset);

    /// @notice Only the `Deposits` that made it calls: so every sum that leaves is told by `DepositSwept`, and what ever arrived can be counted.
    error NotDeposits();

    /// @notice Sends all of `asset` (zero: native coin) to the destination. Anyone may ask for it by `IDeposits.sweep`.
    function forward(address asset) external returns (uint256 amount);
}
