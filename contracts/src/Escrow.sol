// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {ECDSA} from "solady/src/utils/ECDSA.sol";
import {EIP712} from "solady/src/utils/EIP712.sol";
import {LibBitmap} from "solady/src/utils/LibBitmap.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {SignatureCheckerLib} from "solady/src/utils/SignatureCheckerLib.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {Gate} from "./Gate.sol";
import {Payouts} from "./Payouts.sol";

/// @title The escrow.
/// @dev No owner, no settings: an escrow obeys its terms and nothing else. All that anybody can do from outside is pause new ones. Invariant: of each asset the contract has at least the sum of what is held and what
///  is credited, and an escrow that ended holds nothing. Ended escrows keep their state for ever, so the same terms are never funded twice.
contract Escrow is IEscrow, Payouts, Gate, EIP712 {
    using LibBitmap for LibBitmap.Bitmap;

    /// @dev One word.
    struct Record {
        State state;
        bool appealable;
        uint64 deadline;
        uint128 held;
    }

    /// @dev What only appealable escrows have.
    struct Appeal {
        address court;
        uint32 window;
        uint32 courtTime;
        uint128 toSeller;
    }

    /// @inheritdoc IEscrow
    uint16 public constant MAX_FEE_BPS = 1000;

    /// @inheritdoc IEscrow
    uint32 public constant MAX_WINDOW = 365 days;

    uint256 private constant BPS = 10_000;

    bytes32 private constant RELEASE_TYPEHASH = keccak256("Release(bytes32 escrowId,uint256 amount,uint256 nonce,uint64 deadline)");

    mapping(bytes32 escrowId => Record record) private _records;
    mapping(bytes32 escrowId => Appeal appeal) private _appeals;

    /// @dev What is held in the upper half, what the seller shall get of it in the lower; zero is no offer, as something is held in every open state.
    mapping(bytes32 escrowId => mapping(address party => uint256 split)) private _settlements;
    mapping(address signer => LibBitmap.Bitmap used) private _signatures;

    constructor(address manager) Gate(manager) {}

    // Money in

    /// @inheritdoc IEscrow
    function fund(Terms calldata terms) external payable whenOpen nonReentrant returns (bytes32 escrowId) {
        return _fund(terms, false);
    }

    /// @inheritdoc IEscrow
    function fundWith(Terms calldata terms, AppealTerms calldata appeal_, Permit calldata permit)
        external
        payable
        whenOpen
        nonReentrant
        returns (bytes32 escrowId)
    {
        bool appealable = appeal_.court != address(0);
        if (permit.deadline != 0 && terms.asset.code.length != 0) {
            try IERC20Permit(terms.asset).permit(msg.sender, address(this), permit.value, permit.deadline, permit.v, permit.r, permit.s) {} catch {}
        }
        escrowId = _fund(terms, appealable);
        if (!appealable) return escrowId;
        _checkAppeal(terms, appeal_);
        _appeals[escrowId] = Appeal({court: appeal_.court, window: appeal_.window, courtTime: appeal_.courtTime, toSeller: 0});
        emit AppealAgreed(escrowId, terms.orderId, appeal_.court, appeal_.window, appeal_.courtTime);
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
        _release(escrowId, record, terms, msg.sender);
    }

    /// @inheritdoc IEscrow
    function refund(Terms calldata terms) external nonReentrant {
        if (msg.sender != terms.seller) revert NotAllowed(msg.sender);
        (bytes32 escrowId, Record storage record) = _expectOpen(terms);
        _refund(escrowId, record, terms);
    }

    // Parts

    /// @inheritdoc IEscrow
    function releasePart(Terms calldata terms, uint256 amount) external nonReentrant {
        if (msg.sender != terms.buyer) revert NotAllowed(msg.sender);
        _releaseAmount(terms, amount, msg.sender);
    }

    /// @inheritdoc IEscrow
    function releaseSigned(Terms calldata terms, uint256 amount, uint256 nonce, uint64 deadline, bytes calldata signature) external nonReentrant {
        _checkInTime(deadline);
        bytes32 escrowId = escrowIdOf(terms);
        _checkSignature(terms.buyer, hashRelease(escrowId, amount, nonce, deadline), signature);
        _useSignature(terms.buyer, nonce, escrowId);
        _releaseAmount(terms, amount, terms.buyer);
    }

    /// @inheritdoc IEscrow
    function voidSignature(uint256 nonce) external {
        _useSignature(msg.sender, nonce, bytes32(0));
    }

    /// @inheritdoc IEscrow
    function refundPart(Terms calldata terms, uint256 amount) external nonReentrant {
        if (msg.sender != terms.seller) revert NotAllowed(msg.sender);
        (bytes32 escrowId, Record storage record) = _expectOpen(terms);
        if (amount == record.held) return _refund(escrowId, record, terms);
        uint256 left = _takePart(record, amount);
        emit PartRefunded(escrowId, terms.orderId, msg.sender, amount, left);
        _pay(terms.asset, terms.buyer, amount);
    }

    // Settlements

    /// @inheritdoc IEscrow
    function offerSettlement(Terms calldata terms, uint256 toSeller) external nonReentrant {
        _checkParty(terms);
        (bytes32 escrowId, Record storage record) = _expectOpen(terms);
        uint256 held = record.held;
        if (toSeller > held) revert SplitTooLarge(toSeller, held);
        _settlements[escrowId][msg.sender] = held << 128 | toSeller;
        emit SettlementOffered(escrowId, terms.orderId, msg.sender, toSeller, held);
    }

    /// @inheritdoc IEscrow
    function withdrawSettlement(Terms calldata terms) external nonReentrant {
        _checkParty(terms);
        bytes32 escrowId = escrowIdOf(terms);
        delete _settlements[escrowId][msg.sender];
        emit SettlementWithdrawn(escrowId, terms.orderId, msg.sender);
    }

    /// @inheritdoc IEscrow
    function acceptSettlement(Terms calldata terms, uint256 toSeller) external nonReentrant {
        _checkParty(terms);
        (bytes32 escrowId, Record storage record) = _expectOpen(terms);
        address other = msg.sender == terms.buyer ? terms.seller : terms.buyer;
        // The upper half keeps an offer from another state of the money from being accepted for this one.
        if (toSeller > record.held || _settlements[escrowId][other] != (uint256(record.held) << 128 | toSeller)) revert NoSuchOffer(other, toSeller);
        uint256 toBuyer = _close(record, State.SETTLED) - toSeller;
        uint256 fee = toSeller * terms.feeBps / BPS;
        emit Settled(escrowId, terms.orderId, msg.sender, toSeller - fee, toBuyer, fee);
        _payThree(terms, toSeller - fee, toBuyer, fee);
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
        (bytes32 escrowId, Record storage record) = _expectOpen(terms);
        if (record.state != State.DISPUTED && record.state != State.APPEALED) revert WrongState(record.state);
        emit EvidenceAdded(escrowId, terms.orderId, msg.sender, evidence);
    }

    /// @inheritdoc IEscrow
    function rule(Terms calldata terms, uint256 toSeller, bytes32 reason) external nonReentrant {
        if (msg.sender != terms.arbiter) revert NotAllowed(msg.sender);
        (bytes32 escrowId, Record storage record) = _expect(terms, State.DISPUTED);
        _checkInTime(record.deadline);
        if (toSeller > record.held) revert SplitTooLarge(toSeller, record.held);
        if (record.appealable) _propose(escrowId, record, terms, toSeller, reason);
        else _rule(escrowId, record, terms, toSeller, false, reason);
    }

    // Appeals

    /// @inheritdoc IEscrow
    function appeal(Terms calldata terms, bytes32 evidence) external nonReentrant {
        _checkParty(terms);
        (bytes32 escrowId, Record storage record) = _expect(terms, State.PROPOSED);
        _checkInTime(record.deadline);
        uint64 ends = uint64(block.timestamp) + _appeals[escrowId].courtTime;
        (record.state, record.deadline) = (State.APPEALED, ends);
        emit Appealed(escrowId, terms.orderId, msg.sender, evidence, ends);
    }

    /// @inheritdoc IEscrow
    function ruleAppeal(Terms calldata terms, uint256 toSeller, bytes32 reason) external nonReentrant {
        (bytes32 escrowId, Record storage record) = _expect(terms, State.APPEALED);
        if (msg.sender != _appeals[escrowId].court) revert NotAllowed(msg.sender);
        _checkInTime(record.deadline);
        if (toSeller > record.held) revert SplitTooLarge(toSeller, record.held);
        _rule(escrowId, record, terms, toSeller, false, reason);
    }

    /// @inheritdoc IEscrow
    function finishRuling(Terms calldata terms) external nonReentrant {
        (bytes32 escrowId, Record storage record) = _expectOpen(terms);
        if (record.state != State.PROPOSED && record.state != State.APPEALED) revert WrongState(record.state);
        _checkExpired(record.deadline);
        _rule(escrowId, record, terms, _appeals[escrowId].toSeller, false, bytes32(0));
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
        _release(escrowId, record, terms, msg.sender);
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

    /// @inheritdoc IEscrow
    function appealOf(bytes32 escrowId) external view returns (AppealTerms memory appeal_, uint256 toSeller) {
        Appeal storage found = _appeals[escrowId];
        return (AppealTerms({court: found.court, window: found.window, courtTime: found.courtTime}), found.toSeller);
    }

    /// @inheritdoc IEscrow
    function settlementOf(bytes32 escrowId, address party) external view returns (uint256 toSeller, uint256 held) {
        uint256 split = _settlements[escrowId][party];
        return (uint128(split), split >> 128);
    }

    /// @inheritdoc IEscrow
    function hashRelease(bytes32 escrowId, uint256 amount, uint256 nonce, uint64 deadline) public view returns (bytes32 digest) {
        return _hashTypedData(keccak256(abi.encode(RELEASE_TYPEHASH, escrowId, amount, nonce, deadline)));
    }

    /// @inheritdoc IEscrow
    function signatureUsed(address signer, uint256 nonce) external view returns (bool) {
        return _signatures[signer].get(nonce);
    }

    // The ends. Each closes the record before any money moves.

    /// @dev The fee is rounded down, the dust goes to the seller.
    function _release(bytes32 escrowId, Record storage record, Terms calldata terms, address by) private {
        uint256 held = _close(record, State.RELEASED);
        uint256 fee = held * terms.feeBps / BPS;
        emit Released(escrowId, terms.orderId, by, held - fee, fee);
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
        _payThree(terms, gross - fee, toBuyer, fee);
    }

    /// @dev An appealable ruling waits, and so does the money.
    function _propose(bytes32 escrowId, Record storage record, Terms calldata terms, uint256 toSeller, bytes32 reason) private {
        Appeal storage found = _appeals[escrowId];
        found.toSeller = uint128(toSeller);
        uint64 ends = uint64(block.timestamp) + found.window;
        (record.state, record.deadline) = (State.PROPOSED, ends);
        emit RulingProposed(escrowId, terms.orderId, msg.sender, toSeller, reason, ends);
    }

    /// @dev All that is held ends the escrow, less goes on.
    function _releaseAmount(Terms calldata terms, uint256 amount, address by) private {
        (bytes32 escrowId, Record storage record) = _expectOpen(terms);
        if (amount == record.held) return _release(escrowId, record, terms, by);
        uint256 left = _takePart(record, amount);
        uint256 fee = amount * terms.feeBps / BPS;
        emit PartReleased(escrowId, terms.orderId, by, amount - fee, fee, left);
        _pay(terms.asset, terms.feeReceiver, fee);
        _pay(terms.asset, terms.seller, amount - fee);
    }

    /// @dev Not once a dispute runs: a ruling is about what is held, and a party that could change that by one unit could make every ruling fail until the arbiter's
    ///  time is over.
    function _takePart(Record storage record, uint256 amount) private returns (uint256 left) {
        if (record.state != State.FUNDED && record.state != State.SHIPPED) revert WrongState(record.state);
        uint256 held = record.held;
        if (amount == 0 || amount > held) revert BadPart(amount, held);
        left = held - amount;
        record.held = uint128(left);
    }

    function _payThree(Terms calldata terms, uint256 toSeller, uint256 toBuyer, uint256 fee) private {
        _pay(terms.asset, terms.feeReceiver, fee);
        _pay(terms.asset, terms.seller, toSeller);
        _pay(terms.asset, terms.buyer, toBuyer);
    }

    function _close(Record storage record, State end) private returns (uint256 held) {
        held = record.held;
        (record.state, record.deadline, record.held) = (end, 0, 0);
    }

    // Money in, in detail

    function _fund(Terms calldata terms, bool appealable) private returns (bytes32 escrowId) {
        if (msg.sender != terms.buyer) revert NotAllowed(msg.sender);
        _checkTerms(terms);
        escrowId = escrowIdOf(terms);
        Record storage record = _records[escrowId];
        if (record.state != State.NONE) revert WrongState(record.state);
        uint256 received = terms.asset == address(0) ? _takeNative(terms.amount) : _takeToken(terms.asset, terms.amount);
        _records[escrowId] = Record({state: State.FUNDED, appealable: appealable, deadline: terms.shipBy, held: uint128(received)});
        _emitFunded(escrowId, terms, received);
    }

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

    /// @dev A court that is a party, or the arbiter again, would be no second judgement.
    function _checkAppeal(Terms calldata terms, AppealTerms calldata appeal_) private pure {
        address court = appeal_.court;
        if (court == terms.buyer || court == terms.seller || court == terms.arbiter) revert BadTerms("court");
        if (appeal_.window == 0 || appeal_.window > MAX_WINDOW) revert BadTerms("window");
        if (appeal_.courtTime == 0 || appeal_.courtTime > MAX_WINDOW) revert BadTerms("courtTime");
    }

    /// @dev ECDSA first, as an EIP-7702 account whose delegate lacks ERC-1271 must still be able to sign with its key.
    function _checkSignature(address signer, bytes32 digest, bytes calldata signature) private view {
        address recovered = ECDSA.tryRecoverCalldata(digest, signature);
        if (recovered != address(0) && recovered == signer) return;
        if (!SignatureCheckerLib.isValidERC1271SignatureNowCalldata(signer, digest, signature)) revert BadSignature(signer);
    }

    /// @dev A nonce is used up, never a signature: those can be written in several ways.
    function _useSignature(address signer, uint256 nonce, bytes32 escrowId) private {
        if (!_signatures[signer].toggle(nonce)) revert NonceUsed(signer, nonce);
        emit SignatureUsed(signer, nonce, escrowId);
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
        bool open = state == State.FUNDED || state == State.SHIPPED || state == State.DISPUTED || state == State.PROPOSED || state == State.APPEALED;
        if (!open) revert WrongState(state);
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("ASOUD Escrow", "1");
    }
}
