// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAuctionHouse} from "../interfaces/IAuctionHouse.sol";
import {ICheckout} from "../interfaces/ICheckout.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {IExchange} from "../interfaces/IExchange.sol";
import {IGate} from "../interfaces/IGate.sol";
import {IStudio} from "../interfaces/IStudio.sol";
import {Collection} from "../src/Collection.sol";
import {CollectionFactory} from "../src/CollectionFactory.sol";
import {AuctionSetup} from "./Auction.t.sol";
import {CheckoutSetup} from "./Checkout.t.sol";
import {EscrowLifeTest} from "./Escrow.t.sol";
import {EscrowAppealTest, EscrowGrowthSetup, EscrowPartTest, EscrowSettlementTest, EscrowSignatureTest} from "./EscrowGrowth.t.sol";
import {CoinRefuser, MoodyCollection} from "./Parties.sol";
import {Test} from "./Test.sol";

/// @dev Whatever can be paused, under a manager with the roles of contracts/deployment.json.
contract GateTest is Test {
    uint64 internal constant GUARDIAN = 3;
    uint64 internal constant RESUMER = 4;
    uint32 internal constant WAIT = 1 days;

    AccessManager internal manager;
    IGate internal gate;
    address internal guardian;
    address internal stranger;
    bytes internal resume = abi.encodeCall(IGate.unpause, ());

    function setUp() public {
        vm.warp(NOW);
        (guardian,) = actor("guardian");
        (stranger,) = actor("stranger");
        manager = AccessManager(newManager());
        gate = new CollectionFactory(address(manager), address(new Collection()));
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = IGate.pause.selector;
        manager.setTargetFunctionRole(address(gate), selectors, GUARDIAN);
        selectors[0] = IGate.unpause.selector;
        manager.setTargetFunctionRole(address(gate), selectors, RESUMER);
        manager.setRoleGuardian(RESUMER, GUARDIAN);
        manager.grantRole(GUARDIAN, guardian, 0);
        manager.grantRole(RESUMER, guardian, WAIT);
        manager.grantRole(RESUMER, address(this), 0);
    }

    function shut() private {
        vm.prank(guardian);
        gate.pause();
    }

    function test_a_guardian_shuts_at_once() public {
        vm.expectEmit();
        emit IGate.Paused(guardian);
        shut();
        vm.assertTrue(gate.paused());
    }

    function test_nobody_else_shuts_or_opens() public {
        bytes memory reason = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(reason);
        gate.pause();
        vm.expectRevert(reason);
        gate.unpause();
        vm.expectRevert(reason);
        IAccessManaged(address(gate)).setAuthority(address(this));
        vm.stopPrank();
    }

    function test_a_guardian_opens_after_a_while_only() public {
        shut();
        vm.prank(guardian);
        vm.expectPartialRevert(bytes4(keccak256("AccessManagerNotScheduled(bytes32)")));
        gate.unpause();
        vm.prank(guardian);
        manager.schedule(address(gate), resume, 0);
        vm.warp(NOW + WAIT - 1);
        vm.prank(guardian);
        vm.expectPartialRevert(bytes4(keccak256("AccessManagerNotReady(bytes32)")));
        gate.unpause();
        vm.warp(NOW + WAIT);
        vm.expectEmit();
        emit IGate.Unpaused(guardian);
        vm.prank(guardian);
        gate.unpause();
        vm.assertFalse(gate.paused());
    }

    function test_another_guardian_takes_a_planned_opening_back() public {
        manager.grantRole(GUARDIAN, stranger, 0);
        shut();
        vm.prank(guardian);
        manager.schedule(address(gate), resume, 0);
        vm.prank(stranger);
        manager.cancel(guardian, address(gate), resume);
        vm.warp(NOW + WAIT);
        vm.prank(guardian);
        vm.expectPartialRevert(bytes4(keccak256("AccessManagerNotScheduled(bytes32)")));
        gate.unpause();
    }

    function test_those_without_a_delay_open_at_once() public {
        shut();
        gate.unpause();
        vm.assertFalse(gate.paused());
    }

    function test_what_is_so_already_changes_nothing_and_tells_nothing() public {
        vm.recordLogs();
        gate.unpause();
        vm.assertEq(vm.getRecordedLogs().length, 0);
        shut();
        vm.recordLogs();
        shut();
        vm.assertEq(vm.getRecordedLogs().length, 0);
        vm.assertTrue(gate.paused());
    }
}

/// @dev One of each entry, refused while shut and taken when open again.
contract EntryTest is AuctionSetup {
    function refused() private {
        vm.expectRevert(IGate.EntriesPaused.selector);
    }

    function test_a_sale() public {
        IExchange.Listing memory listing = listingOf(NATIVE, 1 ether);
        bytes memory signature = signed(listing);
        (IExchange.Listing[] memory listings, bytes[] memory signatures) = (new IExchange.Listing[](1), new bytes[](1));
        (listings[0], signatures[0]) = (listing, signature);
        exchange.pause();
        refused();
        exchange.buy(listing, signature);
        refused();
        exchange.sweep(listings, signatures, 0);
        IExchange.Quote memory quote;
        IExchange.Take memory how;
        refused();
        exchange.take(quote, how, "");
        refused();
        exchange.sweepQuotes(new IExchange.Quote[](0), new IExchange.Take[](0), new bytes[](0), 0);
        exchange.unpause();
        buy(listing);
        vm.assertEq(collection.ownerOf(tokenId), buyer);
    }

    function test_the_fee_and_what_was_collected_outlive_a_pause() public {
        buy(listingOf(NATIVE, 1 ether));
        exchange.pause();
        (address receiver, uint16 bps) = exchange.fee();
        vm.assertEq(receiver, treasury);
        vm.assertEq(bps, FEE_BPS);
        exchange.setFee(treasury, 100);
        vm.assertTrue(exchange.paused());
        vm.assertEq(exchange.collectFees(), 0.025 ether);
        vm.assertTrue(exchange.paused());
    }

    function test_ways_out_of_a_paused_exchange() public {
        CoinRefuser refuser = new CoinRefuser();
        collection.setRoyalty(address(refuser), 1000);
        buy(listingOf(NATIVE, 1 ether));
        exchange.pause();
        vm.startPrank(seller);
        exchange.cancel(1);
        uint256[] memory nonces = new uint256[](1);
        nonces[0] = 2;
        exchange.cancelMany(nonces);
        exchange.cancelGroup(1);
        exchange.cancelAll();
        vm.stopPrank();
        vm.prank(address(refuser));
        vm.assertEq(exchange.withdrawTo(artist, NATIVE), 0.1 ether);
        vm.assertEq(exchange.collectFees(), 0.025 ether);
    }

    function test_an_auction() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        house.pause();
        vm.prank(seller);
        refused();
        house.create(a);
        house.unpause();
        create(a);
        house.pause();
        vm.prank(buyer);
        refused();
        house.bid{value: 1 ether}(a, 1 ether);
        vm.prank(seller);
        house.cancel(a);
        assertState(a, IAuctionHouse.State.CANCELLED);
    }

    function test_a_live_auction_ends_while_paused() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        create(a);
        bid(buyer, a, 1 ether);
        house.pause();
        vm.warp(NOW + 2 days);
        house.settle(a);
        vm.assertEq(collection.ownerOf(tokenId), buyer);
        vm.assertEq(house.collectFees(), 0.025 ether);
    }

    function test_a_voided_auction_gives_all_back_while_paused() public {
        (MoodyCollection moody, IAuctionHouse.Auction memory a) = moodyAuction();
        house.pause();
        moody.setMood(MoodyCollection.Mood.REFUSES);
        house.settle(a);
        vm.assertEq(buyer.balance, 100 ether);
        moody.setMood(MoodyCollection.Mood.WILLING);
        house.reclaim(a);
        vm.assertEq(moody.ownerOf(1), seller);
    }

    function test_a_collection() public {
        CollectionFactory factory = new CollectionFactory(newManager(), address(new Collection()));
        IStudio.CollectionTerms memory terms;
        factory.pause();
        refused();
        factory.create(terms, 0);
        factory.unpause();
        factory.create(terms, 0);
    }
}

contract PausedCheckoutTest is CheckoutSetup {
    function test_payments_are_refused_and_credits_are_paid() public {
        CoinRefuser refuser = new CoinRefuser();
        ICheckout.Invoice memory i = invoiceOf(NATIVE, 1 ether);
        i.payee = address(refuser);
        pay(i, 1 ether);
        checkout.pause();
        payReverts(invoiceOf(NATIVE, 1 ether), 1 ether, abi.encodeWithSelector(IGate.EntriesPaused.selector));
        vm.expectRevert(IGate.EntriesPaused.selector);
        checkout.payOut(NATIVE, new ICheckout.Payout[](0));
        vm.prank(address(refuser));
        vm.assertEq(checkout.withdrawTo(payee, NATIVE), 0.99 ether);
    }
}

contract PausedEscrowTest is EscrowGrowthSetup {
    function test_nothing_is_funded() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        escrow.pause();
        vm.expectRevert(IGate.EntriesPaused.selector);
        fund(t);
        vm.expectRevert(IGate.EntriesPaused.selector);
        fundAppealable(t);
        escrow.unpause();
        fund(t);
    }
}

// Every test of how an escrow goes on and ends, once more, with the gate shut whenever nobody is entering.

contract PausedEscrowLifeTest is EscrowLifeTest {
    constructor() {
        shutBetween = true;
    }
}

contract PausedEscrowPartTest is EscrowPartTest {
    constructor() {
        shutBetween = true;
    }
}

contract PausedEscrowSignatureTest is EscrowSignatureTest {
    constructor() {
        shutBetween = true;
    }
}

contract PausedEscrowSettlementTest is EscrowSettlementTest {
    constructor() {
        shutBetween = true;
    }
}

contract PausedEscrowAppealTest is EscrowAppealTest {
    constructor() {
        shutBetween = true;
    }
}
