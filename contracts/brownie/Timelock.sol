// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Brownie makes deployable only what a project's own sources define, so the library's contract gets a name here.
import {TimelockController as Library} from "@openzeppelin/contracts/governance/TimelockController.sol";

contract TimelockController is Library {
    constructor(uint256 minDelay, address[] memory proposers, address[] memory executors, address admin) Library(minDelay, proposers, executors, admin) {}
}
