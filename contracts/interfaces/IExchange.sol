// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPayouts} from "./IPayouts.sol";

/// @title The exchange: signed promises about NFTs, settled on chain.
/// @notice A seller signs a `Listing` (EIP-712, domain name "ASOUD Exchange", version "1") and nothing happens on chain until a buyer settles it.
/// @dev Every signed struct names its signer's `nonce` and `epoch`. A settlement uses the nonce up, so a signature settles at most once, and signed
///  alternatives that share a nonce exclude one another. `cancel` uses up nonces; `cancelAll` moves to the next epoch. Nonces that lie in the same block of 256
///  share a storage word, so counting up is cheaper than random nonces.
///
///  Money of a sale at `price`: `fee` (platform), `royalty` (ERC-2981, asked at settlement, capped), and the rest, dust included, to the seller. Native fees
///  collect in the contract (see `collectFees`); everything else is paid out at once, and what a receiver refuses is credited to it (see `withdraw`).
interface IExchange is IPayouts {
    /// @notice Which kind of promise a sale settled. Tells who signed: the seller of a listing or an auction, the buyer of an offer.
    enum SaleKind {
        LISTING,
        OFFER,
        AUCTION
    }

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

    /// @notice A token changed hands for money. `price` = proceeds of the seller + `royalty` + `fee`.
    /// @dev A royalty that would be owed to the seller itself is part of the proceeds, and shown as zero. The signer is told by `kind`.
    /// @param digest The EIP-712 digest of what was signed.
    /// @param nonce The nonce of the signer that is used up.
    /// @param royaltyReceiver Zero when there is no royalty.
    event Sold(
        bytes32 indexed digest,
        address indexed seller,
        address indexed buyer,
        SaleKind kind,
        address collection,
        uint256 tokenId,
        uint256 quantity,
        address currency,
        uint256 price,
        address royaltyReceiver,
        uint256 royalty,
        uint256 fee,
        uint256 nonce
    );

    /// @notice Everything that `signer` signed with `nonce` is void.
    event NonceCancelled(address indexed signer, uint256 indexed nonce);

    /// @notice Everything that `signer` signed before `epoch` is void.
    event AllCancelled(address indexed signer, uint256 epoch);

    /// @notice The platform fee is now `bps` ten-thousandths of the price, owed to `receiver`.
    event FeeChanged(address indexed receiver, uint16 bps);

    /// @notice `currency` may be used for payment from now on, or no longer.
    event CurrencyAllowed(address indexed currency, bool allowed);

    /// @notice Native fees went to the fee receiver.
    event FeesCollected(address indexed receiver, uint256 amount);

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

    /// @notice The value sent with the call is not what the sale needs.
    error WrongValue(uint256 sent, uint256 need);

    /// @notice The currency is not on the allow-list.
    error CurrencyNotAllowed(address currency);

    /// @notice Fee and royalty of today leave the seller less than it signed for.
    error ProceedsTooLow(uint256 proceeds, uint256 minProceeds);

    /// @notice The token did not move as it should have: wrong owner, no approval, or a contract that lies.
    error TokenNotDelivered(address collection, uint256 tokenId);

    /// @notice The buyer's payment did not arrive in full: balance, allowance, or a token that takes a fee.
    error PaymentFailed(address currency, address to, uint256 amount);

    /// @notice A platform fee above the hard cap, or one without a receiver.
    error BadFee(address receiver, uint16 bps);

    /// @notice An address that must be set, or must be a contract, is not.
    error BadAddress(address account);

    /// @notice Settles a listing for the caller: token to the caller, money to everybody else.
    /// @param signature 65 bytes (r, s, v), 64 bytes (EIP-2098), or whatever the seller's ERC-1271 wallet takes.
    function buy(Listing calldata listing, bytes calldata signature) external payable;

    /// @notice Voids everything that the caller signed with one nonce; fails when that was used before, so that the caller learns of a sale in between.
    function cancel(uint256 nonce) external;

    /// @notice Voids everything that the caller signed with these nonces; passes over those that were used before.
    function cancelMany(uint256[] calldata nonces) external;

    /// @notice Voids everything that the caller ever signed here.
    /// @return epoch The epoch that new signatures must name.
    function cancelAll() external returns (uint256 epoch);

    /// @notice Sends the native fees collected so far to the fee receiver. Anyone may call.
    function collectFees() external returns (uint256 amount);

    /// @notice Changes the platform fee, at most `MAX_FEE_BPS`. Only the owner (the treasury's timelock).
    function setFee(address receiver, uint16 bps) external;

    /// @notice Adds a token to the allow-list or takes it off. Only the owner.
    function setCurrency(address currency, bool allowed) external;

    /// @notice The digest that the seller signs.
    function hashListing(Listing calldata listing) external view returns (bytes32 digest);

    /// @notice The royalty as a sale now would pay it: asked with bounded gas, capped.
    /// @return receiver Zero when no royalty is owed.
    function royaltyOf(address collection, uint256 tokenId, uint256 price) external view returns (address receiver, uint256 amount);

    /// @notice The platform fee of now.
    function fee() external view returns (address receiver, uint16 bps);

    /// @notice Native fees that wait for `collectFees`.
    function collectableFees() external view returns (uint256);

    /// @notice Whether a nonce of `signer` was used or cancelled.
    function nonceUsed(address signer, uint256 nonce) external view returns (bool);

    /// @notice The epoch that signatures of `signer` must name.
    function epochOf(address signer) external view returns (uint256);

    /// @notice Whether `currency` may be used; the native coin (zero) always.
    function currencyAllowed(address currency) external view returns (bool);

    /// @notice The highest platform fee that can ever be set, in ten-thousandths.
    function MAX_FEE_BPS() external view returns (uint16);

    /// @notice The highest royalty that a sale pays, in ten-thousandths; more is cut to this.
    function MAX_ROYALTY_BPS() external view returns (uint16);
}
