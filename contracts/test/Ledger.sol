// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IPayouts} from "../interfaces/IPayouts.sol";
import {Test} from "./Test.sol";

/// @dev The oracle of stateful tests of money: a plain account of who has how much of what, at hand or waiting to be pulled from a house.
abstract contract Ledger is Test {
    /// @dev Enough for every call of these contracts, and so little that burning it costs no time.
    uint256 private constant GAS = 5_000_000;

    address internal constant NATIVE = address(0);

    address[] internal accounts;
    address[] internal assets;
    address[] internal houses;
    mapping(address account => mapping(address asset => uint256 amount)) public wealth;

    /// @dev From here on the account may neither gain nor lose without an entry.
    function open(address account) internal {
        accounts.push(account);
        for (uint256 i; i < assets.length; ++i) {
            wealth[account][assets[i]] = balance(account, assets[i]);
        }
    }

    function moved(address asset, address from, address to, uint256 amount) internal {
        wealth[from][asset] -= amount;
        wealth[to][asset] += amount;
    }

    /// @dev Acts as anybody, and never fails itself.
    function attempt(address sender, address target, uint256 value, bytes memory data) internal returns (bool done) {
        vm.prank(sender);
        (done,) = target.call{value: value, gas: GAS}(data);
    }

    function balance(address account, address asset) internal view returns (uint256) {
        return asset == NATIVE ? account.balance : IERC20(asset).balanceOf(account);
    }

    /// @dev What a house has in hand beside the credits.
    function heldBy(address, address) internal view virtual returns (uint256) {
        return 0;
    }

    /// @dev Everybody has what the ledger says, and each house exactly what it owes.
    function check() external view {
        for (uint256 a; a < assets.length; ++a) {
            uint256[] memory owes = new uint256[](houses.length);
            for (uint256 i; i < accounts.length; ++i) {
                uint256 has = balance(accounts[i], assets[a]);
                for (uint256 h; h < houses.length; ++h) {
                    uint256 credit = IPayouts(houses[h]).creditOf(accounts[i], assets[a]);
                    has += credit;
                    owes[h] += credit;
                }
                vm.assertEq(has, wealth[accounts[i]][assets[a]], "wealth");
            }
            for (uint256 h; h < houses.length; ++h) {
                vm.assertEq(balance(houses[h], assets[a]), owes[h] + heldBy(houses[h], assets[a]), "solvency");
            }
        }
    }

    /// @dev Pulls what waits: only its owner says where to, anybody may bring it home.
    function pull(IPayouts house, address asset, address account, address to, address sender) internal {
        uint256 credit = house.creditOf(account, asset);
        bool own = sender == account;
        if (!own) to = account;
        bytes memory data = own ? abi.encodeCall(house.withdrawTo, (to, asset)) : abi.encodeCall(house.withdraw, (account, asset));
        bool done = attempt(sender, address(house), 0, data);
        vm.assertTrue(!done || credit != 0, "pulled nothing");
        vm.assertEq(house.creditOf(account, asset), done ? 0 : credit, "credit");
        if (done) moved(asset, account, to, credit);
    }
}
