// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISettlement} from "./ISettlement.sol";

/// @title The exchange: signed promises about NFTs, settled on chain.
/// @notice A seller signs a `Listing` (EIP-712, domain name "ASOUD Exchange", version "1") and nothing happens on chain until a buyer settles it.
/// @dev Every signed struct names its signer's `nonce` and `epoch`. A settlement uses the nonce up, so a signature settles at most once, and signed
///  alternatives that share a nonce exclude one another. `cancel` uses up nonces; `cancelAll` moves to the next epoch. Nonces that lie in the same block of 256
///  share a storage word, so counting up is cheaper than random nonces.
///
///  A `Listing` is the short form for the most usual sale. A `Quote` says everything else: offers for a token, for any token of a collection or any of a list
///  (a merkle tree), prices that move with time, private sales, bundles, ERC-1155 in parts.
interface IExchange is ISettlement {
    /// @notice A fixed price for one ERC-721 token.
    struct Listing {
        address seller;
        address collection;
        uint256 tokenId;
        /// @dev Zero is the chain's native coin; anything else must be on the allow-list.
        address currency;
        uint256 price;
        /// @dev The least that the seller takes after fee and royalty, in `currency`.
        uint256 minProceeds;
        /// @dev The only one who may buy; zero means anyone.
        address buyer;
        /// @dev Seconds since 1970; valid from `start` until and with `end`.
        uint64 start;
        uint64 end;
        uint256 nonce;
        uint256 epoch;
    }

    /// @notice Which way a quote goes: its maker sells, or buys.
    enum Side {
        SELL,
        BUY
    }

    /// @notice Which tokens a quote is about.
    enum Scope {
        /// @dev The token with the id `criteria`.
        TOKEN,
        /// @dev Any token of the collection, as the taker chooses; offers only. `criteria` is zero.
        COLLECTION,
        /// @dev Any token whose id is in the merkle tree with the root `criteria`; offers only. A leaf is keccak256(keccak256(abi.encode(tokenId))), pairs are sorted.
        TRAIT,
        /// @dev All of the items with `criteria` = keccak256(abi.encode(items)), together. `collection` is zero.
        BUNDLE
    }

    /// @notice The general promise: what its maker gives and wants.
    struct Quote {
        address maker;
        Side side;
        Scope scope;
        /// @dev Of the collection; ERC721 in a bundle, whose items have their own.
        Standard standard;
        address collection;
        uint256 criteria;
        /// @dev Units in all. They may go in parts to several takers; those of quotes with the same nonce are counted together.
        uint256 quantity;
        /// @dev As in a listing; an offer cannot pay in the native coin.
        address currency;
        /// @dev Price of a unit at `start` and at `end`; in between it moves along a line, rounded in favour of the maker.
        uint256 startPrice;
        uint256 endPrice;
        /// @dev The least that a seller takes for a unit after fee and royalty; zero in an offer, whose taker sets its own limit.
        uint256 minProceeds;
        /// @dev The only one who may take; zero means anyone.
        address taker;
        /// @dev Seconds since 1970; valid from `start` until and with `end`.
        uint64 start;
        uint64 end;
        uint256 nonce;
        /// @dev Voided together by `cancelGroup`; zero is no group.
        uint256 group;
        uint256 epoch;
    }

    /// @notice A part of a bundle.
    struct Item {
        Standard standard;
        address collection;
        uint256 tokenId;
        uint256 quantity;
    }

    /// @notice What the taker adds to a quote.
    struct Take {
        /// @dev The chosen token; in a TOKEN quote its `criteria`; zero in a bundle.
        uint256 tokenId;
        uint256 units;
        /// @dev The most that a buyer pays, or the least that a seller gets after fee and royalty; for all units together.
        uint256 limit;
        /// @dev That the token is in the tree of a TRAIT offer; else empty.
        bytes32[] proof;
        /// @dev The parts of a bundle, at most `MAX_ITEMS`; else empty.
        Item[] items;
        /// @dev When the maker signed many quotes at once (`hashBulk`): the way from this quote's digest to the root; pairs are sorted.
        bytes32[] bulkProof;
    }

    /// @notice Units of a quote for several were taken; the sales themselves are told by `Sold`, which follow.
    /// @dev Its nonce is used up only when `filled` reaches `quantity`.
    event QuoteFilled(bytes32 indexed digest, address indexed maker, uint256 nonce, uint256 units, uint256 filled, uint256 quantity);

    /// @notice Everything that `signer` signed with `group` is void.
    event GroupCancelled(address indexed signer, uint256 indexed group);

    /// @notice Everything that `signer` signed with `nonce` is void.
    event NonceCancelled(address indexed signer, uint256 indexed nonce);

    /// @notice Everything that `signer` signed before `epoch` is void.
    event AllCancelled(address indexed signer, uint256 epoch);

    /// @notice The signature is neither the seller's ECDSA signature nor accepted by it as ERC-1271 wallet.
    error BadSignature(address signer);

    /// @notice The nonce was used by a sale or a cancellation.
    error NonceUsed(address signer, uint256 nonce);

    /// @notice The signer has moved on to another epoch.
    error WrongEpoch(address signer, uint256 signed, uint256 current);

    /// @notice Now is not between `start` and `end`.
    error NotLive(uint64 start, uint64 end);

    /// @notice The listing is for another buyer.
    error NotForCaller(address buyer);

    /// @notice The seller cannot buy its own listing.
    error SelfSale();

    /// @notice The quote, or what is added to it, makes no sense; `field` says where.
    error BadQuote(string field);

    /// @notice The maker cancelled the group.
    error GroupVoid(address signer, uint256 group);

    /// @notice More units than are left.
    error TooManyUnits(uint256 units, uint256 left);

    /// @notice The token is not among those that the offer is for.
    error TokenNotWanted(uint256 tokenId);

    /// @notice A price that moved above what the buyer is ready to pay.
    error PriceTooHigh(uint256 price, uint256 limit);

    /// @notice Fewer sales of a sweep could be made than the caller asked for at least.
    error TooFewSales(uint256 made, uint256 wanted);

    /// @notice Only the contract itself calls this, to undo one sale of a sweep without the others.
    error OnlySelf();

    /// @notice Settles a listing for the caller: token to the caller, money to everybody else.
    /// @param signature 65 bytes (r, s, v), 64 bytes (EIP-2098), or whatever the seller's ERC-1271 wallet takes.
    function buy(Listing calldata listing, bytes calldata signature) external payable;

    /// @notice Settles a quote with the caller as the other side. Native coin that is left over comes back.
    /// @param signature As in `buy`; with a `bulkProof` it is that of `hashBulk(root)`.
    /// @return money What the buyer paid, for a quote that sells; what the seller got, for an offer.
    function take(Quote calldata quote, Take calldata how, bytes calldata signature) external payable returns (uint256 money);

    /// @notice Buys many listings in one transaction; one that fails is left out and does not stop the others. Left over coin comes back.
    /// @dev Each sale may burn `SALE_GAS` and no more. Needs that much gas before each, so that an estimate of gas never leaves one out.
    /// @param atLeast Reverts when fewer sales were made.
    /// @return made Which ones were.
    function sweep(Listing[] calldata listings, bytes[] calldata signatures, uint256 atLeast) external payable returns (bool[] memory made);

    /// @notice Takes many quotes in one transaction, as `sweep` does; the guard against a moved price is `limit`, of each.
    function sweepQuotes(Quote[] calldata quotes, Take[] calldata hows, bytes[] calldata signatures, uint256 atLeast)
        external
        payable
        returns (bool[] memory made);

    /// @notice One sale of a sweep. Only the contract itself.
    /// @param budget Native coin that the sale may use.
    /// @return spent Native coin that it used.
    function attemptListing(Listing calldata listing, bytes calldata signature, address buyer, uint256 budget) external returns (uint256 spent);

    /// @notice As `attemptListing`.
    function attemptQuote(Quote calldata quote, Take calldata how, bytes calldata signature, address taker, uint256 budget) external returns (uint256 spent);

    /// @notice Voids everything that the caller signed with one nonce; fails when that was used before, so that the caller learns of a sale in between.
    function cancel(uint256 nonce) external;

    /// @notice Voids everything that the caller signed with these nonces; passes over those that were used before.
    function cancelMany(uint256[] calldata nonces) external;

    /// @notice Voids all quotes that the caller signed, and will sign, with a group other than zero. A second time changes nothing.
    function cancelGroup(uint256 group) external;

    /// @notice Voids everything that the caller ever signed here.
    /// @return epoch The epoch that new signatures must name.
    function cancelAll() external returns (uint256 epoch);

    /// @notice The digest that the seller signs.
    function hashListing(Listing calldata listing) external view returns (bytes32 digest);

    /// @notice The digest that the maker of a quote signs: type `Quote(address maker,uint8 side,uint8 scope,uint8 standard,address collection,uint256
    ///  criteria,uint256 quantity,address currency,uint256 startPrice,uint256 endPrice,uint256 minProceeds,address taker,uint64 start,uint64 end,uint256
    ///  nonce,uint256 group,uint256 epoch)`.
    function hashQuote(Quote calldata quote) external view returns (bytes32 digest);

    /// @notice The digest that a maker signs for many quotes at once: type `BulkQuotes(bytes32 root)`; the leaves of the tree are the quotes' digests.
    function hashBulk(bytes32 root) external view returns (bytes32 digest);

    /// @notice The price of one unit now.
    function priceOf(Quote calldata quote) external view returns (uint256 price);

    /// @notice Units that went already, of a quote for several.
    function filledOf(address signer, uint256 nonce) external view returns (uint256 units);

    /// @notice Whether `signer` cancelled `group`.
    function groupCancelled(address signer, uint256 group) external view returns (bool);

    /// @notice Whether a nonce of `signer` was used or cancelled.
    function nonceUsed(address signer, uint256 nonce) external view returns (bool);

    /// @notice The epoch that signatures of `signer` must name.
    function epochOf(address signer) external view returns (uint256);

    /// @notice The most parts that a bundle may have.
    function MAX_ITEMS() external view returns (uint256);

    /// @notice The most sales of one sweep.
    function MAX_SWEEP() external view returns (uint256);

    /// @notice The most gas that one sale of a sweep may use.
    function SALE_GAS() external view returns (uint256);
}
