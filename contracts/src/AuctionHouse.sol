// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAuctionHouse} from "../interfaces/IAuctionHouse.sol";
import {Settlement} from "./Settlement.sol";

/// @title The auction house.
/// @dev Invariant: of each asset it has at least the highest bids of all live auctions, the credits, and of the native coin the fees; it owns the token of every
///  live auction of a collection that keeps to ERC-721.
contract AuctionHouse is IAuctionHouse, Settlement {
    /// @dev Two words: the second one changes with every bid, the first one with the first and the late ones.
    struct Record {
        State state;
        uint16 feeBps;
        uint64 end;
        address bidder;
        uint96 amount;
    }

    /// @inheritdoc IAuctionHouse
    uint32 public constant MAX_DURATION = 90 days;

    /// @inheritdoc IAuctionHouse
    uint32 public constant MAX_EXTENSION = 1 days;

    /// @dev What a collection may burn to deliver; with FAIR_DELIVERY_GAS left 63/64 are enough for that, so that nobody voids an auction by sending little gas.
    uint256 private constant DELIVERY_GAS = 500_000;
    uint256 private constant FAIR_DELIVERY_GAS = 530_000;

    mapping(bytes32 auctionId => Record record) private _records;

    constructor(address manager, address feeReceiver, uint16 feeBps, address[] memory currencies) Settlement(manager, feeReceiver, feeBps, currencies) {}

    // The seller

    /// @inheritdoc IAuctionHouse
    function create(Auction calldata auction) external whenOpen returns (bytes32 auctionId) {
        if (msg.sender != auction.seller) revert NotSeller(msg.sender);
        _checkTerms(auction);
        auctionId = auctionIdOf(auction);
        Record storage record = _records[auctionId];
        if (record.state != State.NONE) revert WrongAuctionState(record.state);
        (record.state, record.feeBps) = (State.OPEN, _feeBps());
        _emitCreated(auctionId, auction, record.feeBps);
    }

    /// @inheritdoc IAuctionHouse
    function cancel(Auction calldata auction) external nonReentrant {
        if (msg.sender != auction.seller) revert NotSeller(msg.sender);
        (bytes32 auctionId, Record storage record) = _expect(auction, State.OPEN);
        record.state = State.CANCELLED;
        emit AuctionCancelled(auctionId);
    }

    // Bids

    /// @inheritdoc IAuctionHouse
    function bid(Auction calldata auction, uint256 amount) external payable whenOpen nonReentrant {
        if (msg.sender == auction.seller) revert OwnAuction();
        bytes32 auctionId = auctionIdOf(auction);
        Record storage record = _records[auctionId];
        uint256 least = _leastBid(auction, record);
        if (amount < least || amount > type(uint96).max) revert BidTooLow(amount, least);
        _takeBid(auction.currency, amount);
        if (record.state == State.OPEN) _start(auction, record);
        else if (block.timestamp > record.end) revert WrongTime(auction.start, record.end);
        if (record.end < block.timestamp + auction.extension) record.end = uint64(block.timestamp) + auction.extension;
        (address toppedBidder, uint256 topped) = (record.bidder, record.amount);
        (record.bidder, record.amount) = (msg.sender, uint96(amount));
        emit BidPlaced(auctionId, msg.sender, amount, record.end);
        _pay(auction.currency, toppedBidder, topped);
    }

    /// @dev The token comes here before anybody's money is bound.
    function _start(Auction calldata auction, Record storage record) private {
        if (block.timestamp < auction.start) revert WrongTime(auction.start, 0);
        (record.state, record.end) = (State.LIVE, uint64(block.timestamp) + auction.duration);
        _move(Standard.ERC721, auction.collection, auction.seller, address(this), auction.tokenId, 1);
    }

    function _takeBid(address currency, uint256 amount) private {
        uint256 value = currency == address(0) ? amount : 0;
        if (msg.value != value) revert WrongValue(msg.value, value);
        if (value == 0 && !_takeExactly(currency, msg.sender, amount)) revert PaymentFailed(currency, address(this), amount);
    }

    // The end

    /// @inheritdoc IAuctionHouse
    function settle(Auction calldata auction) external nonReentrant {
        (bytes32 auctionId, Record storage record) = _expect(auction, State.LIVE);
        if (block.timestamp <= record.end) revert WrongTime(auction.start, record.end);
        (address winner, uint256 amount) = (record.bidder, record.amount);
        if (gasleft() < FAIR_DELIVERY_GAS) revert NotEnoughGas();
        record.state = State.SETTLED;
        try this.deliver{gas: DELIVERY_GAS}(auction.collection, auction.tokenId, winner) {
            emit AuctionSettled(auctionId, winner, amount);
            _payOut(auctionId, auction, record);
        } catch {
            record.state = State.VOIDED;
            emit AuctionVoided(auctionId, winner, amount);
            _pay(auction.currency, winner, amount);
        }
    }

    /// @inheritdoc IAuctionHouse
    function reclaim(Auction calldata auction) external nonReentrant {
        (bytes32 auctionId, Record storage record) = _expect(auction, State.VOIDED);
        record.state = State.CANCELLED;
        emit TokenReclaimed(auctionId, auction.seller);
        _move(Standard.ERC721, auction.collection, address(this), auction.seller, auction.tokenId, 1);
    }

    /// @inheritdoc IAuctionHouse
    function deliver(address collection, uint256 tokenId, address winner) external {
        if (msg.sender != address(this)) revert NotSelf();
        _move(Standard.ERC721, collection, address(this), winner, tokenId, 1);
    }

    /// @dev The winning bid is here since it was made.
    function _payOut(bytes32 auctionId, Auction calldata auction, Record storage record) private {
        Sale memory sale;
        (sale.digest, sale.seller, sale.buyer, sale.kind) = (auctionId, auction.seller, record.bidder, SaleKind.AUCTION);
        (sale.collection, sale.tokenId, sale.quantity, sale.currency) = (auction.collection, auction.tokenId, 1, auction.currency);
        (sale.price, sale.feeBps) = (record.amount, record.feeBps);
        Split memory split = _splitOf(sale);
        if (sale.currency == address(0)) {
            _payInNative(sale.seller, split);
        } else {
            _pay(sale.currency, _feeReceiverNow(), split.fee);
            _pay(sale.currency, split.royaltyReceiver, split.royalty);
            _pay(sale.currency, sale.seller, split.proceeds);
        }
        _emitSold(sale, split);
    }

    // Views

    /// @inheritdoc IAuctionHouse
    function auctionIdOf(Auction calldata auction) public view returns (bytes32 auctionId) {
        return keccak256(abi.encode(block.chainid, address(this), auction));
    }

    /// @inheritdoc IAuctionHouse
    function auctionState(bytes32 auctionId) external view returns (State state, uint64 end, address bidder, uint256 amount) {
        Record storage record = _records[auctionId];
        return (record.state, record.end, record.bidder, record.amount);
    }

    /// @inheritdoc IAuctionHouse
    function leastBid(Auction calldata auction) external view returns (uint256 amount) {
        return _leastBid(auction, _records[auctionIdOf(auction)]);
    }

    // Small parts

    /// @dev At least one unit more than the bid before, however small that was.
    function _leastBid(Auction calldata auction, Record storage record) private view returns (uint256) {
        if (record.state == State.OPEN) return auction.reserve;
        if (record.state != State.LIVE) revert WrongAuctionState(record.state);
        uint256 more = _share(record.amount, auction.incrementBps);
        return uint256(record.amount) + (more == 0 ? 1 : more);
    }

    function _checkTerms(Auction calldata auction) private view {
        if (auction.collection.code.length == 0) revert BadAuction("collection");
        _checkCurrency(auction.currency);
        if (auction.reserve == 0) revert BadAuction("reserve");
        if (auction.start > block.timestamp + MAX_DURATION) revert BadAuction("start");
        if (auction.duration == 0 || auction.duration > MAX_DURATION) revert BadAuction("duration");
        if (auction.extension > MAX_EXTENSION) revert BadAuction("extension");
        if (auction.incrementBps == 0 || auction.incrementBps > BPS) revert BadAuction("incrementBps");
    }

    /// @dev Apart from `create`, for the stack's sake.
    function _emitCreated(bytes32 auctionId, Auction calldata auction, uint16 feeBps) private {
        emit AuctionCreated(
            auctionId,
            auction.seller,
            auction.collection,
            auction.tokenId,
            auction.currency,
            auction.reserve,
            auction.start,
            auction.duration,
            auction.extension,
            auction.incrementBps,
            auction.salt,
            feeBps
        );
    }

    function _expect(Auction calldata auction, State state) private view returns (bytes32 auctionId, Record storage record) {
        auctionId = auctionIdOf(auction);
        record = _records[auctionId];
        if (record.state != state) revert WrongAuctionState(record.state);
    }
}
