// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "solady/src/utils/ReentrancyGuardTransient.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {IPayouts} from "../interfaces/IPayouts.sol";

/// @title Payments that cannot block.
/// @dev Whoever inherits this guards every entry that moves money with `nonReentrant`. A token lacking a return value is taken at its word, one that returns
///  false has refused.
abstract contract Payouts is IPayouts, ReentrancyGuardTransient {
    /// @dev What the code of a receiver may burn: enough for a smart wallet that logs and delegates, too little to make a settlement dear.
    uint256 internal constant RECEIVE_GAS = 50_000;

    /// @dev With this much left a call with value, to an empty account at worst (36,600), could hand on all of RECEIVE_GAS and 63/64 of it are enough.
    uint256 private constant FAIR_GAS = 90_000;

    mapping(address account => mapping(address asset => uint256 amount)) private _credits;

    /// @inheritdoc IPayouts
    function withdraw(address account, address asset) external nonReentrant returns (uint256 amount) {
        return _withdraw(account, asset, account);
    }

    /// @inheritdoc IPayouts
    function withdrawTo(address to, address asset) external nonReentrant returns (uint256 amount) {
        return _withdraw(msg.sender, asset, to);
    }

    /// @inheritdoc IPayouts
    function creditOf(address account, address asset) public view returns (uint256) {
        return _credits[account][asset];
    }

    /// @dev All gas goes along here: the caller of a withdrawal pays for itself and blocks nobody.
    function _withdraw(address account, address asset, address to) private returns (uint256 amount) {
        amount = _credits[account][asset];
        if (amount == 0) revert NothingToWithdraw(account, asset);
        delete _credits[account][asset];
        emit Withdrawn(account, asset, to, amount);
        bool paid = asset == address(0) ? SafeTransferLib.trySafeTransferETH(to, amount, gasleft()) : SafeERC20.trySafeTransfer(IERC20(asset), to, amount);
        if (!paid || to == address(0) || to == address(this)) revert WithdrawalRefused(to);
    }

    /// @dev Pays out of what this contract holds.
    function _pay(address asset, address to, uint256 amount) internal {
        if (asset == address(0)) return _payNative(to, amount);
        if (amount != 0 && !SafeERC20.trySafeTransfer(IERC20(asset), to, amount)) _credit(to, asset, amount);
    }

    /// @dev A refusal counts only when the receiver had a fair chance: otherwise the sender of the transaction could, by the gas that it sends along, choose to
    ///  have its counterparty credited instead of paid.
    function _payNative(address to, uint256 amount) internal {
        if (amount == 0) return;
        uint256 before = gasleft();
        if (SafeTransferLib.trySafeTransferETH(to, amount, RECEIVE_GAS)) return;
        if (before < FAIR_GAS) revert NotEnoughGas();
        _credit(to, address(0), amount);
    }

    /// @dev The same for a payer that wants back what is refused: nothing is credited. `_payNative` is not built on it, as every settlement would cost 70 gas more.
    function _arrives(address asset, address to, uint256 amount) internal returns (bool arrived) {
        if (amount == 0) return true;
        if (asset != address(0)) return SafeERC20.trySafeTransfer(IERC20(asset), to, amount);
        uint256 before = gasleft();
        arrived = SafeTransferLib.trySafeTransferETH(to, amount, RECEIVE_GAS);
        if (!arrived && before < FAIR_GAS) revert NotEnoughGas();
    }

    /// @dev The code is built for Cancun and later, where every chain has transient storage; without it each call would pay 5,000 gas more.
    function _useTransientReentrancyGuardOnlyOnMainnet() internal pure override returns (bool) {
        return false;
    }

    /// @dev Keeps `amount` for `account` to pull.
    function _credit(address account, address asset, uint256 amount) internal {
        _credits[account][asset] += amount;
        emit Credited(account, asset, amount);
    }
}
