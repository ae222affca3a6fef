// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LibClone} from "solady/src/utils/LibClone.sol";
import {ReentrancyGuardTransient} from "solady/src/utils/ReentrancyGuardTransient.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {IRoyaltySplitter, ISplitterFactory} from "../interfaces/IRoyaltySplitter.sol";

/// @title The splitter.
/// @dev Invariant: what all payees were given and are due is never more than what was ever received, and short of it by less than a unit per payee.
contract RoyaltySplitter is IRoyaltySplitter, ReentrancyGuardTransient {
    /// @inheritdoc IRoyaltySplitter
    uint256 public constant MAX_PAYEES = 50;

    uint256 private constant BPS = 10_000;

    bool private _isSetUp;
    mapping(address payee => uint256 bps) private _shares;
    mapping(address asset => uint256 amount) private _releasedInAll;
    mapping(address asset => mapping(address payee => uint256 amount)) private _released;

    /// @dev Closes the implementation.
    constructor() {
        _isSetUp = true;
    }

    receive() external payable {}

    /// @inheritdoc IRoyaltySplitter
    function initialize(address[] calldata payees, uint16[] calldata bps) external {
        if (_isSetUp || payees.length != bps.length || payees.length > MAX_PAYEES) revert BadShares();
        _isSetUp = true;
        uint256 sum;
        for (uint256 i; i < payees.length; ++i) {
            if (payees[i] == address(0) || payees[i] == address(this) || bps[i] == 0 || _shares[payees[i]] != 0) revert BadShares();
            _shares[payees[i]] = bps[i];
            sum += bps[i];
        }
        if (sum != BPS) revert BadShares();
    }

    /// @inheritdoc IRoyaltySplitter
    function release(address payee, address asset) external nonReentrant returns (uint256 amount) {
        amount = dueTo(payee, asset);
        if (amount == 0) revert NothingDue(payee, asset);
        _releasedInAll[asset] += amount;
        _released[asset][payee] += amount;
        emit ShareReleased(payee, asset, amount);
        bool paid =
            asset == address(0) ? SafeTransferLib.trySafeTransferETH(payee, amount, gasleft()) : SafeERC20.trySafeTransfer(IERC20(asset), payee, amount);
        if (!paid) revert ReleaseFailed(payee, asset);
    }

    /// @inheritdoc IRoyaltySplitter
    function dueTo(address payee, address asset) public view returns (uint256 amount) {
        uint256 present = asset == address(0) ? address(this).balance : SafeTransferLib.balanceOf(asset, address(this));
        return (present + _releasedInAll[asset]) * _shares[payee] / BPS - _released[asset][payee];
    }

    /// @inheritdoc IRoyaltySplitter
    function shareOf(address payee) external view returns (uint256 bps) {
        return _shares[payee];
    }

    /// @dev Built for Cancun and later, as everything here.
    function _useTransientReentrancyGuardOnlyOnMainnet() internal pure override returns (bool) {
        return false;
    }
}

/// @title The factory of splitters.
contract SplitterFactory is ISplitterFactory {
    /// @inheritdoc ISplitterFactory
    address public immutable implementation;

    constructor() {
        implementation = address(new RoyaltySplitter());
    }

    /// @inheritdoc ISplitterFactory
    function create(address[] calldata payees, uint16[] calldata bps) external returns (address splitter) {
        splitter = LibClone.cloneDeterministic(implementation, _saltOf(payees, bps));
        IRoyaltySplitter(splitter).initialize(payees, bps);
        emit SplitterCreated(splitter, msg.sender, payees, bps);
    }

    /// @inheritdoc ISplitterFactory
    function predict(address[] calldata payees, uint16[] calldata bps) external view returns (address splitter) {
        return LibClone.predictDeterministicAddress(implementation, _saltOf(payees, bps), address(this));
    }

    /// @dev The shares alone: whoever makes it, it is the same.
    function _saltOf(address[] calldata payees, uint16[] calldata bps) private pure returns (bytes32) {
        return keccak256(abi.encode(payees, bps));
    }
}
