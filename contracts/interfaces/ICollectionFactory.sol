// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IGate} from "./IGate.sol";
import {IStudio} from "./IStudio.sol";

/// @title Makes collections for merchants, at addresses that are known beforehand.
interface ICollectionFactory is IGate {
    /// @notice A collection was made; `creator` is its merchant.
    event CollectionCreated(
        address indexed collection,
        address indexed creator,
        bytes32 salt,
        string name,
        string symbol,
        string contractURI,
        address royaltyReceiver,
        uint16 royaltyBps,
        uint256 maxSupply
    );

    /// @notice The implementation has no code.
    error BadImplementation(address implementation);

    /// @notice The caller made `collection` with this salt before.
    error SaltUsed(address collection);

    /// @notice Makes the caller's collection for `salt`. A salt works once per creator.
    function create(IStudio.CollectionTerms calldata terms, bytes32 salt) external returns (address collection);

    /// @notice Where `create` by `creator` with `salt` puts the collection. Nobody else can take the address.
    function predict(address creator, bytes32 salt) external view returns (address collection);

    /// @notice The code that every collection delegates to.
    function implementation() external view returns (address);
}
