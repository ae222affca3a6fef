// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICheckout} from "../interfaces/ICheckout.sol";
import {IDeposits, IForwarder} from "../interfaces/IDeposits.sol";
import {Checkout} from "../src/Checkout.sol";
import {Deposits} from "../src/Deposits.sol";
import {DevDollar} from "../src/DevDollar.sol";
import {CoinRefuser, HookToken, HungryWallet, OddToken, Reenterer} from "./Parties.sol";
import {Test} from "./Test.sol";

abstract contract CheckoutSetup is Test {
    address internal constant NATIVE = address(0);
    Checkout internal checkout;
    DevDollar internal dollar;
    OddToken internal odd;
    address internal payer;
    address internal payee;
    address internal treasury;
    uint256 internal payerKey;

    function setUp() public virtual {
        vm.warp(NOW);
        vm.chainId(31337);
        (payer, payerKey) = actor("payer");
        (payee,) = actor("payee");
        (treasury,) = actor("treasury");
        (checkout, dollar, odd) = (new Checkout(newManager()), new DevDollar(), new OddToken());
        dollar.mint(payer, 1000e6);
        odd.mint(payer, 1000e6);
        vm.startPrank(payer);
        dollar.approve(address(checkout), type(uint256).max);
        odd.approve(address(checkout), type(uint256).max);
        vm.stopPrank();
    }

    function invoiceOf(address asset, uint256 amount) internal view returns (ICheckout.Invoice memory i) {
        (i.invoiceId, i.payee, i.asset, i.amount) = ("invoice", payee, asset, amount);
        (i.feeReceiver, i.feeBps, i.expires) = (treasury, 100, uint64(NOW + 1 days));
    }

    function none() internal pure returns (ICheckout.Permit memory permit) {}

    function pay(ICheckout.Invoice memory i, uint256 sent) internal {
        vm.prank(payer);
        checkout.pay{value: i.asset == NATIVE ? sent : 0}(i, sent, none());
    }

    function payReverts(ICheckout.Invoice memory i, uint256 sent, bytes memory reason) internal {
        vm.expectRevert(reason);
        pay(i, sent);
    }
}

contract InvoiceTest is CheckoutSetup {
    function test_coin_goes_straight_on() public {
        ICheckout.Invoice memory i = invoiceOf(NATIVE, 1 ether);
        bytes32 hash = keccak256(abi.encode(block.chainid, address(checkout), i));
        vm.expectEmit();
        emit ICheckout.InvoicePaid(hash, "invoice", payee, payer, NATIVE, 1 ether, 1 ether, 0.99 ether, treasury, 0.01 ether);
        pay(i, 1 ether);
        vm.assertTrue(checkout.isPaid(hash));
        vm.assertEq(payee.balance, 100.99 ether);
        vm.assertEq(treasury.balance, 100.01 ether);
        payReverts(i, 1 ether, abi.encodeWithSelector(ICheckout.AlreadyPaid.selector, hash));
    }

    function test_dust_or_a_look_alike_pays_nothing() public {
        ICheckout.Invoice memory i = invoiceOf(NATIVE, 1 ether);
        ICheckout.Invoice memory dust = invoiceOf(NATIVE, 1);
        pay(dust, 1);
        vm.assertFalse(checkout.isPaid(checkout.invoiceHashOf(i)));
        payReverts(i, 0.5 ether, abi.encodeWithSelector(ICheckout.WrongAmount.selector, 0.5 ether, 1 ether));
        payReverts(i, 1 ether + 1, abi.encodeWithSelector(ICheckout.WrongAmount.selector, 1 ether + 1, 1 ether));
        pay(i, 1 ether);
    }

    function test_more_is_welcome_when_the_invoice_says_so() public {
        ICheckout.Invoice memory i = invoiceOf(address(dollar), 100e6);
        i.policy = ICheckout.Policy.AT_LEAST;
        payReverts(i, 100e6 - 1, abi.encodeWithSelector(ICheckout.WrongAmount.selector, 100e6 - 1, 100e6));
        pay(i, 110e6);
        vm.assertEq(dollar.balanceOf(payee), 108.9e6);
        vm.assertEq(dollar.balanceOf(treasury), 1.1e6);
        vm.assertEq(dollar.balanceOf(address(checkout)), 0);
    }

    function test_what_arrives_counts() public {
        odd.setHabit(OddToken.Habit.TAKES_FEE);
        ICheckout.Invoice memory i = invoiceOf(address(odd), 90e6);
        payReverts(i, 90e6, abi.encodeWithSelector(ICheckout.WrongAmount.selector, 81e6, 90e6));
        i.feeBps = 0;
        pay(i, 100e6);
        vm.assertEq(odd.balanceOf(payee), 81e6);
    }

    function test_tokens_that_do_not_pay() public {
        ICheckout.Invoice memory i = invoiceOf(address(odd), 90e6);
        odd.setHabit(OddToken.Habit.RETURNS_FALSE);
        payReverts(i, 90e6, abi.encodeWithSelector(ICheckout.PaymentFailed.selector, address(odd), 90e6));
        odd.setHabit(OddToken.Habit.GIVES_MORE);
        payReverts(i, 90e6, abi.encodeWithSelector(ICheckout.PaymentFailed.selector, address(odd), 90e6));
        odd.setHabit(OddToken.Habit.LIES);
        payReverts(i, 90e6, abi.encodeWithSelector(ICheckout.WrongAmount.selector, 0, 90e6));
        odd.setHabit(OddToken.Habit.RETURNS_NOTHING);
        pay(i, 90e6);
        vm.assertTrue(checkout.isPaid(checkout.invoiceHashOf(i)));
    }

    function test_by_permit_even_when_used_before() public {
        vm.prank(payer);
        dollar.approve(address(checkout), 0);
        for (uint256 round; round < 2; ++round) {
            ICheckout.Invoice memory i = invoiceOf(address(dollar), 100e6);
            i.invoiceId = bytes32(round);
            bytes32 typeHash = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
            bytes32 structHash = keccak256(abi.encode(typeHash, payer, address(checkout), 100e6, dollar.nonces(payer), NOW + 1));
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(payerKey, keccak256(abi.encodePacked(hex"1901", dollar.DOMAIN_SEPARATOR(), structHash)));
            if (round == 1) dollar.permit(payer, address(checkout), 100e6, NOW + 1, v, r, s);
            vm.prank(payer);
            checkout.pay(i, 100e6, ICheckout.Permit(100e6, NOW + 1, v, r, s));
        }
        vm.assertEq(dollar.balanceOf(payee), 198e6);
    }

    function test_invoices_that_make_no_sense() public {
        ICheckout.Invoice memory i = invoiceOf(NATIVE, 1);
        i.expires = uint64(NOW - 1);
        payReverts(i, 1, abi.encodeWithSelector(ICheckout.InvoiceExpired.selector, NOW - 1));
        i = invoiceOf(NATIVE, 1);
        i.payee = address(0);
        payReverts(i, 1, abi.encodeWithSelector(ICheckout.BadInvoice.selector, "payee"));
        payReverts(invoiceOf(NATIVE, 0), 0, abi.encodeWithSelector(ICheckout.BadInvoice.selector, "amount"));
        payReverts(invoiceOf(payee, 1), 1, abi.encodeWithSelector(ICheckout.BadInvoice.selector, "asset"));
        i = invoiceOf(NATIVE, 1);
        i.feeBps = 1001;
        payReverts(i, 1, abi.encodeWithSelector(ICheckout.BadInvoice.selector, "feeBps"));
        (i.feeBps, i.feeReceiver) = (1, address(0));
        payReverts(i, 1, abi.encodeWithSelector(ICheckout.BadInvoice.selector, "feeReceiver"));
        vm.expectRevert(abi.encodeWithSelector(ICheckout.WrongValue.selector, 1, 2));
        checkout.pay{value: 1}(invoiceOf(NATIVE, 2), 2, none());
        vm.expectRevert(abi.encodeWithSelector(ICheckout.WrongValue.selector, 1, 0));
        checkout.pay{value: 1}(invoiceOf(address(dollar), 2), 2, none());
    }

    function test_a_payee_that_refuses_is_credited() public {
        CoinRefuser refuser = new CoinRefuser();
        ICheckout.Invoice memory i = invoiceOf(NATIVE, 1 ether);
        i.payee = address(refuser);
        pay(i, 1 ether);
        vm.assertEq(checkout.creditOf(address(refuser), NATIVE), 0.99 ether);
    }

    function test_reentrance() public {
        Reenterer greedy = new Reenterer();
        ICheckout.Invoice memory i = invoiceOf(NATIVE, 1 ether);
        i.payee = address(greedy);
        greedy.arm(address(checkout), abi.encodeCall(checkout.payOut, (NATIVE, new ICheckout.Payout[](0))));
        pay(i, 1 ether);
        vm.assertEq(greedy.tries(), 1);
        vm.assertEq(greedy.hits(), 0);
    }

    function testFuzz_conserves(uint256 amount, uint256 more, uint16 feeBps, bool native) public {
        amount = bound(amount, 1, native ? 50 ether : 500e6);
        more = bound(more, 0, native ? 50 ether : 500e6);
        ICheckout.Invoice memory i = invoiceOf(native ? NATIVE : address(dollar), amount);
        (i.policy, i.feeBps) = (ICheckout.Policy.AT_LEAST, uint16(bound(feeBps, 0, 1000)));
        pay(i, amount + more);
        uint256 fee = (amount + more) * i.feeBps / 10_000;
        vm.assertEq(native ? treasury.balance - 100 ether : dollar.balanceOf(treasury), fee);
        vm.assertEq(native ? payee.balance - 100 ether : dollar.balanceOf(payee), amount + more - fee);
        vm.assertEq(address(checkout).balance + dollar.balanceOf(address(checkout)), 0);
    }
}

contract PayoutTest is CheckoutSetup {
    function batch(uint256 each) internal returns (ICheckout.Payout[] memory all) {
        all = new ICheckout.Payout[](3);
        all[0] = ICheckout.Payout(payee, each, "one");
        all[1] = ICheckout.Payout(address(new CoinRefuser()), each, "two");
        all[2] = ICheckout.Payout(treasury, each, "three");
    }

    function test_many_in_coin() public {
        ICheckout.Payout[] memory all = batch(1 ether);
        vm.expectEmit();
        emit ICheckout.PaidOut(payer, payee, "one", NATIVE, 1 ether);
        vm.expectEmit();
        emit ICheckout.PayoutRefused(payer, all[1].to, "two", NATIVE, 1 ether);
        vm.expectEmit();
        emit ICheckout.PaidOut(payer, treasury, "three", NATIVE, 1 ether);
        vm.prank(payer);
        checkout.payOut{value: 3 ether}(NATIVE, all);
        vm.assertEq(payee.balance, 101 ether);
        vm.assertEq(treasury.balance, 101 ether);
        vm.assertEq(payer.balance, 98 ether);
        vm.assertEq(address(checkout).balance + checkout.creditOf(all[1].to, NATIVE), 0);
    }

    function test_many_in_tokens_one_barred() public {
        ICheckout.Payout[] memory all = batch(10e6);
        odd.bar(payee, true);
        vm.expectEmit();
        emit ICheckout.PayoutRefused(payer, payee, "one", address(odd), 10e6);
        vm.prank(payer);
        checkout.payOut(address(odd), all);
        vm.assertEq(odd.balanceOf(treasury), 10e6);
        vm.assertEq(odd.balanceOf(payer), 980e6);
        vm.assertEq(odd.balanceOf(address(checkout)) + checkout.creditOf(payee, address(odd)), 0);
    }

    /// @dev The change of a payer that takes no coin waits for it.
    function test_a_payer_that_refuses_its_own_is_credited() public {
        CoinRefuser refuser = new CoinRefuser();
        vm.deal(address(refuser), 3 ether);
        ICheckout.Payout[] memory all = batch(1 ether);
        vm.prank(address(refuser));
        checkout.payOut{value: 3 ether}(NATIVE, all);
        vm.assertEq(checkout.creditOf(address(refuser), NATIVE), 1 ether);
        vm.assertEq(address(checkout).balance, 1 ether);
    }

    /// @dev At every gas limit: either nothing happens, or the wallet that can take coin is paid, never refused.
    function testFuzz_little_gas_never_refuses_for_a_willing_receiver(uint256 limit) public {
        HungryWallet wallet = new HungryWallet();
        ICheckout.Payout[] memory all = new ICheckout.Payout[](1);
        all[0] = ICheckout.Payout(address(wallet), 1 ether, "wallet");
        bytes memory data = abi.encodeCall(checkout.payOut, (NATIVE, all));
        vm.prank(payer);
        (bool done,) = address(checkout).call{value: 1 ether, gas: bound(limit, 20_000, 300_000)}(data);
        vm.assertEq(wallet.received(), done ? 1 ether : 0);
        vm.assertEq(payer.balance, done ? 99 ether : 100 ether);
    }

    function test_batches_that_are_refused() public {
        ICheckout.Payout[] memory all = batch(10e6);
        vm.startPrank(payer);
        vm.expectRevert(abi.encodeWithSelector(ICheckout.WrongValue.selector, 1, 30e6));
        checkout.payOut{value: 1}(NATIVE, all);
        odd.setHabit(OddToken.Habit.TAKES_FEE);
        vm.expectRevert(abi.encodeWithSelector(ICheckout.BadBatch.selector, 27e6, 30e6));
        checkout.payOut(address(odd), all);
        vm.expectRevert(abi.encodeWithSelector(ICheckout.BadBatch.selector, 201, 200));
        checkout.payOut(NATIVE, new ICheckout.Payout[](201));
        all[1].to = address(0);
        vm.expectRevert(abi.encodeWithSelector(ICheckout.BadInvoice.selector, "to"));
        checkout.payOut(address(dollar), all);
        vm.stopPrank();
    }
}

contract DepositTest is CheckoutSetup {
    Deposits internal deposits;

    function setUp() public override {
        super.setUp();
        deposits = new Deposits();
    }

    function ids(bytes32 one, bytes32 other) internal pure returns (bytes32[] memory all) {
        all = new bytes32[](2);
        (all[0], all[1]) = (one, other);
    }

    function assets() internal view returns (address[] memory all) {
        all = new address[](2);
        (all[0], all[1]) = (NATIVE, address(odd));
    }

    function test_swept_before_and_after_there_is_code() public {
        address one = deposits.addressOf(treasury, "one");
        address two = deposits.addressOf(treasury, "two");
        vm.deal(one, 1 ether);
        odd.mint(two, 5e6);
        vm.expectEmit();
        emit IDeposits.DepositSwept(one, treasury, "one", NATIVE, 1 ether);
        deposits.sweep(treasury, ids("one", "two"), assets());
        vm.assertEq(treasury.balance, 101 ether);
        vm.assertEq(odd.balanceOf(treasury), 5e6);
        // Now there is code, which takes coin from senders of old with 2,300 gas.
        vm.prank(payer);
        payable(one).transfer(2 ether);
        deposits.sweep(treasury, ids("one", "two"), assets());
        vm.assertEq(treasury.balance, 103 ether);
    }

    function test_nothing_leaves_untold() public {
        address one = deposits.addressOf(treasury, "one");
        vm.deal(one, 1 ether);
        deposits.sweep(treasury, ids("one", "one"), assets());
        vm.deal(one, 1 ether);
        odd.mint(one, 7);
        vm.prank(payer);
        vm.expectRevert(IForwarder.NotDeposits.selector);
        IForwarder(one).forward(NATIVE);
        vm.prank(treasury);
        vm.expectRevert(IForwarder.NotDeposits.selector);
        IForwarder(one).forward(address(odd));
        vm.prank(payer);
        deposits.sweep(treasury, ids("one", "one"), assets());
        vm.assertEq(treasury.balance, 102 ether);
        vm.assertEq(odd.balanceOf(treasury), 7);
    }

    function test_addresses_differ_by_destination_and_number() public view {
        vm.assertFalse(deposits.addressOf(treasury, "one") == deposits.addressOf(payee, "one"));
        vm.assertFalse(deposits.addressOf(treasury, "one") == deposits.addressOf(treasury, "two"));
    }

    function test_what_is_stuck_stops_no_other() public {
        CoinRefuser refuser = new CoinRefuser();
        address one = deposits.addressOf(address(refuser), "one");
        vm.deal(one, 1 ether);
        odd.mint(one, 7);
        vm.expectEmit();
        emit IDeposits.DepositStuck(one, address(refuser), "one", NATIVE);
        deposits.sweep(address(refuser), ids("one", "two"), assets());
        vm.assertEq(odd.balanceOf(address(refuser)), 7);
        vm.assertEq(one.balance, 1 ether);
        refuser.setOpen(true);
        deposits.sweep(address(refuser), ids("one", "two"), assets());
        vm.assertEq(address(refuser).balance, 1 ether);
    }

    function test_nothing_found_nothing_deployed() public {
        deposits.sweep(treasury, ids("one", "two"), assets());
        vm.assertEq(deposits.addressOf(treasury, "one").code.length, 0);
    }

    function test_sweeps_that_make_no_sense() public {
        vm.expectRevert(IDeposits.BadSweep.selector);
        deposits.sweep(address(0), ids("one", "two"), assets());
        vm.expectRevert(IDeposits.BadSweep.selector);
        deposits.sweep(treasury, new bytes32[](101), assets());
        vm.expectRevert(IDeposits.BadSweep.selector);
        deposits.sweep(treasury, ids("one", "two"), new address[](101));
    }

    function testFuzz_everything_arrives(uint96 coins, uint96 tokens, bytes32 id, bool twice) public {
        address one = deposits.addressOf(payee, id);
        for (uint256 i; i < (twice ? 2 : 1); ++i) {
            vm.deal(one, coins);
            odd.mint(one, tokens);
            deposits.sweep(payee, ids(id, id), assets());
        }
        uint256 times = twice ? 2 : 1;
        vm.assertEq(payee.balance - 100 ether, uint256(coins) * times);
        vm.assertEq(odd.balanceOf(payee), uint256(tokens) * times);
    }

    function test_a_token_that_reenters() public {
        HookToken hook = new HookToken();
        address one = deposits.addressOf(treasury, "one");
        hook.mint(one, 10);
        address[] memory all = new address[](1);
        all[0] = address(hook);
        hook.arm(address(deposits), abi.encodeCall(deposits.sweep, (treasury, ids("one", "one"), all)));
        deposits.sweep(treasury, ids("one", "two"), all);
        vm.assertEq(hook.balanceOf(treasury), 10);
    }
}
