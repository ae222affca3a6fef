// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPayouts} from "./IPayouts.sol";

/// @title What all collections of merchants share: birth, staff, royalties, metadata of the whole, vouchers.
/// @dev The merchant is the owner. It gives roles to staff by `grantRoles(address user, uint256 roles)`: `MINTER_ROLE` mints and signs vouchers, `EDITOR_ROLE` changes
///  metadata and royalties. Beside the events below: `OwnershipTransferred(address indexed oldOwner, address indexed newOwner)` and
///  `RolesUpdated(address indexed user, uint256 indexed roles)`.
interface IStudio is IPayouts {
    /// @notice What a collection is born with.
    struct CollectionTerms {
        string name;
        string symbol;
        string contractURI;
        /// @dev Zero together with zero `royaltyBps` means no royalty.
        address royaltyReceiver;
        uint16 royaltyBps;
        /// @dev The most tokens that can ever exist; zero means no cap.
        uint256 maxSupply;
    }

    /// @notice A promise to mint, signed by the merchant or a minter (EIP-712, domain name "ASOUD Collection", version "1", the collection's own address).
    struct Voucher {
        /// @dev Who signed; must be the merchant or a minter when it is redeemed.
        address signer;
        /// @dev The only one who may redeem; zero means anyone.
        address redeemer;
        /// @dev Who gets the price.
        address payee;
        /// @dev Zero is the native coin.
        address currency;
        /// @dev For the whole quantity.
        uint256 price;
        /// @dev The edition; zero where ids are counted up.
        uint256 tokenId;
        uint256 quantity;
        /// @dev keccak256 of the URI where each token has its own; else zero.
        bytes32 content;
        /// @dev Used once per signer.
        uint256 nonce;
        /// @dev Seconds since 1970: valid until and with this second.
        uint64 deadline;
    }

    /// @notice ERC-4906.
    event MetadataUpdate(uint256 _tokenId);

    /// @notice ERC-4906. Declared for readers; the present code changes one token at a time.
    event BatchMetadataUpdate(uint256 _fromTokenId, uint256 _toTokenId);

    /// @notice From here on no token URI changes any more.
    event MetadataFrozen();

    /// @notice The metadata of the collection now lies at `uri`. `ContractURIUpdated` follows.
    event ContractURIChanged(string uri);

    /// @notice ERC-7572.
    event ContractURIUpdated();

    /// @notice The royalty of every token is now `bps` ten-thousandths of the price, owed to `receiver`.
    event RoyaltyChanged(address indexed receiver, uint16 bps);

    /// @notice The royalty of one token is now `bps` ten-thousandths, whatever the default; a zero receiver means that the default counts again.
    event TokenRoyaltyChanged(uint256 indexed tokenId, address indexed receiver, uint16 bps);

    /// @notice A voucher was redeemed and its price paid to `payee`. Follows the mint.
    event VoucherRedeemed(
        bytes32 indexed digest,
        address indexed signer,
        address indexed redeemer,
        address payee,
        address currency,
        uint256 price,
        uint256 tokenId,
        uint256 quantity,
        uint256 nonce
    );

    /// @notice Vouchers that `signer` signed with `nonce` are void.
    event VoucherVoided(address indexed signer, uint256 indexed nonce);

    /// @notice The cap on supply is reached.
    error SupplyExhausted(uint256 maxSupply);

    /// @notice A royalty above `maxBps`, or one without a receiver.
    error BadRoyalty(address receiver, uint256 bps, uint256 maxBps);

    /// @notice The metadata was frozen.
    error Frozen();

    /// @notice The signature is not that of the voucher's signer, or that one may not mint.
    error BadSignature(address signer);

    /// @notice The nonce was used, or voided by its signer.
    error NonceUsed(address signer, uint256 nonce);

    /// @notice The voucher cannot be redeemed so; `field` says why.
    error BadVoucher(string field);

    /// @notice The value sent with the call is not the price.
    error WrongValue(uint256 sent, uint256 need);

    /// @notice The price did not arrive in full.
    error PaymentFailed(address currency, address to, uint256 amount);

    /// @notice Sets up a fresh clone; works once.
    function initialize(address merchant, CollectionTerms calldata terms) external;

    /// @notice Gives up the right to change token URIs, for ever. Only the merchant.
    function freezeMetadata() external;

    /// @notice Moves the metadata of the collection. Only the merchant and its editors.
    function setContractURI(string calldata uri) external;

    /// @notice Changes the default royalty, at most `MAX_ROYALTY_BPS`. Only the merchant and its editors.
    function setRoyalty(address receiver, uint16 bps) external;

    /// @notice Where the metadata of the collection lies (ERC-7572).
    function contractURI() external view returns (string memory);

    /// @notice Gives one token a royalty of its own, zero included; with a zero receiver and zero `bps` the default counts again. Only the merchant and its editors.
    function setTokenRoyalty(uint256 tokenId, address receiver, uint16 bps) external;

    /// @notice Voids the caller's vouchers with this nonce.
    function voidVoucher(uint256 nonce) external;

    /// @notice The digest that a voucher's signer signs: type `Voucher(address signer,address redeemer,address payee,address currency,uint256 price,uint256
    ///  tokenId,uint256 quantity,bytes32 content,uint256 nonce,uint64 deadline)`.
    function hashVoucher(Voucher calldata voucher) external view returns (bytes32 digest);

    /// @notice Whether a nonce of `signer` was used or voided.
    function voucherUsed(address signer, uint256 nonce) external view returns (bool);

    /// @notice The cap on supply; zero means none.
    function maxSupply() external view returns (uint256);

    /// @notice Whether token URIs can no longer change.
    function metadataFrozen() external view returns (bool);

    /// @notice The highest royalty that a collection may ask, in ten-thousandths.
    function MAX_ROYALTY_BPS() external view returns (uint16);

    /// @notice Staff that mints and signs vouchers.
    function MINTER_ROLE() external view returns (uint256);

    /// @notice Staff that changes metadata and royalties.
    function EDITOR_ROLE() external view returns (uint256);
}
