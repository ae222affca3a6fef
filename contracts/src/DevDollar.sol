// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IDevDollar} from "../interfaces/IDevDollar.sol";

/// @title Play money.
contract DevDollar is IDevDollar, ERC20, ERC20Permit {
    constructor() ERC20("Development Dollar", "DUSD") ERC20Permit("Development Dollar") {
        if (block.chainid != 31337) revert DevelopmentOnly(block.chainid);
    }

    /// @inheritdoc IDevDollar
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @dev As the dollars of other chains have it.
    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
