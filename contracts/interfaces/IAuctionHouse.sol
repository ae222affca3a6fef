// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISettlement} from "./ISettlement.sol";

/// @title The auction house: English auctions of single ERC-721 tokens, with reserve, least increment and extension by late bids.
/// @notice An auction is known by the hash of its terms, which travel in every call. The clock starts with the first bid, which also brings the token here; from
///  then on the auction ends in a sale, or, when the collection does not hand the token out again, with the money back at the bidder.
/// @dev States: NONE -create-> OPEN -bid-> LIVE -settle-> SETTLED, or VOIDED when the token cannot be delivered; OPEN -cancel-> CANCELLED. A bid that was topped is
///  paid back at once, or credited when its bidder refuses it. A sale is told by `Sold` with the auction's id as digest and nonce zero. The fee is that of the day
///  of creation. Tokens whose balances change by themselves cannot be bid with.
interface IAuctionHouse is ISettlement {
    enum State {
        NONE,
        OPEN,
        LIVE,
        SETTLED,
        CANCELLED,
        VOIDED
    }

    /// @notice What the seller offers. All fields are part of the auction's id.
    struct Auction {
        address seller;
        address collection;
        uint256 tokenId;
        /// @dev Zero is the native coin; anything else must be on the allow-list when the auction is created.
        address currency;
        /// @dev The least first bid; at least 1.
        uint96 reserve;
        /// @dev Seconds since 1970: no bid before.
        uint64 start;
        /// @dev Seconds from the first bid to the end, at most `MAX_DURATION`.
        uint32 duration;
        /// @dev A bid leaves at least so many seconds to answer it; at most `MAX_EXTENSION`.
        uint32 extension;
        /// @dev Ten-thousandths by which a bid tops the one before, 1 to 10,000.
        uint16 incrementBps;
        /// @dev Tells auctions of the same terms apart.
        uint256 salt;
    }

    /// @notice An auction is open for its first bid. The seller approves the token; it stays with the seller until then.
    event AuctionCreated(
        bytes32 indexed auctionId,
        address indexed seller,
        address indexed collection,
        uint256 tokenId,
        address currency,
        uint96 reserve,
        uint64 start,
        uint32 duration,
        uint32 extension,
        uint16 incrementBps,
        uint256 salt,
        uint16 feeBps
    );

    /// @notice The highest bid is now `amount` of `bidder`; the auction ends with the second `end`.
    event BidPlaced(bytes32 indexed auctionId, address indexed bidder, uint256 amount, uint64 end);

    /// @notice The token went to the winner. `Sold` tells of the money.
    event AuctionSettled(bytes32 indexed auctionId, address indexed winner, uint256 amount);

    /// @notice The seller took the auction back before the first bid.
    event AuctionCancelled(bytes32 indexed auctionId);

    /// @notice The token could not be delivered; the bid went back.
    event AuctionVoided(bytes32 indexed auctionId, address indexed bidder, uint256 amount);

    /// @notice The seller of a voided auction has its token back.
    event TokenReclaimed(bytes32 indexed auctionId, address indexed seller);

    /// @notice The terms cannot be auctioned; `field` says what is wrong.
    error BadAuction(string field);

    /// @notice The auction is in a state from which this cannot be done.
    error WrongAuctionState(State state);

    /// @notice Only the seller may do this.
    error NotSeller(address caller);

    /// @notice A seller does not bid.
    error OwnAuction();

    /// @notice The bid is below `least`.
    error BidTooLow(uint256 amount, uint256 least);

    /// @notice Bids are taken from `start` until and with `end`; a settlement comes after.
    error WrongTime(uint64 start, uint64 end);

    /// @notice Only the contract itself calls this.
    error NotSelf();

    /// @notice NONE -> OPEN. Only the seller.
    function create(Auction calldata auction) external returns (bytes32 auctionId);

    /// @notice OPEN -> CANCELLED. Only the seller.
    function cancel(Auction calldata auction) external;

    /// @notice Bids `amount`: native coin as value, tokens by allowance. OPEN -> LIVE, or stays LIVE.
    function bid(Auction calldata auction, uint256 amount) external payable;

    /// @notice LIVE -> SETTLED or VOIDED, after the end. Anyone.
    function settle(Auction calldata auction) external;

    /// @notice Gives the token of a voided auction back to the seller, as soon as the collection lets it. Anyone.
    function reclaim(Auction calldata auction) external;

    /// @notice Hands the token to the winner. Only the contract itself.
    function deliver(address collection, uint256 tokenId, address winner) external;

    /// @notice keccak256(abi.encode(chain id, this contract, auction)).
    function auctionIdOf(Auction calldata auction) external view returns (bytes32 auctionId);

    /// @notice Where an auction stands. `end`, `bidder` and `amount` are zero before the first bid.
    function auctionState(bytes32 auctionId) external view returns (State state, uint64 end, address bidder, uint256 amount);

    /// @notice The least that a bid must be now.
    function leastBid(Auction calldata auction) external view returns (uint256 amount);

    /// @notice The longest that an auction may last from its first bid, in seconds.
    function MAX_DURATION() external view returns (uint32);

    /// @notice The longest extension by a late bid, in seconds.
    function MAX_EXTENSION() external view returns (uint32);
}
