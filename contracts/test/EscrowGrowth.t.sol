// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEscrow} from "../interfaces/IEscrow.sol";
import {CoinRefuser, HookToken, OddToken, Wallet1271} from "./Parties.sol";
import {EscrowSetup} from "./Escrow.t.sol";

abstract contract EscrowGrowthSetup is EscrowSetup {
    address internal court;
    uint256 internal buyerKey;

    function setUp() public virtual override {
        super.setUp();
        (court,) = actor("court");
        (, buyerKey) = actor("buyer");
    }

    function appealTerms() internal view returns (IEscrow.AppealTerms memory) {
        return IEscrow.AppealTerms({court: court, window: 3 days, courtTime: 20 days});
    }

    function noPermit() internal pure returns (IEscrow.Permit memory permit) {}

    function fundAppealable(IEscrow.Terms memory t) internal returns (bytes32 id) {
        open();
        vm.prank(buyer);
        id = escrow.fundWith{value: t.asset == NATIVE ? t.amount : 0}(t, appealTerms(), noPermit());
        shut();
    }

    function bringToProposed(IEscrow.Terms memory t, uint256 toSeller) internal returns (bytes32 id) {
        id = fundAppealable(t);
        ship(t);
        dispute(t);
        vm.prank(arbiter);
        escrow.rule(t, toSeller, "reason");
    }

    function wrongState(IEscrow.State state) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.WrongState.selector, state);
    }

    function refuses(address caller, bytes memory data, bytes memory reason) internal {
        vm.prank(caller);
        (bool done, bytes memory answer) = address(escrow).call(data);
        vm.assertFalse(done);
        vm.assertEq(keccak256(answer), keccak256(reason));
    }

    function signRelease(IEscrow.Terms memory t, uint256 amount, uint256 nonce, uint64 deadline) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(buyerKey, escrow.hashRelease(escrow.escrowIdOf(t), amount, nonce, deadline));
        return abi.encodePacked(r, s, v);
    }
}

contract EscrowPartTest is EscrowGrowthSetup {
    function test_parts_to_both_then_the_rest() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = fund(t);
        vm.expectEmit();
        emit IEscrow.PartReleased(id, ORDER, buyer, 0.392 ether, 0.008 ether, 0.6 ether);
        vm.prank(buyer);
        escrow.releasePart(t, 0.4 ether);
        ship(t);
        vm.expectEmit();
        emit IEscrow.PartRefunded(id, ORDER, seller, 0.1 ether, 0.5 ether);
        vm.prank(seller);
        escrow.refundPart(t, 0.1 ether);
        assertState(id, IEscrow.State.SHIPPED, 0.5 ether);
        vm.expectEmit();
        emit IEscrow.Released(id, ORDER, buyer, 0.49 ether, 0.01 ether);
        vm.prank(buyer);
        escrow.releasePart(t, 0.5 ether);
        assertEnded(id, IEscrow.State.RELEASED);
        vm.assertEq(seller.balance, 100.882 ether);
        vm.assertEq(treasury.balance, 100.018 ether);
        vm.assertEq(buyer.balance, 99.1 ether);
    }

    function test_all_back_in_parts() public {
        IEscrow.Terms memory t = termsOf(address(dollar), 100e6);
        bytes32 id = fund(t);
        vm.startPrank(seller);
        escrow.refundPart(t, 30e6);
        escrow.refundPart(t, 70e6);
        vm.stopPrank();
        assertEnded(id, IEscrow.State.REFUNDED);
        vm.assertEq(dollar.balanceOf(buyer), 1000e6);
    }

    function test_parts_that_are_refused() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        refuses(buyer, abi.encodeCall(escrow.releasePart, (t, 1)), wrongState(IEscrow.State.NONE));
        fund(t);
        refuses(seller, abi.encodeCall(escrow.releasePart, (t, 1)), abi.encodeWithSelector(IEscrow.NotAllowed.selector, seller));
        refuses(buyer, abi.encodeCall(escrow.refundPart, (t, 1)), abi.encodeWithSelector(IEscrow.NotAllowed.selector, buyer));
        refuses(buyer, abi.encodeCall(escrow.releasePart, (t, 0)), abi.encodeWithSelector(IEscrow.BadPart.selector, 0, 1 ether));
        refuses(seller, abi.encodeCall(escrow.refundPart, (t, 2 ether)), abi.encodeWithSelector(IEscrow.BadPart.selector, 2 ether, 1 ether));
    }

    /// @dev Else the buyer could make every ruling fail by a unit, until the arbiter's time is over.
    function test_no_parts_in_a_dispute() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bringTo(t, IEscrow.State.DISPUTED);
        refuses(buyer, abi.encodeCall(escrow.releasePart, (t, 1)), wrongState(IEscrow.State.DISPUTED));
        refuses(seller, abi.encodeCall(escrow.refundPart, (t, 1)), wrongState(IEscrow.State.DISPUTED));
    }

    function testFuzz_parts_conserve(uint256[5] memory parts, bool[5] memory back, uint16 feeBps) public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        t.feeBps = uint16(bound(feeBps, 0, 1000));
        bytes32 id = fund(t);
        uint256 held = 1 ether;
        uint256 fees;
        for (uint256 i; i < 5; ++i) {
            uint256 part = bound(parts[i], 1, held / 2);
            vm.prank(back[i] ? seller : buyer);
            if (back[i]) escrow.refundPart(t, part);
            else escrow.releasePart(t, part);
            if (!back[i]) fees += part * t.feeBps / 10_000;
            held -= part;
            assertState(id, IEscrow.State.FUNDED, held);
            vm.assertEq(address(escrow).balance, held);
        }
        vm.assertEq(treasury.balance, 100 ether + fees);
        vm.assertEq(buyer.balance + seller.balance + treasury.balance + held, 300 ether);
    }
}

contract EscrowSignatureTest is EscrowGrowthSetup {
    function test_a_stranger_brings_the_buyers_release() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = bringTo(t, IEscrow.State.SHIPPED);
        bytes memory part = signRelease(t, 0.25 ether, 1, uint64(NOW));
        bytes memory rest = signRelease(t, 0.75 ether, 2, uint64(NOW));
        vm.expectEmit();
        emit IEscrow.SignatureUsed(buyer, 1, id);
        vm.prank(stranger);
        escrow.releaseSigned(t, 0.25 ether, 1, uint64(NOW), part);
        refuses(
            stranger, abi.encodeCall(escrow.releaseSigned, (t, 0.25 ether, 1, uint64(NOW), part)), abi.encodeWithSelector(IEscrow.NonceUsed.selector, buyer, 1)
        );
        vm.expectEmit();
        emit IEscrow.Released(id, ORDER, buyer, 0.735 ether, 0.015 ether);
        vm.prank(stranger);
        escrow.releaseSigned(t, 0.75 ether, 2, uint64(NOW), rest);
        assertEnded(id, IEscrow.State.RELEASED);
        vm.assertTrue(escrow.signatureUsed(buyer, 2));
    }

    function test_all_that_is_held_goes_even_in_a_dispute() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = bringTo(t, IEscrow.State.DISPUTED);
        escrow.releaseSigned(t, 1 ether, 1, uint64(NOW), signRelease(t, 1 ether, 1, uint64(NOW)));
        assertEnded(id, IEscrow.State.RELEASED);
    }

    function test_the_signature_binds_everything() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        fund(t);
        IEscrow.Terms memory other = termsOf(NATIVE, 1 ether);
        other.orderId = "other";
        fund(other);
        bytes memory signature = signRelease(t, 0.5 ether, 1, uint64(NOW + 1));
        bytes memory reason = abi.encodeWithSelector(IEscrow.BadSignature.selector, buyer);
        refuses(stranger, abi.encodeCall(escrow.releaseSigned, (other, 0.5 ether, 1, uint64(NOW + 1), signature)), reason);
        refuses(stranger, abi.encodeCall(escrow.releaseSigned, (t, 0.6 ether, 1, uint64(NOW + 1), signature)), reason);
        refuses(stranger, abi.encodeCall(escrow.releaseSigned, (t, 0.5 ether, 2, uint64(NOW + 1), signature)), reason);
        refuses(stranger, abi.encodeCall(escrow.releaseSigned, (t, 0.5 ether, 1, uint64(NOW + 2), signature)), reason);
        vm.chainId(1);
        vm.assertFalse(escrow.hashRelease(escrow.escrowIdOf(t), 1, 1, 1) == bytes32(0));
        vm.chainId(31337);
        vm.warp(NOW + 2);
        bytes memory late = abi.encodeWithSelector(IEscrow.TooLate.selector, uint64(NOW + 1));
        refuses(stranger, abi.encodeCall(escrow.releaseSigned, (t, 0.5 ether, 1, uint64(NOW + 1), signature)), late);
    }

    function test_a_signature_can_be_voided() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        fund(t);
        bytes memory signature = signRelease(t, 1 ether, 1, uint64(NOW));
        vm.expectEmit();
        emit IEscrow.SignatureUsed(buyer, 1, bytes32(0));
        vm.prank(buyer);
        escrow.voidSignature(1);
        bytes memory reason = abi.encodeWithSelector(IEscrow.NonceUsed.selector, buyer, 1);
        refuses(stranger, abi.encodeCall(escrow.releaseSigned, (t, 1 ether, 1, uint64(NOW), signature)), reason);
        refuses(buyer, abi.encodeCall(escrow.voidSignature, (1)), reason);
    }

    function test_a_wallets_signature() public {
        Wallet1271 wallet = new Wallet1271(buyer);
        vm.deal(address(wallet), 1 ether);
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        t.buyer = address(wallet);
        wallet.call(address(escrow), 1 ether, abi.encodeCall(escrow.fund, (t)));
        bytes32 digest = escrow.hashRelease(escrow.escrowIdOf(t), 1 ether, 1, uint64(NOW));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(buyerKey, digest);
        wallet.setMode(Wallet1271.Mode.WRONG);
        bytes memory data = abi.encodeCall(escrow.releaseSigned, (t, 1 ether, 1, uint64(NOW), abi.encode(r, s, v)));
        refuses(stranger, data, abi.encodeWithSelector(IEscrow.BadSignature.selector, address(wallet)));
        wallet.setMode(Wallet1271.Mode.HONEST);
        escrow.releaseSigned(t, 1 ether, 1, uint64(NOW), abi.encode(r, s, v));
        assertEnded(escrow.escrowIdOf(t), IEscrow.State.RELEASED);
    }
}

contract EscrowPermitTest is EscrowGrowthSetup {
    function permitOf(uint256 value) private view returns (IEscrow.Permit memory) {
        bytes32 typeHash = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 structHash = keccak256(abi.encode(typeHash, buyer, address(escrow), value, dollar.nonces(buyer), NOW + 1));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(buyerKey, keccak256(abi.encodePacked(hex"1901", dollar.DOMAIN_SEPARATOR(), structHash)));
        return IEscrow.Permit(value, NOW + 1, v, r, s);
    }

    function test_funding_by_permit() public {
        vm.prank(buyer);
        dollar.approve(address(escrow), 0);
        IEscrow.Terms memory t = termsOf(address(dollar), 100e6);
        IEscrow.AppealTerms memory none;
        IEscrow.Permit memory permit = permitOf(100e6);
        vm.prank(buyer);
        bytes32 id = escrow.fundWith(t, none, permit);
        assertState(id, IEscrow.State.FUNDED, 100e6);
    }

    /// @dev Whoever sees the permit may use it first; the funding goes through all the same.
    function test_a_permit_used_by_somebody_else_before() public {
        vm.prank(buyer);
        dollar.approve(address(escrow), 0);
        IEscrow.Terms memory t = termsOf(address(dollar), 100e6);
        IEscrow.AppealTerms memory none;
        IEscrow.Permit memory p = permitOf(100e6);
        dollar.permit(buyer, address(escrow), p.value, p.deadline, p.v, p.r, p.s);
        vm.prank(buyer);
        bytes32 id = escrow.fundWith(t, none, p);
        assertState(id, IEscrow.State.FUNDED, 100e6);
    }

    function test_no_permit_no_allowance_no_money() public {
        vm.prank(buyer);
        dollar.approve(address(escrow), 0);
        IEscrow.Terms memory t = termsOf(address(dollar), 100e6);
        IEscrow.AppealTerms memory none;
        IEscrow.Permit memory p = permitOf(100e6);
        p.value += 1;
        refuses(buyer, abi.encodeCall(escrow.fundWith, (t, none, p)), abi.encodeWithSelector(IEscrow.PaymentFailed.selector, address(dollar), 100e6));
    }

    function test_a_permit_for_coin_or_for_a_token_that_knows_none() public {
        IEscrow.AppealTerms memory none;
        IEscrow.Permit memory p = permitOf(1);
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        vm.prank(buyer);
        assertState(escrow.fundWith{value: 1 ether}(t, none, p), IEscrow.State.FUNDED, 1 ether);
        t = termsOf(address(odd), 5e6);
        vm.prank(buyer);
        assertState(escrow.fundWith(t, none, p), IEscrow.State.FUNDED, 5e6);
    }

    function test_a_part_that_a_token_takes_is_not_held() public {
        odd.setHabit(OddToken.Habit.TAKES_FEE);
        IEscrow.Terms memory t = termsOf(address(odd), 100e6);
        bytes32 id = fundAppealable(t);
        assertState(id, IEscrow.State.FUNDED, 90e6);
    }

    function test_a_token_that_reenters() public {
        HookToken hook = new HookToken();
        hook.mint(buyer, 10);
        IEscrow.Terms memory t = termsOf(address(hook), 10);
        vm.prank(buyer);
        hook.approve(address(escrow), 10);
        fund(t);
        hook.arm(address(escrow), abi.encodeCall(escrow.releaseSigned, (t, 5, 9, uint64(NOW), signRelease(t, 5, 9, uint64(NOW)))));
        vm.prank(buyer);
        escrow.releasePart(t, 5);
        vm.assertEq(hook.hits(), 0);
        assertState(escrow.escrowIdOf(t), IEscrow.State.FUNDED, 5);
    }
}

contract EscrowSettlementTest is EscrowGrowthSetup {
    function test_agreed_from_every_open_state() public {
        for (uint8 state = 1; state <= 3; ++state) {
            IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
            t.orderId = bytes32(uint256(state));
            bytes32 id = bringTo(t, IEscrow.State(state));
            vm.expectEmit();
            emit IEscrow.SettlementOffered(id, t.orderId, buyer, 0.3 ether, 1 ether);
            vm.prank(buyer);
            escrow.offerSettlement(t, 0.3 ether);
            vm.expectEmit();
            emit IEscrow.Settled(id, t.orderId, seller, 0.294 ether, 0.7 ether, 0.006 ether);
            vm.prank(seller);
            escrow.acceptSettlement(t, 0.3 ether);
            assertEnded(id, IEscrow.State.SETTLED);
        }
        vm.assertEq(seller.balance, 100.882 ether);
        vm.assertEq(buyer.balance, 99.1 ether);
    }

    function test_agreed_while_a_ruling_waits() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = bringToProposed(t, 0);
        vm.prank(seller);
        escrow.offerSettlement(t, 0.1 ether);
        vm.prank(buyer);
        escrow.appeal(t, EVIDENCE);
        vm.prank(buyer);
        escrow.acceptSettlement(t, 0.1 ether);
        assertEnded(id, IEscrow.State.SETTLED);
    }

    function test_what_is_no_offer() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = fund(t);
        bytes memory none = abi.encodeWithSelector(IEscrow.NoSuchOffer.selector, seller, 0.5 ether);
        refuses(buyer, abi.encodeCall(escrow.acceptSettlement, (t, 0.5 ether)), none);
        refuses(seller, abi.encodeCall(escrow.offerSettlement, (t, 2 ether)), abi.encodeWithSelector(IEscrow.SplitTooLarge.selector, 2 ether, 1 ether));
        refuses(stranger, abi.encodeCall(escrow.offerSettlement, (t, 1)), abi.encodeWithSelector(IEscrow.NotAllowed.selector, stranger));
        refuses(stranger, abi.encodeCall(escrow.acceptSettlement, (t, 1)), abi.encodeWithSelector(IEscrow.NotAllowed.selector, stranger));
        refuses(stranger, abi.encodeCall(escrow.withdrawSettlement, (t)), abi.encodeWithSelector(IEscrow.NotAllowed.selector, stranger));
        vm.prank(seller);
        escrow.offerSettlement(t, 0.5 ether);
        (uint256 toSeller, uint256 held) = escrow.settlementOf(id, seller);
        vm.assertEq(toSeller, 0.5 ether);
        vm.assertEq(held, 1 ether);
        // Nobody accepts its own, nor another figure, nor what was taken back.
        refuses(seller, abi.encodeCall(escrow.acceptSettlement, (t, 0.5 ether)), abi.encodeWithSelector(IEscrow.NoSuchOffer.selector, buyer, 0.5 ether));
        refuses(buyer, abi.encodeCall(escrow.acceptSettlement, (t, 0.4 ether)), abi.encodeWithSelector(IEscrow.NoSuchOffer.selector, seller, 0.4 ether));
        refuses(buyer, abi.encodeCall(escrow.acceptSettlement, (t, 2 ether)), abi.encodeWithSelector(IEscrow.NoSuchOffer.selector, seller, 2 ether));
        vm.expectEmit();
        emit IEscrow.SettlementWithdrawn(id, ORDER, seller);
        vm.prank(seller);
        escrow.withdrawSettlement(t);
        refuses(buyer, abi.encodeCall(escrow.acceptSettlement, (t, 0.5 ether)), none);
    }

    /// @dev The offer was about another amount: who offered half of all does not mean it of what is left.
    function test_an_offer_from_before_a_part_is_none() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        fund(t);
        vm.prank(seller);
        escrow.offerSettlement(t, 0.5 ether);
        vm.prank(buyer);
        escrow.releasePart(t, 0.1 ether);
        refuses(buyer, abi.encodeCall(escrow.acceptSettlement, (t, 0.5 ether)), abi.encodeWithSelector(IEscrow.NoSuchOffer.selector, seller, 0.5 ether));
        vm.prank(buyer);
        escrow.release(t);
        refuses(buyer, abi.encodeCall(escrow.acceptSettlement, (t, 0.5 ether)), wrongState(IEscrow.State.RELEASED));
        refuses(buyer, abi.encodeCall(escrow.offerSettlement, (t, 0)), wrongState(IEscrow.State.RELEASED));
    }

    function test_all_to_the_buyer_is_an_offer_too() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = bringTo(t, IEscrow.State.DISPUTED);
        vm.prank(seller);
        escrow.offerSettlement(t, 0);
        vm.prank(buyer);
        escrow.acceptSettlement(t, 0);
        assertEnded(id, IEscrow.State.SETTLED);
        vm.assertEq(buyer.balance, 100 ether);
    }
}

contract EscrowAppealTest is EscrowGrowthSetup {
    function test_nobody_appeals() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = fundAppealable(t);
        ship(t);
        dispute(t);
        vm.expectEmit();
        emit IEscrow.RulingProposed(id, ORDER, arbiter, 0.5 ether, "reason", uint64(NOW + 3 days));
        vm.prank(arbiter);
        escrow.rule(t, 0.5 ether, "reason");
        assertState(id, IEscrow.State.PROPOSED, 1 ether);
        vm.warp(NOW + 3 days);
        refuses(stranger, abi.encodeCall(escrow.finishRuling, (t)), abi.encodeWithSelector(IEscrow.TooEarly.selector, uint64(NOW + 3 days)));
        vm.warp(NOW + 3 days + 1);
        refuses(buyer, abi.encodeCall(escrow.appeal, (t, EVIDENCE)), abi.encodeWithSelector(IEscrow.TooLate.selector, uint64(NOW + 3 days)));
        vm.expectEmit();
        emit IEscrow.Ruled(id, ORDER, stranger, false, 0.49 ether, 0.5 ether, 0.01 ether, bytes32(0));
        vm.prank(stranger);
        escrow.finishRuling(t);
        assertEnded(id, IEscrow.State.RULED);
    }

    function test_the_court_rules_otherwise() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = bringToProposed(t, 0);
        vm.expectEmit();
        emit IEscrow.Appealed(id, ORDER, seller, EVIDENCE, uint64(NOW + 20 days));
        vm.prank(seller);
        escrow.appeal(t, EVIDENCE);
        refuses(buyer, abi.encodeCall(escrow.appeal, (t, EVIDENCE)), wrongState(IEscrow.State.APPEALED));
        vm.prank(buyer);
        escrow.addEvidence(t, EVIDENCE);
        refuses(arbiter, abi.encodeCall(escrow.ruleAppeal, (t, 1, 0)), abi.encodeWithSelector(IEscrow.NotAllowed.selector, arbiter));
        refuses(court, abi.encodeCall(escrow.ruleAppeal, (t, 2 ether, 0)), abi.encodeWithSelector(IEscrow.SplitTooLarge.selector, 2 ether, 1 ether));
        vm.expectEmit();
        emit IEscrow.Ruled(id, ORDER, court, false, 0.98 ether, 0, 0.02 ether, "court");
        vm.prank(court);
        escrow.ruleAppeal(t, 1 ether, "court");
        assertEnded(id, IEscrow.State.RULED);
        refuses(court, abi.encodeCall(escrow.ruleAppeal, (t, 1, 0)), wrongState(IEscrow.State.RULED));
    }

    function test_a_silent_court_leaves_the_ruling() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = bringToProposed(t, 0.25 ether);
        vm.prank(buyer);
        escrow.appeal(t, EVIDENCE);
        vm.warp(NOW + 20 days + 1);
        refuses(court, abi.encodeCall(escrow.ruleAppeal, (t, 1, 0)), abi.encodeWithSelector(IEscrow.TooLate.selector, uint64(NOW + 20 days)));
        (IEscrow.AppealTerms memory appeal_, uint256 toSeller) = escrow.appealOf(id);
        vm.assertEq(appeal_.court, court);
        vm.assertEq(toSeller, 0.25 ether);
        escrow.finishRuling(t);
        assertEnded(id, IEscrow.State.RULED);
        vm.assertEq(buyer.balance, 99.75 ether);
    }

    function test_the_parties_may_end_it_meanwhile() public {
        for (uint8 i; i < 4; ++i) {
            IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
            t.orderId = bytes32(uint256(i));
            bytes32 id = bringToProposed(t, 0.25 ether);
            if (i % 2 == 1) {
                vm.prank(buyer);
                escrow.appeal(t, EVIDENCE);
            }
            vm.prank(i < 2 ? buyer : seller);
            if (i < 2) escrow.release(t);
            else escrow.refund(t);
            assertEnded(id, i < 2 ? IEscrow.State.RELEASED : IEscrow.State.REFUNDED);
        }
    }

    function test_a_silent_arbiter_is_no_ruling() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = fundAppealable(t);
        ship(t);
        dispute(t);
        refuses(stranger, abi.encodeCall(escrow.finishRuling, (t)), wrongState(IEscrow.State.DISPUTED));
        vm.warp(NOW + 6 days);
        escrow.ruleExpired(t);
        assertEnded(id, IEscrow.State.RULED);
    }

    function test_no_appeal_without_agreement() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bytes32 id = bringTo(t, IEscrow.State.DISPUTED);
        refuses(buyer, abi.encodeCall(escrow.appeal, (t, EVIDENCE)), wrongState(IEscrow.State.DISPUTED));
        vm.prank(arbiter);
        escrow.rule(t, 0.5 ether, 0);
        assertEnded(id, IEscrow.State.RULED);
        refuses(buyer, abi.encodeCall(escrow.appeal, (t, EVIDENCE)), wrongState(IEscrow.State.RULED));
    }

    function test_strangers_do_not_appeal() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        bringToProposed(t, 0);
        refuses(stranger, abi.encodeCall(escrow.appeal, (t, EVIDENCE)), abi.encodeWithSelector(IEscrow.NotAllowed.selector, stranger));
    }

    function test_a_seller_that_refuses_is_credited() public {
        CoinRefuser refuser = new CoinRefuser();
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        t.seller = address(refuser);
        fundAppealable(t);
        vm.prank(buyer);
        escrow.releasePart(t, 0.5 ether);
        vm.assertEq(escrow.creditOf(address(refuser), NATIVE), 0.49 ether);
        vm.assertEq(address(escrow).balance, 0.99 ether);
    }
}

contract EscrowAppealTermsTest is EscrowGrowthSetup {
    function test_terms_of_the_appeal() public {
        IEscrow.Terms memory t = termsOf(NATIVE, 1 ether);
        vm.expectEmit();
        emit IEscrow.AppealAgreed(escrow.escrowIdOf(t), ORDER, court, 3 days, 20 days);
        fundAppealable(t);
        t.orderId = "next";
        IEscrow.AppealTerms memory a = appealTerms();
        address[3] memory bad = [buyer, seller, arbiter];
        for (uint256 i; i < 3; ++i) {
            a.court = bad[i];
            badAppeal(t, a, "court");
        }
        a = appealTerms();
        a.window = 0;
        badAppeal(t, a, "window");
        a.window = 366 days;
        badAppeal(t, a, "window");
        a = appealTerms();
        a.courtTime = 0;
        badAppeal(t, a, "courtTime");
        a.courtTime = 366 days;
        badAppeal(t, a, "courtTime");
    }

    function badAppeal(IEscrow.Terms memory t, IEscrow.AppealTerms memory a, string memory field) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.BadTerms.selector, field));
        vm.prank(buyer);
        escrow.fundWith{value: 1 ether}(t, a, noPermit());
    }
}
