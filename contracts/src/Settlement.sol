// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {IGate} from "../interfaces/IGate.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {Gate} from "./Gate.sol";
import {Payouts} from "./Payouts.sol";

/// @dev The calls that a settlement makes to collections.
interface IERC721Minimal {
    function transferFrom(address from, address to, uint256 tokenId) external;
    function ownerOf(uint256 tokenId) external view returns (address);
}

interface IERC1155Minimal {
    function safeTransferFrom(address from, address to, uint256 tokenId, uint256 units, bytes calldata data) external;
    function balanceOf(address account, uint256 tokenId) external view returns (uint256);
}

/// @title Settling sales.
/// @dev Invariant: the native balance is at least `collectableFees` plus all native credits; of a token it holds at least the credits.
abstract contract Settlement is ISettlement, Payouts, Gate {
    /// @dev Fee rate, pause and native fees share a word, so that a sale reads and writes it once.
    struct FeeState {
        uint16 bps;
        bool paused;
        uint128 collected;
    }

    /// @dev One sale of one kind of token, whatever was signed.
    struct Sale {
        bytes32 digest;
        address seller;
        address buyer;
        SaleKind kind;
        Standard standard;
        address collection;
        uint256 tokenId;
        uint256 quantity;
        address currency;
        uint256 price;
        uint256 nonce;
        uint16 feeBps;
    }

    /// @dev Where the money of one sale goes. `proceeds` + `royalty` + `fee` is the price.
    struct Split {
        address royaltyReceiver;
        uint256 royalty;
        uint256 fee;
        uint256 proceeds;
    }

    /// @inheritdoc ISettlement
    uint16 public constant MAX_FEE_BPS = 500;

    /// @inheritdoc ISettlement
    uint16 public constant MAX_ROYALTY_BPS = 1000;

    uint256 internal constant BPS = 10_000;

    /// @dev What a collection may burn to tell its royalty.
    uint256 private constant ROYALTY_GAS = 60_000;

    /// @dev With this much left 63/64 are enough for all of ROYALTY_GAS, so that a buyer cannot starve the question and save the royalty.
    uint256 private constant FAIR_ROYALTY_GAS = 65_000;

    FeeState private _feeState;
    address private _feeReceiver;
    mapping(address currency => bool allowed) private _currencies;

    /// @param manager Who rules who may set fee and currencies, and pause.
    /// @param currencies The tokens that are allowed from the start.
    constructor(address manager, address feeReceiver, uint16 feeBps, address[] memory currencies) Gate(manager) {
        _setFee(feeReceiver, feeBps);
        for (uint256 i; i < currencies.length; ++i) {
            _setCurrency(currencies[i], true);
        }
    }

    // Fees and currencies

    /// @inheritdoc ISettlement
    function collectFees() external nonReentrant returns (uint256 amount) {
        amount = _feeState.collected;
        _feeState.collected = 0;
        address receiver = _feeReceiver;
        emit FeesCollected(receiver, amount);
        if (!SafeTransferLib.trySafeTransferETH(receiver, amount, gasleft())) revert WithdrawalRefused(receiver);
    }

    /// @inheritdoc ISettlement
    function setFee(address receiver, uint16 bps) external restricted {
        _setFee(receiver, bps);
    }

    /// @inheritdoc ISettlement
    function setCurrency(address currency, bool allowed) external restricted {
        _setCurrency(currency, allowed);
    }

    // Views

    /// @inheritdoc Gate
    function paused() public view override(Gate, IGate) returns (bool) {
        return _feeState.paused;
    }

    /// @inheritdoc ISettlement
    function royaltyOf(address collection, uint256 tokenId, uint256 price) public view returns (address receiver, uint256 amount) {
        if (gasleft() < FAIR_ROYALTY_GAS) revert NotEnoughGas();
        (receiver, amount) = _askRoyalty(collection, tokenId, price);
        uint256 most = _share(price, MAX_ROYALTY_BPS);
        if (amount > most) amount = most;
        if (receiver == address(0) || amount == 0) return (address(0), 0);
    }

    /// @inheritdoc ISettlement
    function fee() external view returns (address receiver, uint16 bps) {
        return (_feeReceiver, _feeState.bps);
    }

    /// @inheritdoc ISettlement
    function collectableFees() external view returns (uint256) {
        return _feeState.collected;
    }

    /// @inheritdoc ISettlement
    function currencyAllowed(address currency) public view returns (bool) {
        return currency == address(0) || _currencies[currency];
    }

    // Steps of a settlement

    /// @dev Token from the seller to the buyer, money from the buyer to everybody else: native coin out of what this contract was sent for the sale, a token
    ///  straight out of the buyer's allowance.
    function _settle(Sale memory sale) internal returns (uint256 proceeds) {
        Split memory split = _splitOf(sale);
        _move(sale.standard, sale.collection, sale.seller, sale.buyer, sale.tokenId, sale.quantity);
        if (sale.currency == address(0)) _payInNative(sale.seller, split);
        else _payInToken(sale, split);
        _emitSold(sale, split);
        return split.proceeds;
    }

    /// @dev Fee and royalty are rounded down, the dust goes to the seller. Both caps together are far below the price, so nothing underflows.
    function _splitOf(Sale memory sale) internal view returns (Split memory split) {
        uint256 price = sale.price;
        split.fee = _share(price, sale.feeBps);
        (split.royaltyReceiver, split.royalty) = royaltyOf(sale.collection, sale.tokenId, price);
        if (split.royaltyReceiver == sale.seller) (split.royaltyReceiver, split.royalty) = (address(0), 0);
        split.proceeds = price - split.fee - split.royalty;
    }

    /// @dev Looks at the owner or the balance afterwards, so that an ERC-20 (same `transferFrom`) cannot be sold as a collection.
    function _move(Standard standard, address collection, address from, address to, uint256 tokenId, uint256 quantity) internal {
        if (standard == Standard.ERC721) {
            IERC721Minimal(collection).transferFrom(from, to, tokenId);
            if (IERC721Minimal(collection).ownerOf(tokenId) != to) revert TokenNotDelivered(collection, tokenId);
        } else {
            uint256 before = IERC1155Minimal(collection).balanceOf(to, tokenId);
            IERC1155Minimal(collection).safeTransferFrom(from, to, tokenId, quantity, "");
            if (IERC1155Minimal(collection).balanceOf(to, tokenId) != before + quantity) revert TokenNotDelivered(collection, tokenId);
        }
    }

    /// @dev The fee stays here until somebody collects it, which saves every buyer a transfer.
    function _payInNative(address seller, Split memory split) internal {
        // A fee is at most a twentieth of all coin there is, which is far below 2^128.
        if (split.fee != 0) _feeState.collected += uint128(split.fee);
        _payNative(split.royaltyReceiver, split.royalty);
        _payNative(seller, split.proceeds);
    }

    /// @dev Straight from the buyer to everybody.
    function _payInToken(Sale memory sale, Split memory split) private {
        if (split.fee != 0) _pull(sale.currency, sale.buyer, _feeReceiver, split.fee);
        _pull(sale.currency, sale.buyer, split.royaltyReceiver, split.royalty);
        _pull(sale.currency, sale.buyer, sale.seller, split.proceeds);
    }

    /// @dev Brings exactly `amount` from a buyer to `to`. A receiver that the token refuses (a black list) is credited here; a buyer that cannot pay, or a
    ///  token that takes a part on the way, fails.
    function _pull(address token, address from, address to, uint256 amount) private {
        if (amount == 0 || to == from) return;
        uint256 before = SafeTransferLib.balanceOf(token, to);
        if (SafeTransferLib.trySafeTransferFrom(token, from, to, amount)) {
            if (SafeTransferLib.balanceOf(token, to) != before + amount) revert PaymentFailed(token, to, amount);
            return;
        }
        if (!_takeExactly(token, from, amount)) revert PaymentFailed(token, to, amount);
        _credit(to, token, amount);
    }

    /// @dev Brings `amount` into this contract, and tells whether exactly that arrived.
    function _takeExactly(address token, address from, uint256 amount) internal returns (bool) {
        uint256 before = SafeTransferLib.balanceOf(token, address(this));
        bool paid = SafeTransferLib.trySafeTransferFrom(token, from, address(this), amount);
        return paid && SafeTransferLib.balanceOf(token, address(this)) == before + amount;
    }

    /// @dev Apart from `_settle`, for the stack's sake.
    function _emitSold(Sale memory sale, Split memory split) internal {
        emit Sold(
            sale.digest,
            sale.seller,
            sale.buyer,
            sale.kind,
            sale.collection,
            sale.tokenId,
            sale.quantity,
            sale.currency,
            sale.price,
            split.royaltyReceiver,
            split.royalty,
            split.fee,
            sale.nonce
        );
    }

    // Small parts

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
    function _share(uint256 amount, uint256 bps) internal pure returns (uint256) {
        return amount * bps / BPS;
    }

    function _feeBps() internal view returns (uint16) {
        return _feeState.bps;
    }

    function _feeReceiverNow() internal view returns (address) {
        return _feeReceiver;
    }

    function _checkCurrency(address currency) internal view {
        if (!currencyAllowed(currency)) revert CurrencyNotAllowed(currency);
    }

    function _setShut(bool shut) internal override {
        _feeState.paused = shut;
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
}
