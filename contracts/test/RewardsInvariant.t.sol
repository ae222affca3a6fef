// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DevDollar} from "../src/DevDollar.sol";
import {Rewards} from "../src/Rewards.sol";
import {Ledger} from "./Ledger.sol";
import {CoinRefuser, OddToken, Reenterer} from "./Parties.sol";
import {Test} from "./Test.sol";

/// @dev The DAO opens epochs with lists that promise too much, too little or just enough; four accounts claim, again and falsely, and close.
contract RewardsPlay is Ledger {
    struct Model {
        address asset;
        uint64 until;
        uint256 left;
        uint256[4] amounts;
        bool[4] claimed;
    }

    Rewards public immutable rewards;
    OddToken public immutable odd;
    CoinRefuser public immutable refuser;
    Reenterer public immutable greedy;
    address internal immutable dao;
    address[4] internal claimers;
    Model[] internal epochs;

    constructor() {
        (refuser, greedy, odd) = (new CoinRefuser(), new Reenterer(), new OddToken());
        DevDollar dollar = new DevDollar();
        (dao,) = actor("dao");
        rewards = new Rewards(dao);
        houses.push(address(rewards));
        assets = [NATIVE, address(dollar), address(odd)];
        greedy.arm(address(rewards), abi.encodeCall(rewards.withdraw, (address(refuser), NATIVE)));
        (address one,) = actor("one");
        (address two,) = actor("two");
        claimers = [one, two, address(refuser), address(greedy)];
        vm.deal(dao, 1e6 ether);
        dollar.mint(dao, 1e24);
        odd.mint(dao, 1e24);
        vm.startPrank(dao);
        dollar.approve(address(rewards), type(uint256).max);
        odd.approve(address(rewards), type(uint256).max);
        vm.stopPrank();
        open(dao);
        for (uint256 i; i < 4; ++i) {
            open(claimers[i]);
        }
    }

    function openEpoch(uint256 seed, uint256[4] memory amounts, uint256 total, uint256 time, bool stranger) external {
        if (epochs.length == 12) return;
        Model memory m;
        uint256 sum;
        for (uint256 i; i < 4; ++i) {
            amounts[i] = bound(amounts[i], 0, 1 ether);
            sum += amounts[i];
        }
        total = seed % 3 == 0 ? sum + 1 : bound(total, 1, sum + 1);
        (m.asset, m.until, m.left, m.amounts) = (assets[(seed >> 8) % 3], uint64(block.timestamp + bound(time, 1, 5 days)), total, amounts);
        stranger = stranger && seed % 5 == 0;
        bytes memory data = abi.encodeCall(rewards.openEpoch, (rootOf(amounts), m.asset, total, m.until));
        address sender = stranger ? claimers[0] : dao;
        bool done = attempt(sender, address(rewards), m.asset == NATIVE ? total : 0, data);
        vm.assertTrue(done == !stranger, "open");
        if (!done) return;
        wealth[dao][m.asset] -= total;
        epochs.push(m);
    }

    function claim(uint256 seed, uint256 by) external {
        if (epochs.length == 0) return;
        (uint256 e, uint256 i) = (seed % epochs.length, (seed >> 8) % 4);
        Model storage m = epochs[e];
        bool due = block.timestamp <= m.until && !m.claimed[i] && m.amounts[i] <= m.left;
        bytes memory data = abi.encodeCall(rewards.claim, (e + 1, claimers[i], m.amounts[i], proofOf(m.amounts, i)));
        vm.assertTrue(attempt(claimers[by % 4], address(rewards), 0, data) == due, "claim");
        if (!due) return;
        m.claimed[i] = true;
        m.left -= m.amounts[i];
        wealth[claimers[i]][m.asset] += m.amounts[i];
    }

    /// @dev More than the leaf says, the leaf of another, or that of another epoch.
    function claimFalsely(uint256 seed, uint256 more) external {
        if (epochs.length == 0) return;
        (uint256 e, uint256 i) = (seed % epochs.length, (seed >> 8) % 4);
        uint256[4] memory amounts = epochs[e].amounts;
        (address account, uint256 amount) = (claimers[i], amounts[i]);
        if (seed % 2 == 0) amount += bound(more, 1, 1 ether);
        else account = address(uint160(bound(more, 1, type(uint160).max)));
        if (account == claimers[i] && amount == amounts[i]) return;
        bytes memory data = abi.encodeCall(rewards.claim, (e + 1, account, amount, proofOf(amounts, i)));
        vm.assertFalse(attempt(claimers[0], address(rewards), 0, data));
    }

    function close(uint256 seed, uint256 by) external {
        if (epochs.length == 0) return;
        uint256 e = seed % epochs.length;
        Model storage m = epochs[e];
        bool done = attempt(claimers[by % 4], address(rewards), 0, abi.encodeCall(rewards.closeEpoch, (e + 1)));
        vm.assertTrue(done == block.timestamp > m.until, "close");
        if (!done) return;
        wealth[dao][m.asset] += m.left;
        m.left = 0;
    }

    function withdraw(uint256 seed, uint256 by) external {
        address account = claimers[seed % 4];
        pull(rewards, assets[(seed >> 8) % 3], account, claimers[(seed >> 16) % 4], by % 2 == 0 ? account : dao);
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 1 days));
    }

    function change(uint256 seed) external {
        if (seed % 2 == 0) refuser.setOpen(!refuser.open());
        else odd.bar(claimers[(seed >> 8) % 4], (seed >> 16) % 2 == 0);
    }

    /// @dev The contract's own account of each epoch is the plain one.
    function same() external view {
        vm.assertEq(rewards.epochCount(), epochs.length, "epochs");
        for (uint256 e; e < epochs.length; ++e) {
            (,, uint256 left,) = rewards.epochOf(e + 1);
            vm.assertEq(left, epochs[e].left, "left");
            for (uint256 i; i < 4; ++i) {
                vm.assertTrue(rewards.claimed(e + 1, claimers[i]) == epochs[e].claimed[i], "claimed");
            }
        }
    }

    function heldBy(address, address asset) internal view override returns (uint256 sum) {
        for (uint256 e; e < epochs.length; ++e) {
            if (epochs[e].asset == asset) sum += epochs[e].left;
        }
    }

    function leafOf(uint256[4] memory amounts, uint256 i) private view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(claimers[i], amounts[i]))));
    }

    function pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }

    function rootOf(uint256[4] memory amounts) private view returns (bytes32) {
        return pair(pair(leafOf(amounts, 0), leafOf(amounts, 1)), pair(leafOf(amounts, 2), leafOf(amounts, 3)));
    }

    function proofOf(uint256[4] memory amounts, uint256 i) private view returns (bytes32[] memory proof) {
        proof = new bytes32[](2);
        proof[0] = leafOf(amounts, i ^ 1);
        proof[1] = i < 2 ? pair(leafOf(amounts, 2), leafOf(amounts, 3)) : pair(leafOf(amounts, 0), leafOf(amounts, 1));
    }
}

contract RewardsInvariantTest is Test {
    RewardsPlay internal play;

    function setUp() public {
        vm.warp(NOW);
        vm.chainId(31337);
        play = new RewardsPlay();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(play);
    }

    /// @dev An epoch pays each leaf once, in its time and out of its own money; what is left goes back to the DAO, after its time.
    function invariant_epochs_pay_what_they_have() external view {
        play.check();
        play.same();
        vm.assertEq(play.greedy().hits(), 0, "reentered");
    }
}
