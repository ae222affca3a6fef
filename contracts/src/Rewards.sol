// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {IRewards} from "../interfaces/IRewards.sol";
import {Payouts} from "./Payouts.sol";

/// @title The rewards.
/// @dev Invariant: of each asset it has at least what all open epochs have left, and the credits.
contract Rewards is IRewards, Payouts, Ownable2Step {
    struct Epoch {
        bytes32 root;
        address asset;
        uint64 until;
        uint128 left;
    }

    /// @inheritdoc IRewards
    uint32 public constant MAX_WINDOW = 730 days;

    /// @inheritdoc IRewards
    uint256 public epochCount;

    mapping(uint256 epoch => Epoch details) private _epochs;
    mapping(uint256 epoch => mapping(address account => bool paid)) private _claimed;

    constructor(address owner_) Ownable(owner_) {}

    /// @inheritdoc IRewards
    function openEpoch(bytes32 root, address asset, uint256 total, uint64 until) external payable onlyOwner nonReentrant returns (uint256 epoch) {
        if (root == bytes32(0)) revert BadEpoch("root");
        if (total == 0 || total > type(uint128).max) revert BadEpoch("total");
        if (until <= block.timestamp || until > block.timestamp + MAX_WINDOW) revert BadEpoch("until");
        epoch = ++epochCount;
        _epochs[epoch] = Epoch({root: root, asset: asset, until: until, left: uint128(total)});
        emit EpochOpened(epoch, root, asset, total, until);
        _take(asset, total);
    }

    /// @inheritdoc IRewards
    function claim(uint256 epoch, address account, uint256 amount, bytes32[] calldata proof) external nonReentrant {
        Epoch storage found = _epochs[epoch];
        if (block.timestamp > found.until) revert WrongEpochTime(epoch, found.until);
        if (_claimed[epoch][account]) revert AlreadyClaimed(epoch, account);
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(account, amount))));
        if (!MerkleProof.verifyCalldata(proof, found.root, leaf)) revert BadProof(epoch, account);
        uint256 left = found.left;
        if (amount > left) revert EpochExhausted(epoch, left);
        _claimed[epoch][account] = true;
        found.left = uint128(left - amount);
        emit RewardClaimed(epoch, account, found.asset, amount);
        _pay(found.asset, account, amount);
    }

    /// @inheritdoc IRewards
    function closeEpoch(uint256 epoch) external nonReentrant {
        Epoch storage found = _epochs[epoch];
        if (block.timestamp <= found.until || epoch == 0 || epoch > epochCount) revert WrongEpochTime(epoch, found.until);
        uint256 left = found.left;
        found.left = 0;
        emit EpochClosed(epoch, found.asset, left);
        _pay(found.asset, owner(), left);
    }

    /// @inheritdoc IRewards
    function epochOf(uint256 epoch) external view returns (bytes32 root, address asset, uint256 left, uint64 until) {
        Epoch storage found = _epochs[epoch];
        return (found.root, found.asset, found.left, found.until);
    }

    /// @inheritdoc IRewards
    function claimed(uint256 epoch, address account) external view returns (bool) {
        return _claimed[epoch][account];
    }

    /// @dev All of it must arrive: the list was reckoned for that.
    function _take(address asset, uint256 total) private {
        if (asset == address(0)) {
            if (msg.value != total) revert EpochNotFunded(msg.value, total);
            return;
        }
        if (msg.value != 0 || asset.code.length == 0) revert BadEpoch("asset");
        uint256 before = SafeTransferLib.balanceOf(asset, address(this));
        bool paid = SafeTransferLib.trySafeTransferFrom(asset, msg.sender, address(this), total);
        uint256 afterwards = SafeTransferLib.balanceOf(asset, address(this));
        if (!paid || afterwards != before + total) revert EpochNotFunded(afterwards > before ? afterwards - before : 0, total);
    }
}
