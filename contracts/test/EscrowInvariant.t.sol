// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEscrow} from "../interfaces/IEscrow.sol";
import {DevDollar} from "../src/DevDollar.sol";
import {Escrow} from "../src/Escrow.sol";
import {CoinRefuser} from "./Parties.sol";
import {Test} from "./Test.sol";

/// @dev Plays all parties at random, and keeps a plain account of who must have got what: the oracle of the contract.
contract EscrowPlay is Test {
    Escrow public immutable escrow;
    DevDollar public immutable dollar;
    CoinRefuser public immutable refuser;
    address public immutable treasury;
    address public constant court = address(0xC027);

    IEscrow.Terms[] internal played;

    /// @dev What the oracle says each escrow holds, and each account was ever given, by asset.
    mapping(uint256 index => uint256 held) public heldBy;
    mapping(address account => mapping(address asset => uint256 given)) public given;
    mapping(address asset => uint256 paidIn) public paidIn;
    mapping(uint256 index => uint256 toSeller) public proposed;
    uint256 public ended;

    constructor(Escrow escrow_, DevDollar dollar_) {
        (escrow, dollar) = (escrow_, dollar_);
        refuser = new CoinRefuser();
        (treasury,) = actor("treasury");
    }

    function count() external view returns (uint256) {
        return played.length;
    }

    function termsAt(uint256 index) external view returns (IEscrow.Terms memory) {
        return played[index];
    }

    function party(uint256 seed) public returns (address account) {
        string[4] memory names = ["one", "two", "three", "four"];
        (account,) = actor(names[seed % 4]);
    }

    function fund(uint256 seed, uint256 amount, uint16 feeBps, bool native, bool refuses) external {
        if (played.length == 40) return;
        seed = bound(seed, 0, type(uint128).max);
        (address buyer, address seller, address arbiter) = (party(seed), refuses ? address(refuser) : party(seed + 1), party(seed + 2));
        IEscrow.Terms memory t = IEscrow.Terms({
            orderId: bytes32(played.length),
            buyer: buyer,
            seller: seller,
            arbiter: arbiter,
            asset: native ? address(0) : address(dollar),
            amount: bound(amount, 1, 10 ether),
            feeReceiver: treasury,
            feeBps: uint16(bound(feeBps, 0, 1000)),
            silenceSellerBps: uint16(bound(seed, 0, 10_000)),
            shipBy: uint64(block.timestamp + bound(seed, 0, 3 days)),
            inspection: uint32(bound(seed, 1, 3 days)),
            ruling: uint32(bound(seed, 1, 3 days))
        });
        if (native) {
            vm.deal(buyer, t.amount);
        } else {
            dollar.mint(buyer, t.amount);
            vm.prank(buyer);
            dollar.approve(address(escrow), t.amount);
        }
        IEscrow.AppealTerms memory none;
        IEscrow.AppealTerms memory appealTerms = seed % 2 == 0 ? none : IEscrow.AppealTerms(court, uint32(bound(seed, 1, 3 days)), uint32(bound(seed, 1, 3 days)));
        IEscrow.Permit memory permit;
        vm.prank(buyer);
        escrow.fundWith{value: native ? t.amount : 0}(t, appealTerms, permit);
        heldBy[played.length] = t.amount;
        paidIn[t.asset] += t.amount;
        played.push(t);
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 2 days));
    }

    function ship(uint256 seed) external {
        (bool found, uint256 i) = pick(seed);
        if (!found) return;
        act(played[i].seller, abi.encodeCall(escrow.ship, (played[i], 0)));
    }

    function dispute(uint256 seed) external {
        (bool found, uint256 i) = pick(seed);
        if (!found) return;
        act(played[i].buyer, abi.encodeCall(escrow.dispute, (played[i], 0)));
    }

    function release(uint256 seed, bool expired) external {
        (bool found, uint256 i) = pick(seed);
        if (!found) return;
        IEscrow.Terms memory t = played[i];
        bytes memory data = expired ? abi.encodeCall(escrow.releaseExpired, (t)) : abi.encodeCall(escrow.release, (t));
        if (act(t.buyer, data)) settle(i, heldBy[i]);
    }

    function refund(uint256 seed, bool expired) external {
        (bool found, uint256 i) = pick(seed);
        if (!found) return;
        IEscrow.Terms memory t = played[i];
        bytes memory data = expired ? abi.encodeCall(escrow.refundExpired, (t)) : abi.encodeCall(escrow.refund, (t));
        if (act(t.seller, data)) settle(i, 0);
    }

    function rule(uint256 seed, uint256 toSeller, bool expired) external {
        (bool found, uint256 i) = pick(seed);
        if (!found) return;
        IEscrow.Terms memory t = played[i];
        toSeller = expired ? heldBy[i] * t.silenceSellerBps / 10_000 : bound(toSeller, 0, heldBy[i]);
        bytes memory data = expired ? abi.encodeCall(escrow.ruleExpired, (t)) : abi.encodeCall(escrow.rule, (t, toSeller, 0));
        if (!act(t.arbiter, data)) return;
        if (stateOf(t) == IEscrow.State.PROPOSED) proposed[i] = toSeller;
        else settle(i, toSeller);
    }

    function appeal(uint256 seed, uint256 toSeller, uint8 step) external {
        (bool found, uint256 i) = pick(seed);
        if (!found) return;
        IEscrow.Terms memory t = played[i];
        toSeller = bound(toSeller, 0, heldBy[i]);
        if (step % 3 == 0) act(t.buyer, abi.encodeCall(escrow.appeal, (t, 0)));
        if (step % 3 == 1 && act(court, abi.encodeCall(escrow.ruleAppeal, (t, toSeller, 0)))) settle(i, toSeller);
        if (step % 3 == 2 && act(t.seller, abi.encodeCall(escrow.finishRuling, (t)))) settle(i, proposed[i]);
    }

    function payPart(uint256 seed, uint256 amount, bool back) external {
        (bool found, uint256 i) = pick(seed);
        if (!found || heldBy[i] < 2) return;
        IEscrow.Terms memory t = played[i];
        amount = bound(amount, 1, heldBy[i] - 1);
        bytes memory data = back ? abi.encodeCall(escrow.refundPart, (t, amount)) : abi.encodeCall(escrow.releasePart, (t, amount));
        if (!act(back ? t.seller : t.buyer, data)) return;
        uint256 fee = back ? 0 : amount * t.feeBps / 10_000;
        given[treasury][t.asset] += fee;
        given[back ? t.buyer : t.seller][t.asset] += amount - fee;
        heldBy[i] -= amount;
    }

    function agree(uint256 seed, uint256 toSeller, bool buyerOffers) external {
        (bool found, uint256 i) = pick(seed);
        if (!found || heldBy[i] == 0) return;
        IEscrow.Terms memory t = played[i];
        toSeller = bound(toSeller, 0, heldBy[i]);
        (address one, address other) = buyerOffers ? (t.buyer, t.seller) : (t.seller, t.buyer);
        act(one, abi.encodeCall(escrow.offerSettlement, (t, toSeller)));
        if (seed % 3 == 0 && act(other, abi.encodeCall(escrow.acceptSettlement, (t, toSeller)))) settle(i, toSeller);
    }

    function stateOf(IEscrow.Terms memory t) public view returns (IEscrow.State state) {
        (state,,) = escrow.escrow(escrow.escrowIdOf(t));
    }

    function withdrawElsewhere(uint256 seed) external {
        if (escrow.creditOf(address(refuser), address(0)) == 0) return;
        // The account of what it was given does not change: it only leaves for another pocket.
        refuser.call(address(escrow), 0, abi.encodeCall(escrow.withdrawTo, (party(seed), address(0))));
    }

    /// @dev What an escrow owes at its end, told plainly.
    function settle(uint256 i, uint256 gross) private {
        IEscrow.Terms memory t = played[i];
        uint256 fee = gross * t.feeBps / 10_000;
        given[treasury][t.asset] += fee;
        given[t.seller][t.asset] += gross - fee;
        given[t.buyer][t.asset] += heldBy[i] - gross;
        heldBy[i] = 0;
        ++ended;
    }

    function pick(uint256 seed) private view returns (bool found, uint256 index) {
        if (played.length == 0) return (false, 0);
        return (true, seed % played.length);
    }

    function act(address sender, bytes memory data) private returns (bool done) {
        vm.prank(sender);
        (done,) = address(escrow).call(data);
    }
}

contract EscrowInvariantTest is Test {
    Escrow internal escrow;
    DevDollar internal dollar;
    EscrowPlay internal play;

    function setUp() public {
        vm.warp(NOW);
        vm.chainId(31337);
        escrow = new Escrow(newManager());
        dollar = new DevDollar();
        play = new EscrowPlay(escrow, dollar);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(play);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](14);
        selectors[0] = play.fund.selector;
        selectors[1] = play.wait.selector;
        selectors[2] = play.ship.selector;
        selectors[3] = play.dispute.selector;
        selectors[4] = play.release.selector;
        selectors[5] = play.refund.selector;
        selectors[6] = play.rule.selector;
        selectors[7] = play.withdrawElsewhere.selector;
        // Twice, as without shipments there are neither disputes nor rulings.
        selectors[8] = play.ship.selector;
        (selectors[9], selectors[10], selectors[11]) = (play.appeal.selector, play.payPart.selector, play.agree.selector);
        (selectors[12], selectors[13]) = (play.appeal.selector, play.dispute.selector);
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(play), selectors);
    }

    /// @dev It holds exactly what it owes: what the open escrows hold and what is credited.
    function invariant_holds_what_it_owes() external view {
        (uint256 coins, uint256 dollars) = (credits(address(0)), credits(address(dollar)));
        for (uint256 i; i < play.count(); ++i) {
            IEscrow.Terms memory t = play.termsAt(i);
            (,, uint256 held) = escrow.escrow(escrow.escrowIdOf(t));
            vm.assertEq(held, play.heldBy(i), "held");
            if (t.asset == address(0)) coins += held;
            else dollars += held;
        }
        vm.assertEq(address(escrow).balance, coins, "coins");
        vm.assertEq(dollar.balanceOf(address(escrow)), dollars, "dollars");
    }

    /// @dev The treasury and the refuser have no other income, so the plain account must match to the unit.
    function invariant_pays_what_the_account_says() external view {
        vm.assertEq(dollar.balanceOf(play.treasury()), play.given(play.treasury(), address(dollar)), "fees");
        vm.assertEq(dollar.balanceOf(address(play.refuser())), play.given(address(play.refuser()), address(dollar)), "seller");
        vm.assertEq(play.treasury().balance, 100 ether + play.given(play.treasury(), address(0)), "coin fees");
    }

    /// @dev Whatever happened, everything can be paid out once all deadlines are over.
    function afterInvariant() external {
        for (uint256 step; step < 3; ++step) {
            vm.warp(block.timestamp + 4 days);
            for (uint256 i; i < play.count(); ++i) {
                finish(play.termsAt(i));
            }
        }
        for (uint256 i; i < play.count(); ++i) {
            (,, uint256 held) = escrow.escrow(escrow.escrowIdOf(play.termsAt(i)));
            vm.assertEq(held, 0, "stuck");
        }
        vm.assertEq(dollar.balanceOf(address(escrow)), 0, "dollars stuck");
        vm.assertEq(address(escrow).balance, credits(address(0)), "coins stuck");
    }

    function finish(IEscrow.Terms memory t) private {
        (IEscrow.State state,,) = escrow.escrow(escrow.escrowIdOf(t));
        if (state == IEscrow.State.FUNDED) escrow.refundExpired(t);
        if (state == IEscrow.State.SHIPPED) escrow.releaseExpired(t);
        if (state == IEscrow.State.DISPUTED) escrow.ruleExpired(t);
        if (state == IEscrow.State.PROPOSED || state == IEscrow.State.APPEALED) escrow.finishRuling(t);
    }

    function credits(address asset) private view returns (uint256) {
        return escrow.creditOf(address(play.refuser()), asset);
    }
}
