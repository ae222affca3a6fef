// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DevDollar} from "../src/DevDollar.sol";
import {RoyaltySplitter, SplitterFactory} from "../src/RoyaltySplitter.sol";
import {Ledger} from "./Ledger.sol";
import {CoinRefuser, HookToken, OddToken, Reenterer} from "./Parties.sol";
import {Test} from "./Test.sol";

/// @dev Income of four assets for four payees, one of whom refuses coin at times and one reenters; one token bars accounts, one calls a release of itself.
contract SplitterPlay is Ledger {
    RoyaltySplitter public immutable splitter;
    OddToken public immutable odd;
    CoinRefuser public immutable refuser;
    Reenterer public immutable greedy;
    address internal immutable stranger;

    address[] internal payees;
    /// @dev In no order, with one part that is dust.
    uint16[] internal bps = [3333, 2222, 4444, 1];
    mapping(address asset => uint256 sum) public income;

    constructor() {
        (odd, refuser, greedy) = (new OddToken(), new CoinRefuser(), new Reenterer());
        HookToken hook = new HookToken();
        assets = [NATIVE, address(new DevDollar()), address(odd), address(hook)];
        (stranger,) = actor("stranger");
        payees = [address(0xBEEF01), address(refuser), address(greedy), address(0xBEEF02)];
        splitter = RoyaltySplitter(payable(new SplitterFactory().create(payees, bps)));
        greedy.arm(address(splitter), abi.encodeCall(splitter.release, (payees[0], NATIVE)));
        hook.arm(address(splitter), abi.encodeCall(splitter.release, (payees[0], address(hook))));
    }

    function earn(uint256 seed, uint256 amount) external {
        address asset = assets[seed % 4];
        amount = bound(amount, 0, seed % 3 == 0 ? 100 : type(uint96).max);
        income[asset] += amount;
        if (asset != NATIVE) return odd_(asset).mint(address(splitter), amount);
        vm.deal(stranger, amount);
        vm.assertTrue(attempt(stranger, address(splitter), amount, ""), "earn");
    }

    function release(uint256 seed, uint256 by) external {
        (address payee, address asset) = (payees[seed % 4], assets[(seed >> 8) % 4]);
        uint256 due = splitter.dueTo(payee, asset);
        bool takes = asset == NATIVE ? payee != address(refuser) || refuser.open() : asset != address(odd) || !odd.barred(payee);
        address sender = by % 5 == 4 ? stranger : payees[by % 4];
        bool done = attempt(sender, address(splitter), 0, abi.encodeCall(splitter.release, (payee, asset)));
        vm.assertTrue(done == (due != 0 && takes), "release");
    }

    /// @dev Who has no share gets nothing, and nobody shares anew.
    function steal(uint256 seed) external {
        address asset = assets[seed % 4];
        vm.assertFalse(attempt(stranger, address(splitter), 0, abi.encodeCall(splitter.release, (stranger, asset))));
        (address[] memory one, uint16[] memory whole) = (new address[](1), new uint16[](1));
        (one[0], whole[0]) = (stranger, 10_000);
        vm.assertFalse(attempt(stranger, address(splitter), 0, abi.encodeCall(splitter.initialize, (one, whole))));
    }

    function change(uint256 seed) external {
        if (seed % 2 == 0) refuser.setOpen(!refuser.open());
        else odd.bar(payees[(seed >> 8) % 4], (seed >> 16) % 2 == 0);
    }

    /// @dev Of each asset every payee has, or is due, its part of all income, rounded down and to the unit.
    function shared() external view {
        for (uint256 a; a < 4; ++a) {
            (address asset, uint256 given) = (assets[a], 0);
            for (uint256 i; i < 4; ++i) {
                uint256 has = balance(payees[i], asset);
                given += has;
                vm.assertEq(has + splitter.dueTo(payees[i], asset), income[asset] * bps[i] / 10_000, "part");
            }
            vm.assertEq(balance(address(splitter), asset) + given, income[asset], "sum");
        }
    }

    /// @dev Once nobody refuses, all is paid out save less than a unit each.
    function finish() external {
        refuser.setOpen(true);
        for (uint256 i; i < 4; ++i) {
            odd.bar(payees[i], false);
            for (uint256 a; a < 4; ++a) {
                if (splitter.dueTo(payees[i], assets[a]) != 0) splitter.release(payees[i], assets[a]);
                vm.assertEq(balance(payees[i], assets[a]), income[assets[a]] * bps[i] / 10_000, "at last");
            }
        }
        for (uint256 a; a < 4; ++a) {
            vm.assertLe(balance(address(splitter), assets[a]), 3, "dust");
        }
    }

    /// @dev All of these tokens are made in the same way.
    function odd_(address asset) private pure returns (OddToken) {
        return OddToken(asset);
    }
}

contract RoyaltySplitterInvariantTest is Test {
    SplitterPlay internal play;

    function setUp() public {
        vm.warp(NOW);
        vm.chainId(31337);
        play = new SplitterPlay();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(play);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](4);
        (selectors[0], selectors[1], selectors[2], selectors[3]) = (play.earn.selector, play.release.selector, play.steal.selector, play.change.selector);
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(play), selectors);
    }

    function invariant_everybody_gets_its_part() external view {
        play.shared();
        vm.assertEq(play.greedy().hits(), 0, "reentered");
    }

    function afterInvariant() external {
        play.finish();
    }
}
