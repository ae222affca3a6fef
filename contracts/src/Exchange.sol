// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ECDSA} from "solady/src/utils/ECDSA.sol";
import {EIP712} from "solady/src/utils/EIP712.sol";
import {LibBitmap} from "solady/src/utils/LibBitmap.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {SignatureCheckerLib} from "solady/src/utils/SignatureCheckerLib.sol";
import {IExchange} from "../interfaces/IExchange.sol";
import {Payouts} from "./Payouts.sol";

/// @dev The two calls that the exchange makes to a collection.
interface IERC721Minimal {
    function transferFrom(address from, address to, uint256 tokenId) external;
    function ownerOf(uint256 tokenId) external view returns (address);
}

/// @title The exchange.
/// @dev Invariant: the native balance is at least `collectableFees` plus all native credits; of a token it holds at least the credits.
///  Approvals given to this contract are used in two ways only: `transferFrom` of a token from the signer of the settled promise, and `transferFrom` of money from
///  the caller.
contract Exchange is IExchange, Payouts, EIP712, Ownable2Step {
    using LibBitmap for LibBitmap.Bitmap;

    /// @dev Fee rate and native fees share a word, so that a sale reads and writes it once.
    struct FeeState {
        uint16 bps;
        uint128 collected;
    }

    /// @dev Where the money of one sale goes. `proceeds` + `royalty` + `fee` is the price.
    struct Split {
        address royaltyReceiver;
        uint256 royalty;
        uint256 fee;
        uint256 proceeds;
    }

    /// @inheritdoc IExchange
    uint16 public constant MAX_FEE_BPS = 500;

    /// @inheritdoc IExchange
    uint16 public constant MAX_ROYALTY_BPS = 1000;

    uint256 private constant BPS = 10_000;

    /// @dev What a collection may burn to tell its royalty.
    uint256 private constant ROYALTY_GAS = 60_000;

    /// @dev With this much left 63/64 are enough for all of ROYALTY_GAS, so that a buyer cannot starve the question and save the royalty.
    uint256 private constant FAIR_ROYALTY_GAS = 65_000;

    bytes32 private constant LISTING_TYPEHASH = keccak256(
        "Listing(address seller,address collection,uint256 tokenId,address currency,uint256 price,uint256 minProceeds,address buyer,uint64 start,uint64 end,uint256 nonce,uint256 epoch)"
    );

    FeeState private _feeState;
    address private _feeReceiver;
    mapping(address signer => LibBitmap.Bitmap used) private _nonces;
    mapping(address signer => uint256 epoch) private _epochs;
    mapping(address currency => bool allowed) private _currencies;

    /// @param owner_ Who sets fee and currencies: the timelock of the DAO.
    /// @param currencies The tokens that are allowed from the start.
    constructor(address owner_, address feeReceiver, uint16 feeBps, address[] memory currencies) Ownable(owner_) {
        _setFee(feeReceiver, feeBps);
        for (uint256 i; i < currencies.length; ++i) {
            _setCurrency(currencies[i], true);
        }
    }

    // Settling

    /// @inheritdoc IExchange
    function buy(Listing calldata listing, bytes calldata signature) external payable nonReentrant {
        _checkBuyer(listing);
        bytes32 digest = hashListing(listing);
        _checkSignature(listing.seller, digest, signature);
        _useNonce(listing.seller, listing.nonce, listing.epoch);
        Split memory split = _split(listing);
        _deliver(listing);
        if (listing.currency == address(0)) _payInNative(listing.seller, split);
        else _payInToken(listing, split);
        _emitSold(digest, listing, split);
    }

    // Cancelling

    /// @inheritdoc IExchange
    function cancel(uint256 nonce) external {
        _cancel(nonce);
    }

    /// @inheritdoc IExchange
    function cancelMany(uint256[] calldata nonces) external {
        // A used nonce is passed over: else a sale of one listing, in time, could keep all the others alive.
        for (uint256 i; i < nonces.length; ++i) {
            if (!_nonces[msg.sender].get(nonces[i])) _cancel(nonces[i]);
        }
    }

    /// @inheritdoc IExchange
    function cancelAll() external returns (uint256 epoch) {
        unchecked {
            epoch = ++_epochs[msg.sender];
        }
        emit AllCancelled(msg.sender, epoch);
    }

    // Fees and currencies

    /// @inheritdoc IExchange
    function collectFees() external nonReentrant returns (uint256 amount) {
        amount = _feeState.collected;
        _feeState.collected = 0;
        address receiver = _feeReceiver;
        emit FeesCollected(receiver, amount);
        if (!SafeTransferLib.trySafeTransferETH(receiver, amount, gasleft())) revert WithdrawalRefused(receiver);
    }

    /// @inheritdoc IExchange
    function setFee(address receiver, uint16 bps) external onlyOwner {
        _setFee(receiver, bps);
    }

    /// @inheritdoc IExchange
    function setCurrency(address currency, bool allowed) external onlyOwner {
        _setCurrency(currency, allowed);
    }

    // Views

    /// @inheritdoc IExchange
    function hashListing(Listing calldata listing) public view returns (bytes32 digest) {
        return _hashTypedData(keccak256(abi.encode(LISTING_TYPEHASH, listing)));
    }

    /// @inheritdoc IExchange
    function royaltyOf(address collection, uint256 tokenId, uint256 price) public view returns (address receiver, uint256 amount) {
        if (gasleft() < FAIR_ROYALTY_GAS) revert NotEnoughGas();
        (receiver, amount) = _askRoyalty(collection, tokenId, price);
        uint256 most = _share(price, MAX_ROYALTY_BPS);
        if (amount > most) amount = most;
        if (receiver == address(0) || amount == 0) return (address(0), 0);
    }

    /// @inheritdoc IExchange
    function fee() external view returns (address receiver, uint16 bps) {
        return (_feeReceiver, _feeState.bps);
    }

    /// @inheritdoc IExchange
    function collectableFees() external view returns (uint256) {
        return _feeState.collected;
    }

    /// @inheritdoc IExchange
    function nonceUsed(address signer, uint256 nonce) external view returns (bool) {
        return _nonces[signer].get(nonce);
    }

    /// @inheritdoc IExchange
    function epochOf(address signer) external view returns (uint256) {
        return _epochs[signer];
    }

    /// @inheritdoc IExchange
    function currencyAllowed(address currency) external view returns (bool) {
        return currency == address(0) || _currencies[currency];
    }

    // Steps of a settlement

    /// @dev Everything that can be told without the signature.
    function _checkBuyer(Listing calldata listing) private view {
        if (block.timestamp < listing.start || block.timestamp > listing.end) revert NotLive(listing.start, listing.end);
        if (listing.buyer != address(0) && listing.buyer != msg.sender) revert NotForCaller(listing.buyer);
        if (listing.seller == msg.sender) revert SelfSale();
        if (listing.currency == address(0)) {
            if (msg.value != listing.price) revert WrongValue(msg.value, listing.price);
        } else {
            if (msg.value != 0) revert WrongValue(msg.value, 0);
            if (!_currencies[listing.currency]) revert CurrencyNotAllowed(listing.currency);
        }
    }

    /// @dev ECDSA first, as an EIP-7702 account whose delegate lacks ERC-1271 must still be able to sign with its key.
    function _checkSignature(address signer, bytes32 digest, bytes calldata signature) private view {
        address recovered = ECDSA.tryRecoverCalldata(digest, signature);
        if (recovered != address(0) && recovered == signer) return;
        if (!SignatureCheckerLib.isValidERC1271SignatureNowCalldata(signer, digest, signature)) revert BadSignature(signer);
    }

    /// @dev A nonce is used up, never a signature: those can be written in several ways.
    function _useNonce(address signer, uint256 nonce, uint256 epoch) private {
        uint256 current = _epochs[signer];
        if (epoch != current) revert WrongEpoch(signer, epoch, current);
        if (!_nonces[signer].toggle(nonce)) revert NonceUsed(signer, nonce);
    }

    /// @dev Fee and royalty are rounded down, the dust goes to the seller. Both caps together are far below the price, so nothing underflows.
    function _split(Listing calldata listing) private view returns (Split memory split) {
        uint256 price = listing.price;
        split.fee = _share(price, _feeState.bps);
        (split.royaltyReceiver, split.royalty) = royaltyOf(listing.collection, listing.tokenId, price);
        if (split.royaltyReceiver == listing.seller) (split.royaltyReceiver, split.royalty) = (address(0), 0);
        split.proceeds = price - split.fee - split.royalty;
        if (split.proceeds < listing.minProceeds) revert ProceedsTooLow(split.proceeds, listing.minProceeds);
    }

    /// @dev Looks at the owner afterwards, so that an ERC-20 (same `transferFrom`) cannot be sold as a collection.
    function _deliver(Listing calldata listing) private {
        IERC721Minimal collection = IERC721Minimal(listing.collection);
        collection.transferFrom(listing.seller, msg.sender, listing.tokenId);
        if (collection.ownerOf(listing.tokenId) != msg.sender) revert TokenNotDelivered(listing.collection, listing.tokenId);
    }

    /// @dev The value came with the call and was checked to be the price. The fee stays here until somebody collects it, which saves every buyer a transfer.
    function _payInNative(address seller, Split memory split) private {
        // A fee is at most a twentieth of all coin there is, which is far below 2^128.
        if (split.fee != 0) _feeState.collected += uint128(split.fee);
        _payNative(split.royaltyReceiver, split.royalty);
        _payNative(seller, split.proceeds);
    }

    /// @dev Straight from the buyer to everybody.
    function _payInToken(Listing calldata listing, Split memory split) private {
        if (split.fee != 0) _pull(listing.currency, _feeReceiver, split.fee);
        _pull(listing.currency, split.royaltyReceiver, split.royalty);
        _pull(listing.currency, listing.seller, split.proceeds);
    }

    /// @dev Brings exactly `amount` from the caller to `to`. A receiver that the token refuses (a black list) is credited here; a buyer that cannot pay, or a
    ///  token that takes a part on the way, fails.
    function _pull(address token, address to, uint256 amount) private {
        if (amount == 0 || to == msg.sender) return;
        uint256 before = SafeTransferLib.balanceOf(token, to);
        if (SafeTransferLib.trySafeTransferFrom(token, msg.sender, to, amount)) {
            if (SafeTransferLib.balanceOf(token, to) != before + amount) revert PaymentFailed(token, to, amount);
            return;
        }
        before = SafeTransferLib.balanceOf(token, address(this));
        bool paid = SafeTransferLib.trySafeTransferFrom(token, msg.sender, address(this), amount);
        if (!paid || SafeTransferLib.balanceOf(token, address(this)) != before + amount) revert PaymentFailed(token, to, amount);
        _credit(to, token, amount);
    }

    /// @dev Apart from `buy`, for the stack's sake.
    function _emitSold(bytes32 digest, Listing calldata listing, Split memory split) private {
        emit Sold(
            digest,
            listing.seller,
            msg.sender,
            SaleKind.LISTING,
            listing.collection,
            listing.tokenId,
            1,
            listing.currency,
            listing.price,
            split.royaltyReceiver,
            split.royalty,
            split.fee,
            listing.nonce
        );
    }

    // Small parts

    /// @dev `toggle` tells the new value, so a nonce that was used comes back false and the change is undone by the revert.
    function _cancel(uint256 nonce) private {
        if (!_nonces[msg.sender].toggle(nonce)) revert NonceUsed(msg.sender, nonce);
        emit NonceCancelled(msg.sender, nonce);
    }

    /// @dev ERC-2981 with bounded gas, and two words of the answer at most. No answer, a short one, or one that is no address: no royalty.
    function _askRoyalty(address collection, uint256 tokenId, uint256 price) private view returns (address receiver, uint256 amount) {
        assembly ("memory-safe") {
            let pointer := mload(0x40)
            mstore(pointer, shl(224, 0x2a55205a)) // royaltyInfo(uint256,uint256)
            mstore(add(pointer, 0x04), tokenId)
            mstore(add(pointer, 0x24), price)
            let answered := staticcall(ROYALTY_GAS, collection, pointer, 0x44, 0x00, 0x40)
            if and(answered, gt(returndatasize(), 0x3f)) {
                if iszero(shr(160, mload(0x00))) {
                    receiver := mload(0x00)
                    amount := mload(0x20)
                }
            }
        }
    }

    /// @dev Ten-thousandths of an amount, rounded down. Amounts near 2^256 overflow and revert: nobody has that much.
    function _share(uint256 amount, uint256 bps) private pure returns (uint256) {
        return amount * bps / BPS;
    }

    function _setFee(address receiver, uint16 bps) private {
        if (bps > MAX_FEE_BPS || receiver == address(0)) revert BadFee(receiver, bps);
        _feeState.bps = bps;
        _feeReceiver = receiver;
        emit FeeChanged(receiver, bps);
    }

    /// @dev An address without code would take every payment for granted.
    function _setCurrency(address currency, bool allowed) private {
        if (allowed && currency.code.length == 0) revert BadAddress(currency);
        _currencies[currency] = allowed;
        emit CurrencyAllowed(currency, allowed);
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("ASOUD Exchange", "1");
    }
}
