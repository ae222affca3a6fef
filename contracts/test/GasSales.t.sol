// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAuctionHouse} from "../interfaces/IAuctionHouse.sol";
import {IStudio} from "../interfaces/IStudio.sol";
import {IExchange} from "../interfaces/IExchange.sol";
import {Collection} from "../src/Collection.sol";
import {AuctionSetup} from "./Auction.t.sol";
import {QuoteSetup} from "./Quote.t.sol";

contract QuoteGasTest is QuoteSetup {
    /// @dev A collection that is no clone; everybody has tokens and dollars already, and earlier fees were taken.
    function setUp() public override {
        super.setUp();
        buy(listingOf(NATIVE, 1 ether));
        vm.etch(address(0xC0DE), address(new Collection()).code);
        collection = Collection(address(0xC0DE));
        collection.initialize(address(this), IStudio.CollectionTerms("Pictures", "PIC", "ipfs://all", artist, ROYALTY_BPS, 0));
        for (uint256 i; i < 8; ++i) {
            collection.mint(seller, "ipfs://x");
        }
        collection.mint(buyer, "ipfs://x");
        vm.prank(seller);
        collection.setApprovalForAll(address(exchange), true);
        dollar.mint(seller, 1);
        dollar.mint(artist, 1);
        dollar.mint(treasury, 1);
        editions.mint(buyer, 1, 1);
    }

    function measure(address taker, uint256 value, IExchange.Quote memory q, IExchange.Take memory t, string memory name) private {
        take(taker, value, q, t);
        vm.snapshotGasLastCall("gas", name);
    }

    function test_selling() public {
        IExchange.Quote memory q = selling(NATIVE, 1 ether);
        q.nonce = 10;
        measure(buyer, 1 ether, q, how(1, 1, 1 ether), "take a quote, native, repeat");
        (q.criteria, q.nonce, q.endPrice) = (2, 8, 0.5 ether);
        measure(buyer, 1.1 ether, q, how(2, 1, 1 ether), "take a Dutch auction, native, change back");
        q = sellingEditions(10, NATIVE, 0.1 ether);
        q.nonce = 9;
        measure(buyer, 0.2 ether, q, how(1, 2, 1 ether), "take a part of editions, native, first");
        measure(buyer, 0.2 ether, q, how(1, 2, 1 ether), "take a part of editions, native, repeat");
    }

    function test_offers() public {
        IExchange.Quote memory q = offering(100e6);
        measure(seller, 0, q, how(1, 1, 0), "accept item offer, first nonce of a word");
        (q.criteria, q.nonce) = (2, 8);
        measure(seller, 0, q, how(2, 1, 0), "accept item offer, repeat");
        (q.scope, q.criteria, q.nonce) = (IExchange.Scope.COLLECTION, 0, 9);
        measure(seller, 0, q, how(3, 1, 0), "accept collection offer, repeat");
        collection.setRoyalty(address(0), 0);
        q.nonce = 10;
        measure(seller, 0, q, how(4, 1, 0), "accept collection offer, one fee, repeat");
        q.nonce = 300;
        measure(seller, 0, q, how(5, 1, 0), "accept collection offer, one fee, first nonce of a word");
    }

    function test_sweep_of_five() public {
        (IExchange.Listing[] memory all, bytes[] memory signatures) = (new IExchange.Listing[](5), new bytes[](5));
        for (uint256 i; i < 5; ++i) {
            all[i] = listingOf(NATIVE, 1 ether);
            (all[i].tokenId, all[i].nonce) = (i + 1, 100 + i);
            signatures[i] = signed(all[i]);
        }
        vm.prank(buyer);
        exchange.sweep{value: 5 ether}(all, signatures, 5);
        vm.snapshotGasLastCall("gas", "sweep 5, one seller");
    }

    function test_cancel_group() public {
        vm.prank(seller);
        exchange.cancelGroup(1);
        vm.snapshotGasLastCall("gas", "cancel a group, first of a word");
    }
}

contract AuctionGasTest is AuctionSetup {
    function setUp() public override {
        super.setUp();
        collection.mint(rival, "ipfs://x");
        collection.mint(seller, "ipfs://x");
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        (a.tokenId, a.salt) = (3, 9);
        create(a);
        bid(buyer, a, 1 ether);
        vm.warp(NOW + 2 days);
        house.settle(a);
        vm.warp(NOW);
        collection.mint(seller, "ipfs://x");
        // The house holds other tokens as on any day.
        a.tokenId = 4;
        create(a);
        bid(buyer, a, 1 ether);
    }

    function test_an_auction() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        create(a);
        vm.snapshotGasLastCall("gas", "auction create");
        bid(buyer, a, 1 ether);
        vm.snapshotGasLastCall("gas", "auction first bid, clone");
        bid(rival, a, 2 ether);
        vm.snapshotGasLastCall("gas", "auction outbid");
        vm.warp(NOW + 2 days);
        house.settle(a);
        vm.snapshotGasLastCall("gas", "auction settle, clone, fee and royalty");
    }

    function test_an_auction_without_clone_or_royalty() public {
        vm.etch(address(0xC0DE), address(new Collection()).code);
        collection = Collection(address(0xC0DE));
        collection.initialize(address(this), IStudio.CollectionTerms("Pictures", "PIC", "ipfs://all", address(0), 0, 0));
        tokenId = collection.mint(seller, "ipfs://x");
        collection.mint(buyer, "ipfs://x");
        collection.mint(address(house), "ipfs://x");
        vm.prank(seller);
        collection.setApprovalForAll(address(house), true);
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        create(a);
        bid(buyer, a, 1 ether);
        vm.warp(NOW + 2 days);
        house.settle(a);
        vm.snapshotGasLastCall("gas", "auction settle, one fee");
    }
}
