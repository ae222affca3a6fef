// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Paying out so that nobody can block anybody: what a receiver refuses is credited to it, and waits.
/// @dev The zero asset is the chain's native coin, everywhere.
interface IPayouts {
    /// @notice `account` refused a payment (or its token did); the amount waits for `withdraw`.
    event Credited(address indexed account, address indexed asset, uint256 amount);

    /// @notice A credit of `account` was paid out to `to`.
    event Withdrawn(address indexed account, address indexed asset, address to, uint256 amount);

    /// @notice The call carries too little gas to treat everybody fairly.
    error NotEnoughGas();

    /// @notice There is no credit to withdraw.
    error NothingToWithdraw(address account, address asset);

    /// @notice A credit could not be paid out to `to`; it stays.
    error WithdrawalRefused(address to);

    /// @notice Pays the credit of `account` to itself. Anyone may call.
    function withdraw(address account, address asset) external returns (uint256 amount);

    /// @notice Pays the caller's credit to another address, for accounts that cannot receive.
    function withdrawTo(address to, address asset) external returns (uint256 amount);

    /// @notice What waits for `withdraw`.
    function creditOf(address account, address asset) external view returns (uint256);
}
