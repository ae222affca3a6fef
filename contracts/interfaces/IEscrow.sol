// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPayouts} from "./IPayouts.sol";

/// @title The escrow: holds the money of a shop order until the parties, a deadline or an arbiter say whose it is.
/// @notice An escrow is known by the hash of its terms. The terms travel in every call and the contract stores one word per escrow, so nobody, the platform
///  included, can change them after funding.
/// @dev States: NONE -fund-> FUNDED -ship-> SHIPPED -dispute-> DISPUTED, and the ends RELEASED, REFUNDED, RULED.
///  The buyer may release and the seller may refund from every state that is not an end. When nobody acts:
///  FUNDED ends in a refund after `shipBy`, SHIPPED in a release after `inspection` seconds, DISPUTED in the split that the terms name after `ruling` seconds; anyone
///  may trigger these. The fee is taken from what the seller gets, never from a refund. A payment that its receiver refuses is credited to it.
interface IEscrow is IPayouts {
    enum State {
        NONE,
        FUNDED,
        SHIPPED,
        DISPUTED,
        RELEASED,
        REFUNDED,
        RULED
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

    /// @notice FUNDED -> SHIPPED. Only the seller, until `shipBy`.
    function ship(Terms calldata terms, bytes32 proof) external;

    /// @notice Any open state -> RELEASED. Only the buyer.
    function release(Terms calldata terms) external;

    /// @notice Any open state -> REFUNDED. Only the seller.
    function refund(Terms calldata terms) external;

    /// @notice SHIPPED -> DISPUTED. Buyer or seller, while the inspection runs.
    function dispute(Terms calldata terms, bytes32 evidence) external;

    /// @notice Adds evidence to an open dispute. Buyer or seller.
    function addEvidence(Terms calldata terms, bytes32 evidence) external;

    /// @notice DISPUTED -> RULED. Only the arbiter, while its time runs. The fee is taken from `toSeller`; the rest of what is held goes to the buyer.
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

    /// @notice The highest fee that terms may name, in ten-thousandths.
    function MAX_FEE_BPS() external view returns (uint16);

    /// @notice The longest that any single deadline may lie ahead, in seconds.
    function MAX_WINDOW() external view returns (uint32);
}
