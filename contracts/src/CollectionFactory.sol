// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibClone} from "solady/src/utils/LibClone.sol";
import {IStudio} from "../interfaces/IStudio.sol";
import {ICollectionFactory} from "../interfaces/ICollectionFactory.sol";
import {Gate} from "./Gate.sol";

/// @title The factory of collections.
/// @dev The creator is part of the salt, so nobody can take an address that was announced for somebody else.
contract CollectionFactory is ICollectionFactory, Gate {
    /// @inheritdoc ICollectionFactory
    address public immutable implementation;

    constructor(address manager, address implementation_) Gate(manager) {
        if (implementation_.code.length == 0) revert BadImplementation(implementation_);
        implementation = implementation_;
    }

    /// @inheritdoc ICollectionFactory
    function create(IStudio.CollectionTerms calldata terms, bytes32 salt) external whenOpen returns (address collection) {
        collection = predict(msg.sender, salt);
        if (collection.code.length != 0) revert SaltUsed(collection);
        LibClone.cloneDeterministic(implementation, _saltOf(msg.sender, salt));
        IStudio(collection).initialize(msg.sender, terms);
        emit CollectionCreated(
            collection, msg.sender, salt, terms.name, terms.symbol, terms.contractURI, terms.royaltyReceiver, terms.royaltyBps, terms.maxSupply
        );
    }

    /// @inheritdoc ICollectionFactory
    function predict(address creator, bytes32 salt) public view returns (address collection) {
        return LibClone.predictDeterministicAddress(implementation, _saltOf(creator, salt), address(this));
    }

    function _saltOf(address creator, bytes32 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(creator, salt));
    }
}
