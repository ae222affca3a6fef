// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {Payouts} from "./Payouts.sol";

/// @title The escrow.
/// @dev No owner, no settings: an escrow obeys its terms and nothing else. Invariant: of each asset the contract has at least the sum of what is held and what
///  is credited, and an escrow that ended holds nothing. Ended escrows keep their state for ever, so the same terms are never funded twice.
contract Escrow is IEscrow, Payouts {
    /// @dev One word.
    struct Record {
        State state;
        uint64 deadline;
        uint128 held;
    }

    /// @inheritdoc IEscrow
    uint16 public constant MAX_FEE_BPS = 1000;

    /// @inheritdoc IEscrow
    uint32 public constant MAX_WINDOW = 365 days;

    uint256 private constant BPS = 10_000;

    mapping(bytes32 escrowId => Record record) private _records;

    // Money in

    /// @inheritdoc IEscrow
    function fund(Terms calldata terms) external payable nonReentrant returns (bytes32 escrowId) {
        if (msg.sender != terms.buyer) revert NotAllowed(msg.sender);
        _checkTerms(terms);
        escrowId = escrowIdOf(terms);
        Record storage record = _records[escrowId];
        if (record.state != State.NONE) revert WrongState(record.state);
        uint256 received = terms.asset == address(0) ? _takeNative(terms.amount) : _takeToken(terms.asset, terms.amount);
        _records[escrowId] = Record({state: State.FUNDED, deadline: terms.shipBy, held: uint128(received)});
        _emitFunded(escrowId, terms, received);
    }

    // The parties

    /// @inheritdoc IEscrow
    function ship(Terms calldata terms, bytes32 proof) external nonReentrant {
        if (msg.sender != terms.seller) revert NotAllowed(msg.sender);
        (bytes32 escrowId, Record storage record) = _expect(terms, State.FUNDED);
        _checkInTime(record.deadline);
        uint64 ends = uint64(block.timestamp) + terms.inspection;
        (record.state, record.deadline) = (State.SHIPPED, ends);
        emit Shipped(escrowId, terms.orderId, proof, ends);
    }

    /// @inheritdoc IEscrow
    function release(Terms calldata terms) external nonReentrant {
        if (msg.sender != terms.buyer) revert NotAllowed(msg.sender);
        (bytes32 escrowId, Record storage record) = _expectOpen(terms);
        _release(escrowId, record, terms);
    }

    /// @inheritdoc IEscrow
    function refund(Terms calldata terms) external nonReentrant {
        if (msg.sender != terms.seller) revert NotAllowed(msg.sender);
        (bytes32 escrowId, Record storage record) = _expectOpen(terms);
        _refund(escrowId, record, terms);
    }

    // Disputes

    /// @inheritdoc IEscrow
    function dispute(Terms calldata terms, bytes32 evidence) external nonReentrant {
        _checkParty(terms);
        (bytes32 escrowId, Record storage record) = _expect(terms, State.SHIPPED);
        _checkInTime(record.deadline);
        uint64 ends = uint64(block.timestamp) + terms.ruling;
        (record.state, record.deadline) = (State.DISPUTED, ends);
        emit Disputed(escrowId, terms.orderId, msg.sender, evidence, ends);
    }

    /// @inheritdoc IEscrow
    function addEvidence(Terms calldata terms, bytes32 evidence) external nonReentrant {
        _checkParty(terms);
        (bytes32 escrowId,) = _expect(terms, State.DISPUTED);
        emit EvidenceAdded(escrowId, terms.orderId, msg.sender, evidence);
    }

    /// @inheritdoc IEscrow
    function rule(Terms calldata terms, uint256 toSeller, bytes32 reason) external nonReentrant {
        if (msg.sender != terms.arbiter) revert NotAllowed(msg.sender);
        (bytes32 escrowId, Record storage record) = _expect(terms, State.DISPUTED);
        _checkInTime(record.deadline);
        if (toSeller > record.held) revert SplitTooLarge(toSeller, record.held);
        _rule(escrowId, record, terms, toSeller, false, reason);
    }

    // Deadlines

    /// @inheritdoc IEscrow
    function refundExpired(Terms calldata terms) external nonReentrant {
        (bytes32 escrowId, Record storage record) = _expect(terms, State.FUNDED);
        _checkExpired(record.deadline);
        _refund(escrowId, record, terms);
    }

    /// @inheritdoc IEscrow
    function releaseExpired(Terms calldata terms) external nonReentrant {
        (bytes32 escrowId, Record storage record) = _expect(terms, State.SHIPPED);
        _checkExpired(record.deadline);
        _release(escrowId, record, terms);
    }

    /// @inheritdoc IEscrow
    function ruleExpired(Terms calldata terms) external nonReentrant {
        (bytes32 escrowId, Record storage record) = _expect(terms, State.DISPUTED);
        _checkExpired(record.deadline);
        _rule(escrowId, record, terms, uint256(record.held) * terms.silenceSellerBps / BPS, true, bytes32(0));
    }

    // Views

    /// @inheritdoc IEscrow
    function escrowIdOf(Terms calldata terms) public view returns (bytes32 escrowId) {
        return keccak256(abi.encode(block.chainid, address(this), terms));
    }

    /// @inheritdoc IEscrow
    function escrow(bytes32 escrowId) external view returns (State state, uint64 deadline, uint256 held) {
        Record storage record = _records[escrowId];
        return (record.state, record.deadline, record.held);
    }

    // The three ends. Each closes the record before any money moves.

    /// @dev The fee is rounded down, the dust goes to the seller.
    function _release(bytes32 escrowId, Record storage record, Terms calldata terms) private {
        uint256 held = _close(record, State.RELEASED);
        uint256 fee = held * terms.feeBps / BPS;
        emit Released(escrowId, terms.orderId, msg.sender, held - fee, fee);
        _pay(terms.asset, terms.feeReceiver, fee);
        _pay(terms.asset, terms.seller, held - fee);
    }

    function _refund(bytes32 escrowId, Record storage record, Terms calldata terms) private {
        uint256 held = _close(record, State.REFUNDED);
        emit Refunded(escrowId, terms.orderId, msg.sender, held);
        _pay(terms.asset, terms.buyer, held);
    }

    /// @dev `gross` is the seller's part before the fee. Rounding as in a release.
    function _rule(bytes32 escrowId, Record storage record, Terms calldata terms, uint256 gross, bool silent, bytes32 reason) private {
        uint256 toBuyer = _close(record, State.RULED) - gross;
        uint256 fee = gross * terms.feeBps / BPS;
        emit Ruled(escrowId, terms.orderId, msg.sender, silent, gross - fee, toBuyer, fee, reason);
        _pay(terms.asset, terms.feeReceiver, fee);
        _pay(terms.asset, terms.seller, gross - fee);
        _pay(terms.asset, terms.buyer, toBuyer);
    }

    function _close(Record storage record, State end) private returns (uint256 held) {
        held = record.held;
        (record.state, record.deadline, record.held) = (end, 0, 0);
    }

    // Money in, in detail

    function _takeNative(uint256 amount) private view returns (uint256) {
        if (msg.value != amount) revert WrongValue(msg.value, amount);
        return amount;
    }

    /// @dev What counts is what arrives: some tokens take a part on the way.
    function _takeToken(address asset, uint256 amount) private returns (uint256 received) {
        if (msg.value != 0) revert WrongValue(msg.value, 0);
        uint256 before = SafeTransferLib.balanceOf(asset, address(this));
        bool paid = SafeTransferLib.trySafeTransferFrom(asset, msg.sender, address(this), amount);
        uint256 afterwards = SafeTransferLib.balanceOf(asset, address(this));
        if (!paid || afterwards <= before) revert PaymentFailed(asset, amount);
        received = afterwards - before;
        // More than was asked for is no payment either: it would not be covered by the check of `amount` against the size of the record.
        if (received > amount) revert PaymentFailed(asset, amount);
    }

    /// @dev Apart from `fund`, for the stack's sake.
    function _emitFunded(bytes32 escrowId, Terms calldata terms, uint256 received) private {
        emit Funded(
            escrowId,
            terms.orderId,
            terms.buyer,
            terms.seller,
            terms.arbiter,
            terms.asset,
            terms.amount,
            received,
            terms.feeReceiver,
            terms.feeBps,
            terms.silenceSellerBps,
            terms.shipBy,
            terms.inspection,
            terms.ruling
        );
    }

    // Checks

    /// @dev An arbiter who is a party could rule for itself; a window without end could lock the money.
    function _checkTerms(Terms calldata terms) private view {
        if (terms.seller == address(0) || terms.seller == terms.buyer) revert BadTerms("seller");
        if (terms.arbiter == address(0) || terms.arbiter == terms.buyer || terms.arbiter == terms.seller) revert BadTerms("arbiter");
        if (terms.asset != address(0) && terms.asset.code.length == 0) revert BadTerms("asset");
        if (terms.amount == 0 || terms.amount > type(uint128).max) revert BadTerms("amount");
        if (terms.feeBps > MAX_FEE_BPS) revert BadTerms("feeBps");
        if (terms.feeBps != 0 && terms.feeReceiver == address(0)) revert BadTerms("feeReceiver");
        if (terms.silenceSellerBps > BPS) revert BadTerms("silenceSellerBps");
        if (terms.shipBy < block.timestamp || terms.shipBy > block.timestamp + MAX_WINDOW) revert BadTerms("shipBy");
        if (terms.inspection == 0 || terms.inspection > MAX_WINDOW) revert BadTerms("inspection");
        if (terms.ruling == 0 || terms.ruling > MAX_WINDOW) revert BadTerms("ruling");
    }

    function _checkParty(Terms calldata terms) private view {
        if (msg.sender != terms.buyer && msg.sender != terms.seller) revert NotAllowed(msg.sender);
    }

    function _checkInTime(uint64 deadline) private view {
        if (block.timestamp > deadline) revert TooLate(deadline);
    }

    function _checkExpired(uint64 deadline) private view {
        if (block.timestamp <= deadline) revert TooEarly(deadline);
    }

    function _expect(Terms calldata terms, State state) private view returns (bytes32 escrowId, Record storage record) {
        escrowId = escrowIdOf(terms);
        record = _records[escrowId];
        if (record.state != state) revert WrongState(record.state);
    }

    function _expectOpen(Terms calldata terms) private view returns (bytes32 escrowId, Record storage record) {
        escrowId = escrowIdOf(terms);
        record = _records[escrowId];
        State state = record.state;
        if (state != State.FUNDED && state != State.SHIPPED && state != State.DISPUTED) revert WrongState(state);
    }
}
