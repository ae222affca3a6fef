// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IGate} from "../interfaces/IGate.sol";
import {AuctionHouse} from "../src/AuctionHouse.sol";
import {Checkout} from "../src/Checkout.sol";
import {Collection} from "../src/Collection.sol";
import {CollectionFactory} from "../src/CollectionFactory.sol";
import {Escrow} from "../src/Escrow.sol";
import {Exchange} from "../src/Exchange.sol";
import {Settlement} from "../src/Settlement.sol";
import {Test} from "./Test.sol";

/// @dev The suite after its hand-over, with the roles of contracts/deployment.json. The deployer, an arbiter, a stranger and a guardian try whatever they have no
///  right to; the guardian pauses and plans to open, the treasury opens.
contract AccessPlay is Test {
    uint64 private constant ADMIN = 0;
    uint64 private constant FEES = 1;
    uint64 private constant CURRENCIES = 2;
    uint64 private constant GUARDIAN = 3;
    uint64 private constant RESUMER = 4;
    uint64 private constant ARBITER = 5;
    uint64 private constant ARBITERS = 6;
    uint32 private constant WAIT = 1 days;

    AccessManager internal immutable manager;
    TimelockController internal immutable timelock;
    address internal immutable guardian;
    bytes32 internal immutable original;

    address[] internal gates;
    /// @dev The guardian comes last.
    address[] internal outsiders;
    bytes4[] internal governed =
        [IGate.pause.selector, IGate.unpause.selector, Settlement.setFee.selector, Settlement.setCurrency.selector, IAccessManaged.setAuthority.selector];

    mapping(address gate => bool shut) internal shut;
    mapping(address gate => uint256 time) internal planned;

    constructor() {
        (address stranger,) = actor("stranger");
        (address arbiter,) = actor("arbiter");
        (guardian,) = actor("guardian");
        outsiders = [address(this), stranger, arbiter, guardian];
        timelock = new TimelockController(2, new address[](0), new address[](1), address(this));
        timelock.renounceRole(timelock.DEFAULT_ADMIN_ROLE(), address(this));
        manager = AccessManager(newManager());
        address[] memory none = new address[](0);
        gates.push(address(new Exchange(address(manager), address(timelock), 250, none)));
        gates.push(address(new AuctionHouse(address(manager), address(timelock), 250, none)));
        gates.push(address(new Escrow(address(manager))));
        gates.push(address(new Checkout(address(manager))));
        gates.push(address(new CollectionFactory(address(manager), address(new Collection()))));
        uint64[4] memory roles = [GUARDIAN, RESUMER, FEES, CURRENCIES];
        for (uint256 i; i < gates.length; ++i) {
            for (uint256 r; r < (i < 2 ? 4 : 2); ++r) {
                bytes4[] memory one = new bytes4[](1);
                one[0] = governed[r];
                manager.setTargetFunctionRole(gates[i], one, roles[r]);
            }
        }
        manager.setRoleGuardian(RESUMER, GUARDIAN);
        for (uint256 r; r < 4; ++r) {
            manager.grantRole(roles[r], address(timelock), 0);
        }
        manager.grantRole(ARBITERS, address(timelock), 0);
        manager.grantRole(GUARDIAN, guardian, 0);
        manager.grantRole(RESUMER, guardian, WAIT);
        manager.grantRole(ARBITER, arbiter, 0);
        manager.setRoleAdmin(ARBITER, ARBITERS);
        manager.grantRole(ADMIN, address(timelock), 0);
        manager.renounceRole(ADMIN, address(this));
        original = fingerprint();
    }

    // What nobody may

    function ruleRoles(uint256 by, uint256 how, uint64 role, uint64 other) external {
        (address thief, address member) = (outsiders[by % 4], how % 2 == 0 ? address(timelock) : guardian);
        (role, other) = (role % 8, other % 8);
        how %= 7;
        bytes memory data = abi.encodeCall(manager.grantRole, (role, thief, 0));
        if (how == 1) data = abi.encodeCall(manager.revokeRole, (role, member));
        if (how == 2) data = abi.encodeCall(manager.setRoleAdmin, (role, other));
        if (how == 3) data = abi.encodeCall(manager.setRoleGuardian, (role, other));
        if (how == 4) data = abi.encodeCall(manager.setGrantDelay, (role, 0));
        if (how == 5) data = abi.encodeCall(manager.renounceRole, (role, address(timelock)));
        if (how == 6) data = many(data);
        refused(thief, address(manager), data);
    }

    function ruleTargets(uint256 by, uint256 how, uint256 which, uint256 what) external {
        (address thief, address gate) = (outsiders[by % 4], gates[which % 5]);
        bytes4[] memory one = new bytes4[](1);
        one[0] = governed[what % 5];
        how %= 4;
        bytes memory data = abi.encodeCall(manager.setTargetFunctionRole, (gate, one, type(uint64).max));
        if (how == 1) data = abi.encodeCall(manager.setTargetClosed, (gate, true));
        if (how == 2) data = abi.encodeCall(manager.setTargetAdminDelay, (gate, 0));
        if (how == 3) data = abi.encodeCall(manager.updateAuthority, (gate, thief));
        refused(thief, address(manager), data);
    }

    /// @dev Straight, through the manager, and by planning it there. A guardian's own rights are played below.
    function callGoverned(uint256 by, uint256 how, uint256 which, uint256 what) external {
        (address thief, address gate) = (outsiders[by % 4], gates[which % 5]);
        what = thief == guardian ? 2 + what % 3 : what % 5;
        bytes memory data = abi.encodePacked(governed[what], abi.encode(thief, 0));
        if (how % 3 == 0) refused(thief, gate, data);
        else if (how % 3 == 1) refused(thief, address(manager), abi.encodeCall(manager.execute, (gate, data)));
        else refused(thief, address(manager), abi.encodeCall(manager.schedule, (gate, data, 0)));
    }

    function ruleTimelock(uint256 by, uint256 how, uint256 which) external {
        address thief = outsiders[by % 4];
        bytes memory call = abi.encodeCall(manager.grantRole, (ADMIN, thief, 0));
        bytes[5] memory data = [
            abi.encodeCall(timelock.schedule, (address(manager), 0, call, 0, 0, 2)),
            abi.encodeCall(timelock.execute, (address(manager), 0, call, 0, 0)),
            abi.encodeCall(timelock.grantRole, (bytes32(0), thief)),
            abi.encodeCall(timelock.updateDelay, (0)),
            abi.encodeCall(timelock.execute, (gates[which % 5], 0, abi.encodeCall(IGate.pause, ()), 0, 0))
        ];
        refused(thief, address(timelock), data[how % 5]);
    }

    /// @dev Only a guardian takes back what one planned.
    function cancelPlan(uint256 by, uint256 which) external {
        bytes memory data = abi.encodeCall(manager.cancel, (guardian, gates[which % 5], abi.encodeCall(IGate.unpause, ())));
        refused(outsiders[by % 3], address(manager), data);
    }

    // What members may

    function guardianPauses(uint256 which, bool through) external {
        (address gate, bytes memory data) = (gates[which % 5], abi.encodeCall(IGate.pause, ()));
        vm.assertTrue(attempt(guardian, through ? address(manager) : gate, through ? abi.encodeCall(manager.execute, (gate, data)) : data), "pause");
        shut[gate] = true;
    }

    function guardianPlans(uint256 which) external {
        address gate = gates[which % 5];
        bool free = planned[gate] == 0 || block.timestamp >= planned[gate] + 1 weeks;
        bool done = attempt(guardian, address(manager), abi.encodeCall(manager.schedule, (gate, abi.encodeCall(IGate.unpause, ()), 0)));
        vm.assertTrue(done == free, "plan");
        if (done) planned[gate] = block.timestamp + WAIT;
    }

    function guardianOpens(uint256 which) external {
        address gate = gates[which % 5];
        bool due = planned[gate] != 0 && block.timestamp >= planned[gate] && block.timestamp < planned[gate] + 1 weeks;
        vm.assertTrue(attempt(guardian, gate, abi.encodeCall(IGate.unpause, ())) == due, "open");
        if (due) (shut[gate], planned[gate]) = (false, 0);
    }

    function treasuryOpens(uint256 which) external {
        vm.assertTrue(attempt(address(timelock), gates[which % 5], abi.encodeCall(IGate.unpause, ())), "treasury");
        shut[gates[which % 5]] = false;
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 2 days));
    }

    // What must hold

    function same() external view {
        vm.assertEq(fingerprint(), original);
        for (uint256 i; i < 5; ++i) {
            vm.assertTrue(IGate(gates[i]).paused() == shut[gates[i]], "paused");
        }
    }

    /// @dev Who has which role, what each role rules, and what was set by it.
    function fingerprint() private view returns (bytes32 all) {
        for (uint64 role; role < 8; ++role) {
            all = keccak256(abi.encode(all, manager.getRoleAdmin(role), manager.getRoleGuardian(role), manager.getRoleGrantDelay(role)));
            for (uint256 i; i <= outsiders.length; ++i) {
                (bool member, uint32 delay) = manager.hasRole(role, i < 4 ? outsiders[i] : address(timelock));
                all = keccak256(abi.encode(all, member, delay));
            }
        }
        for (uint256 i; i < 5; ++i) {
            all = keccak256(abi.encode(all, IAccessManaged(gates[i]).authority(), manager.isTargetClosed(gates[i]), manager.getTargetAdminDelay(gates[i])));
            for (uint256 s; s < 5; ++s) {
                all = keccak256(abi.encode(all, manager.getTargetFunctionRole(gates[i], governed[s])));
            }
        }
        for (uint256 i; i < 2; ++i) {
            (address receiver, uint16 bps) = Settlement(gates[i]).fee();
            all = keccak256(abi.encode(all, receiver, bps, Settlement(gates[i]).currencyAllowed(address(this)), timelock.getMinDelay()));
        }
    }

    function many(bytes memory data) private view returns (bytes memory) {
        bytes[] memory all = new bytes[](1);
        all[0] = data;
        return abi.encodeCall(manager.multicall, (all));
    }

    function refused(address sender, address target, bytes memory data) private {
        vm.assertFalse(attempt(sender, target, data));
    }

    function attempt(address sender, address target, bytes memory data) private returns (bool done) {
        vm.prank(sender);
        (done,) = target.call(data);
    }
}

contract AccessInvariantTest is Test {
    AccessPlay internal play;

    function setUp() public {
        vm.warp(NOW);
        vm.chainId(31337);
        play = new AccessPlay();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(play);
    }

    /// @dev No sequence of calls by who is no member changes a role, a setting or a gate; a guardian shuts, and opens only what it planned long enough before.
    function invariant_roles_stay_and_gates_obey_members_alone() external view {
        play.same();
    }
}
