// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "solady/src/utils/ReentrancyGuardTransient.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {IPayouts} from "../interfaces/IPayouts.sol";
import {DevDollar} from "../src/DevDollar.sol";
import {Escrow} from "../src/Escrow.sol";
import {CoinRefuser, HookToken, HungryWallet, OddToken, Reenterer} from "./Parties.sol";
import {Test} from "./Test.sol";

abstract contract EscrowSetup is Test {
    address internal constant NATIVE = address(0);
    uint16 internal constant FEE_BPS = 200;
    bytes32 internal constant ORDER = "order";
    bytes32 internal constant EVIDENCE = "evidence";

    /// @dev Whether nobody can enter save while money comes in through here.
    bool internal shutBetween;
    Escrow internal escrow;
    DevDollar internal dollar;
    OddToken internal odd;
    address internal buyer;
    address internal seller;
    address internal arbiter;
    address internal treasury;
    address internal stranger;

    function setUp() public virtual {
        vm.warp(NOW);
        vm.chainId(31337);
        (buyer,) = actor("buyer");
        (seller,) = actor("seller");
        (arbiter,) = actor("arbiter");
        (treasury,) = actor("treasury");
        (stranger,) = actor("stranger");
        escrow = new Escrow(newManager());
        dollar = new DevDollar();
        odd = new OddToken();
        dollar.mint(buyer, 1000e6);
        odd.mint(buyer, 1000e6);
        vm.startPrank(buyer);
        dollar.approve(address(escrow), type(uint256).max);
        odd.approve(address(escrow), type(uint256).max);
        vm.stopPrank();
    }

    function termsOf(address asset, uint256 amount) internal view returns (IEscrow.Terms memory) {
        return IEscrow.Terms({
            orderId: ORDER,
            buyer: buyer,
            seller: seller,
            arbiter: arbiter,
            asset: asset,
            amount: amount,
            feeReceiver: treasury,
            feeBps: FEE_BPS,
            silenceSellerBps: 4000,
            shipBy: uint64(NOW + 3 days),
            inspection: 2 days,
            ruling: 5 days
        });
    }

    function fund(IEscrow.Terms memory terms) internal returns (bytes32 id) {
        open();
        vm.prank(terms.buyer);
        id = escrow.fund{value: terms.asset == NATIVE ? terms.amount : 0}(terms);
        shut();
    }

    function open() internal {
        if (shutBetween && escrow.paused()) escrow.unpause();
    }

    function shut() internal {
        if (shutBetween) escrow.pause();
    }

    function ship(IEscrow.Terms memory terms) internal {
        vm.prank(terms.seller);
        escrow.ship(terms, "proof");
    }

    function dispute(IEscrow.Terms memory terms) internal {
        vm.prank(terms.buyer);
        escrow.dispute(terms, EVIDENCE);
    }

    /// @dev Brings an escrow to an open state: 1 funded, 2 shipped, 3 disputed.
    function bringTo(IEscrow.Terms memory terms, IEscrow.State state) internal returns (bytes32 id) {
        id = fund(terms);
        if (state >= IEscrow.State.SHIPPED) ship(terms);
        if (state >= IEscrow.State.DISPUTED) dispute(terms);
    }

    function assertState(bytes32 id, IEscrow.State expected, uint256 held) internal view {
        (IEscrow.State state,, uint256 now_) = escrow.escrow(id);
        vm.assertEq(uint256(state), uint256(expected), "state");
        vm.assertEq(now_, held, "held");
    }

    function assertEnded(bytes32 id, IEscrow.State expected) internal view {
        assertState(id, expected, 0);
        (, uint64 deadline,) = escrow.escrow(id);
        vm.assertEq(deadline, 0, "deadline");
        vm.assertEq(address(escrow).balance, 0, "left over");
    }
}

contract EscrowLifeTest is EscrowSetup {
    function test_fund_holds_and_tells_all_terms() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = keccak256(abi.encode(block.chainid, address(escrow), t));
        vm.assertEq(escrow.escrowIdOf(t), id);
        vm.expectEmit();
        emit IEscrow.Funded(id, ORDER, buyer, seller, arbiter, NATIVE, 1 ether, 1 ether, treasury, FEE_BPS, 4000, t.shipBy, t.inspection, t.ruling);
        vm.assertEq(fund(t), id);
        assertState(id, IEscrow.State.FUNDED, 1 ether);
        vm.assertEq(address(escrow).balance, 1 ether);
    }

    function test_release_by_the_buyer_from_every_open_state() public {
        for (uint8 state = 1; state <= 3; ++state) {
            IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
            t.orderId = bytes32(uint256(state));
            bytes32 id = bringTo(t, IEscrow.State(state));
            (uint256 sellerBefore, uint256 feeBefore) = (seller.balance, treasury.balance);
            vm.expectEmit();
            emit IEscrow.Released(id, t.orderId, buyer, 0.98 ether, 0.02 ether);
            vm.prank(buyer);
            escrow.release(t);
            assertEnded(id, IEscrow.State.RELEASED);
            vm.assertEq(seller.balance - sellerBefore, 0.98 ether);
            vm.assertEq(treasury.balance - feeBefore, 0.02 ether);
        }
    }

    function test_refund_by_the_seller_from_every_open_state() public {
        for (uint8 state = 1; state <= 3; ++state) {
            IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
            t.orderId = bytes32(uint256(state));
            bytes32 id = bringTo(t, IEscrow.State(state));
            vm.expectEmit();
            emit IEscrow.Refunded(id, t.orderId, seller, 1 ether);
            vm.prank(seller);
            escrow.refund(t);
            assertEnded(id, IEscrow.State.REFUNDED);
            vm.assertEq(buyer.balance, 100 ether);
        }
        vm.assertEq(treasury.balance, 100 ether);
    }

    function test_token_life() public {
        IEscrow.Terms memory t = termsOf(address(dollar), 100e6);
        bytes32 id = bringTo(t, IEscrow.State.SHIPPED);
        assertState(id, IEscrow.State.SHIPPED, 100e6);
        vm.prank(buyer);
        escrow.release(t);
        vm.assertEq(dollar.balanceOf(seller), 98e6);
        vm.assertEq(dollar.balanceOf(treasury), 2e6);
        vm.assertEq(dollar.balanceOf(address(escrow)), 0);
    }

    function test_ship_opens_the_inspection() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = fund(t);
        vm.warp(t.shipBy);
        vm.expectEmit();
        emit IEscrow.Shipped(id, ORDER, "proof", t.shipBy + t.inspection);
        ship(t);
        (, uint64 deadline,) = escrow.escrow(id);
        vm.assertEq(deadline, t.shipBy + t.inspection);
    }

    function test_auto_refund_when_the_seller_does_not_ship() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = fund(t);
        vm.warp(t.shipBy);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.TooEarly.selector, t.shipBy));
        escrow.refundExpired(t);
        vm.warp(t.shipBy + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.TooLate.selector, t.shipBy));
        ship(t);
        vm.expectEmit();
        emit IEscrow.Refunded(id, ORDER, stranger, 1 ether);
        vm.prank(stranger);
        escrow.refundExpired(t);
        assertEnded(id, IEscrow.State.REFUNDED);
        vm.assertEq(buyer.balance, 100 ether);
    }

    function test_auto_release_when_the_buyer_is_silent() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = bringTo(t, IEscrow.State.SHIPPED);
        uint64 ends = uint64(NOW + t.inspection);
        vm.warp(ends);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.TooEarly.selector, ends));
        escrow.releaseExpired(t);
        vm.warp(ends + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.TooLate.selector, ends));
        dispute(t);
        vm.prank(stranger);
        escrow.releaseExpired(t);
        assertEnded(id, IEscrow.State.RELEASED);
        vm.assertEq(seller.balance, 100.98 ether);
    }

    function test_arbiter_splits() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = bringTo(t, IEscrow.State.SHIPPED);
        uint64 ends = uint64(NOW + t.ruling);
        vm.expectEmit();
        emit IEscrow.Disputed(id, ORDER, buyer, EVIDENCE, ends);
        dispute(t);
        vm.expectEmit();
        emit IEscrow.EvidenceAdded(id, ORDER, seller, "more");
        vm.prank(seller);
        escrow.addEvidence(t, "more");
        vm.warp(ends);
        vm.expectEmit();
        emit IEscrow.Ruled(id, ORDER, arbiter, false, 0.294 ether, 0.7 ether, 0.006 ether, "because");
        vm.prank(arbiter);
        escrow.rule(t, 0.3 ether, "because");
        assertEnded(id, IEscrow.State.RULED);
        vm.assertEq(buyer.balance, 99.7 ether);
        vm.assertEq(seller.balance, 100.294 ether);
        vm.assertEq(treasury.balance, 100.006 ether);
    }

    function test_silent_arbiter_means_the_split_of_the_terms() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = bringTo(t, IEscrow.State.DISPUTED);
        uint64 ends = uint64(NOW + t.ruling);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.TooEarly.selector, ends));
        escrow.ruleExpired(t);
        vm.warp(ends + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.TooLate.selector, ends));
        vm.prank(arbiter);
        escrow.rule(t, 1 ether, "late");
        vm.expectEmit();
        emit IEscrow.Ruled(id, ORDER, stranger, true, 0.392 ether, 0.6 ether, 0.008 ether, 0);
        vm.prank(stranger);
        escrow.ruleExpired(t);
        assertEnded(id, IEscrow.State.RULED);
    }

    function testFuzz_ruling_conserves(uint256 amount, uint256 toSeller, uint256 feeBps, bool silent) public {
        IEscrow.Terms memory t = termsOf(NATIVE, bound(amount, 1, 50 ether));
        t.feeBps = uint16(bound(feeBps, 0, 1000));
        bytes32 id = bringTo(t, IEscrow.State.DISPUTED);
        toSeller = bound(toSeller, 0, t.amount);
        if (silent) {
            vm.warp(NOW + t.ruling + 1);
            escrow.ruleExpired(t);
            toSeller = t.amount * t.silenceSellerBps / 10_000;
        } else {
            vm.prank(arbiter);
            escrow.rule(t, toSeller, 0);
        }
        assertEnded(id, IEscrow.State.RULED);
        vm.assertEq(seller.balance - 100 ether + treasury.balance - 100 ether, toSeller);
        vm.assertEq(buyer.balance, 100 ether - toSeller);
        vm.assertEq(treasury.balance - 100 ether, toSeller * t.feeBps / 10_000);
    }
}

contract EscrowRefusalTest is EscrowSetup {
    /// @dev Every call from every state: what is not a transition changes nothing.
    function test_every_state_takes_its_transitions_only() public {
        // Bits: ship, release, refund, dispute, addEvidence, rule, refundExpired, releaseExpired, ruleExpired, fund.
        uint16[7] memory allowed = [uint16(512), 1 + 2 + 4, 2 + 4 + 8, 2 + 4 + 16 + 32, 0, 0, 0];
        for (uint8 state; state <= 6; ++state) {
            for (uint8 step; step < 10; ++step) {
                IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
                t.orderId = keccak256(abi.encode(state, step));
                bytes32 id = escrow.escrowIdOf(t);
                reach(t, IEscrow.State(state));
                bool done = take(t, step);
                // The three deadlines are not reached here, so these steps fail in the right state too.
                vm.assertEq(done ? 1 : 0, (allowed[state] >> step) & 1, string.concat("state ", digit(state), " step ", digit(step)));
                if (!done) {
                    (IEscrow.State after_,,) = escrow.escrow(id);
                    vm.assertEq(uint256(after_), state);
                }
            }
        }
    }

    /// @dev The same with all deadlines over.
    function test_expired_transitions_belong_to_their_state() public {
        uint8[7] memory only = [uint8(255), 6, 7, 8, 255, 255, 255];
        for (uint8 state; state <= 6; ++state) {
            for (uint8 step = 6; step < 9; ++step) {
                vm.warp(NOW);
                IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
                t.orderId = keccak256(abi.encode(state, step));
                reach(t, IEscrow.State(state));
                vm.warp(NOW + 300 days);
                vm.assertEq(take(t, step) ? 1 : 0, only[state] == step ? 1 : 0, string.concat("state ", digit(state), " step ", digit(step)));
            }
        }
    }

    function reach(IEscrow.Terms memory t, IEscrow.State state) private {
        if (state == IEscrow.State.NONE) return;
        bringTo(t, state <= IEscrow.State.DISPUTED ? state : IEscrow.State.DISPUTED);
        if (state == IEscrow.State.RELEASED) take(t, 1);
        if (state == IEscrow.State.REFUNDED) take(t, 2);
        if (state == IEscrow.State.RULED) take(t, 5);
    }

    function take(IEscrow.Terms memory t, uint8 step) private returns (bool done) {
        address sender = [seller, buyer, seller, buyer, buyer, arbiter, stranger, stranger, stranger, buyer][step];
        bytes[10] memory calls = [
            abi.encodeCall(escrow.ship, (t, 0)),
            abi.encodeCall(escrow.release, (t)),
            abi.encodeCall(escrow.refund, (t)),
            abi.encodeCall(escrow.dispute, (t, 0)),
            abi.encodeCall(escrow.addEvidence, (t, 0)),
            abi.encodeCall(escrow.rule, (t, 1, 0)),
            abi.encodeCall(escrow.refundExpired, (t)),
            abi.encodeCall(escrow.releaseExpired, (t)),
            abi.encodeCall(escrow.ruleExpired, (t)),
            abi.encodeCall(escrow.fund, (t))
        ];
        vm.prank(sender);
        (done,) = address(escrow).call{value: step == 9 ? t.amount : 0}(calls[step]);
    }

    function digit(uint8 value) private pure returns (string memory) {
        return string(abi.encodePacked(bytes1(48 + value)));
    }

    function test_only_the_right_party() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bringTo(t, IEscrow.State.DISPUTED);
        bytes memory reason = abi.encodeWithSelector(IEscrow.NotAllowed.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(reason);
        escrow.fund{value: 1 ether}(t);
        vm.expectRevert(reason);
        escrow.ship(t, 0);
        vm.expectRevert(reason);
        escrow.release(t);
        vm.expectRevert(reason);
        escrow.refund(t);
        vm.expectRevert(reason);
        escrow.dispute(t, 0);
        vm.expectRevert(reason);
        escrow.addEvidence(t, 0);
        vm.expectRevert(reason);
        escrow.rule(t, 1, 0);
        vm.stopPrank();
    }

    function test_nobody_takes_the_other_side() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bringTo(t, IEscrow.State.DISPUTED);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotAllowed.selector, seller));
        vm.prank(seller);
        escrow.release(t);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotAllowed.selector, buyer));
        vm.prank(buyer);
        escrow.refund(t);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotAllowed.selector, buyer));
        vm.prank(buyer);
        escrow.rule(t, 0, 0);
    }

    function testFuzz_other_terms_are_another_escrow(uint256 field, uint256 salt) public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bringTo(t, IEscrow.State.SHIPPED);
        salt = bound(salt, 1, 100);
        field = bound(field, 0, 7);
        if (field == 0) t.amount += salt;
        if (field == 1) t.arbiter = stranger;
        if (field == 2) t.feeBps -= uint16(salt);
        if (field == 3) t.feeReceiver = stranger;
        if (field == 4) t.seller = stranger;
        if (field == 5) t.inspection += uint32(salt);
        if (field == 6) t.silenceSellerBps += uint16(salt);
        if (field == 7) t.asset = address(dollar);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.WrongState.selector, IEscrow.State.NONE));
        vm.prank(buyer);
        escrow.release(t);
    }

    function test_the_same_terms_are_never_funded_twice() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        fund(t);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.WrongState.selector, IEscrow.State.FUNDED));
        fund(t);
        vm.prank(seller);
        escrow.refund(t);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.WrongState.selector, IEscrow.State.REFUNDED));
        fund(t);
    }

    function test_wrong_value() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.WrongValue.selector, 1, 1 ether));
        vm.prank(buyer);
        escrow.fund{value: 1}(t);
        t = termsOf(address(dollar), 1e6);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.WrongValue.selector, 1, 0));
        vm.prank(buyer);
        escrow.fund{value: 1}(t);
    }

    function test_plain_coin_is_refused() public {
        (bool done,) = address(escrow).call{value: 1}("");
        vm.assertFalse(done);
    }

    function test_split_larger_than_held() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bringTo(t, IEscrow.State.DISPUTED);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.SplitTooLarge.selector, 1 ether + 1, 1 ether));
        vm.prank(arbiter);
        escrow.rule(t, 1 ether + 1, 0);
    }

    function refuses(IEscrow.Terms memory t, string memory field) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.BadTerms.selector, field));
        vm.prank(buyer);
        escrow.fund{value: 1 ether}(t);
    }

    function test_bad_parties() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        t.seller = address(0);
        refuses(t, "seller");
        t.seller = buyer;
        refuses(t, "seller");
        t.seller = seller;
        t.arbiter = address(0);
        refuses(t, "arbiter");
        t.arbiter = buyer;
        refuses(t, "arbiter");
        t.arbiter = seller;
        refuses(t, "arbiter");
    }

    function test_bad_money() public {
        IEscrow.Terms memory t = termsOf(stranger, 1 ether);
        refuses(t, "asset");
        t = termsOf(NATIVE, 0);
        refuses(t, "amount");
        t = termsOf(NATIVE, uint256(type(uint128).max) + 1);
        refuses(t, "amount");
        t = termsOf(NATIVE, 1 ether);
        t.feeBps = 1001;
        refuses(t, "feeBps");
        t.feeBps = 1;
        t.feeReceiver = address(0);
        refuses(t, "feeReceiver");
        t = termsOf(NATIVE, 1 ether);
        t.silenceSellerBps = 10_001;
        refuses(t, "silenceSellerBps");
    }

    function test_bad_windows() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        t.shipBy = uint64(NOW - 1);
        refuses(t, "shipBy");
        t.shipBy = uint64(NOW + 365 days + 1);
        refuses(t, "shipBy");
        t = termsOf(NATIVE, 1 ether);
        t.inspection = 0;
        refuses(t, "inspection");
        t.inspection = 365 days + 1;
        refuses(t, "inspection");
        t = termsOf(NATIVE, 1 ether);
        t.ruling = 0;
        refuses(t, "ruling");
        t.ruling = 365 days + 1;
        refuses(t, "ruling");
    }
}

contract EscrowHostileTest is EscrowSetup {
    function test_seller_that_refuses_coin_is_credited() public {
        CoinRefuser refuser = new CoinRefuser();
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        t.seller = address(refuser);
        bytes32 id = fund(t);
        vm.expectEmit();
        emit IPayouts.Credited(address(refuser), NATIVE, 0.98 ether);
        vm.prank(buyer);
        escrow.release(t);
        assertState(id, IEscrow.State.RELEASED, 0);
        vm.assertEq(address(escrow).balance, 0.98 ether);
        refuser.call(address(escrow), 0, abi.encodeCall(escrow.withdrawTo, (stranger, NATIVE)));
        vm.assertEq(stranger.balance, 100.98 ether);
        vm.assertEq(address(escrow).balance, 0);
    }

    function test_fee_receiver_that_refuses_blocks_nobody() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        t.feeReceiver = address(new CoinRefuser());
        fund(t);
        vm.prank(buyer);
        escrow.release(t);
        vm.assertEq(seller.balance, 100.98 ether);
        vm.assertEq(escrow.creditOf(t.feeReceiver, NATIVE), 0.02 ether);
    }

    /// @dev At every gas limit: either nothing happens, or the wallet that can take coin is paid, never credited.
    function testFuzz_little_gas_never_credits_a_willing_seller(uint256 limit) public {
        HungryWallet wallet = new HungryWallet();
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        t.seller = address(wallet);
        fund(t);
        vm.prank(buyer);
        (bool done,) = address(escrow).call{gas: bound(limit, 20_000, 300_000)}(abi.encodeCall(escrow.release, (t)));
        vm.assertEq(wallet.received(), done ? 0.98 ether : 0);
        vm.assertEq(escrow.creditOf(address(wallet), NATIVE), 0);
    }

    function test_seller_that_reenters_gets_its_due_only() public {
        Reenterer greedy = new Reenterer();
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        t.seller = address(greedy);
        fund(t);
        IEscrow.Terms memory other = t;
        other.orderId = "other";
        fund(other);
        greedy.arm(address(escrow), abi.encodeCall(escrow.refund, (other)));
        vm.prank(buyer);
        escrow.release(termsOfSeller(address(greedy)));
        vm.assertEq(greedy.hits(), 0);
        vm.assertEq(address(greedy).balance + escrow.creditOf(address(greedy), NATIVE), 0.98 ether);
        assertState(escrow.escrowIdOf(other), IEscrow.State.FUNDED, 1 ether);
    }

    function termsOfSeller(address seller_) private view returns (IEscrow.Terms memory t) {
        t = termsOf(NATIVE, 1 ether);
        t.seller = seller_;
    }

    /// @dev A token that funds a second escrow while the first one measures its balance would count the same money twice.
    function test_token_that_reenters_funding_is_counted_once() public {
        HookToken hook = new HookToken();
        hook.mint(address(hook), 100);
        hook.call(address(hook), abi.encodeCall(hook.approve, (address(escrow), type(uint256).max)));
        IEscrow.Terms memory t = termsOf(address(hook), 50);
        t.buyer = address(hook);
        IEscrow.Terms memory second = termsOf(address(hook), 50);
        (second.buyer, second.orderId) = (address(hook), "second");
        hook.arm(address(escrow), abi.encodeCall(escrow.fund, (second)));
        vm.prank(address(hook));
        escrow.fund(t);
        vm.assertEq(hook.tries(), 1);
        vm.assertEq(hook.hits(), 0);
        assertState(escrow.escrowIdOf(t), IEscrow.State.FUNDED, 50);
    }

    function test_fee_on_transfer_token_holds_what_arrived() public {
        odd.setHabit(OddToken.Habit.TAKES_FEE);
        IEscrow.Terms memory t = termsOf(address(odd), 100e6);
        bytes32 id = fund(t);
        assertState(id, IEscrow.State.FUNDED, 90e6);
        odd.setHabit(OddToken.Habit.NONE);
        vm.prank(seller);
        escrow.refund(t);
        vm.assertEq(odd.balanceOf(address(escrow)), 0);
        vm.assertEq(odd.balanceOf(buyer), 990e6);
    }

    function test_token_that_does_not_pay() public {
        IEscrow.Terms memory t = termsOf(address(odd), 100e6);
        OddToken.Habit[3] memory habits = [OddToken.Habit.RETURNS_FALSE, OddToken.Habit.LIES, OddToken.Habit.GIVES_MORE];
        for (uint256 i; i < 3; ++i) {
            odd.setHabit(habits[i]);
            vm.expectRevert(abi.encodeWithSelector(IEscrow.PaymentFailed.selector, address(odd), 100e6));
            fund(t);
        }
        odd.setHabit(OddToken.Habit.RETURNS_NOTHING);
        fund(t);
        vm.prank(buyer);
        escrow.release(t);
        vm.assertEq(odd.balanceOf(seller), 98e6);
    }

    function test_token_that_bars_the_seller_or_returns_false_strands_nobody() public {
        IEscrow.Terms memory t = termsOf(address(odd), 100e6);
        bringTo(t, IEscrow.State.DISPUTED);
        odd.bar(seller, true);
        vm.prank(arbiter);
        escrow.rule(t, 50e6, 0);
        vm.assertEq(odd.balanceOf(buyer), 950e6);
        vm.assertEq(escrow.creditOf(seller, address(odd)), 49e6);
        vm.expectRevert(abi.encodeWithSelector(IPayouts.WithdrawalRefused.selector, seller));
        escrow.withdraw(seller, address(odd));
        odd.bar(seller, false);
        escrow.withdraw(seller, address(odd));
        vm.assertEq(odd.balanceOf(seller), 49e6);
        vm.assertEq(odd.balanceOf(address(escrow)), 0);
    }

    function test_withdrawal_that_reenters() public {
        CoinRefuser refuser = new CoinRefuser();
        Reenterer greedy = new Reenterer();
        IEscrow.Terms memory t = termsOfSeller(address(refuser));
        fund(t);
        vm.prank(buyer);
        escrow.release(t);
        greedy.arm(address(escrow), abi.encodeCall(escrow.withdraw, (address(refuser), NATIVE)));
        refuser.call(address(escrow), 0, abi.encodeCall(escrow.withdrawTo, (address(greedy), NATIVE)));
        vm.assertEq(greedy.tries(), 1);
        vm.assertEq(greedy.hits(), 0);
        vm.assertEq(address(greedy).balance, 0.98 ether);
    }
}
