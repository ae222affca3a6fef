// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICheckout} from "../interfaces/ICheckout.sol";
import {IForwarder} from "../interfaces/IDeposits.sol";
import {Checkout} from "../src/Checkout.sol";
import {Deposits} from "../src/Deposits.sol";
import {DevDollar} from "../src/DevDollar.sol";
import {Ledger} from "./Ledger.sol";
import {CoinRefuser, GasBurner, OddToken, Reenterer, ReturnBomb} from "./Parties.sol";
import {Test} from "./Test.sol";

/// @dev Three payers pay invoices, batches and deposits to receivers of which most are hostile; strangers sweep, pull and pause.
contract CheckoutPlay is Ledger {
    Checkout public immutable checkout;
    Deposits public immutable deposits;
    OddToken public immutable odd;
    CoinRefuser public immutable refuser;
    Reenterer public immutable greedy;
    address public immutable treasury;

    address[] internal payers;
    address[] internal receivers;
    ICheckout.Invoice[] internal paid;
    uint256 public invoices;

    constructor() {
        (checkout, deposits, odd) = (new Checkout(newManager()), new Deposits(), new OddToken());
        DevDollar dollar = new DevDollar();
        houses.push(address(checkout));
        assets = [NATIVE, address(dollar), address(odd)];
        (refuser, greedy) = (new CoinRefuser(), new Reenterer());
        (treasury,) = actor("treasury");
        (address payee,) = actor("payee");
        receivers = [payee, address(refuser), address(greedy), address(new GasBurner()), address(new ReturnBomb()), treasury];
        greedy.arm(address(checkout), abi.encodeCall(checkout.withdraw, (address(refuser), NATIVE)));
        string[3] memory names = ["one", "two", "three"];
        for (uint256 i; i < 3; ++i) {
            (address payer,) = actor(names[i]);
            vm.deal(payer, 1e6 ether);
            dollar.mint(payer, 1e24);
            odd.mint(payer, 1e24);
            vm.startPrank(payer);
            dollar.approve(address(checkout), type(uint256).max);
            odd.approve(address(checkout), type(uint256).max);
            vm.stopPrank();
            payers.push(payer);
            open(payer);
        }
        for (uint256 i; i < receivers.length; ++i) {
            open(receivers[i]);
        }
        for (uint256 i; i < 6; ++i) {
            (address destination, bytes32 id) = depositAt(i);
            open(deposits.addressOf(destination, id));
        }
    }

    /// @dev Six addresses: three of the treasury, three of somebody who may refuse coin.
    function depositAt(uint256 seed) internal view returns (address destination, bytes32 id) {
        return (seed % 2 == 0 ? treasury : address(refuser), bytes32(seed % 6));
    }

    function pay(uint256 seed, uint256 amount, uint256 sent, uint16 feeBps, bool atLeast) external {
        (address payer, address asset) = (payers[seed % 3], assets[(seed >> 8) % 3]);
        ICheckout.Invoice memory i;
        (i.invoiceId, i.payee, i.asset, i.amount) = (bytes32(invoices++), receivers[(seed >> 16) % 6], asset, bound(amount, 1, 10 ether));
        (i.feeReceiver, i.feeBps, i.expires) = (treasury, uint16(bound(feeBps, 0, 1100)), uint64(block.timestamp));
        if (atLeast) i.policy = ICheckout.Policy.AT_LEAST;
        sent = sent % 3 == 0 ? i.amount : bound(sent, i.amount - 1, i.amount + 5);
        bool enough = atLeast ? sent >= i.amount : sent == i.amount;
        bool barred = asset == address(odd) && odd.barred(payer);
        bool done = send(payer, i, sent);
        vm.assertTrue(done == (enough && i.feeBps <= 1000 && !barred && !checkout.paused()), "pay");
        vm.assertTrue(done == checkout.isPaid(checkout.invoiceHashOf(i)), "paid");
        if (!done) return;
        uint256 fee = sent * i.feeBps / 10_000;
        moved(asset, payer, treasury, fee);
        moved(asset, payer, i.payee, sent - fee);
        paid.push(i);
    }

    function payAgain(uint256 seed, uint256 by) external {
        if (paid.length == 0) return;
        ICheckout.Invoice memory i = paid[seed % paid.length];
        vm.assertFalse(send(payers[by % 3], i, i.amount));
    }

    function payOut(uint256 seed, uint256[3] memory amounts) external {
        (address payer, address asset) = (payers[seed % 3], assets[(seed >> 8) % 3]);
        ICheckout.Payout[] memory all = new ICheckout.Payout[](3);
        uint256 sum;
        for (uint256 i; i < 3; ++i) {
            amounts[i] = bound(amounts[i], 0, 5 ether);
            all[i] = ICheckout.Payout(receivers[(seed >> (16 + 8 * i)) % 6], amounts[i], bytes32(i));
            sum += amounts[i];
        }
        bool done = attempt(payer, address(checkout), asset == NATIVE ? sum : 0, abi.encodeCall(checkout.payOut, (asset, all)));
        vm.assertTrue(done == !(checkout.paused() || (asset == address(odd) && odd.barred(payer))), "payOut");
        for (uint256 i; done && i < 3; ++i) {
            if (accepts(all[i].to, asset)) moved(asset, payer, all[i].to, amounts[i]);
        }
    }

    function withdraw(uint256 seed, uint256 by) external {
        address account = receivers[seed % 6];
        pull(checkout, assets[(seed >> 8) % 3], account, receivers[(seed >> 16) % 6], by % 2 == 0 ? account : payers[by % 3]);
    }

    function deposit(uint256 seed, uint256 amount) external {
        (address payer, address asset) = (payers[seed % 3], assets[(seed >> 8) % 3]);
        (address destination, bytes32 id) = depositAt(seed >> 16);
        address forwarder = deposits.addressOf(destination, id);
        amount = bound(amount, 0, 1 ether);
        bool native = asset == NATIVE;
        bool done = native ? attempt(payer, forwarder, amount, "") : attempt(payer, asset, 0, abi.encodeCall(odd.transfer, (forwarder, amount)));
        if (done) moved(asset, payer, forwarder, amount);
    }

    function sweep(uint256 seed) external {
        (address destination, bytes32 id) = depositAt(seed);
        (bytes32[] memory ids, address[] memory all) = (new bytes32[](3), assets);
        (ids[0], ids[1], ids[2]) = (id, bytes32((uint256(id) + 2) % 6), id);
        vm.assertTrue(attempt(payers[seed % 3], address(deposits), 0, abi.encodeCall(deposits.sweep, (destination, ids, all))), "sweep");
        for (uint256 i; i < 3; ++i) {
            for (uint256 a; a < 3; ++a) {
                forwarded(deposits.addressOf(destination, ids[i]), destination, all[a]);
            }
        }
    }

    /// @dev Nobody gets round `Deposits`, which tells what leaves.
    function forward(uint256 seed, uint256 by) external {
        (address destination, bytes32 id) = depositAt(seed);
        address forwarder = deposits.addressOf(destination, id);
        if (forwarder.code.length == 0) return;
        address asset = assets[(seed >> 8) % 3];
        vm.assertFalse(attempt(receivers[by % 6], forwarder, 0, abi.encodeCall(IForwarder.forward, (asset))));
    }

    /// @dev A destination that is somebody else's has other addresses.
    function steal(uint256 seed) external {
        (, bytes32 id) = depositAt(seed);
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = id;
        vm.assertTrue(attempt(payers[0], address(deposits), 0, abi.encodeCall(deposits.sweep, (payers[0], ids, assets))), "sweep for oneself");
    }

    function change(uint256 seed) external {
        if (seed % 4 == 0) refuser.setOpen(!refuser.open());
        else if (seed % 4 == 1) odd.bar(receivers[(seed >> 8) % 6], seed >> 16 & 1 == 0);
        else if (seed % 4 == 2) odd.bar(payers[(seed >> 8) % 3], seed >> 16 & 3 == 0);
        else if (seed >> 16 & 3 == 0) checkout.pause();
        else checkout.unpause();
    }

    /// @dev What is refused in a batch is its payer's again.
    function accepts(address receiver, address asset) private view returns (bool) {
        if (asset == NATIVE && (receiver == receivers[3] || receiver == receivers[4])) return false;
        return takes(receiver, asset);
    }

    function takes(address destination, address asset) private view returns (bool) {
        if (asset == NATIVE) return destination != address(refuser) || refuser.open();
        return asset != address(odd) || !odd.barred(destination);
    }

    function forwarded(address forwarder, address destination, address asset) private {
        if (takes(destination, asset)) moved(asset, forwarder, destination, wealth[forwarder][asset]);
    }

    function send(address payer, ICheckout.Invoice memory i, uint256 sent) private returns (bool) {
        ICheckout.Permit memory none;
        return attempt(payer, address(checkout), i.asset == NATIVE ? sent : 0, abi.encodeCall(checkout.pay, (i, sent, none)));
    }
}

contract CheckoutInvariantTest is Test {
    CheckoutPlay internal play;

    function setUp() public {
        vm.warp(NOW);
        vm.chainId(31337);
        play = new CheckoutPlay();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(play);
    }

    /// @dev What was paid in is what the receivers have or can pull, to the unit; deposits lie where they were sent or are at their destination.
    function invariant_everybody_has_what_it_was_paid() external view {
        play.check();
        vm.assertEq(play.greedy().hits(), 0, "reentered");
    }
}
