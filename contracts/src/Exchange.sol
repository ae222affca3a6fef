// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {ECDSA} from "solady/src/utils/ECDSA.sol";
import {EIP712} from "solady/src/utils/EIP712.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {LibBitmap} from "solady/src/utils/LibBitmap.sol";
import {SignatureCheckerLib} from "solady/src/utils/SignatureCheckerLib.sol";
import {IExchange} from "../interfaces/IExchange.sol";
import {Settlement} from "./Settlement.sol";

/// @title The exchange.
/// @dev Invariant: the native balance is at least `collectableFees` plus all native credits; of a token it holds at least the credits.
///  Approvals given to this contract are used in two ways only: for a token, `transferFrom` from the signer of a promise to sell or from the caller who takes an
///  offer; for money, `transferFrom` from the caller who buys or from the signer of an offer.
contract Exchange is IExchange, Settlement, EIP712 {
    using LibBitmap for LibBitmap.Bitmap;

    /// @inheritdoc IExchange
    uint256 public constant MAX_ITEMS = 50;

    /// @inheritdoc IExchange
    uint256 public constant MAX_SWEEP = 50;

    /// @inheritdoc IExchange
    uint256 public constant SALE_GAS = 600_000;

    /// @dev With this much left 63/64 are enough for all of SALE_GAS and for what follows an attempt.
    uint256 private constant FAIR_SALE_GAS = 640_000;

    bytes32 private constant LISTING_TYPEHASH = keccak256(
        "Listing(address seller,address collection,uint256 tokenId,address currency,uint256 price,uint256 minProceeds,address buyer,uint64 start,uint64 end,uint256 nonce,uint256 epoch)"
    );

    bytes32 private constant QUOTE_TYPEHASH = keccak256(
        "Quote(address maker,uint8 side,uint8 scope,uint8 standard,address collection,uint256 criteria,uint256 quantity,address currency,uint256 startPrice,uint256 endPrice,uint256 minProceeds,address taker,uint64 start,uint64 end,uint256 nonce,uint256 group,uint256 epoch)"
    );

    bytes32 private constant BULK_TYPEHASH = keccak256("BulkQuotes(bytes32 root)");

    mapping(address signer => LibBitmap.Bitmap used) private _nonces;
    mapping(address signer => LibBitmap.Bitmap cancelled) private _groups;
    mapping(address signer => uint256 epoch) private _epochs;
    mapping(address signer => mapping(uint256 nonce => uint256 units)) private _filled;

    constructor(address manager, address feeReceiver, uint16 feeBps, address[] memory currencies) Settlement(manager, feeReceiver, feeBps, currencies) {}

    // Settling

    /// @inheritdoc IExchange
    function buy(Listing calldata listing, bytes calldata signature) external payable whenOpen nonReentrant {
        uint256 spent = _buy(listing, signature, msg.sender, msg.value);
        if (spent != msg.value) revert WrongValue(msg.value, spent);
    }

    /// @inheritdoc IExchange
    function take(Quote calldata quote, Take calldata how, bytes calldata signature) external payable whenOpen nonReentrant returns (uint256 money) {
        uint256 spent;
        (money, spent) = _take(quote, how, signature, msg.sender, msg.value);
        _payNative(msg.sender, msg.value - spent);
    }

    /// @inheritdoc IExchange
    function sweep(Listing[] calldata listings, bytes[] calldata signatures, uint256 atLeast)
        external
        payable
        whenOpen
        nonReentrant
        returns (bool[] memory made)
    {
        uint256 count = listings.length;
        if (count > MAX_SWEEP || count != signatures.length) revert BadQuote("count");
        made = new bool[](count);
        uint256 left = msg.value;
        for (uint256 i; i < count; ++i) {
            if (gasleft() < FAIR_SALE_GAS) revert NotEnoughGas();
            try this.attemptListing{gas: SALE_GAS}(listings[i], signatures[i], msg.sender, left) returns (uint256 spent) {
                left -= spent;
                made[i] = true;
            } catch {}
        }
        _finishSweep(made, atLeast, left);
    }

    /// @inheritdoc IExchange
    function sweepQuotes(Quote[] calldata quotes, Take[] calldata hows, bytes[] calldata signatures, uint256 atLeast)
        external
        payable
        whenOpen
        nonReentrant
        returns (bool[] memory made)
    {
        uint256 count = quotes.length;
        if (count > MAX_SWEEP || count != hows.length || count != signatures.length) revert BadQuote("count");
        made = new bool[](count);
        uint256 left = msg.value;
        for (uint256 i; i < count; ++i) {
            if (gasleft() < FAIR_SALE_GAS) revert NotEnoughGas();
            try this.attemptQuote{gas: SALE_GAS}(quotes[i], hows[i], signatures[i], msg.sender, left) returns (uint256 spent) {
                left -= spent;
                made[i] = true;
            } catch {}
        }
        _finishSweep(made, atLeast, left);
    }

    /// @inheritdoc IExchange
    function attemptListing(Listing calldata listing, bytes calldata signature, address buyer, uint256 budget) external returns (uint256 spent) {
        if (msg.sender != address(this)) revert OnlySelf();
        return _buy(listing, signature, buyer, budget);
    }

    /// @inheritdoc IExchange
    function attemptQuote(Quote calldata quote, Take calldata how, bytes calldata signature, address taker, uint256 budget) external returns (uint256 spent) {
        if (msg.sender != address(this)) revert OnlySelf();
        (, spent) = _take(quote, how, signature, taker, budget);
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
    function cancelGroup(uint256 group) external {
        if (group == 0) revert BadQuote("group");
        _groups[msg.sender].set(group);
        emit GroupCancelled(msg.sender, group);
    }

    /// @inheritdoc IExchange
    function cancelAll() external returns (uint256 epoch) {
        unchecked {
            epoch = ++_epochs[msg.sender];
        }
        emit AllCancelled(msg.sender, epoch);
    }

    // Views

    /// @inheritdoc IExchange
    function hashListing(Listing calldata listing) public view returns (bytes32 digest) {
        bytes32 typeHash = LISTING_TYPEHASH;
        assembly ("memory-safe") {
            // The type's hash and the eleven words of the listing as they stand.
            let pointer := mload(0x40)
            mstore(pointer, typeHash)
            calldatacopy(add(pointer, 0x20), listing, 0x160)
            digest := keccak256(pointer, 0x180)
        }
        return _hashTypedData(digest);
    }

    /// @inheritdoc IExchange
    function hashQuote(Quote calldata quote) public view returns (bytes32 digest) {
        bytes32 typeHash = QUOTE_TYPEHASH;
        assembly ("memory-safe") {
            // The type's hash and the seventeen words of the quote as they stand.
            let pointer := mload(0x40)
            mstore(pointer, typeHash)
            calldatacopy(add(pointer, 0x20), quote, 0x220)
            digest := keccak256(pointer, 0x240)
        }
        return _hashTypedData(digest);
    }

    /// @inheritdoc IExchange
    function hashBulk(bytes32 root) public view returns (bytes32 digest) {
        return _hashTypedData(keccak256(abi.encode(BULK_TYPEHASH, root)));
    }

    /// @inheritdoc IExchange
    function priceOf(Quote calldata quote) public view returns (uint256 price) {
        _checkTime(quote.start, quote.end);
        if (quote.startPrice == quote.endPrice || quote.start == quote.end) return quote.startPrice;
        return quote.startPrice > quote.endPrice
            ? quote.startPrice - _moved(quote, quote.startPrice - quote.endPrice)
            : quote.startPrice + _moved(quote, quote.endPrice - quote.startPrice);
    }

    /// @inheritdoc IExchange
    function filledOf(address signer, uint256 nonce) external view returns (uint256 units) {
        return _filled[signer][nonce];
    }

    /// @inheritdoc IExchange
    function groupCancelled(address signer, uint256 group) external view returns (bool) {
        return _groups[signer].get(group);
    }

    /// @inheritdoc IExchange
    function nonceUsed(address signer, uint256 nonce) external view returns (bool) {
        return _nonces[signer].get(nonce);
    }

    /// @inheritdoc IExchange
    function epochOf(address signer) external view returns (uint256) {
        return _epochs[signer];
    }

    // A listing

    /// @return spent Native coin that the sale needs.
    function _buy(Listing calldata listing, bytes calldata signature, address buyer, uint256 budget) private returns (uint256 spent) {
        _checkBuyer(listing, buyer, budget);
        Sale memory sale;
        sale.digest = hashListing(listing);
        _checkSignature(listing.seller, sale.digest, signature);
        _checkEpoch(listing.seller, listing.epoch);
        _useNonce(listing.seller, listing.nonce);
        (sale.seller, sale.buyer, sale.collection, sale.tokenId) = (listing.seller, buyer, listing.collection, listing.tokenId);
        (sale.quantity, sale.currency, sale.price, sale.nonce, sale.feeBps) = (1, listing.currency, listing.price, listing.nonce, _feeBps());
        uint256 proceeds = _settle(sale);
        if (proceeds < listing.minProceeds) revert ProceedsTooLow(proceeds, listing.minProceeds);
        return sale.currency == address(0) ? sale.price : 0;
    }

    /// @dev Everything that can be told without the signature.
    function _checkBuyer(Listing calldata listing, address buyer, uint256 budget) private view {
        _checkTime(listing.start, listing.end);
        if (listing.buyer != address(0) && listing.buyer != buyer) revert NotForCaller(listing.buyer);
        if (listing.seller == buyer) revert SelfSale();
        if (listing.currency != address(0)) _checkCurrency(listing.currency);
        else if (budget < listing.price) revert WrongValue(budget, listing.price);
    }

    // A quote

    /// @return money What the buyer pays or the seller gets, see `take`.
    /// @return spent Native coin that the sale needs.
    function _take(Quote calldata quote, Take calldata how, bytes calldata signature, address taker, uint256 budget)
        private
        returns (uint256 money, uint256 spent)
    {
        _checkQuote(quote, how, taker);
        Sale memory sale;
        sale.digest = hashQuote(quote);
        _checkSignature(quote.maker, how.bulkProof.length == 0 ? sale.digest : _bulkDigest(how.bulkProof, sale.digest), signature);
        _useUnits(quote, how.units, sale.digest);
        (sale.seller, sale.buyer) = quote.side == Side.SELL ? (quote.maker, taker) : (taker, quote.maker);
        sale.kind = _kindOf(quote);
        (sale.currency, sale.price, sale.nonce, sale.feeBps) = (quote.currency, priceOf(quote) * how.units, quote.nonce, _feeBps());
        if (quote.side == Side.SELL) return _sell(quote, how, sale, budget);
        money = _settleAll(quote, how, sale);
        if (money < how.limit) revert ProceedsTooLow(money, how.limit);
    }

    /// @dev The maker sells: the price is the taker's to judge, the proceeds were judged by the maker.
    function _sell(Quote calldata quote, Take calldata how, Sale memory sale, uint256 budget) private returns (uint256 price, uint256 spent) {
        price = sale.price;
        if (price > how.limit) revert PriceTooHigh(price, how.limit);
        if (quote.currency == address(0)) {
            if (budget < price) revert WrongValue(budget, price);
            spent = price;
        }
        uint256 proceeds = _settleAll(quote, how, sale);
        uint256 least = quote.minProceeds * how.units;
        if (proceeds < least) revert ProceedsTooLow(proceeds, least);
    }

    /// @dev A bundle is as many sales as it has items, at equal shares of the price; the last one has the dust.
    function _settleAll(Quote calldata quote, Take calldata how, Sale memory sale) private returns (uint256 proceeds) {
        if (quote.scope != Scope.BUNDLE) {
            (sale.standard, sale.collection, sale.tokenId, sale.quantity) = (quote.standard, quote.collection, how.tokenId, how.units);
            return _settle(sale);
        }
        uint256 count = how.items.length;
        (uint256 rest, uint256 share) = (sale.price, sale.price / count);
        for (uint256 i; i < count; ++i) {
            Item calldata item = how.items[i];
            (sale.standard, sale.collection, sale.tokenId, sale.quantity) = (item.standard, item.collection, item.tokenId, item.quantity);
            if (item.quantity == 0 || (item.standard == Standard.ERC721 && item.quantity != 1)) revert BadQuote("items");
            sale.price = i + 1 == count ? rest : share;
            rest -= sale.price;
            proceeds += _settle(sale);
        }
    }

    /// @dev Everything that can be told without the signature, save the price.
    function _checkQuote(Quote calldata quote, Take calldata how, address taker) private view {
        if (quote.taker != address(0) && quote.taker != taker) revert NotForCaller(quote.taker);
        if (quote.maker == taker) revert SelfSale();
        _checkCurrency(quote.currency);
        // Nobody's coin can be pulled.
        if (quote.side == Side.BUY && quote.currency == address(0)) revert CurrencyNotAllowed(address(0));
        _checkScope(quote, how);
        // A token of ERC-721 is one unit, and there is one of each id.
        if (quote.standard == Standard.ERC721 && (how.units != 1 || (quote.scope == Scope.TOKEN && quote.quantity != 1))) revert BadQuote("units");
        if (how.units == 0) revert BadQuote("units");
    }

    /// @dev Whether the chosen tokens are among those that the quote is about.
    function _checkScope(Quote calldata quote, Take calldata how) private pure {
        if (quote.scope == Scope.TOKEN) {
            if (how.tokenId != quote.criteria) revert TokenNotWanted(how.tokenId);
        } else if (quote.scope == Scope.BUNDLE) {
            if (how.items.length == 0 || how.items.length > MAX_ITEMS || quote.quantity != 1 || how.tokenId != 0) revert BadQuote("items");
            if (keccak256(abi.encode(how.items)) != bytes32(quote.criteria)) revert BadQuote("items");
        } else {
            if (quote.side == Side.SELL) revert BadQuote("scope");
            if (quote.scope == Scope.TRAIT && !_isAmong(how.proof, quote.criteria, how.tokenId)) revert TokenNotWanted(how.tokenId);
        }
    }

    /// @dev Uses up units, and with the last one the nonce. Alternatives with the same nonce draw on the same count.
    function _useUnits(Quote calldata quote, uint256 units, bytes32 digest) private {
        address maker = quote.maker;
        _checkEpoch(maker, quote.epoch);
        if (quote.group != 0 && _groups[maker].get(quote.group)) revert GroupVoid(maker, quote.group);
        uint256 quantity = quote.quantity;
        if (quantity == 1 && units == 1) return _useNonce(maker, quote.nonce);
        if (_nonces[maker].get(quote.nonce)) revert NonceUsed(maker, quote.nonce);
        uint256 filled = _filled[maker][quote.nonce];
        uint256 left = quantity > filled ? quantity - filled : 0;
        if (units > left) revert TooManyUnits(units, left);
        filled += units;
        _filled[maker][quote.nonce] = filled;
        if (filled == quantity) _useNonce(maker, quote.nonce);
        emit QuoteFilled(digest, maker, quote.nonce, units, filled, quantity);
    }

    /// @dev A price that moves is an auction, by the clock.
    function _kindOf(Quote calldata quote) private pure returns (SaleKind) {
        if (quote.side == Side.BUY) return SaleKind.OFFER;
        return quote.startPrice == quote.endPrice ? SaleKind.LISTING : SaleKind.AUCTION;
    }

    /// @dev How far a price has moved of `distance`. A fall is rounded down and a rise up for a seller, the other way round for a buyer.
    function _moved(Quote calldata quote, uint256 distance) private view returns (uint256) {
        (uint256 passed, uint256 whole) = (block.timestamp - quote.start, quote.end - quote.start);
        bool up = (quote.startPrice > quote.endPrice) == (quote.side == Side.BUY);
        return up ? FixedPointMathLib.fullMulDivUp(distance, passed, whole) : FixedPointMathLib.fullMulDiv(distance, passed, whole);
    }

    function _isAmong(bytes32[] calldata proof, uint256 root, uint256 tokenId) private pure returns (bool) {
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(tokenId))));
        return MerkleProof.verifyCalldata(proof, bytes32(root), leaf);
    }

    function _bulkDigest(bytes32[] calldata proof, bytes32 leaf) private view returns (bytes32) {
        return hashBulk(MerkleProof.processProofCalldata(proof, leaf));
    }

    // Small parts

    function _finishSweep(bool[] memory made, uint256 atLeast, uint256 left) private {
        uint256 count;
        for (uint256 i; i < made.length; ++i) {
            if (made[i]) ++count;
        }
        if (count < atLeast) revert TooFewSales(count, atLeast);
        _payNative(msg.sender, left);
    }

    /// @dev ECDSA first, as an EIP-7702 account whose delegate lacks ERC-1271 must still be able to sign with its key.
    function _checkSignature(address signer, bytes32 digest, bytes calldata signature) private view {
        address recovered = ECDSA.tryRecoverCalldata(digest, signature);
        if (recovered != address(0) && recovered == signer) return;
        if (!SignatureCheckerLib.isValidERC1271SignatureNowCalldata(signer, digest, signature)) revert BadSignature(signer);
    }

    function _checkEpoch(address signer, uint256 epoch) private view {
        uint256 current = _epochs[signer];
        if (epoch != current) revert WrongEpoch(signer, epoch, current);
    }

    function _checkTime(uint64 start, uint64 end) private view {
        if (block.timestamp < start || block.timestamp > end) revert NotLive(start, end);
    }

    /// @dev A nonce is used up, never a signature: those can be written in several ways. `toggle` tells the new value, so a nonce that was used comes back false
    ///  and the change is undone by the revert.
    function _useNonce(address signer, uint256 nonce) private {
        if (!_nonces[signer].toggle(nonce)) revert NonceUsed(signer, nonce);
    }

    function _cancel(uint256 nonce) private {
        _useNonce(msg.sender, nonce);
        emit NonceCancelled(msg.sender, nonce);
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("ASOUD Exchange", "1");
    }
}
