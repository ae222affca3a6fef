// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IRewards} from "../interfaces/IRewards.sol";
import {Rewards} from "../src/Rewards.sol";
import {CoinRefuser, OddToken, Reenterer} from "./Parties.sol";
import {Test} from "./Test.sol";

contract RewardsTest is Test {
    address internal constant NATIVE = address(0);

    Rewards internal rewards;
    OddToken internal odd;
    address internal dao;
    address internal one;
    address internal two;

    function setUp() public {
        vm.warp(NOW);
        (dao,) = actor("dao");
        (one,) = actor("one");
        (two,) = actor("two");
        (rewards, odd) = (new Rewards(dao), new OddToken());
        odd.mint(dao, 1000);
        vm.prank(dao);
        odd.approve(address(rewards), type(uint256).max);
    }

    function leafOf(address account, uint256 amount) private pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(account, amount))));
    }

    function rootOf(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }

    function open(address asset, uint256 total, address a, uint256 first, address b, uint256 second) private returns (uint256) {
        vm.prank(dao);
        return rewards.openEpoch{value: asset == NATIVE ? total : 0}(rootOf(leafOf(a, first), leafOf(b, second)), asset, total, uint64(NOW + 30 days));
    }

    function claim(uint256 epoch, address account, uint256 amount, address other, uint256 others) private {
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = leafOf(other, others);
        rewards.claim(epoch, account, amount, proof);
    }

    function test_everybody_gets_its_own_once() public {
        vm.expectEmit();
        emit IRewards.EpochOpened(1, rootOf(leafOf(one, 1 ether), leafOf(two, 2 ether)), NATIVE, 3 ether, uint64(NOW + 30 days));
        vm.assertEq(open(NATIVE, 3 ether, one, 1 ether, two, 2 ether), 1);
        vm.expectEmit();
        emit IRewards.RewardClaimed(1, one, NATIVE, 1 ether);
        claim(1, one, 1 ether, two, 2 ether);
        vm.assertTrue(rewards.claimed(1, one));
        vm.expectRevert(abi.encodeWithSelector(IRewards.AlreadyClaimed.selector, 1, one));
        claim(1, one, 1 ether, two, 2 ether);
        vm.expectRevert(abi.encodeWithSelector(IRewards.BadProof.selector, 1, two));
        claim(1, two, 3 ether, one, 1 ether);
        claim(1, two, 2 ether, one, 1 ether);
        vm.assertEq(one.balance + two.balance, 203 ether);
        vm.assertEq(address(rewards).balance, 0);
    }

    function test_what_nobody_claims_goes_back() public {
        open(address(odd), 300, one, 100, two, 200);
        claim(1, one, 100, two, 200);
        vm.expectRevert(abi.encodeWithSelector(IRewards.WrongEpochTime.selector, 1, NOW + 30 days));
        rewards.closeEpoch(1);
        vm.warp(NOW + 30 days + 1);
        vm.expectRevert(abi.encodeWithSelector(IRewards.WrongEpochTime.selector, 1, NOW + 30 days));
        claim(1, two, 200, one, 100);
        vm.expectEmit();
        emit IRewards.EpochClosed(1, address(odd), 200);
        rewards.closeEpoch(1);
        vm.assertEq(odd.balanceOf(dao), 900);
        rewards.closeEpoch(1);
        vm.assertEq(odd.balanceOf(dao), 900);
        vm.expectRevert(abi.encodeWithSelector(IRewards.WrongEpochTime.selector, 2, 0));
        rewards.closeEpoch(2);
        vm.expectRevert(abi.encodeWithSelector(IRewards.WrongEpochTime.selector, 0, 0));
        rewards.closeEpoch(0);
    }

    /// @dev A list that promises too much spends the money of its own epoch alone.
    function test_a_faulty_list_cannot_touch_another_epoch() public {
        open(NATIVE, 3 ether, one, 1 ether, two, 2 ether);
        open(NATIVE, 1 ether, one, 1 ether, two, 2 ether);
        vm.expectRevert(abi.encodeWithSelector(IRewards.EpochExhausted.selector, 2, 1 ether));
        claim(2, two, 2 ether, one, 1 ether);
        claim(2, one, 1 ether, two, 2 ether);
        (,, uint256 left,) = rewards.epochOf(1);
        vm.assertEq(left, 3 ether);
        vm.assertEq(address(rewards).balance, 3 ether);
    }

    function test_accounts_that_refuse_or_reenter() public {
        CoinRefuser refuser = new CoinRefuser();
        Reenterer greedy = new Reenterer();
        open(NATIVE, 3 ether, address(refuser), 1 ether, address(greedy), 2 ether);
        claim(1, address(refuser), 1 ether, address(greedy), 2 ether);
        vm.assertEq(rewards.creditOf(address(refuser), NATIVE), 1 ether);
        greedy.arm(address(rewards), abi.encodeCall(rewards.closeEpoch, (1)));
        claim(1, address(greedy), 2 ether, address(refuser), 1 ether);
        vm.assertEq(greedy.hits(), 0);
    }

    function refuses(bytes32 root, address asset, uint256 total, uint64 until, uint256 value, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(dao);
        rewards.openEpoch{value: value}(root, asset, total, until);
    }

    function test_epochs_that_make_no_sense() public {
        uint64 end = uint64(NOW + 1);
        refuses(0, NATIVE, 1, end, 1, abi.encodeWithSelector(IRewards.BadEpoch.selector, "root"));
        refuses("r", NATIVE, 0, end, 0, abi.encodeWithSelector(IRewards.BadEpoch.selector, "total"));
        refuses("r", address(odd), 1 << 128, end, 0, abi.encodeWithSelector(IRewards.BadEpoch.selector, "total"));
        refuses("r", NATIVE, 1, uint64(NOW), 1, abi.encodeWithSelector(IRewards.BadEpoch.selector, "until"));
        refuses("r", NATIVE, 1, uint64(NOW + 731 days), 1, abi.encodeWithSelector(IRewards.BadEpoch.selector, "until"));
        refuses("r", NATIVE, 2, end, 1, abi.encodeWithSelector(IRewards.EpochNotFunded.selector, 1, 2));
        refuses("r", address(odd), 2, end, 1, abi.encodeWithSelector(IRewards.BadEpoch.selector, "asset"));
        refuses("r", one, 2, end, 0, abi.encodeWithSelector(IRewards.BadEpoch.selector, "asset"));
        odd.setHabit(OddToken.Habit.TAKES_FEE);
        refuses("r", address(odd), 100, end, 0, abi.encodeWithSelector(IRewards.EpochNotFunded.selector, 90, 100));
        odd.setHabit(OddToken.Habit.LIES);
        refuses("r", address(odd), 100, end, 0, abi.encodeWithSelector(IRewards.EpochNotFunded.selector, 0, 100));
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, one));
        vm.prank(one);
        rewards.openEpoch("r", NATIVE, 1, end);
    }

    function testFuzz_an_epoch_pays_what_it_has(uint96 first, uint96 second, uint96 total, bool secondFirst) public {
        total = uint96(bound(total, 1, type(uint96).max));
        vm.deal(dao, total);
        open(NATIVE, total, one, first, two, second);
        uint256 paid;
        for (uint256 i; i < 2; ++i) {
            bool isFirst = (i == 0) != secondFirst;
            (address account, uint256 amount) = isFirst ? (one, uint256(first)) : (two, uint256(second));
            bytes32[] memory proof = new bytes32[](1);
            proof[0] = isFirst ? leafOf(two, second) : leafOf(one, first);
            (bool done,) = address(rewards).call(abi.encodeCall(rewards.claim, (1, account, amount, proof)));
            vm.assertEq(done ? 1 : 0, paid + amount <= total ? 1 : 0);
            if (done) paid += amount;
        }
        vm.assertEq(address(rewards).balance, total - paid);
        vm.assertEq(one.balance + two.balance, 200 ether + paid);
    }
}
