// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OwnableRoles} from "solady/src/auth/OwnableRoles.sol";
import {ERC2981} from "solady/src/tokens/ERC2981.sol";
import {ECDSA} from "solady/src/utils/ECDSA.sol";
import {EIP712} from "solady/src/utils/EIP712.sol";
import {LibBitmap} from "solady/src/utils/LibBitmap.sol";
import {LibString} from "solady/src/utils/LibString.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {SignatureCheckerLib} from "solady/src/utils/SignatureCheckerLib.sol";
import {IStudio} from "../interfaces/IStudio.sol";
import {Payouts} from "./Payouts.sol";

/// @title What all collections share.
/// @dev Used through clones: the implementation itself is closed at construction, a clone is set up in the transaction that makes it. Invariant: the only money here
///  are credits of payees that refused it.
abstract contract Studio is IStudio, ERC2981, OwnableRoles, Payouts, EIP712 {
    using LibBitmap for LibBitmap.Bitmap;
    using LibString for LibString.StringStorage;

    /// @inheritdoc IStudio
    uint16 public constant MAX_ROYALTY_BPS = 1000;

    /// @inheritdoc IStudio
    uint256 public constant MINTER_ROLE = 1 << 0;

    /// @inheritdoc IStudio
    uint256 public constant EDITOR_ROLE = 1 << 1;

    bytes32 private constant VOUCHER_TYPEHASH = keccak256(
        "Voucher(address signer,address redeemer,address payee,address currency,uint256 price,uint256 tokenId,uint256 quantity,bytes32 content,uint256 nonce,uint64 deadline)"
    );

    /// @dev Minting reads and writes one word: both counters are far below 2^64, see `initialize`.
    uint64 internal _minted;
    uint64 internal _maxSupply;
    bool internal _frozen;

    LibString.StringStorage private _name;
    LibString.StringStorage private _symbol;
    LibString.StringStorage private _contractURI;
    mapping(address signer => LibBitmap.Bitmap used) private _vouchers;

    constructor() {
        _initializeOwner(address(1));
    }

    /// @inheritdoc IStudio
    function initialize(address merchant, CollectionTerms calldata terms) external {
        _initializeOwner(merchant);
        if (terms.maxSupply > type(uint64).max) revert SupplyExhausted(terms.maxSupply);
        _name.setCalldata(terms.name);
        _symbol.setCalldata(terms.symbol);
        _contractURI.setCalldata(terms.contractURI);
        _maxSupply = uint64(terms.maxSupply);
        if (terms.royaltyBps != 0 || terms.royaltyReceiver != address(0)) _setRoyalty(terms.royaltyReceiver, terms.royaltyBps);
    }

    // What the merchant and its editors do

    /// @inheritdoc IStudio
    function freezeMetadata() external onlyOwner {
        if (_frozen) revert Frozen();
        _frozen = true;
        emit MetadataFrozen();
    }

    /// @inheritdoc IStudio
    function setContractURI(string calldata uri) external onlyOwnerOrRoles(EDITOR_ROLE) {
        _contractURI.setCalldata(uri);
        emit ContractURIChanged(uri);
        emit ContractURIUpdated();
    }

    /// @inheritdoc IStudio
    function setRoyalty(address receiver, uint16 bps) external onlyOwnerOrRoles(EDITOR_ROLE) {
        _setRoyalty(receiver, bps);
        emit RoyaltyChanged(receiver, bps);
    }

    /// @inheritdoc IStudio
    function setTokenRoyalty(uint256 tokenId, address receiver, uint16 bps) external onlyOwnerOrRoles(EDITOR_ROLE) {
        if (bps > MAX_ROYALTY_BPS || (bps != 0 && receiver == address(0))) revert BadRoyalty(receiver, bps, MAX_ROYALTY_BPS);
        if (receiver == address(0)) _resetTokenRoyalty(tokenId);
        else _setTokenRoyalty(tokenId, receiver, bps);
        emit TokenRoyaltyChanged(tokenId, receiver, bps);
    }

    // Vouchers

    /// @inheritdoc IStudio
    function voidVoucher(uint256 nonce) external {
        _useVoucher(msg.sender, nonce);
        emit VoucherVoided(msg.sender, nonce);
    }

    /// @dev Checks a voucher, uses it up and collects its price; the caller mints. The voucher binds this clone and chain by the EIP-712 domain.
    function _redeem(Voucher calldata voucher, bytes calldata signature) internal {
        if (block.timestamp > voucher.deadline) revert BadVoucher("deadline");
        if (voucher.redeemer != address(0) && voucher.redeemer != msg.sender) revert BadVoucher("redeemer");
        if (voucher.payee == address(0) && voucher.price != 0) revert BadVoucher("payee");
        address signer = voucher.signer;
        if (signer != owner() && !hasAnyRole(signer, MINTER_ROLE)) revert BadSignature(signer);
        bytes32 digest = hashVoucher(voucher);
        _checkSignature(signer, digest, signature);
        _useVoucher(signer, voucher.nonce);
    }

    /// @dev After the mint, so that the events of a mint come before those of its payment.
    function _collect(Voucher calldata voucher, uint256 tokenId) internal {
        _takePrice(voucher);
        emit VoucherRedeemed(
            hashVoucher(voucher),
            voucher.signer,
            msg.sender,
            voucher.payee,
            voucher.currency,
            voucher.price,
            tokenId,
            voucher.quantity,
            voucher.nonce
        );
    }

    /// @dev Straight to the payee. A token must deliver to the unit; coin that the payee refuses is credited to it.
    function _takePrice(Voucher calldata voucher) private {
        (address currency, address payee, uint256 price) = (voucher.currency, voucher.payee, voucher.price);
        uint256 value = currency == address(0) ? price : 0;
        if (msg.value != value) revert WrongValue(msg.value, value);
        if (price == 0 || (payee == msg.sender && value == 0)) return;
        if (value != 0) return _payNative(payee, price);
        if (currency.code.length == 0) revert BadVoucher("currency");
        uint256 before = SafeTransferLib.balanceOf(currency, payee);
        bool paid = SafeTransferLib.trySafeTransferFrom(currency, msg.sender, payee, price);
        if (!paid || SafeTransferLib.balanceOf(currency, payee) != before + price) revert PaymentFailed(currency, payee, price);
    }

    /// @dev A nonce is used up, never a signature: those can be written in several ways.
    function _useVoucher(address signer, uint256 nonce) private {
        if (!_vouchers[signer].toggle(nonce)) revert NonceUsed(signer, nonce);
    }

    /// @dev ECDSA first, as an EIP-7702 account whose delegate lacks ERC-1271 must still be able to sign with its key.
    function _checkSignature(address signer, bytes32 digest, bytes calldata signature) private view {
        address recovered = ECDSA.tryRecoverCalldata(digest, signature);
        if (recovered != address(0) && recovered == signer) return;
        if (!SignatureCheckerLib.isValidERC1271SignatureNowCalldata(signer, digest, signature)) revert BadSignature(signer);
    }

    // Views

    /// @inheritdoc IStudio
    function contractURI() external view returns (string memory) {
        return _contractURI.get();
    }

    /// @inheritdoc IStudio
    function maxSupply() external view returns (uint256) {
        return _maxSupply;
    }

    /// @inheritdoc IStudio
    function metadataFrozen() external view returns (bool) {
        return _frozen;
    }

    /// @inheritdoc IStudio
    function hashVoucher(Voucher calldata voucher) public view returns (bytes32 digest) {
        return _hashTypedData(keccak256(abi.encode(VOUCHER_TYPEHASH, voucher)));
    }

    /// @inheritdoc IStudio
    function voucherUsed(address signer, uint256 nonce) external view returns (bool) {
        return _vouchers[signer].get(nonce);
    }

    // Small parts

    function _nameOf() internal view returns (string memory) {
        return _name.get();
    }

    function _symbolOf() internal view returns (string memory) {
        return _symbol.get();
    }

    /// @dev Counts up, within the cap.
    function _countUp(uint256 quantity) internal returns (uint256 first) {
        uint256 cap = _maxSupply;
        first = uint256(_minted) + 1;
        if (cap != 0 && _minted + quantity > cap) revert SupplyExhausted(cap);
        _minted += uint64(quantity);
    }

    /// @dev No royalty is no receiver: the only pair with a zero.
    function _setRoyalty(address receiver, uint16 bps) private {
        if (bps > MAX_ROYALTY_BPS || (bps == 0) != (receiver == address(0))) revert BadRoyalty(receiver, bps, MAX_ROYALTY_BPS);
        if (bps == 0) _deleteDefaultRoyalty();
        else _setDefaultRoyalty(receiver, bps);
    }

    /// @dev `initialize` works once per clone and never on the implementation.
    function _guardInitializeOwner() internal pure override returns (bool) {
        return true;
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("ASOUD Collection", "1");
    }
}
