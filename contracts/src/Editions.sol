// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC1155} from "solady/src/tokens/ERC1155.sol";
import {ERC2981} from "solady/src/tokens/ERC2981.sol";
import {LibString} from "solady/src/utils/LibString.sol";
import {IEditions} from "../interfaces/IEditions.sol";
import {Studio} from "./Studio.sol";

/// @title A merchant's editions, used through clones.
contract Editions is IEditions, ERC1155, Studio {
    using LibString for LibString.StringStorage;

    /// @dev One word.
    struct Edition {
        bool exists;
        uint96 minted;
        uint96 maxUnits;
    }

    mapping(uint256 tokenId => Edition edition) private _editions;
    mapping(uint256 tokenId => LibString.StringStorage uri) private _uris;

    /// @inheritdoc IEditions
    function createEdition(string calldata uri_, uint256 maxUnits) external onlyOwnerOrRoles(MINTER_ROLE) returns (uint256 tokenId) {
        if (maxUnits > type(uint96).max) revert UnitsExhausted(0, maxUnits, type(uint96).max);
        tokenId = _countUp(1);
        _editions[tokenId] = Edition({exists: true, minted: 0, maxUnits: uint96(maxUnits)});
        emit EditionCreated(tokenId, maxUnits, uri_);
        _setURI(tokenId, uri_);
    }

    /// @inheritdoc IEditions
    function mint(address to, uint256 tokenId, uint256 units) external onlyOwnerOrRoles(MINTER_ROLE) nonReentrant {
        _mintUnits(to, tokenId, units);
    }

    /// @inheritdoc IEditions
    function redeem(Voucher calldata voucher, bytes calldata signature) external payable nonReentrant {
        if (voucher.content != bytes32(0)) revert BadVoucher("content");
        _redeem(voucher, signature);
        _mintUnits(msg.sender, voucher.tokenId, voucher.quantity);
        _collect(voucher, voucher.tokenId);
    }

    /// @inheritdoc IEditions
    function setURI(uint256 tokenId, string calldata uri_) external onlyOwnerOrRoles(EDITOR_ROLE) {
        if (_frozen) revert Frozen();
        if (!_editions[tokenId].exists) revert UnknownEdition(tokenId);
        _setURI(tokenId, uri_);
    }

    /// @inheritdoc IEditions
    function burn(address from, uint256 tokenId, uint256 units) external {
        _burn(msg.sender, from, tokenId, units);
    }

    // Views

    /// @inheritdoc ERC1155
    function uri(uint256 tokenId) public view override returns (string memory) {
        if (!_editions[tokenId].exists) revert UnknownEdition(tokenId);
        return _uris[tokenId].get();
    }

    /// @inheritdoc IEditions
    function editionOf(uint256 tokenId) external view returns (uint256 minted, uint256 maxUnits) {
        return (_editions[tokenId].minted, _editions[tokenId].maxUnits);
    }

    /// @inheritdoc IEditions
    function editionCount() external view returns (uint256) {
        return _minted;
    }

    /// @inheritdoc IEditions
    function name() external view returns (string memory) {
        return _nameOf();
    }

    /// @inheritdoc IEditions
    function symbol() external view returns (string memory) {
        return _symbolOf();
    }

    /// @dev ERC-165: ERC-1155 with metadata, ERC-2981.
    function supportsInterface(bytes4 interfaceId) public view override(ERC1155, ERC2981) returns (bool) {
        return ERC1155.supportsInterface(interfaceId) || ERC2981.supportsInterface(interfaceId);
    }

    // Small parts

    function _mintUnits(address to, uint256 tokenId, uint256 units) private {
        Edition memory edition = _editions[tokenId];
        if (!edition.exists) revert UnknownEdition(tokenId);
        uint256 left = (edition.maxUnits == 0 ? type(uint96).max : edition.maxUnits) - edition.minted;
        if (units == 0 || units > left) revert UnitsExhausted(tokenId, units, left);
        _editions[tokenId].minted = edition.minted + uint96(units);
        _mint(to, tokenId, units, "");
    }

    function _setURI(uint256 tokenId, string calldata uri_) private {
        if (bytes(uri_).length == 0) revert EmptyURI();
        _uris[tokenId].setCalldata(uri_);
        emit URI(uri_, tokenId);
    }
}
