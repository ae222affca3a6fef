// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRoyaltySplitter, ISplitterFactory} from "../interfaces/IRoyaltySplitter.sol";
import {RoyaltySplitter, SplitterFactory} from "../src/RoyaltySplitter.sol";
import {CoinRefuser, OddToken, Reenterer} from "./Parties.sol";
import {Test} from "./Test.sol";

contract RoyaltySplitterTest is Test {
    SplitterFactory internal factory;
    RoyaltySplitter internal splitter;
    OddToken internal odd;
    address internal one;
    address internal two;

    function setUp() public {
        (one,) = actor("one");
        (two,) = actor("two");
        (factory, odd) = (new SplitterFactory(), new OddToken());
        splitter = make(one, 7000, two, 3000);
    }

    function lists(address a, uint16 first, address b, uint16 second) private pure returns (address[] memory payees, uint16[] memory bps) {
        (payees, bps) = (new address[](2), new uint16[](2));
        (payees[0], payees[1], bps[0], bps[1]) = (a, b, first, second);
    }

    function make(address a, uint16 first, address b, uint16 second) private returns (RoyaltySplitter) {
        (address[] memory payees, uint16[] memory bps) = lists(a, first, b, second);
        return RoyaltySplitter(payable(factory.create(payees, bps)));
    }

    function pay(uint256 amount) private {
        vm.deal(address(this), amount);
        (bool done,) = address(splitter).call{value: amount}("");
        vm.assertTrue(done);
    }

    function test_everybody_pulls_a_part() public {
        pay(1 ether);
        vm.expectEmit();
        emit IRoyaltySplitter.ShareReleased(one, address(0), 0.7 ether);
        vm.assertEq(splitter.release(one, address(0)), 0.7 ether);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltySplitter.NothingDue.selector, one, address(0)));
        splitter.release(one, address(0));
        pay(1 ether);
        vm.assertEq(splitter.release(two, address(0)), 0.6 ether);
        vm.assertEq(splitter.release(one, address(0)), 0.7 ether);
        vm.assertEq(address(splitter).balance, 0);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltySplitter.NothingDue.selector, address(this), address(0)));
        splitter.release(address(this), address(0));
    }

    function test_tokens_too() public {
        odd.mint(address(splitter), 1000);
        vm.assertEq(splitter.release(two, address(odd)), 300);
        vm.assertEq(odd.balanceOf(two), 300);
        odd.bar(one, true);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltySplitter.ReleaseFailed.selector, one, address(odd)));
        splitter.release(one, address(odd));
        vm.assertEq(splitter.dueTo(one, address(odd)), 700);
    }

    function test_a_payee_that_refuses_or_reenters() public {
        CoinRefuser refuser = new CoinRefuser();
        Reenterer greedy = new Reenterer();
        splitter = make(address(refuser), 5000, address(greedy), 5000);
        pay(1 ether);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltySplitter.ReleaseFailed.selector, address(refuser), address(0)));
        splitter.release(address(refuser), address(0));
        greedy.arm(address(splitter), abi.encodeCall(splitter.release, (address(greedy), address(0))));
        splitter.release(address(greedy), address(0));
        vm.assertEq(greedy.tries(), 1);
        vm.assertEq(greedy.hits(), 0);
        vm.assertEq(address(greedy).balance, 0.5 ether);
    }

    function test_where_it_was_said_and_once() public {
        (address[] memory payees, uint16[] memory bps) = lists(one, 1, two, 9999);
        address expected = factory.predict(payees, bps);
        vm.expectEmit();
        emit ISplitterFactory.SplitterCreated(expected, address(this), payees, bps);
        vm.assertEq(factory.create(payees, bps), expected);
        vm.expectRevert();
        factory.create(payees, bps);
        vm.expectRevert(IRoyaltySplitter.BadShares.selector);
        RoyaltySplitter(payable(expected)).initialize(payees, bps);
        RoyaltySplitter implementation = RoyaltySplitter(payable(factory.implementation()));
        vm.expectRevert(IRoyaltySplitter.BadShares.selector);
        implementation.initialize(payees, bps);
        vm.assertEq(splitter.shareOf(one), 7000);
    }

    function refuses(address[] memory payees, uint16[] memory bps) private {
        vm.expectRevert(IRoyaltySplitter.BadShares.selector);
        factory.create(payees, bps);
    }

    function test_shares_that_make_no_whole() public {
        (address[] memory payees, uint16[] memory bps) = lists(one, 7000, two, 3001);
        refuses(payees, bps);
        (payees, bps) = lists(one, 5000, one, 5000);
        refuses(payees, bps);
        (payees, bps) = lists(one, 10_000, two, 0);
        refuses(payees, bps);
        (payees, bps) = lists(one, 5000, address(0), 5000);
        refuses(payees, bps);
        (payees,) = lists(one, 5000, two, 5000);
        refuses(payees, new uint16[](1));
        refuses(new address[](51), new uint16[](51));
    }

    /// @dev Whatever the order of income and withdrawals: nobody gets more than its share of all, nor a unit less in the end.
    function testFuzz_conserves(uint96[8] memory income, bool[8] memory firstPulls, uint16 share) public {
        share = uint16(bound(share, 1, 9999));
        splitter = make(two, 10_000 - share, one, share);
        uint256 sum;
        (uint256 oneHad, uint256 twoHad) = (one.balance, two.balance);
        for (uint256 i; i < 8; ++i) {
            pay(income[i]);
            sum += income[i];
            address puller = firstPulls[i] ? one : two;
            if (splitter.dueTo(puller, address(0)) != 0) splitter.release(puller, address(0));
        }
        if (splitter.dueTo(one, address(0)) != 0) splitter.release(one, address(0));
        if (splitter.dueTo(two, address(0)) != 0) splitter.release(two, address(0));
        vm.assertEq(one.balance - oneHad, sum * share / 10_000);
        vm.assertEq(two.balance - twoHad, sum * (10_000 - share) / 10_000);
        vm.assertLe(address(splitter).balance, 1, "dust");
    }
}
