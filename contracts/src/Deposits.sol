// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {CWIA} from "solady/src/utils/legacy/CWIA.sol";
import {LibCWIA} from "solady/src/utils/legacy/LibCWIA.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {IDeposits, IForwarder} from "../interfaces/IDeposits.sol";

/// @title The code behind every deposit address.
/// @dev The destination is part of the clone's code. The clone itself takes plain coin, within the 2,300 gas of old senders.
contract Forwarder is IForwarder, CWIA {
    /// @dev Who deploys this code makes its clones and calls them.
    address private immutable _deposits = msg.sender;

    /// @inheritdoc IForwarder
    function forward(address asset) external returns (uint256 amount) {
        if (msg.sender != _deposits) revert NotDeposits();
        address destination = _getArgAddress(0);
        bool sent;
        if (asset == address(0)) {
            amount = address(this).balance;
            sent = SafeTransferLib.trySafeTransferETH(destination, amount, gasleft());
        } else {
            amount = SafeTransferLib.balanceOf(asset, address(this));
            sent = SafeERC20.trySafeTransfer(IERC20(asset), destination, amount);
        }
        if (!sent) revert ForwardFailed(asset);
    }
}

/// @title Deposit addresses.
/// @dev No owner, no state, no money.
contract Deposits is IDeposits {
    /// @inheritdoc IDeposits
    uint256 public constant MAX_SWEEP = 100;

    /// @inheritdoc IDeposits
    address public immutable implementation;

    constructor() {
        implementation = address(new Forwarder());
    }

    /// @inheritdoc IDeposits
    function sweep(address destination, bytes32[] calldata depositIds, address[] calldata assets) external {
        // With no destination the money would burn.
        if (destination == address(0) || depositIds.length > MAX_SWEEP || assets.length > MAX_SWEEP) revert BadSweep();
        for (uint256 i; i < depositIds.length; ++i) {
            _sweepOne(destination, depositIds[i], assets);
        }
    }

    /// @inheritdoc IDeposits
    function addressOf(address destination, bytes32 depositId) public view returns (address forwarder) {
        return LibCWIA.predictDeterministicAddress(implementation, abi.encodePacked(destination), depositId, address(this));
    }

    /// @dev Deploys only where there is something to send on.
    function _sweepOne(address destination, bytes32 depositId, address[] calldata assets) private {
        address forwarder = addressOf(destination, depositId);
        for (uint256 i; i < assets.length; ++i) {
            address asset = assets[i];
            uint256 found = asset == address(0) ? forwarder.balance : SafeTransferLib.balanceOf(asset, forwarder);
            if (found == 0) continue;
            if (forwarder.code.length == 0) LibCWIA.cloneDeterministic(implementation, abi.encodePacked(destination), depositId);
            try IForwarder(forwarder).forward(asset) returns (uint256 amount) {
                emit DepositSwept(forwarder, destination, depositId, asset, amount);
            } catch {
                emit DepositStuck(forwarder, destination, depositId, asset);
            }
        }
    }
}
