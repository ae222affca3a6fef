// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Brownie makes deployable only what a project's own sources define, so the libraries' contracts get a name here.
import {AccessManager as Manager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {TimelockController as Timelock} from "@openzeppelin/contracts/governance/TimelockController.sol";

contract AccessManager is Manager {
    constructor(address admin) Manager(admin) {}
}

contract TimelockController is Timelock {
    constructor(uint256 minDelay, address[] memory proposers, address[] memory executors, address admin) Timelock(minDelay, proposers, executors, admin) {}
}
