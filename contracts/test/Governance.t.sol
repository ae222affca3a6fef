// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {IAsoudGovernor} from "../interfaces/IAsoudGovernor.sol";
import {IVotesToken} from "../interfaces/IVotesToken.sol";
import {AsoudGovernor} from "../src/AsoudGovernor.sol";
import {Exchange} from "../src/Exchange.sol";
import {VotesToken} from "../src/VotesToken.sol";
import {Test} from "./Test.sol";

contract GovernanceTest is Test {
    VotesToken internal token;
    TimelockController internal timelock;
    AsoudGovernor internal governor;
    Exchange internal exchange;
    address internal whale;
    address internal member;
    address internal stranger;

    /// @dev The steps of contracts/deployment.json.
    function setUp() public {
        vm.warp(NOW);
        (whale,) = actor("whale");
        (member,) = actor("member");
        (stranger,) = actor("stranger");
        address[] memory anyone = new address[](1);
        timelock = new TimelockController(2, new address[](0), anyone, address(this));
        (address[] memory holders, uint256[] memory amounts) = (new address[](2), new uint256[](2));
        (holders[0], holders[1], amounts[0], amounts[1]) = (whale, member, 900 ether, 100 ether);
        token = new VotesToken("ASOUD Votes", "ASV", holders, amounts);
        governor = new AsoudGovernor(IVotes(address(token)), timelock, IAsoudGovernor.GovernorTerms(1, 10, 1 ether, 4, 5));
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        timelock.grantRole(timelock.CANCELLER_ROLE(), address(governor));
        timelock.renounceRole(timelock.DEFAULT_ADMIN_ROLE(), address(this));
        exchange = new Exchange(address(new AccessManager(address(timelock))), address(timelock), 250, new address[](0));
        vm.prank(whale);
        token.delegate(whale);
        vm.prank(member);
        token.delegate(member);
        pass(1);
    }

    function pass(uint256 time) private {
        vm.warp(block.timestamp + time);
    }

    function feeProposal() private view returns (address[] memory targets, uint256[] memory values, bytes[] memory calls) {
        (targets, values, calls) = (new address[](1), new uint256[](1), new bytes[](1));
        targets[0] = address(exchange);
        calls[0] = abi.encodeCall(exchange.setFee, (address(timelock), 100));
    }

    function propose() private returns (uint256 id) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = feeProposal();
        vm.prank(member);
        return governor.propose(targets, values, calls, "Lower the fee");
    }

    function queue() private {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = feeProposal();
        governor.queue(targets, values, calls, keccak256("Lower the fee"));
    }

    function execute() private {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = feeProposal();
        vm.prank(stranger);
        governor.execute(targets, values, calls, keccak256("Lower the fee"));
    }

    function vote(address voter, uint256 id, uint8 support) private {
        vm.prank(voter);
        governor.castVote(id, support);
    }

    function assertState(uint256 id, IGovernor.ProposalState state) private view {
        vm.assertEq(uint256(governor.state(id)), uint256(state), "state");
    }

    function test_a_proposal_lives_and_takes_effect() public {
        uint256 id = propose();
        assertState(id, IGovernor.ProposalState.Pending);
        pass(2);
        assertState(id, IGovernor.ProposalState.Active);
        vote(whale, id, 1);
        pass(10);
        assertState(id, IGovernor.ProposalState.Succeeded);
        vm.assertTrue(governor.proposalNeedsQueuing(id));
        queue();
        assertState(id, IGovernor.ProposalState.Queued);
        vm.expectPartialRevert(TimelockController.TimelockUnexpectedOperationState.selector);
        execute();
        pass(2);
        execute();
        assertState(id, IGovernor.ProposalState.Executed);
        (, uint16 bps) = exchange.fee();
        vm.assertEq(bps, 100);
    }

    function test_treasury_spends_by_proposal_only() public {
        vm.deal(address(timelock), 1 ether);
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = (new address[](1), new uint256[](1), new bytes[](1));
        (targets[0], values[0]) = (stranger, 1 ether);
        vm.prank(whale);
        uint256 id = governor.propose(targets, values, calls, "Pay");
        pass(2);
        vote(whale, id, 1);
        pass(10);
        governor.queue(targets, values, calls, keccak256("Pay"));
        pass(2);
        governor.execute(targets, values, calls, keccak256("Pay"));
        vm.assertEq(stranger.balance, 101 ether);
    }

    function test_defeated_by_votes_or_by_missing_quorum() public {
        uint256 id = propose();
        pass(2);
        vote(member, id, 1);
        vote(whale, id, 0);
        pass(11);
        assertState(id, IGovernor.ProposalState.Defeated);
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        queue();
    }

    function test_quorum_counts_four_percent() public {
        vm.assertEq(governor.quorum(block.timestamp - 1), 40 ether);
        vm.prank(member);
        vm.assertTrue(token.transfer(stranger, 70 ether));
        pass(1);
        uint256 id = propose();
        pass(2);
        vote(member, id, 1);
        pass(11);
        assertState(id, IGovernor.ProposalState.Defeated);
    }

    function test_late_quorum_extends_the_vote() public {
        uint256 id = propose();
        uint256 deadline = governor.proposalDeadline(id);
        vm.warp(deadline - 1);
        vote(whale, id, 1);
        vm.assertEq(governor.proposalDeadline(id), deadline - 1 + 5);
        vm.warp(deadline + 1);
        assertState(id, IGovernor.ProposalState.Active);
    }

    function test_one_vote_each_and_only_with_power_from_before() public {
        uint256 id = propose();
        pass(2);
        vote(whale, id, 1);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorAlreadyCastVote.selector, whale));
        vote(whale, id, 1);
        vm.prank(whale);
        vm.assertTrue(token.transfer(stranger, 900 ether));
        vm.prank(stranger);
        token.delegate(stranger);
        pass(1);
        vote(stranger, id, 0);
        (uint256 against, uint256 for_,) = governor.proposalVotes(id);
        vm.assertEq(against, 0);
        vm.assertEq(for_, 900 ether);
    }

    function test_proposer_needs_power_and_may_cancel() public {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = feeProposal();
        vm.expectPartialRevert(IGovernor.GovernorInsufficientProposerVotes.selector);
        vm.prank(stranger);
        governor.propose(targets, values, calls, "Mine");
        uint256 id = propose();
        vm.prank(member);
        governor.cancel(targets, values, calls, keccak256("Lower the fee"));
        assertState(id, IGovernor.ProposalState.Canceled);
    }

    function test_nobody_goes_around_the_governor() public {
        bytes memory call = abi.encodeCall(exchange.setFee, (stranger, 500));
        vm.expectPartialRevert(IAccessControl.AccessControlUnauthorizedAccount.selector);
        timelock.schedule(address(exchange), 0, call, 0, 0, 2);
        bytes32 role = timelock.PROPOSER_ROLE();
        vm.expectPartialRevert(IAccessControl.AccessControlUnauthorizedAccount.selector);
        timelock.grantRole(role, address(this));
        vm.expectPartialRevert(IGovernor.GovernorOnlyExecutor.selector);
        governor.setVotingPeriod(1);
    }

    function test_settings_are_those_of_the_terms() public view {
        vm.assertEq(governor.votingDelay(), 1);
        vm.assertEq(governor.votingPeriod(), 10);
        vm.assertEq(governor.proposalThreshold(), 1 ether);
        vm.assertEq(governor.lateQuorumVoteExtension(), 5);
        vm.assertEq(governor.CLOCK_MODE(), "mode=timestamp");
        vm.assertEq(governor.clock(), block.timestamp);
        vm.assertEq(token.CLOCK_MODE(), "mode=timestamp");
        vm.assertEq(governor.name(), "ASOUD Governor");
        vm.assertEq(token.nonces(whale), 0);
    }

    function test_holders_and_amounts_must_match() public {
        vm.expectRevert(abi.encodeWithSelector(IVotesToken.HoldersMismatch.selector, 1, 0));
        new VotesToken("ASOUD Votes", "ASV", new address[](1), new uint256[](0));
    }

    /// @dev Power is never made or lost: the votes of all delegates are the tokens of all who delegated.
    function testFuzz_votes_are_the_tokens_delegated(uint256[6] calldata moves) public {
        address[3] memory all = [whale, member, stranger];
        for (uint256 i; i < moves.length; ++i) {
            address from = all[moves[i] % 3];
            address to = all[(moves[i] >> 8) % 3];
            uint256 amount = bound(moves[i] >> 16, 0, token.balanceOf(from));
            vm.prank(from);
            if (moves[i] >> 255 == 1) token.delegate(to);
            else vm.assertTrue(token.transfer(to, amount));
        }
        uint256 delegated;
        for (uint256 i; i < 3; ++i) {
            if (token.delegates(all[i]) != address(0)) delegated += token.balanceOf(all[i]);
        }
        vm.assertEq(token.getVotes(whale) + token.getVotes(member) + token.getVotes(stranger), delegated);
    }

    // Guardian

    function govern(address target, bytes memory data, string memory why) private returns (uint256 id) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = (new address[](1), new uint256[](1), new bytes[](1));
        (targets[0], calls[0]) = (target, data);
        vm.prank(whale);
        id = governor.propose(targets, values, calls, why);
        pass(2);
        vote(whale, id, 1);
        pass(11);
        governor.queue(targets, values, calls, keccak256(bytes(why)));
        pass(3);
        governor.execute(targets, values, calls, keccak256(bytes(why)));
    }

    function cancelFee(address caller) private {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = feeProposal();
        vm.prank(caller);
        governor.cancel(targets, values, calls, keccak256("Lower the fee"));
    }

    function test_without_a_guardian_only_the_proposer_cancels_and_only_before_the_vote() public {
        vm.assertEq(governor.proposalGuardian(), address(0));
        uint256 id = propose();
        vm.expectPartialRevert(IGovernor.GovernorUnableToCancel.selector);
        cancelFee(stranger);
        pass(2);
        vm.expectPartialRevert(IGovernor.GovernorUnableToCancel.selector);
        cancelFee(member);
        assertState(id, IGovernor.ProposalState.Active);
    }

    function test_a_guardian_cancels_what_is_queued() public {
        govern(address(governor), abi.encodeCall(governor.setProposalGuardian, (stranger)), "Guard");
        vm.assertEq(governor.proposalGuardian(), stranger);
        uint256 id = propose();
        pass(2);
        vote(whale, id, 1);
        pass(11);
        queue();
        vm.expectPartialRevert(IGovernor.GovernorUnableToCancel.selector);
        cancelFee(member);
        cancelFee(stranger);
        assertState(id, IGovernor.ProposalState.Canceled);
        pass(3);
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        execute();
    }

    function test_nobody_names_a_guardian_without_a_proposal() public {
        vm.expectPartialRevert(IGovernor.GovernorOnlyExecutor.selector);
        vm.prank(whale);
        governor.setProposalGuardian(whale);
    }

    // Votes by signature

    function ballot(string memory name, uint256 id, uint8 support, uint256 nonce) private returns (bytes memory) {
        (address voter, uint256 key) = actor(name);
        (, string memory domainName, string memory version, uint256 chainId, address contract_,,) = governor.eip712Domain();
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(domainName)),
                keccak256(bytes(version)),
                chainId,
                contract_
            )
        );
        bytes32 structHash = keccak256(abi.encode(governor.BALLOT_TYPEHASH(), id, support, voter, nonce));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, structHash)));
        return abi.encodePacked(r, s, v);
    }

    function otherProposal() private returns (uint256 id) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = feeProposal();
        vm.prank(member);
        return governor.propose(targets, values, calls, "Once more");
    }

    function test_signed_votes_on_two_proposals_in_any_order() public {
        (uint256 one, uint256 two) = (propose(), otherProposal());
        pass(2);
        bytes memory first = ballot("whale", one, 1, governor.nonces(whale, uint192(one)));
        bytes memory second = ballot("whale", two, 0, governor.nonces(whale, uint192(two)));
        vm.prank(stranger);
        governor.castVoteBySig(two, 0, whale, second);
        vm.prank(stranger);
        governor.castVoteBySig(one, 1, whale, first);
        (, uint256 for_,) = governor.proposalVotes(one);
        (uint256 against,,) = governor.proposalVotes(two);
        vm.assertEq(for_, 900 ether);
        vm.assertEq(against, 900 ether);
    }

    function test_a_signed_vote_counts_once_and_as_signed() public {
        uint256 id = propose();
        pass(2);
        bytes memory signature = ballot("whale", id, 1, governor.nonces(whale, uint192(id)));
        vm.expectPartialRevert(IGovernor.GovernorInvalidSignature.selector);
        governor.castVoteBySig(id, 0, whale, signature);
        vm.expectPartialRevert(IGovernor.GovernorInvalidSignature.selector);
        governor.castVoteBySig(id, 1, member, signature);
        governor.castVoteBySig(id, 1, whale, signature);
        vm.expectPartialRevert(IGovernor.GovernorInvalidSignature.selector);
        governor.castVoteBySig(id, 1, whale, signature);
    }

    function test_a_signed_vote_with_a_reason() public {
        uint256 id = propose();
        pass(2);
        (address voter, uint256 key) = actor("whale");
        (,,, uint256 chainId, address contract_,,) = governor.eip712Domain();
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("ASOUD Governor"),
                keccak256("1"),
                chainId,
                contract_
            )
        );
        uint256 nonce = governor.nonces(voter, uint192(id));
        bytes32 structHash = keccak256(abi.encode(governor.EXTENDED_BALLOT_TYPEHASH(), id, 1, voter, nonce, keccak256("why"), keccak256("")));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, structHash)));
        bytes memory signature = abi.encodePacked(r, s, v);
        vm.expectPartialRevert(IGovernor.GovernorInvalidSignature.selector);
        governor.castVoteWithReasonAndParamsBySig(id, 1, voter, "other", "", signature);
        governor.castVoteWithReasonAndParamsBySig(id, 1, voter, "why", "", signature);
        vm.assertTrue(governor.hasVoted(id, voter));
    }

    function test_the_plain_nonce_works_too() public {
        uint256 id = propose();
        pass(2);
        governor.castVoteBySig(id, 1, whale, ballot("whale", id, 1, governor.nonces(whale)));
        vm.assertTrue(governor.hasVoted(id, whale));
        vm.assertEq(governor.nonces(whale), 1);
    }
}
