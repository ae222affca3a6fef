// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC2981} from "solady/src/tokens/ERC2981.sol";
import {ERC721} from "solady/src/tokens/ERC721.sol";
import {LibString} from "solady/src/utils/LibString.sol";
import {ICollection} from "../interfaces/ICollection.sol";
import {Cid} from "./Cid.sol";
import {Studio} from "./Studio.sol";

/// @title A merchant's collection, used through clones.
contract Collection is ICollection, ERC721, Studio {
    using LibString for LibString.StringStorage;

    /// @dev A token whose URI is a usual IPFS address keeps the digest alone, in one word, and beside its owner which kind it is; any other URI is a string.
    mapping(uint256 tokenId => bytes32 digest) private _digests;
    mapping(uint256 tokenId => LibString.StringStorage uri) private _uris;

    /// @inheritdoc ICollection
    function mint(address to, string calldata uri) external onlyOwnerOrRoles(MINTER_ROLE) returns (uint256 tokenId) {
        return _mintNext(to, uri);
    }

    /// @inheritdoc ICollection
    function redeem(Voucher calldata voucher, string calldata uri, bytes calldata signature) external payable nonReentrant returns (uint256 tokenId) {
        if (voucher.quantity != 1 || voucher.tokenId != 0) revert BadVoucher("quantity");
        if (keccak256(bytes(uri)) != voucher.content) revert BadVoucher("content");
        _redeem(voucher, signature);
        tokenId = _mintNext(msg.sender, uri);
        _collect(voucher, tokenId);
    }

    /// @inheritdoc ICollection
    function setTokenURI(uint256 tokenId, string calldata uri) external onlyOwnerOrRoles(EDITOR_ROLE) {
        if (_frozen) revert Frozen();
        if (!_exists(tokenId)) revert TokenDoesNotExist();
        _setExtraData(tokenId, _storeURI(tokenId, uri));
        emit TokenURIChanged(tokenId, uri);
        emit MetadataUpdate(tokenId);
    }

    /// @inheritdoc ICollection
    function burn(uint256 tokenId) external {
        _burn(msg.sender, tokenId);
    }

    // Views

    /// @inheritdoc ERC721
    function name() public view override returns (string memory) {
        return _nameOf();
    }

    /// @inheritdoc ERC721
    function symbol() public view override returns (string memory) {
        return _symbolOf();
    }

    /// @inheritdoc ERC721
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        if (!_exists(tokenId)) revert TokenDoesNotExist();
        uint96 kind = _getExtraData(tokenId);
        return kind == Cid.NONE ? _uris[tokenId].get() : Cid.unpack(kind, _digests[tokenId]);
    }

    /// @inheritdoc ICollection
    function totalMinted() external view returns (uint256) {
        return _minted;
    }

    /// @dev ERC-165: ERC-721 with metadata, ERC-2981, ERC-4906.
    function supportsInterface(bytes4 interfaceId) public view virtual override(ERC721, ERC2981) returns (bool) {
        return ERC721.supportsInterface(interfaceId) || ERC2981.supportsInterface(interfaceId) || interfaceId == 0x49064906;
    }

    // Small parts

    function _mintNext(address to, string calldata uri) private returns (uint256 tokenId) {
        tokenId = _countUp(1);
        if (to == address(0)) revert TransferToZeroAddress();
        // Ids are never used twice, as the counter only grows.
        _mintAndSetExtraDataUnchecked(to, tokenId, _storeURI(tokenId, uri));
        emit Minted(tokenId, to, uri);
    }

    /// @return kind Goes into the token's extra data; the text of an earlier URI may stay behind, unread.
    function _storeURI(uint256 tokenId, string calldata uri) private returns (uint96 kind) {
        if (bytes(uri).length == 0) revert EmptyURI();
        bytes32 digest;
        (kind, digest) = Cid.pack(uri);
        if (kind == Cid.NONE) _uris[tokenId].setCalldata(uri);
        else _digests[tokenId] = digest;
    }
}
