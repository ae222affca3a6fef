// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Play money with 6 decimals for development chains. Cannot be deployed on any chain but 31337.
/// @dev Otherwise OpenZeppelin's ERC-20 with ERC-2612 permit and its events.
interface IDevDollar {
    /// @notice This is not a development chain.
    error DevelopmentOnly(uint256 chainId);

    /// @notice Makes `amount` for `to`. Anyone may call.
    function mint(address to, uint256 amount) external;
}
