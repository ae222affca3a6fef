// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "solady/src/utils/ReentrancyGuardTransient.sol";
import {IAuctionHouse} from "../interfaces/IAuctionHouse.sol";
import {IPayouts} from "../interfaces/IPayouts.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {AuctionHouse} from "../src/AuctionHouse.sol";
import {ExchangeSetup} from "./Exchange.t.sol";
import {CoinRefuser, MoodyCollection, OddCollection, OddToken, Reenterer} from "./Parties.sol";

abstract contract AuctionSetup is ExchangeSetup {
    AuctionHouse internal house;
    address internal rival;

    function setUp() public virtual override {
        super.setUp();
        (rival,) = actor("rival");
        address[] memory currencies = new address[](2);
        (currencies[0], currencies[1]) = (address(dollar), address(odd));
        house = new AuctionHouse(newManager(), treasury, FEE_BPS, currencies);
        vm.prank(seller);
        collection.setApprovalForAll(address(house), true);
        dollar.mint(rival, 1000e6);
        odd.mint(rival, 1000e6);
        address[2] memory bidders = [buyer, rival];
        for (uint256 i; i < 2; ++i) {
            vm.startPrank(bidders[i]);
            dollar.approve(address(house), type(uint256).max);
            odd.approve(address(house), type(uint256).max);
            vm.stopPrank();
        }
    }

    function auctionOf(address currency, uint96 reserve) internal view returns (IAuctionHouse.Auction memory) {
        return IAuctionHouse.Auction({
            seller: seller,
            collection: address(collection),
            tokenId: tokenId,
            currency: currency,
            reserve: reserve,
            start: uint64(NOW),
            duration: 1 days,
            extension: 10 minutes,
            incrementBps: 500,
            salt: 0
        });
    }

    function create(IAuctionHouse.Auction memory a) internal returns (bytes32) {
        vm.prank(a.seller);
        return house.create(a);
    }

    function bid(address bidder, IAuctionHouse.Auction memory a, uint256 amount) internal {
        vm.prank(bidder);
        house.bid{value: a.currency == NATIVE ? amount : 0}(a, amount);
    }

    function bidReverts(address bidder, IAuctionHouse.Auction memory a, uint256 amount, bytes memory reason) internal {
        vm.expectRevert(reason);
        bid(bidder, a, amount);
    }

    function assertState(IAuctionHouse.Auction memory a, IAuctionHouse.State expected) internal view {
        (IAuctionHouse.State state,,,) = house.auctionState(house.auctionIdOf(a));
        vm.assertEq(uint256(state), uint256(expected), "state");
    }

    function moodyAuction() internal returns (MoodyCollection moody, IAuctionHouse.Auction memory a) {
        moody = new MoodyCollection();
        moody.mint(seller, 1);
        vm.prank(seller);
        moody.setApprovalForAll(address(house), true);
        a = auctionOf(NATIVE, 1 ether);
        (a.collection, a.tokenId) = (address(moody), 1);
        create(a);
        bid(buyer, a, 1 ether);
        vm.warp(NOW + 2 days);
    }

    function wrongState(IAuctionHouse.State state) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IAuctionHouse.WrongAuctionState.selector, state);
    }
}

contract AuctionLifeTest is AuctionSetup {
    function test_a_life_in_coin() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        bytes32 id = keccak256(abi.encode(block.chainid, address(house), a));
        vm.expectEmit();
        emit IAuctionHouse.AuctionCreated(id, seller, address(collection), tokenId, NATIVE, 1 ether, a.start, 1 days, 10 minutes, 500, 0, FEE_BPS);
        vm.assertEq(create(a), id);
        vm.assertEq(collection.ownerOf(tokenId), seller);
        vm.expectEmit();
        emit IAuctionHouse.BidPlaced(id, buyer, 1 ether, uint64(NOW + 1 days));
        bid(buyer, a, 1 ether);
        vm.assertEq(collection.ownerOf(tokenId), address(house));
        vm.assertEq(house.leastBid(a), 1.05 ether);
        bid(rival, a, 2 ether);
        vm.assertEq(buyer.balance, 100 ether);
        vm.warp(NOW + 1 days + 1);
        vm.expectEmit();
        emit IAuctionHouse.AuctionSettled(id, rival, 2 ether);
        vm.expectEmit();
        emit ISettlement.Sold(
            id, seller, rival, ISettlement.SaleKind.AUCTION, address(collection), tokenId, 1, NATIVE, 2 ether, artist, 0.1 ether, 0.05 ether, 0
        );
        house.settle(a);
        vm.assertEq(collection.ownerOf(tokenId), rival);
        vm.assertEq(seller.balance, 101.85 ether);
        vm.assertEq(artist.balance, 100.1 ether);
        vm.assertEq(house.collectableFees(), 0.05 ether);
        vm.assertEq(address(house).balance, 0.05 ether);
        vm.expectRevert(wrongState(IAuctionHouse.State.SETTLED));
        house.settle(a);
    }

    function test_a_life_in_dollars() public {
        IAuctionHouse.Auction memory a = auctionOf(address(dollar), 100e6);
        create(a);
        bid(buyer, a, 100e6);
        bid(rival, a, 200e6);
        vm.assertEq(dollar.balanceOf(buyer), 1000e6);
        vm.warp(NOW + 1 days + 1);
        house.settle(a);
        vm.assertEq(dollar.balanceOf(seller), 185e6);
        vm.assertEq(dollar.balanceOf(artist), 10e6);
        vm.assertEq(dollar.balanceOf(treasury), 5e6);
        vm.assertEq(dollar.balanceOf(address(house)), 0);
    }

    function test_a_late_bid_gives_time_to_answer() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        bytes32 id = create(a);
        bid(buyer, a, 1 ether);
        vm.warp(NOW + 1 days - 1 minutes);
        bid(rival, a, 2 ether);
        (, uint64 end,,) = house.auctionState(id);
        vm.assertEq(end, NOW + 1 days + 9 minutes);
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(IAuctionHouse.WrongTime.selector, a.start, end));
        house.settle(a);
        bid(buyer, a, 3 ether);
        (, uint64 later, address bidder, uint256 amount) = house.auctionState(id);
        vm.assertEq(later, end + 10 minutes);
        vm.assertEq(bidder, buyer);
        vm.assertEq(amount, 3 ether);
    }

    function test_the_sellers_fee_is_that_of_the_first_day() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        create(a);
        house.setFee(treasury, 500);
        bid(buyer, a, 1 ether);
        vm.warp(NOW + 2 days);
        house.settle(a);
        vm.assertEq(house.collectableFees(), 0.025 ether);
    }

    function test_a_currency_that_left_the_list_lives_to_the_end() public {
        IAuctionHouse.Auction memory a = auctionOf(address(dollar), 100e6);
        create(a);
        bid(buyer, a, 100e6);
        house.setCurrency(address(dollar), false);
        vm.warp(NOW + 2 days);
        house.settle(a);
        vm.assertEq(collection.ownerOf(tokenId), buyer);
    }

    function test_taken_back_before_the_first_bid() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        bytes32 id = create(a);
        vm.expectRevert(abi.encodeWithSelector(IAuctionHouse.NotSeller.selector, rival));
        vm.prank(rival);
        house.cancel(a);
        vm.expectEmit();
        emit IAuctionHouse.AuctionCancelled(id);
        vm.prank(seller);
        house.cancel(a);
        bidReverts(buyer, a, 1 ether, wrongState(IAuctionHouse.State.CANCELLED));
        vm.expectRevert(wrongState(IAuctionHouse.State.CANCELLED));
        create(a);
        a.salt = 1;
        create(a);
        bid(buyer, a, 1 ether);
        vm.expectRevert(wrongState(IAuctionHouse.State.LIVE));
        vm.prank(seller);
        house.cancel(a);
    }

    /// @dev Every amount topped goes back, and the last one is shared as a sale.
    function testFuzz_conserves(uint256[6] memory raises, uint16 royalty, uint16 fee, bool native) public {
        collection.setRoyalty(artist, uint16(bound(royalty, 1, 1000)));
        house.setFee(treasury, uint16(bound(fee, 0, 500)));
        IAuctionHouse.Auction memory a = auctionOf(native ? NATIVE : address(dollar), 100);
        create(a);
        uint256 amount;
        for (uint256 i; i < 6; ++i) {
            amount = house.leastBid(a) + bound(raises[i], 0, 10e6);
            bid(i % 2 == 0 ? buyer : rival, a, amount);
        }
        vm.warp(NOW + 2 days);
        house.settle(a);
        uint256 sold = native
            ? seller.balance + artist.balance - 200 ether + house.collectableFees()
            : dollar.balanceOf(seller) + dollar.balanceOf(artist) + dollar.balanceOf(treasury);
        vm.assertEq(sold, amount);
        vm.assertEq(native ? buyer.balance : dollar.balanceOf(buyer), native ? 100 ether : 1000e6);
        vm.assertEq(native ? rival.balance : dollar.balanceOf(rival), (native ? 100 ether : 1000e6) - amount);
        vm.assertEq(address(house).balance, house.collectableFees());
        vm.assertEq(dollar.balanceOf(address(house)), 0);
    }
}

contract AuctionRefusalTest is AuctionSetup {
    function badTerms(IAuctionHouse.Auction memory a, string memory field) private {
        vm.expectRevert(abi.encodeWithSelector(IAuctionHouse.BadAuction.selector, field));
        create(a);
    }

    function test_terms_that_make_no_sense() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        a.collection = artist;
        badTerms(a, "collection");
        a = auctionOf(NATIVE, 0);
        badTerms(a, "reserve");
        a = auctionOf(NATIVE, 1);
        a.start = uint64(NOW + 90 days + 1);
        badTerms(a, "start");
        a = auctionOf(NATIVE, 1);
        a.duration = 0;
        badTerms(a, "duration");
        a.duration = 90 days + 1;
        badTerms(a, "duration");
        a = auctionOf(NATIVE, 1);
        a.extension = 1 days + 1;
        badTerms(a, "extension");
        a = auctionOf(NATIVE, 1);
        a.incrementBps = 0;
        badTerms(a, "incrementBps");
        a.incrementBps = 10_001;
        badTerms(a, "incrementBps");
        a = auctionOf(artist, 1);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.CurrencyNotAllowed.selector, artist));
        create(a);
        a = auctionOf(NATIVE, 1);
        vm.expectRevert(abi.encodeWithSelector(IAuctionHouse.NotSeller.selector, rival));
        vm.prank(rival);
        house.create(a);
    }

    function test_bids_that_are_refused() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        bidReverts(buyer, a, 1 ether, wrongState(IAuctionHouse.State.NONE));
        a.start = uint64(NOW + 1 hours);
        create(a);
        bidReverts(buyer, a, 1 ether, abi.encodeWithSelector(IAuctionHouse.WrongTime.selector, a.start, 0));
        vm.warp(NOW + 1 hours);
        bidReverts(seller, a, 1 ether, abi.encodeWithSelector(IAuctionHouse.OwnAuction.selector));
        bidReverts(buyer, a, 1 ether - 1, abi.encodeWithSelector(IAuctionHouse.BidTooLow.selector, 1 ether - 1, 1 ether));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongValue.selector, 1, 1 ether));
        vm.prank(buyer);
        house.bid{value: 1}(a, 1 ether);
        bid(buyer, a, 1 ether);
        bidReverts(rival, a, 1.05 ether - 1, abi.encodeWithSelector(IAuctionHouse.BidTooLow.selector, 1.05 ether - 1, 1.05 ether));
        uint256 huge = uint256(type(uint96).max) + 1;
        vm.expectRevert(abi.encodeWithSelector(IAuctionHouse.BidTooLow.selector, huge, 1.05 ether));
        vm.prank(rival);
        house.bid(a, huge);
        vm.warp(NOW + 25 hours + 1);
        bidReverts(rival, a, 2 ether, abi.encodeWithSelector(IAuctionHouse.WrongTime.selector, a.start, NOW + 25 hours));
    }

    function test_a_bid_of_one_is_topped_by_two() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1);
        create(a);
        bid(buyer, a, 1);
        vm.assertEq(house.leastBid(a), 2);
        bidReverts(rival, a, 1, abi.encodeWithSelector(IAuctionHouse.BidTooLow.selector, 1, 2));
    }

    function test_tokens_that_do_not_arrive_whole() public {
        IAuctionHouse.Auction memory a = auctionOf(address(odd), 100e6);
        create(a);
        OddToken.Habit[4] memory habits = [OddToken.Habit.TAKES_FEE, OddToken.Habit.RETURNS_FALSE, OddToken.Habit.LIES, OddToken.Habit.GIVES_MORE];
        for (uint256 i; i < 4; ++i) {
            odd.setHabit(habits[i]);
            bidReverts(buyer, a, 100e6, abi.encodeWithSelector(ISettlement.PaymentFailed.selector, address(odd), address(house), 100e6));
        }
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongValue.selector, 1, 0));
        vm.prank(buyer);
        house.bid{value: 1}(a, 100e6);
    }

    function test_a_token_that_the_seller_gave_away() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        create(a);
        vm.prank(seller);
        collection.transferFrom(seller, artist, tokenId);
        vm.expectRevert();
        bid(buyer, a, 1 ether);
        vm.assertEq(buyer.balance, 100 ether);
    }

    function test_two_auctions_of_one_token() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        create(a);
        IAuctionHouse.Auction memory b = auctionOf(NATIVE, 1 ether);
        b.salt = 1;
        create(b);
        bid(buyer, a, 1 ether);
        vm.expectRevert();
        bid(rival, b, 1 ether);
    }

    function test_only_the_house_delivers() public {
        vm.expectRevert(IAuctionHouse.NotSelf.selector);
        house.deliver(address(collection), tokenId, rival);
    }

    function test_a_settlement_needs_gas() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        create(a);
        bid(buyer, a, 1 ether);
        vm.warp(NOW + 2 days);
        vm.expectRevert(IPayouts.NotEnoughGas.selector);
        house.settle{gas: 400_000}(a);
    }

    function test_nothing_to_reclaim() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        create(a);
        vm.expectRevert(wrongState(IAuctionHouse.State.OPEN));
        house.reclaim(a);
        vm.expectRevert(wrongState(IAuctionHouse.State.OPEN));
        house.settle(a);
    }
}

contract AuctionHostileTest is AuctionSetup {
    function test_a_bidder_who_refuses_its_money_blocks_nobody() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        create(a);
        CoinRefuser refuser = new CoinRefuser();
        vm.deal(address(refuser), 1 ether);
        refuser.call(address(house), 1 ether, abi.encodeCall(house.bid, (a, 1 ether)));
        bid(rival, a, 2 ether);
        vm.assertEq(house.creditOf(address(refuser), NATIVE), 1 ether);
        refuser.setOpen(true);
        house.withdraw(address(refuser), NATIVE);
        vm.assertEq(address(refuser).balance, 1 ether);
    }

    function test_a_barred_bidder_blocks_nobody() public {
        IAuctionHouse.Auction memory a = auctionOf(address(odd), 100e6);
        create(a);
        bid(buyer, a, 100e6);
        odd.bar(buyer, true);
        odd.bar(seller, true);
        bid(rival, a, 200e6);
        vm.assertEq(house.creditOf(buyer, address(odd)), 100e6);
        vm.warp(NOW + 2 days);
        house.settle(a);
        vm.assertEq(collection.ownerOf(tokenId), rival);
        vm.assertEq(house.creditOf(seller, address(odd)), 185e6);
    }

    function test_a_bidder_that_reenters() public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        create(a);
        Reenterer greedy = new Reenterer();
        vm.deal(address(greedy), 1 ether);
        greedy.call(address(house), 1 ether, abi.encodeCall(house.bid, (a, 1 ether)));
        greedy.arm(address(house), abi.encodeCall(house.settle, (a)));
        bid(rival, a, 2 ether);
        vm.assertEq(greedy.tries(), 1);
        vm.assertEq(greedy.hits(), 0);
        vm.assertEq(address(greedy).balance, 1 ether);
    }

    function test_a_token_that_cannot_leave_gives_the_money_back() public {
        for (uint8 mood = 1; mood < 3; ++mood) {
            vm.warp(NOW);
            (MoodyCollection moody, IAuctionHouse.Auction memory a) = moodyAuction();
            moody.setMood(MoodyCollection.Mood(mood));
            vm.expectEmit();
            emit IAuctionHouse.AuctionVoided(house.auctionIdOf(a), buyer, 1 ether);
            house.settle(a);
            vm.assertEq(buyer.balance, 100 ether);
            vm.expectRevert();
            house.reclaim{gas: 1_000_000}(a);
            moody.setMood(MoodyCollection.Mood.WILLING);
            vm.expectEmit();
            emit IAuctionHouse.TokenReclaimed(house.auctionIdOf(a), seller);
            house.reclaim(a);
            vm.assertEq(moody.ownerOf(1), seller);
            assertState(a, IAuctionHouse.State.CANCELLED);
        }
    }

    /// @dev At every gas limit: a delivery that can be made is made.
    function testFuzz_little_gas_voids_nothing(uint256 limit) public {
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        create(a);
        bid(buyer, a, 1 ether);
        vm.warp(NOW + 2 days);
        limit = bound(limit, 100_000, 900_000);
        (bool done,) = address(house).call{gas: limit}(abi.encodeCall(house.settle, (a)));
        assertState(a, done ? IAuctionHouse.State.SETTLED : IAuctionHouse.State.LIVE);
    }

    function test_a_collection_that_reenters() public {
        OddCollection strange = new OddCollection();
        strange.mint(seller, 1);
        vm.prank(seller);
        strange.setApprovalForAll(address(house), true);
        IAuctionHouse.Auction memory a = auctionOf(NATIVE, 1 ether);
        (a.collection, a.tokenId) = (address(strange), 1);
        create(a);
        strange.arm(address(house), abi.encodeCall(house.settle, (a)));
        bidReverts(buyer, a, 1 ether, abi.encodeWithSelector(ReentrancyGuardTransient.Reentrancy.selector));
        strange.setKeepsToken(true);
        strange.arm(address(0), "");
        bidReverts(buyer, a, 1 ether, abi.encodeWithSelector(ISettlement.TokenNotDelivered.selector, address(strange), 1));
    }
}
