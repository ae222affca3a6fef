// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC721} from "solady/src/tokens/ERC721.sol";
import {ReentrancyGuardTransient} from "solady/src/utils/ReentrancyGuardTransient.sol";
import {IExchange} from "../interfaces/IExchange.sol";
import {IPayouts} from "../interfaces/IPayouts.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {ExchangeSetup} from "./Exchange.t.sol";
import {CoinRefuser, MoodyCollection, OddEditions, OddToken, Wallet1271} from "./Parties.sol";

/// @dev Quotes of every kind. `maker` sells or buys; in offers `buyer` is the maker and `seller` the taker.
abstract contract QuoteSetup is ExchangeSetup {
    OddEditions internal editions;
    uint256 internal buyerKey;

    function setUp() public virtual override {
        super.setUp();
        (, buyerKey) = actor("buyer");
        editions = new OddEditions();
        editions.setRoyalty(artist, ROYALTY_BPS);
        editions.mint(seller, 1, 100);
        vm.prank(seller);
        editions.setApprovalForAll(address(exchange), true);
    }

    function selling(address currency, uint256 price) internal view returns (IExchange.Quote memory q) {
        q.maker = seller;
        q.collection = address(collection);
        (q.criteria, q.quantity, q.currency, q.startPrice, q.endPrice) = (tokenId, 1, currency, price, price);
        (q.start, q.end, q.nonce) = (uint64(NOW), uint64(NOW + 1 days), 7);
    }

    function offering(uint256 price) internal view returns (IExchange.Quote memory q) {
        q = selling(address(dollar), price);
        (q.maker, q.side) = (buyer, IExchange.Side.BUY);
    }

    function sellingEditions(uint256 units, address currency, uint256 price) internal view returns (IExchange.Quote memory q) {
        q = selling(currency, price);
        (q.standard, q.collection, q.criteria, q.quantity) = (ISettlement.Standard.ERC1155, address(editions), 1, units);
    }

    function how(uint256 token, uint256 units, uint256 limit) internal pure returns (IExchange.Take memory t) {
        (t.tokenId, t.units, t.limit) = (token, units, limit);
    }

    function signQuote(IExchange.Quote memory q) internal view returns (bytes memory) {
        return signDigest(exchange.hashQuote(q), q.maker == seller ? sellerKey : buyerKey);
    }

    function signDigest(bytes32 digest, uint256 key) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function take(address taker, uint256 value, IExchange.Quote memory q, IExchange.Take memory t) internal returns (uint256) {
        bytes memory signature = signQuote(q);
        vm.prank(taker);
        return exchange.take{value: value}(q, t, signature);
    }

    function takeReverts(address taker, uint256 value, IExchange.Quote memory q, IExchange.Take memory t, bytes memory reason) internal {
        bytes memory signature = signQuote(q);
        vm.expectRevert(reason);
        vm.prank(taker);
        exchange.take{value: value}(q, t, signature);
    }

    function badQuote(string memory field) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IExchange.BadQuote.selector, field);
    }

    function pair(bytes32 one, bytes32 other) internal pure returns (bytes32) {
        return one < other ? keccak256(abi.encode(one, other)) : keccak256(abi.encode(other, one));
    }

    function leafOf(uint256 token) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(token))));
    }
}

contract QuoteSaleTest is QuoteSetup {
    function test_a_fixed_price_and_change_back() public {
        IExchange.Quote memory q = selling(NATIVE, 1 ether);
        vm.expectEmit();
        emit ISettlement.Sold(
            exchange.hashQuote(q),
            seller,
            buyer,
            ISettlement.SaleKind.LISTING,
            address(collection),
            tokenId,
            1,
            NATIVE,
            1 ether,
            artist,
            0.05 ether,
            0.025 ether,
            7
        );
        vm.assertEq(take(buyer, 3 ether, q, how(tokenId, 1, 1 ether)), 1 ether);
        vm.assertEq(collection.ownerOf(tokenId), buyer);
        vm.assertEq(buyer.balance, 99 ether);
        vm.assertEq(seller.balance, 100.925 ether);
        vm.assertTrue(exchange.nonceUsed(seller, 7));
        takeReverts(buyer, 1 ether, q, how(tokenId, 1, 1 ether), abi.encodeWithSelector(IExchange.NonceUsed.selector, seller, 7));
    }

    function test_digest_is_eip712() public view {
        IExchange.Quote memory q = offering(5e6);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("ASOUD Exchange"),
                keccak256("1"),
                31337,
                address(exchange)
            )
        );
        bytes32 typeHash = keccak256(
            "Quote(address maker,uint8 side,uint8 scope,uint8 standard,address collection,uint256 criteria,uint256 quantity,address currency,uint256 startPrice,uint256 endPrice,uint256 minProceeds,address taker,uint64 start,uint64 end,uint256 nonce,uint256 group,uint256 epoch)"
        );
        vm.assertEq(exchange.hashQuote(q), keccak256(abi.encodePacked(hex"1901", domain, keccak256(abi.encode(typeHash, q)))));
        bytes32 bulk = keccak256(abi.encode(keccak256("BulkQuotes(bytes32 root)"), bytes32("root")));
        vm.assertEq(exchange.hashBulk("root"), keccak256(abi.encodePacked(hex"1901", domain, bulk)));
    }

    function test_an_offer_for_a_token() public {
        IExchange.Quote memory q = offering(100e6);
        vm.assertEq(take(seller, 0, q, how(tokenId, 1, 92.5e6)), 92.5e6);
        vm.assertEq(collection.ownerOf(tokenId), buyer);
        vm.assertEq(dollar.balanceOf(seller), 92.5e6);
        vm.assertEq(dollar.balanceOf(artist), 5e6);
        vm.assertEq(dollar.balanceOf(treasury), 2.5e6);
        vm.assertTrue(exchange.nonceUsed(buyer, 7));
    }

    function test_an_offer_guards_the_taker() public {
        IExchange.Quote memory q = offering(100e6);
        collection.setRoyalty(artist, 1000);
        bytes memory reason = abi.encodeWithSelector(ISettlement.ProceedsTooLow.selector, 87.5e6, 92.5e6);
        takeReverts(seller, 0, q, how(tokenId, 1, 92.5e6), reason);
    }

    function test_a_collection_offer_for_several() public {
        uint256 second = collection.mint(seller, "ipfs://two");
        IExchange.Quote memory q = offering(10e6);
        (q.scope, q.criteria, q.quantity) = (IExchange.Scope.COLLECTION, 0, 2);
        vm.expectEmit();
        emit IExchange.QuoteFilled(exchange.hashQuote(q), buyer, 7, 1, 1, 2);
        take(seller, 0, q, how(second, 1, 0));
        vm.assertEq(exchange.filledOf(buyer, 7), 1);
        vm.assertFalse(exchange.nonceUsed(buyer, 7));
        take(seller, 0, q, how(tokenId, 1, 0));
        vm.assertTrue(exchange.nonceUsed(buyer, 7));
        vm.assertEq(collection.ownerOf(second), buyer);
        uint256 third = collection.mint(seller, "ipfs://three");
        takeReverts(seller, 0, q, how(third, 1, 0), abi.encodeWithSelector(IExchange.NonceUsed.selector, buyer, 7));
    }

    function test_a_trait_offer() public {
        uint256 second = collection.mint(seller, "ipfs://two");
        uint256 third = collection.mint(seller, "ipfs://three");
        IExchange.Quote memory q = offering(10e6);
        (q.scope, q.criteria) = (IExchange.Scope.TRAIT, uint256(pair(leafOf(tokenId), leafOf(second))));
        IExchange.Take memory t = how(third, 1, 0);
        t.proof = new bytes32[](1);
        t.proof[0] = leafOf(tokenId);
        takeReverts(seller, 0, q, t, abi.encodeWithSelector(IExchange.TokenNotWanted.selector, third));
        t.tokenId = second;
        take(seller, 0, q, t);
        vm.assertEq(collection.ownerOf(second), buyer);
    }

    function test_a_private_sale() public {
        IExchange.Quote memory q = selling(NATIVE, 1 ether);
        q.taker = artist;
        takeReverts(buyer, 1 ether, q, how(tokenId, 1, 1 ether), abi.encodeWithSelector(IExchange.NotForCaller.selector, artist));
        take(artist, 1 ether, q, how(tokenId, 1, 1 ether));
        vm.assertEq(collection.ownerOf(tokenId), artist);
    }

    function test_a_dutch_auction_falls_and_is_an_auction() public {
        IExchange.Quote memory q = selling(NATIVE, 4 ether);
        q.endPrice = 2 ether;
        vm.warp(NOW + 12 hours);
        vm.assertEq(exchange.priceOf(q), 3 ether);
        takeReverts(buyer, 4 ether, q, how(tokenId, 1, 3 ether - 1), abi.encodeWithSelector(IExchange.PriceTooHigh.selector, 3 ether, 3 ether - 1));
        vm.expectEmit();
        emit ISettlement.Sold(
            exchange.hashQuote(q),
            seller,
            buyer,
            ISettlement.SaleKind.AUCTION,
            address(collection),
            tokenId,
            1,
            NATIVE,
            3 ether,
            artist,
            0.15 ether,
            0.075 ether,
            7
        );
        take(buyer, 4 ether, q, how(tokenId, 1, 3 ether));
        vm.assertEq(buyer.balance, 97 ether);
        vm.assertEq(collection.ownerOf(tokenId), buyer);
    }

    /// @dev The oracle: the exact fraction, rounded for the maker.
    function testFuzz_a_price_moves_along_its_line(uint128 from, uint128 to, uint32 length, uint32 passed, bool buys) public {
        IExchange.Quote memory q = buys ? offering(0) : selling(NATIVE, 0);
        uint256 whole = bound(length, 0, 365 days);
        uint256 time = bound(passed, 0, whole);
        (q.startPrice, q.endPrice, q.end) = (from, to, uint64(NOW + whole));
        vm.warp(NOW + time);
        uint256 price = exchange.priceOf(q);
        if (whole == 0) {
            vm.assertEq(price, from);
            return;
        }
        uint256 weighed = uint256(from) * (whole - time) + uint256(to) * time;
        vm.assertEq(price, buys ? weighed / whole : (weighed + whole - 1) / whole);
    }

    function test_editions_in_parts_to_several() public {
        IExchange.Quote memory q = sellingEditions(10, NATIVE, 0.1 ether);
        take(buyer, 0.3 ether, q, how(1, 3, 0.3 ether));
        take(artist, 0.6 ether, q, how(1, 6, 0.6 ether));
        vm.assertEq(editions.balanceOf(buyer, 1), 3);
        vm.assertEq(editions.balanceOf(artist, 1), 6);
        takeReverts(buyer, 1 ether, q, how(1, 2, 1 ether), abi.encodeWithSelector(IExchange.TooManyUnits.selector, 2, 1));
        take(buyer, 0.1 ether, q, how(1, 1, 0.1 ether));
        vm.assertTrue(exchange.nonceUsed(seller, 7));
        vm.assertEq(exchange.collectableFees(), 0.025 ether);
    }

    function test_alternatives_with_one_nonce_share_their_units() public {
        IExchange.Quote memory coins = sellingEditions(10, NATIVE, 0.1 ether);
        IExchange.Quote memory dollars = sellingEditions(10, address(dollar), 1e6);
        take(buyer, 0.7 ether, coins, how(1, 7, 1 ether));
        takeReverts(buyer, 0, dollars, how(1, 4, 4e6), abi.encodeWithSelector(IExchange.TooManyUnits.selector, 4, 3));
        take(buyer, 0, dollars, how(1, 3, 3e6));
        vm.assertTrue(exchange.nonceUsed(seller, 7));
        dollars.quantity = 5;
        dollars.nonce = 8;
        take(buyer, 0, dollars, how(1, 4, 4e6));
        dollars.quantity = 2;
        takeReverts(buyer, 0, dollars, how(1, 2, 4e6), abi.encodeWithSelector(IExchange.TooManyUnits.selector, 2, 0));
    }

    function test_an_offer_for_editions_in_parts() public {
        IExchange.Quote memory q = offering(1e6);
        (q.standard, q.collection, q.criteria, q.quantity) = (ISettlement.Standard.ERC1155, address(editions), 1, 10);
        take(seller, 0, q, how(1, 4, 0));
        vm.assertEq(editions.balanceOf(buyer, 1), 4);
        vm.assertEq(dollar.balanceOf(buyer), 996e6);
        vm.prank(buyer);
        exchange.cancel(7);
        takeReverts(seller, 0, q, how(1, 4, 0), abi.encodeWithSelector(IExchange.NonceUsed.selector, buyer, 7));
    }

    function bundle() internal returns (IExchange.Quote memory q, IExchange.Take memory t) {
        uint256 second = collection.mint(seller, "ipfs://two");
        q = selling(NATIVE, 1 ether);
        t.items = new IExchange.Item[](3);
        t.items[0] = IExchange.Item(ISettlement.Standard.ERC721, address(collection), tokenId, 1);
        t.items[1] = IExchange.Item(ISettlement.Standard.ERC721, address(collection), second, 1);
        t.items[2] = IExchange.Item(ISettlement.Standard.ERC1155, address(editions), 1, 5);
        (t.units, t.limit) = (1, 1 ether);
        (q.scope, q.collection, q.criteria) = (IExchange.Scope.BUNDLE, address(0), uint256(keccak256(abi.encode(t.items))));
    }

    function test_a_bundle_goes_whole() public {
        (IExchange.Quote memory q, IExchange.Take memory t) = bundle();
        take(buyer, 1 ether, q, t);
        vm.assertEq(collection.ownerOf(tokenId), buyer);
        vm.assertEq(collection.ownerOf(2), buyer);
        vm.assertEq(editions.balanceOf(buyer, 1), 5);
        uint256 paid = seller.balance - 100 ether + artist.balance - 100 ether + exchange.collectableFees();
        vm.assertEq(paid, 1 ether);
    }

    function test_a_bundle_goes_not_in_parts_nor_changed() public {
        (IExchange.Quote memory q, IExchange.Take memory t) = bundle();
        t.items[2].quantity = 4;
        takeReverts(buyer, 1 ether, q, t, badQuote("items"));
        t.items = new IExchange.Item[](0);
        q.criteria = uint256(keccak256(abi.encode(t.items)));
        takeReverts(buyer, 1 ether, q, t, badQuote("items"));
        t.items = new IExchange.Item[](51);
        q.criteria = uint256(keccak256(abi.encode(t.items)));
        takeReverts(buyer, 1 ether, q, t, badQuote("items"));
    }

    function test_a_bundle_that_makes_no_sense() public {
        (IExchange.Quote memory q, IExchange.Take memory t) = bundle();
        t.tokenId = 1;
        takeReverts(buyer, 1 ether, q, t, badQuote("items"));
        (t.tokenId, q.quantity) = (0, 2);
        takeReverts(buyer, 1 ether, q, t, badQuote("items"));
        q.quantity = 1;
        t.items[0].quantity = 2;
        q.criteria = uint256(keccak256(abi.encode(t.items)));
        takeReverts(buyer, 1 ether, q, t, badQuote("items"));
        t.items[0].quantity = 1;
        t.items[2].quantity = 0;
        q.criteria = uint256(keccak256(abi.encode(t.items)));
        takeReverts(buyer, 1 ether, q, t, badQuote("items"));
    }

    function test_a_bundle_fails_whole() public {
        (IExchange.Quote memory q, IExchange.Take memory t) = bundle();
        vm.prank(seller);
        collection.transferFrom(seller, artist, 2);
        takeReverts(buyer, 1 ether, q, t, abi.encodeWithSelector(ERC721.TransferFromIncorrectOwner.selector));
        vm.assertEq(collection.ownerOf(tokenId), seller);
    }

    function test_many_quotes_under_one_signature() public {
        uint256 second = collection.mint(seller, "ipfs://two");
        IExchange.Quote memory one = selling(NATIVE, 1 ether);
        IExchange.Quote memory two = selling(NATIVE, 2 ether);
        (two.criteria, two.nonce) = (second, 8);
        bytes32 root = pair(exchange.hashQuote(one), exchange.hashQuote(two));
        bytes memory signature = signDigest(exchange.hashBulk(root), sellerKey);
        IExchange.Take memory t = how(second, 1, 2 ether);
        t.bulkProof = new bytes32[](1);
        t.bulkProof[0] = exchange.hashQuote(one);
        vm.prank(buyer);
        exchange.take{value: 2 ether}(two, t, signature);
        vm.assertEq(collection.ownerOf(second), buyer);
        t = how(tokenId, 1, 1 ether);
        t.bulkProof = new bytes32[](1);
        t.bulkProof[0] = exchange.hashQuote(two);
        one.startPrice = one.endPrice = 0.5 ether;
        vm.expectRevert(abi.encodeWithSelector(IExchange.BadSignature.selector, seller));
        vm.prank(buyer);
        exchange.take{value: 1 ether}(one, t, signature);
        one.startPrice = one.endPrice = 1 ether;
        vm.prank(buyer);
        exchange.take{value: 1 ether}(one, t, signature);
        vm.assertEq(collection.ownerOf(tokenId), buyer);
    }

    /// @dev A plain account of what everybody must get is the oracle.
    function testFuzz_units_conserve(uint256 price, uint256 units, uint16 royalty, uint16 fee, bool native) public {
        units = bound(units, 1, 100);
        price = bound(price, 0, native ? 0.9 ether : 9e6);
        royalty = uint16(bound(royalty, 0, 2000));
        fee = uint16(bound(fee, 0, 500));
        editions.setRoyalty(artist, royalty);
        exchange.setFee(treasury, fee);
        IExchange.Quote memory q = sellingEditions(100, native ? NATIVE : address(dollar), price);
        uint256 total = price * units;
        uint256 toArtist = total * royalty / 10_000;
        if (toArtist > total / 10) toArtist = total * 1000 / 10_000;
        uint256 toFee = total * fee / 10_000;
        take(buyer, native ? total : 0, q, how(1, units, total));
        uint256 sellerGot = native ? seller.balance - 100 ether : dollar.balanceOf(seller);
        vm.assertEq(sellerGot, total - toArtist - toFee);
        vm.assertEq(native ? artist.balance - 100 ether : dollar.balanceOf(artist), toArtist);
        vm.assertEq(native ? exchange.collectableFees() : dollar.balanceOf(treasury), toFee);
        vm.assertEq(address(exchange).balance, native ? toFee : 0);
        vm.assertEq(editions.balanceOf(buyer, 1), units);
    }
}

contract QuoteRefusalTest is QuoteSetup {
    function test_outside_its_time() public {
        IExchange.Quote memory q = selling(NATIVE, 1 ether);
        vm.warp(NOW - 1);
        bytes memory reason = abi.encodeWithSelector(IExchange.NotLive.selector, q.start, q.end);
        takeReverts(buyer, 1 ether, q, how(tokenId, 1, 1 ether), reason);
        vm.warp(NOW + 1 days + 1);
        takeReverts(buyer, 1 ether, q, how(tokenId, 1, 1 ether), reason);
    }

    function test_no_price_in_a_moment() public {
        IExchange.Quote memory q = selling(NATIVE, 2 ether);
        (q.end, q.endPrice) = (q.start, 1 ether);
        take(buyer, 2 ether, q, how(tokenId, 1, 2 ether));
        vm.assertEq(buyer.balance, 98 ether);
    }

    function test_cancelled_in_every_way() public {
        IExchange.Quote memory q = selling(NATIVE, 1 ether);
        q.group = 5;
        vm.expectRevert(badQuote("group"));
        exchange.cancelGroup(0);
        vm.prank(buyer);
        exchange.cancelGroup(5);
        vm.expectEmit();
        emit IExchange.GroupCancelled(seller, 5);
        vm.prank(seller);
        exchange.cancelGroup(5);
        vm.assertTrue(exchange.groupCancelled(seller, 5));
        takeReverts(buyer, 1 ether, q, how(tokenId, 1, 1 ether), abi.encodeWithSelector(IExchange.GroupVoid.selector, seller, 5));
        q.group = 6;
        vm.prank(seller);
        exchange.cancelAll();
        takeReverts(buyer, 1 ether, q, how(tokenId, 1, 1 ether), abi.encodeWithSelector(IExchange.WrongEpoch.selector, seller, 0, 1));
        q.epoch = 1;
        vm.prank(seller);
        exchange.cancel(7);
        takeReverts(buyer, 1 ether, q, how(tokenId, 1, 1 ether), abi.encodeWithSelector(IExchange.NonceUsed.selector, seller, 7));
        q.nonce = 8;
        take(buyer, 1 ether, q, how(tokenId, 1, 1 ether));
    }

    function test_an_offer_in_coin() public {
        IExchange.Quote memory q = offering(1);
        q.currency = NATIVE;
        takeReverts(seller, 0, q, how(tokenId, 1, 0), abi.encodeWithSelector(ISettlement.CurrencyNotAllowed.selector, NATIVE));
    }

    function test_a_currency_off_the_list() public {
        IExchange.Quote memory q = offering(1);
        q.currency = artist;
        takeReverts(seller, 0, q, how(tokenId, 1, 0), abi.encodeWithSelector(ISettlement.CurrencyNotAllowed.selector, artist));
    }

    function test_own_quote() public {
        takeReverts(seller, 1 ether, selling(NATIVE, 1 ether), how(tokenId, 1, 1 ether), abi.encodeWithSelector(IExchange.SelfSale.selector));
    }

    function test_sellers_name_their_tokens() public {
        IExchange.Quote memory q = selling(NATIVE, 1 ether);
        takeReverts(buyer, 1 ether, q, how(2, 1, 1 ether), abi.encodeWithSelector(IExchange.TokenNotWanted.selector, 2));
        q.scope = IExchange.Scope.COLLECTION;
        takeReverts(buyer, 1 ether, q, how(tokenId, 1, 1 ether), badQuote("scope"));
        q.scope = IExchange.Scope.TRAIT;
        takeReverts(buyer, 1 ether, q, how(tokenId, 1, 1 ether), badQuote("scope"));
    }

    function test_units_that_make_no_sense() public {
        IExchange.Quote memory q = selling(NATIVE, 1 ether);
        takeReverts(buyer, 2 ether, q, how(tokenId, 2, 2 ether), badQuote("units"));
        q.quantity = 2;
        takeReverts(buyer, 1 ether, q, how(tokenId, 1, 1 ether), badQuote("units"));
        q = sellingEditions(10, NATIVE, 1 ether);
        takeReverts(buyer, 1 ether, q, how(1, 0, 1 ether), badQuote("units"));
        q.quantity = 0;
        takeReverts(buyer, 1 ether, q, how(1, 1, 1 ether), abi.encodeWithSelector(IExchange.TooManyUnits.selector, 1, 0));
        q.quantity = 1;
        takeReverts(buyer, 2 ether, q, how(1, 2, 2 ether), abi.encodeWithSelector(IExchange.TooManyUnits.selector, 2, 1));
    }

    function test_too_little_coin() public {
        IExchange.Quote memory q = selling(NATIVE, 1 ether);
        takeReverts(buyer, 0.9 ether, q, how(tokenId, 1, 1 ether), abi.encodeWithSelector(ISettlement.WrongValue.selector, 0.9 ether, 1 ether));
    }

    function test_sellers_limit_counts_each_unit() public {
        IExchange.Quote memory q = sellingEditions(10, NATIVE, 1 ether);
        q.minProceeds = 0.925 ether;
        take(buyer, 2 ether, q, how(1, 2, 2 ether));
        editions.setRoyalty(artist, 600);
        bytes memory reason = abi.encodeWithSelector(ISettlement.ProceedsTooLow.selector, 1.83 ether, 1.85 ether);
        takeReverts(buyer, 2 ether, q, how(1, 2, 2 ether), reason);
    }

    function testFuzz_any_changed_field_breaks_the_signature(uint256 field, uint256 salt) public {
        IExchange.Quote memory q = offering(50e6);
        (q.scope, q.quantity) = (IExchange.Scope.COLLECTION, 2);
        bytes memory signature = signQuote(q);
        salt = bound(salt, 1, 1000);
        field = bound(field, 0, 8);
        if (field == 0) q.criteria += salt;
        if (field == 1) q.startPrice += salt;
        if (field == 2) q.endPrice += salt;
        if (field == 3) q.minProceeds += salt;
        if (field == 4) q.end += uint64(salt);
        if (field == 5) q.nonce += salt;
        if (field == 6) q.quantity += salt;
        if (field == 7) q.group += salt;
        if (field == 8) q.taker = seller;
        vm.expectRevert(abi.encodeWithSelector(IExchange.BadSignature.selector, buyer));
        vm.prank(seller);
        exchange.take(q, how(tokenId, 1, 0), signature);
    }
}

contract QuoteHostileTest is QuoteSetup {
    function test_editions_that_stay() public {
        editions.setKeeps(true);
        IExchange.Quote memory q = sellingEditions(10, NATIVE, 1 ether);
        bytes memory reason = abi.encodeWithSelector(ISettlement.TokenNotDelivered.selector, address(editions), 1);
        takeReverts(buyer, 1 ether, q, how(1, 1, 1 ether), reason);
    }

    function test_editions_that_reenter() public {
        IExchange.Quote memory q = sellingEditions(10, NATIVE, 0);
        bytes memory signature = signQuote(q);
        editions.arm(address(exchange), abi.encodeCall(exchange.take, (q, how(1, 1, 0), signature)));
        takeReverts(buyer, 0, q, how(1, 1, 0), abi.encodeWithSelector(ReentrancyGuardTransient.Reentrancy.selector));
        editions.arm(address(exchange), abi.encodeCall(exchange.attemptQuote, (q, how(1, 1, 0), signature, buyer, 0)));
        takeReverts(buyer, 0, q, how(1, 1, 0), abi.encodeWithSelector(IExchange.OnlySelf.selector));
    }

    function test_nobody_attempts_from_outside() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        bytes memory signature = signed(listing);
        vm.expectRevert(IExchange.OnlySelf.selector);
        exchange.attemptListing(listing, signature, buyer, 1 ether);
        IExchange.Quote memory q = selling(NATIVE, 1 ether);
        vm.expectRevert(IExchange.OnlySelf.selector);
        exchange.attemptQuote(q, how(tokenId, 1, 1 ether), signature, buyer, 1 ether);
    }

    function test_change_that_is_refused_waits() public {
        CoinRefuser refuser = new CoinRefuser();
        IExchange.Quote memory q = selling(NATIVE, 1 ether);
        bytes memory data = abi.encodeCall(exchange.take, (q, how(tokenId, 1, 1 ether), signQuote(q)));
        vm.deal(address(refuser), 2 ether);
        refuser.call(address(exchange), 2 ether, data);
        vm.assertEq(exchange.creditOf(address(refuser), NATIVE), 1 ether);
        vm.assertEq(address(exchange).balance, 1.025 ether);
    }

    function test_an_offer_of_a_wallet() public {
        Wallet1271 wallet = new Wallet1271(buyer);
        dollar.mint(address(wallet), 100e6);
        wallet.call(address(dollar), 0, abi.encodeCall(dollar.approve, (address(exchange), 100e6)));
        IExchange.Quote memory q = offering(100e6);
        q.maker = address(wallet);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(buyerKey, exchange.hashQuote(q));
        vm.prank(seller);
        exchange.take(q, how(tokenId, 1, 0), abi.encode(r, s, v));
        vm.assertEq(collection.ownerOf(tokenId), address(wallet));
    }

    function test_an_offer_without_money() public {
        IExchange.Quote memory q = offering(2000e6);
        bytes memory signature = signQuote(q);
        vm.expectPartialRevert(ISettlement.PaymentFailed.selector);
        vm.prank(seller);
        exchange.take(q, how(tokenId, 1, 0), signature);
        vm.assertEq(collection.ownerOf(tokenId), seller);
    }

    function test_an_offer_in_a_token_that_takes_a_part() public {
        odd.setHabit(OddToken.Habit.TAKES_FEE);
        IExchange.Quote memory q = offering(100e6);
        q.currency = address(odd);
        bytes memory signature = signQuote(q);
        vm.expectPartialRevert(ISettlement.PaymentFailed.selector);
        vm.prank(seller);
        exchange.take(q, how(tokenId, 1, 0), signature);
    }

    /// @dev A cancellation that comes first wins, and one that comes later changes nothing.
    function test_front_run_by_a_cancellation() public {
        IExchange.Quote memory q = sellingEditions(10, NATIVE, 0.1 ether);
        take(buyer, 0.1 ether, q, how(1, 1, 1 ether));
        vm.prank(seller);
        exchange.cancel(7);
        takeReverts(buyer, 0.1 ether, q, how(1, 1, 1 ether), abi.encodeWithSelector(IExchange.NonceUsed.selector, seller, 7));
        vm.assertEq(editions.balanceOf(buyer, 1), 1);
    }
}

contract SweepTest is QuoteSetup {
    function listings(uint256 count) internal returns (IExchange.Listing[] memory all, bytes[] memory signatures) {
        (all, signatures) = (new IExchange.Listing[](count), new bytes[](count));
        for (uint256 i; i < count; ++i) {
            all[i] = listingOf(NATIVE, 1 ether);
            (all[i].tokenId, all[i].nonce) = (i == 0 ? tokenId : collection.mint(seller, "ipfs://more"), 100 + i);
            signatures[i] = signed(all[i]);
        }
    }

    function test_all_of_them() public {
        (IExchange.Listing[] memory all, bytes[] memory signatures) = listings(5);
        vm.prank(buyer);
        bool[] memory made = exchange.sweep{value: 6 ether}(all, signatures, 5);
        for (uint256 i; i < 5; ++i) {
            vm.assertTrue(made[i]);
            vm.assertEq(collection.ownerOf(all[i].tokenId), buyer);
        }
        vm.assertEq(buyer.balance, 95 ether);
        vm.assertEq(address(exchange).balance, exchange.collectableFees());
    }

    function test_one_that_fails_stops_no_other() public {
        (IExchange.Listing[] memory all, bytes[] memory signatures) = listings(3);
        vm.prank(seller);
        exchange.cancel(101);
        vm.prank(buyer);
        bool[] memory made = exchange.sweep{value: 3 ether}(all, signatures, 2);
        vm.assertTrue(made[0] && !made[1] && made[2]);
        vm.assertEq(buyer.balance, 98 ether);
        vm.assertEq(collection.ownerOf(all[1].tokenId), seller);
    }

    function test_too_few() public {
        (IExchange.Listing[] memory all, bytes[] memory signatures) = listings(3);
        vm.prank(seller);
        exchange.cancel(101);
        vm.expectRevert(abi.encodeWithSelector(IExchange.TooFewSales.selector, 2, 3));
        vm.prank(buyer);
        exchange.sweep{value: 3 ether}(all, signatures, 3);
        vm.assertEq(collection.ownerOf(tokenId), seller);
    }

    function test_coin_is_never_used_twice() public {
        (IExchange.Listing[] memory all, bytes[] memory signatures) = listings(3);
        vm.prank(buyer);
        bool[] memory made = exchange.sweep{value: 2.5 ether}(all, signatures, 0);
        vm.assertTrue(made[0] && made[1] && !made[2]);
        vm.assertEq(buyer.balance, 98 ether);
        vm.assertEq(address(exchange).balance, exchange.collectableFees());
    }

    function test_a_burner_costs_no_other_sale() public {
        (IExchange.Listing[] memory all, bytes[] memory signatures) = listings(3);
        MoodyCollection moody = new MoodyCollection();
        moody.mint(seller, 1);
        vm.prank(seller);
        moody.setApprovalForAll(address(exchange), true);
        moody.setMood(MoodyCollection.Mood.BURNS_GAS);
        (all[1].collection, all[1].tokenId) = (address(moody), 1);
        signatures[1] = signed(all[1]);
        uint256 before = gasleft();
        vm.prank(buyer);
        bool[] memory made = exchange.sweep{value: 3 ether}(all, signatures, 2);
        vm.assertTrue(made[0] && !made[1] && made[2]);
        vm.assertLe(before - gasleft(), 1_300_000, "burner");
    }

    /// @dev An estimate of gas looks for the least that succeeds: it must not find one that leaves sales out.
    function testFuzz_little_gas_leaves_nothing_out(uint256 limit) public {
        (IExchange.Listing[] memory all, bytes[] memory signatures) = listings(3);
        limit = bound(limit, 100_000, 1_500_000);
        bytes memory data = abi.encodeCall(exchange.sweep, (all, signatures, 0));
        vm.prank(buyer);
        (bool done, bytes memory answer) = address(exchange).call{value: 3 ether, gas: limit}(data);
        if (!done) return;
        bool[] memory made = abi.decode(answer, (bool[]));
        vm.assertTrue(made[0] && made[1] && made[2]);
    }

    function test_lists_that_do_not_match() public {
        (IExchange.Listing[] memory all, bytes[] memory signatures) = listings(3);
        vm.expectRevert(badQuote("count"));
        exchange.sweep(all, new bytes[](2), 0);
        vm.expectRevert(badQuote("count"));
        exchange.sweep(new IExchange.Listing[](51), new bytes[](51), 0);
        vm.expectRevert(badQuote("count"));
        exchange.sweepQuotes(new IExchange.Quote[](2), new IExchange.Take[](1), signatures, 0);
        vm.expectRevert(badQuote("count"));
        exchange.sweepQuotes(new IExchange.Quote[](2), new IExchange.Take[](2), signatures, 0);
        vm.expectRevert(badQuote("count"));
        exchange.sweepQuotes(new IExchange.Quote[](51), new IExchange.Take[](51), new bytes[](51), 0);
        vm.expectRevert(IPayouts.NotEnoughGas.selector);
        exchange.sweepQuotes{gas: 300_000}(new IExchange.Quote[](2), new IExchange.Take[](2), new bytes[](2), 0);
    }

    function test_quotes_of_both_sides_and_currencies() public {
        uint256 mine = collection.mint(buyer, "ipfs://mine");
        vm.prank(buyer);
        collection.setApprovalForAll(address(exchange), true);
        (IExchange.Quote[] memory quotes, IExchange.Take[] memory hows, bytes[] memory signatures) =
            (new IExchange.Quote[](4), new IExchange.Take[](4), new bytes[](4));
        (quotes[0], hows[0]) = (selling(NATIVE, 1 ether), how(tokenId, 1, 1 ether));
        (quotes[1], hows[1]) = (sellingEditions(10, address(dollar), 1e6), how(1, 4, 4e6));
        quotes[1].nonce = 8;
        // An offer of the seller for the buyer's own token.
        (quotes[2], hows[2]) = (offering(10e6), how(mine, 1, 9e6));
        (quotes[2].maker, quotes[2].criteria, quotes[2].nonce) = (seller, mine, 9);
        dollar.mint(seller, 10e6);
        vm.prank(seller);
        dollar.approve(address(exchange), 10e6);
        // The price guard keeps the last one out.
        (quotes[3], hows[3]) = (sellingEditions(10, NATIVE, 1 ether), how(1, 1, 0.5 ether));
        quotes[3].nonce = 10;
        for (uint256 i; i < 4; ++i) {
            signatures[i] = signQuote(quotes[i]);
        }
        vm.prank(buyer);
        bool[] memory made = exchange.sweepQuotes{value: 5 ether}(quotes, hows, signatures, 3);
        vm.assertTrue(made[0] && made[1] && made[2] && !made[3]);
        vm.assertEq(buyer.balance, 99 ether);
        vm.assertEq(editions.balanceOf(buyer, 1), 4);
        vm.assertEq(collection.ownerOf(mine), seller);
    }
}
