// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {IAsoudGovernor} from "../interfaces/IAsoudGovernor.sol";
import {AsoudGovernor} from "../src/AsoudGovernor.sol";
import {VotesToken} from "../src/VotesToken.sol";
import {Test} from "./Test.sol";

/// @dev Four holders and a stranger move tokens, delegate, propose to spend, vote by hand and by signature, queue and execute; a plain history of everybody's power
///  is the oracle.
contract GovernancePlay is Test {
    struct Point {
        uint256 time;
        uint256 power;
    }

    struct Proposal {
        uint256 id;
        address proposer;
        uint256 snapshot;
        uint256 deadline;
        uint256 queued;
        bool extended;
        bool executed;
        bool cancelled;
        uint256[3] tally;
    }

    uint256 private constant SUPPLY = 1000 ether;
    uint256 private constant DELAY = 2;
    address private constant SINK = address(0x51);

    VotesToken internal immutable token;
    TimelockController internal immutable timelock;
    AsoudGovernor internal immutable governor;

    address[] internal people;
    uint256[] internal keys;
    mapping(address account => uint256 amount) internal tokens;
    mapping(address account => address to) internal delegateOf;
    mapping(address account => Point[] points) internal history;
    Proposal[] internal proposals;
    mapping(uint256 proposal => mapping(address voter => bool voted)) internal voted;
    uint256 internal executions;

    constructor() {
        string[5] memory names = ["whale", "member", "small", "dust", "stranger"];
        (address[] memory holders, uint256[] memory amounts) = (new address[](4), new uint256[](4));
        (amounts[0], amounts[1], amounts[2], amounts[3]) = (600 ether, 370 ether, 30 ether - 1, 1);
        for (uint256 i; i < 5; ++i) {
            (address person, uint256 key) = actor(names[i]);
            people.push(person);
            keys.push(key);
            if (i < 4) (holders[i], tokens[person]) = (person, amounts[i]);
        }
        timelock = new TimelockController(DELAY, new address[](0), new address[](1), address(this));
        token = new VotesToken("ASOUD Votes", "ASV", holders, amounts);
        governor = new AsoudGovernor(IVotes(address(token)), timelock, IAsoudGovernor.GovernorTerms(1, 10, 1 ether, 4, 5));
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        timelock.grantRole(timelock.CANCELLER_ROLE(), address(governor));
        timelock.renounceRole(timelock.DEFAULT_ADMIN_ROLE(), address(this));
        vm.deal(address(timelock), 100 ether);
        for (uint256 i; i < 3; ++i) {
            moveVotes(i, i);
        }
        vm.warp(block.timestamp + 1);
    }

    // Moves

    function moveTokens(uint256 from, uint256 to, uint256 amount) external {
        (from, to) = (from % 5, to % 5);
        amount = bound(amount, 0, tokens[people[from]]);
        vm.prank(people[from]);
        vm.assertTrue(token.transfer(people[to], amount));
        tokens[people[from]] -= amount;
        tokens[people[to]] += amount;
        note();
    }

    function moveVotes(uint256 from, uint256 to) public {
        (from, to) = (from % 5, to % 5);
        vm.prank(people[from]);
        token.delegate(people[to]);
        delegateOf[people[from]] = people[to];
        note();
    }

    function propose(uint256 by) external {
        if (proposals.length == 6) return;
        address proposer = people[by % 5];
        bool done = attempt(proposer, abi.encodeCall(governor.propose, (targets(), values(), new bytes[](1), why(proposals.length))));
        vm.assertTrue(done == (powerAt(proposer, block.timestamp - 1) >= 1 ether), "propose");
        if (!done) return;
        Proposal storage p = proposals.push();
        p.id = governor.hashProposal(targets(), values(), new bytes[](1), keccak256(bytes(why(proposals.length - 1))));
        (p.proposer, p.snapshot, p.deadline) = (proposer, block.timestamp + 1, block.timestamp + 11);
    }

    /// @dev By hand, by a signature, by one of somebody else, or by one that was made before the last.
    function vote(uint256 seed, uint256 by, uint8 support, uint8 how) public {
        if (proposals.length == 0) return;
        uint256 index = seed % proposals.length;
        Proposal storage p = proposals[index];
        (by, support, how) = (by % 5, support % 4, how % 6);
        address voter = people[by];
        bytes memory data = abi.encodeCall(governor.castVote, (p.id, support));
        if (how > 2) {
            uint256 nonce = governor.nonces(voter, uint192(p.id));
            if (how == 5) nonce = nonce % 2 ** 64 == 0 ? nonce + 1 : nonce - 1;
            bytes memory signature = ballot(how == 4 ? keys[(by + 1) % 5] : keys[by], p.id, support, voter, nonce);
            data = abi.encodeCall(governor.castVoteBySig, (p.id, support, voter, signature));
        }
        bool open = block.timestamp > p.snapshot && block.timestamp <= p.deadline && !p.cancelled;
        bool due = open && !voted[index][voter] && support < 3 && how < 4;
        vm.assertTrue(attempt(how < 3 ? voter : people[4], data) == due, "vote");
        if (!due) return;
        voted[index][voter] = true;
        p.tally[support] += powerAt(voter, p.snapshot);
        if (p.extended || !hasQuorum(p)) return;
        p.extended = true;
        if (block.timestamp + 5 > p.deadline) p.deadline = block.timestamp + 5;
    }

    function queue(uint256 seed, uint256 by) public {
        if (proposals.length == 0) return;
        uint256 index = seed % proposals.length;
        Proposal storage p = proposals[index];
        bool due = block.timestamp > p.deadline && p.tally[1] > p.tally[0] && hasQuorum(p) && !p.cancelled && p.queued == 0;
        bytes memory data = abi.encodeCall(governor.queue, (targets(), values(), new bytes[](1), keccak256(bytes(why(index)))));
        vm.assertTrue(attempt(people[by % 5], data) == due, "queue");
        if (due) p.queued = block.timestamp;
    }

    function execute(uint256 seed, uint256 by) public {
        if (proposals.length == 0) return;
        uint256 index = seed % proposals.length;
        Proposal storage p = proposals[index];
        bool due = p.queued != 0 && block.timestamp >= p.queued + DELAY && !p.executed;
        bytes memory data = abi.encodeCall(governor.execute, (targets(), values(), new bytes[](1), keccak256(bytes(why(index)))));
        vm.assertTrue(attempt(people[by % 5], data) == due, "execute");
        if (!due) return;
        p.executed = true;
        ++executions;
    }

    function cancel(uint256 seed, uint256 by) external {
        if (proposals.length == 0 || seed % 3 != 0) return;
        uint256 index = seed % proposals.length;
        Proposal storage p = proposals[index];
        bool due = people[by % 5] == p.proposer && block.timestamp <= p.snapshot && !p.cancelled;
        bytes memory data = abi.encodeCall(governor.cancel, (targets(), values(), new bytes[](1), keccak256(bytes(why(index)))));
        vm.assertTrue(attempt(people[by % 5], data) == due, "cancel");
        if (due) p.cancelled = true;
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 6));
    }

    /// @dev Brings a proposal to the edge of its next stage, a second early or not, and takes the step that is due there.
    function hurry(uint256 seed, uint256 by, bool early) external {
        if (proposals.length == 0) return;
        Proposal storage p = proposals[seed % proposals.length];
        uint256 edge = block.timestamp <= p.snapshot ? p.snapshot + 1 : block.timestamp <= p.deadline ? p.deadline + 1 : p.queued + DELAY;
        if (early) --edge;
        if (edge > block.timestamp) vm.warp(edge);
        vote(seed, by, 1, 0);
        queue(seed, by);
        execute(seed, by);
    }

    /// @dev Nobody, be it with all the votes, goes around the vote or the wait.
    function steal(uint256 by, uint256 how) external {
        address thief = people[by % 5];
        bytes[7] memory data = [
            abi.encodeCall(governor.setVotingPeriod, (1)),
            abi.encodeCall(governor.relay, (SINK, 1 ether, "")),
            abi.encodeCall(governor.setProposalGuardian, (thief)),
            abi.encodeCall(timelock.schedule, (SINK, 1 ether, "", 0, 0, DELAY)),
            abi.encodeCall(timelock.execute, (SINK, 1 ether, "", 0, 0)),
            abi.encodeCall(timelock.grantRole, (bytes32(0), thief)),
            abi.encodeCall(timelock.updateDelay, (0))
        ];
        how %= 7;
        vm.prank(thief);
        (bool done,) = (how < 3 ? address(governor) : address(timelock)).call(data[how]);
        vm.assertFalse(done);
    }

    // What must hold

    function same() external view {
        uint256 sum;
        for (uint256 i; i < 5; ++i) {
            uint256 power = powerAt(people[i], block.timestamp);
            vm.assertEq(token.getVotes(people[i]), power, "power");
            sum += power;
        }
        vm.assertLe(sum, SUPPLY, "all power");
        for (uint256 i; i < proposals.length; ++i) {
            sameProposal(proposals[i], i);
        }
        vm.assertEq(SINK.balance, executions * 1 ether, "spent");
        vm.assertEq(address(timelock).balance, 100 ether - executions * 1 ether, "treasury");
    }

    function sameProposal(Proposal memory p, uint256 index) private view {
        (uint256 against, uint256 inFavour, uint256 abstain) = governor.proposalVotes(p.id);
        vm.assertEq(against, p.tally[0], "against");
        vm.assertEq(inFavour, p.tally[1], "in favour");
        vm.assertEq(abstain, p.tally[2], "abstain");
        vm.assertLe(against + inFavour + abstain, SUPPLY, "more votes than tokens");
        vm.assertEq(governor.proposalDeadline(p.id), p.deadline, "deadline");
        vm.assertTrue((governor.state(p.id) == IGovernor.ProposalState.Executed) == p.executed, "executed");
        for (uint256 i; i < 5; ++i) {
            vm.assertTrue(governor.hasVoted(p.id, people[i]) == voted[index][people[i]], "voted");
        }
    }

    // The model

    function powerAt(address account, uint256 time) private view returns (uint256 power) {
        Point[] storage points = history[account];
        for (uint256 i; i < points.length && points[i].time <= time; ++i) {
            power = points[i].power;
        }
    }

    function note() private {
        for (uint256 i; i < 5; ++i) {
            uint256 power;
            for (uint256 j; j < 5; ++j) {
                if (delegateOf[people[j]] == people[i]) power += tokens[people[j]];
            }
            if (power != powerAt(people[i], block.timestamp)) history[people[i]].push(Point(block.timestamp, power));
        }
    }

    function hasQuorum(Proposal memory p) private pure returns (bool) {
        return p.tally[1] + p.tally[2] >= SUPPLY * 4 / 100;
    }

    function attempt(address sender, bytes memory data) private returns (bool done) {
        vm.prank(sender);
        (done,) = address(governor).call(data);
    }

    function targets() private pure returns (address[] memory all) {
        all = new address[](1);
        all[0] = SINK;
    }

    function values() private pure returns (uint256[] memory all) {
        all = new uint256[](1);
        all[0] = 1 ether;
    }

    function why(uint256 index) private pure returns (string memory) {
        return string(abi.encodePacked("Spend ", bytes1(uint8(65 + index))));
    }

    function ballot(uint256 key, uint256 id, uint8 support, address voter, uint256 nonce) private view returns (bytes memory) {
        bytes32 kind = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        bytes32 domain = keccak256(abi.encode(kind, keccak256("ASOUD Governor"), keccak256("1"), block.chainid, address(governor)));
        bytes32 structHash = keccak256(abi.encode(governor.BALLOT_TYPEHASH(), id, support, voter, nonce));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, structHash)));
        return abi.encodePacked(r, s, v);
    }
}

contract GovernanceInvariantTest is Test {
    GovernancePlay internal play;

    function setUp() public {
        vm.warp(NOW);
        vm.chainId(31337);
        play = new GovernancePlay();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(play);
    }

    /// @dev Every vote weighs what its voter had at the snapshot, once; what the treasury spent was voted, waited for and executed.
    function invariant_power_counts_once_and_nothing_comes_early() external view {
        play.same();
    }
}
