// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IGate} from "./IGate.sol";
import {IPayouts} from "./IPayouts.sol";

/// @title How sales are settled: platform fee, royalty, currencies. The same in the exchange and in the auction house.
/// @dev Money of a sale at `price`: `fee` (platform), `royalty` (ERC-2981, asked at settlement, capped), and the rest, dust included, to the seller. Native fees
///  collect in the contract (see `collectFees`); everything else is paid out at once, and what a receiver refuses is credited to it (see `withdraw`).
interface ISettlement is IPayouts, IGate {
    /// @notice Which kind of promise a sale settled. Tells who signed: the seller of a listing or an auction, the buyer of an offer.
    enum SaleKind {
        LISTING,
        OFFER,
        AUCTION
    }

    /// @notice What kind of token a collection holds.
    enum Standard {
        ERC721,
        ERC1155
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

    /// @notice The platform fee is now `bps` ten-thousandths of the price, owed to `receiver`.
    event FeeChanged(address indexed receiver, uint16 bps);

    /// @notice `currency` may be used for payment from now on, or no longer.
    event CurrencyAllowed(address indexed currency, bool allowed);

    /// @notice Native fees went to the fee receiver.
    event FeesCollected(address indexed receiver, uint256 amount);

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

    /// @notice Sends the native fees collected so far to the fee receiver. Anyone may call.
    function collectFees() external returns (uint256 amount);

    /// @notice Changes the platform fee, at most `MAX_FEE_BPS`. Only who may set fees.
    function setFee(address receiver, uint16 bps) external;

    /// @notice Adds a token to the allow-list or takes it off. Only who may set currencies.
    function setCurrency(address currency, bool allowed) external;

    /// @notice The royalty as a sale now would pay it: asked with bounded gas, capped.
    /// @return receiver Zero when no royalty is owed.
    function royaltyOf(address collection, uint256 tokenId, uint256 price) external view returns (address receiver, uint256 amount);

    /// @notice The platform fee of now.
    function fee() external view returns (address receiver, uint16 bps);

    /// @notice Native fees that wait for `collectFees`.
    function collectableFees() external view returns (uint256);

    /// @notice Whether `currency` may be used; the native coin (zero) always.
    function currencyAllowed(address currency) external view returns (bool);

    /// @notice The highest platform fee that can ever be set, in ten-thousandths.
    function MAX_FEE_BPS() external view returns (uint16);

    /// @notice The highest royalty that a sale pays, in ten-thousandths; more is cut to this.
    function MAX_ROYALTY_BPS() external view returns (uint16);
}
