// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IGate} from "./IGate.sol";
import {IPayouts} from "./IPayouts.sol";

/// @title The escrow: holds the money of a shop order until the parties, a deadline or an arbiter say whose it is.
/// @notice An escrow is known by the hash of its terms. The terms travel in every call and the contract stores one word per escrow, so nobody, the platform
///  included, can change them after funding.
/// @dev States: NONE -fund-> FUNDED -ship-> SHIPPED -dispute-> DISPUTED, and the ends RELEASED, REFUNDED, RULED.
///  The buyer may release and the seller may refund from every state that is not an end. When nobody acts:
///  FUNDED ends in a refund after `shipBy`, SHIPPED in a release after `inspection` seconds, DISPUTED in the split that the terms name after `ruling` seconds; anyone
///  may trigger these. The fee is taken from what the seller gets, never from a refund. A payment that its receiver refuses is credited to it.
///
///  From every open state the parties may also settle on a split of their own (SETTLED), and before a dispute they may pay out parts. An escrow that was
///  funded with `AppealTerms` can be appealed once: DISPUTED -rule-> PROPOSED -appeal-> APPEALED -ruleAppeal-> RULED. When nobody appeals in time, or the court stays
///  silent, `finishRuling` makes the arbiter's ruling good; anyone may trigger it.
interface IEscrow is IPayouts, IGate {
    enum State {
        NONE,
        FUNDED,
        SHIPPED,
        DISPUTED,
        RELEASED,
        REFUNDED,
        RULED,
        PROPOSED,
        APPEALED,
        SETTLED
    }

    /// @notice What the buyer agrees to by funding. All fields are part of the escrow's id.
    struct Terms {
        bytes32 orderId;
        address buyer;
        address seller;
        address arbiter;
        /// @dev Zero is the chain's native coin.
        address asset;
        uint256 amount;
        address feeReceiver;
        /// @dev Ten-thousandths of what the seller gets, at most `MAX_FEE_BPS`.
        uint16 feeBps;
        /// @dev What the seller gets of the held amount when the arbiter stays silent, in ten-thousandths.
        uint16 silenceSellerBps;
        /// @dev Seconds since 1970: until and with this second the seller may ship.
        uint64 shipBy;
        /// @dev Seconds after shipping in which the buyer may dispute.
        uint32 inspection;
        /// @dev Seconds after the dispute in which the arbiter may rule.
        uint32 ruling;
    }

    /// @notice Who judges an appeal against the arbiter. Part of the escrow from funding on; all zero means no appeal.
    struct AppealTerms {
        /// @dev Usually the timelock of the DAO.
        address court;
        /// @dev Seconds after the arbiter's ruling in which a party may appeal.
        uint32 window;
        /// @dev Seconds after the appeal in which the court may rule. For a DAO: more than voting delay, voting period, late-quorum extension and timelock together.
        uint32 courtTime;
    }

    /// @notice An ERC-2612 permit of the buyer for this contract; a zero `deadline` means none.
    struct Permit {
        uint256 value;
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @notice The buyer paid. `received` is what arrived (a token may take a fee on the way) and what the escrow holds.
    event Funded(
        bytes32 indexed escrowId,
        bytes32 indexed orderId,
        address indexed buyer,
        address seller,
        address arbiter,
        address asset,
        uint256 amount,
        uint256 received,
        address feeReceiver,
        uint16 feeBps,
        uint16 silenceSellerBps,
        uint64 shipBy,
        uint32 inspection,
        uint32 ruling
    );

    /// @notice The seller shipped; the buyer may dispute until and with `inspectionEnds`.
    /// @param proof Hash of whatever shows the shipment; zero for none.
    event Shipped(bytes32 indexed escrowId, bytes32 indexed orderId, bytes32 proof, uint64 inspectionEnds);

    /// @notice The money went to the seller. `toSeller` + `fee` is all that was held.
    /// @param by The buyer, or whoever triggered the end of the inspection.
    event Released(bytes32 indexed escrowId, bytes32 indexed orderId, address indexed by, uint256 toSeller, uint256 fee);

    /// @notice The money went back to the buyer: all that was held.
    /// @param by The seller, or whoever triggered the end of the shipping deadline.
    event Refunded(bytes32 indexed escrowId, bytes32 indexed orderId, address indexed by, uint256 toBuyer);

    /// @notice The arbiter was called; it may rule until and with `rulingEnds`.
    event Disputed(bytes32 indexed escrowId, bytes32 indexed orderId, address indexed by, bytes32 evidence, uint64 rulingEnds);

    /// @notice A party added evidence to an open dispute.
    event EvidenceAdded(bytes32 indexed escrowId, bytes32 indexed orderId, address indexed by, bytes32 evidence);

    /// @notice The held amount was split: `toSeller` + `fee` + `toBuyer` is all that was held.
    /// @param by The arbiter, or whoever triggered the end of its time.
    /// @param silent Whether this is the split of the terms because the arbiter stayed silent.
    event Ruled(
        bytes32 indexed escrowId, bytes32 indexed orderId, address indexed by, bool silent, uint256 toSeller, uint256 toBuyer, uint256 fee, bytes32 reason
    );

    /// @notice The escrow can be appealed. Follows `Funded`.
    event AppealAgreed(bytes32 indexed escrowId, bytes32 indexed orderId, address indexed court, uint32 window, uint32 courtTime);

    /// @notice A part went to the seller: `toSeller` + `fee`; `left` is still held.
    event PartReleased(bytes32 indexed escrowId, bytes32 indexed orderId, address indexed by, uint256 toSeller, uint256 fee, uint256 left);

    /// @notice A part went back to the buyer; `left` is still held.
    event PartRefunded(bytes32 indexed escrowId, bytes32 indexed orderId, address indexed by, uint256 toBuyer, uint256 left);

    /// @notice A signature with this nonce was used, or voided by its signer (then `escrowId` is zero).
    event SignatureUsed(address indexed signer, uint256 indexed nonce, bytes32 indexed escrowId);

    /// @notice A party offers to split what is held: `toSeller` before the fee, the rest to the buyer. Takes the place of its earlier offer.
    event SettlementOffered(bytes32 indexed escrowId, bytes32 indexed orderId, address indexed by, uint256 toSeller, uint256 held);

    /// @notice A party took its offer back.
    event SettlementWithdrawn(bytes32 indexed escrowId, bytes32 indexed orderId, address indexed by);

    /// @notice The parties agreed: `toSeller` + `fee` + `toBuyer` is all that was held.
    /// @param by Who accepted.
    event Settled(bytes32 indexed escrowId, bytes32 indexed orderId, address indexed by, uint256 toSeller, uint256 toBuyer, uint256 fee);

    /// @notice The arbiter ruled on an escrow that can be appealed, until and with `appealEnds`. `toSeller` is before the fee.
    event RulingProposed(bytes32 indexed escrowId, bytes32 indexed orderId, address indexed by, uint256 toSeller, bytes32 reason, uint64 appealEnds);

    /// @notice A party appealed; the court may rule until and with `courtEnds`.
    event Appealed(bytes32 indexed escrowId, bytes32 indexed orderId, address indexed by, bytes32 evidence, uint64 courtEnds);

    /// @notice The signature is neither the buyer's own nor accepted by it as ERC-1271 wallet.
    error BadSignature(address signer);

    /// @notice The nonce was used, or voided by its signer.
    error NonceUsed(address signer, uint256 nonce);

    /// @notice The other party offers no such split of what is held now.
    error NoSuchOffer(address party, uint256 toSeller);

    /// @notice A part must be more than nothing and at most what is held.
    error BadPart(uint256 amount, uint256 held);

    /// @notice The terms cannot be funded; `field` says what is wrong.
    error BadTerms(string field);

    /// @notice The escrow is in a state from which this cannot be done.
    error WrongState(State state);

    /// @notice The caller has no say in this.
    error NotAllowed(address caller);

    /// @notice The time for this is over.
    error TooLate(uint64 deadline);

    /// @notice The time for this has not come.
    error TooEarly(uint64 deadline);

    /// @notice The value sent with the call is not what the terms ask.
    error WrongValue(uint256 sent, uint256 need);

    /// @notice The token did not pay.
    error PaymentFailed(address asset, uint256 amount);

    /// @notice A split gives away more than is held.
    error SplitTooLarge(uint256 toSeller, uint256 held);

    /// @notice NONE -> FUNDED. Only the buyer; native coin as value, tokens by allowance.
    function fund(Terms calldata terms) external payable returns (bytes32 escrowId);

    /// @notice As `fund`, with the right to appeal, and by permit if there is one. A permit that fails (somebody may have used it before) does no harm: the allowance
    ///  decides.
    function fundWith(Terms calldata terms, AppealTerms calldata appeal_, Permit calldata permit) external payable returns (bytes32 escrowId);

    /// @notice FUNDED -> SHIPPED. Only the seller, until `shipBy`.
    function ship(Terms calldata terms, bytes32 proof) external;

    /// @notice Any open state -> RELEASED. Only the buyer.
    function release(Terms calldata terms) external;

    /// @notice Any open state -> REFUNDED. Only the seller.
    function refund(Terms calldata terms) external;

    /// @notice Pays a part to the seller; all that is held ends the escrow as `release` does. From FUNDED or SHIPPED. Only the buyer.
    function releasePart(Terms calldata terms, uint256 amount) external;

    /// @notice Pays a part back to the buyer; all that is held ends the escrow as `refund` does. From FUNDED or SHIPPED. Only the seller.
    function refundPart(Terms calldata terms, uint256 amount) external;

    /// @notice `releasePart` by the buyer's signature, sent by anyone. All that is held may be released from every open state.
    /// @param signature Over `Release(bytes32 escrowId,uint256 amount,uint256 nonce,uint64 deadline)`, EIP-712 domain "ASOUD Escrow", version "1".
    function releaseSigned(Terms calldata terms, uint256 amount, uint256 nonce, uint64 deadline, bytes calldata signature) external;

    /// @notice Voids whatever the caller signed with `nonce`.
    function voidSignature(uint256 nonce) external;

    /// @notice Offers the other party a split of what is held now. Buyer or seller, in every open state.
    function offerSettlement(Terms calldata terms, uint256 toSeller) external;

    /// @notice Takes the caller's offer back.
    function withdrawSettlement(Terms calldata terms) external;

    /// @notice Any open state -> SETTLED, by the split that the other party offers. Buyer or seller.
    function acceptSettlement(Terms calldata terms, uint256 toSeller) external;

    /// @notice PROPOSED -> APPEALED. Buyer or seller, in the window.
    function appeal(Terms calldata terms, bytes32 evidence) external;

    /// @notice APPEALED -> RULED. Only the court, in its time; as `rule`.
    function ruleAppeal(Terms calldata terms, uint256 toSeller, bytes32 reason) external;

    /// @notice PROPOSED or APPEALED -> RULED by the arbiter's ruling, when the window or the court's time is over. Anyone.
    function finishRuling(Terms calldata terms) external;

    /// @notice SHIPPED -> DISPUTED. Buyer or seller, while the inspection runs.
    function dispute(Terms calldata terms, bytes32 evidence) external;

    /// @notice Adds evidence to an open dispute, or to an appeal. Buyer or seller.
    function addEvidence(Terms calldata terms, bytes32 evidence) external;

    /// @notice DISPUTED -> RULED, or PROPOSED when the escrow can be appealed. Only the arbiter, while its time runs. The fee is taken from `toSeller`; the rest of what is held goes to the buyer.
    /// @param toSeller The seller's part before the fee, in the smallest unit.
    function rule(Terms calldata terms, uint256 toSeller, bytes32 reason) external;

    /// @notice FUNDED -> REFUNDED after `shipBy`. Anyone.
    function refundExpired(Terms calldata terms) external;

    /// @notice SHIPPED -> RELEASED after the inspection. Anyone.
    function releaseExpired(Terms calldata terms) external;

    /// @notice DISPUTED -> RULED by `silenceSellerBps` after the arbiter's time. Anyone.
    function ruleExpired(Terms calldata terms) external;

    /// @notice keccak256(abi.encode(chain id, this contract, terms)).
    function escrowIdOf(Terms calldata terms) external view returns (bytes32 escrowId);

    /// @notice Where an escrow stands. `deadline` is that of the present state (zero in an end state, where `held` is zero too).
    function escrow(bytes32 escrowId) external view returns (State state, uint64 deadline, uint256 held);

    /// @notice Who judges an appeal, and what the arbiter ruled (before the fee; zero until then).
    function appealOf(bytes32 escrowId) external view returns (AppealTerms memory appeal_, uint256 toSeller);

    /// @notice What `party` offers: `held` zero means nothing. An offer stands while exactly that is held.
    function settlementOf(bytes32 escrowId, address party) external view returns (uint256 toSeller, uint256 held);

    /// @notice The digest of a release that the buyer signs.
    function hashRelease(bytes32 escrowId, uint256 amount, uint256 nonce, uint64 deadline) external view returns (bytes32 digest);

    /// @notice Whether a nonce of `signer` was used or voided.
    function signatureUsed(address signer, uint256 nonce) external view returns (bool);

    /// @notice The highest fee that terms may name, in ten-thousandths.
    function MAX_FEE_BPS() external view returns (uint16);

    /// @notice The longest that any single deadline may lie ahead, in seconds.
    function MAX_WINDOW() external view returns (uint32);
}
