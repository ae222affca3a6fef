// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEscrow} from "../interfaces/IEscrow.sol";
import {Escrow} from "../src/Escrow.sol";
import {Settlement} from "../src/Settlement.sol";

/// @dev For halmos (0.3.3), which decides these for every value: `halmos --match-contract Symbolic --forge-build-out contracts/out`. Forge does not run them.
contract SymbolicSplitTest is Settlement {
    constructor() Settlement(address(1), address(1), 0, new address[](0)) {}

    /// @dev Fee and royalty at their caps never take more than there is.
    function check_parts_fit(uint256 price, uint16 feeBps, uint16 royaltyBps) external pure {
        if (price > type(uint128).max || feeBps > MAX_FEE_BPS || royaltyBps > MAX_ROYALTY_BPS) return;
        uint256 parts = _share(price, feeBps) + _share(price, royaltyBps);
        assert(parts <= price);
    }
}

contract SymbolicEscrowTest {
    Escrow internal escrow = new Escrow(address(1));

    /// @dev After a part went to the seller the escrow holds exactly the rest, whatever the amounts.
    function check_part_leaves_the_rest(uint96 amount, uint96 part) external payable {
        if (amount == 0 || part == 0 || part >= amount || msg.value != amount) return;
        IEscrow.Terms memory t;
        (t.buyer, t.seller, t.arbiter, t.amount) = (address(this), address(0xBEEF), address(0xA4B), amount);
        (t.shipBy, t.inspection, t.ruling) = (uint64(block.timestamp), 1, 1);
        bytes32 id = escrow.fund{value: amount}(t);
        escrow.releasePart(t, part);
        (,, uint256 held) = escrow.escrow(id);
        assert(held == uint256(amount) - part && address(escrow).balance == held);
        assert(address(0xBEEF).balance == part);
    }

    receive() external payable {}
}
