// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "solady/src/auth/Ownable.sol";
import {ERC2981} from "solady/src/tokens/ERC2981.sol";
import {ERC721} from "solady/src/tokens/ERC721.sol";
import {LibString} from "solady/src/utils/LibString.sol";
import {ICollection} from "../interfaces/ICollection.sol";
import {Cid} from "./Cid.sol";

/// @title A merchant's collection, used through clones.
/// @dev The implementation itself is closed at construction; a clone is set up in the transaction that makes it.
contract Collection is ICollection, ERC721, ERC2981, Ownable {
    using LibString for LibString.StringStorage;

    /// @inheritdoc ICollection
    uint16 public constant MAX_ROYALTY_BPS = 1000;

    /// @dev Minting reads and writes one word: both counters are far below 2^64, see `initialize`.
    uint64 private _minted;
    uint64 private _maxSupply;
    bool private _frozen;

    LibString.StringStorage private _name;
    LibString.StringStorage private _symbol;
    LibString.StringStorage private _contractURI;

    /// @dev A token whose URI is a usual IPFS address keeps the digest alone, in one word, and beside its owner which kind it is; any other URI is a string.
    mapping(uint256 tokenId => bytes32 digest) private _digests;
    mapping(uint256 tokenId => LibString.StringStorage uri) private _uris;

    constructor() {
        _initializeOwner(address(1));
    }

    /// @inheritdoc ICollection
    function initialize(address merchant, CollectionTerms calldata terms) external {
        _initializeOwner(merchant);
        if (terms.maxSupply > type(uint64).max) revert SupplyExhausted(terms.maxSupply);
        _name.setCalldata(terms.name);
        _symbol.setCalldata(terms.symbol);
        _contractURI.setCalldata(terms.contractURI);
        _maxSupply = uint64(terms.maxSupply);
        if (terms.royaltyBps != 0 || terms.royaltyReceiver != address(0)) _setRoyalty(terms.royaltyReceiver, terms.royaltyBps);
    }

    // What the merchant does

    /// @inheritdoc ICollection
    function mint(address to, string calldata uri) external onlyOwner returns (uint256 tokenId) {
        uint256 cap = _maxSupply;
        tokenId = uint256(_minted) + 1;
        if (cap != 0 && tokenId > cap) revert SupplyExhausted(cap);
        _minted = uint64(tokenId);
        if (to == address(0)) revert TransferToZeroAddress();
        // Ids are never used twice, as the counter only grows.
        _mintAndSetExtraDataUnchecked(to, tokenId, _storeURI(tokenId, uri));
        emit Minted(tokenId, to, uri);
    }

    /// @inheritdoc ICollection
    function setTokenURI(uint256 tokenId, string calldata uri) external onlyOwner {
        if (_frozen) revert Frozen();
        if (!_exists(tokenId)) revert TokenDoesNotExist();
        _setExtraData(tokenId, _storeURI(tokenId, uri));
        emit TokenURIChanged(tokenId, uri);
        emit MetadataUpdate(tokenId);
    }

    /// @inheritdoc ICollection
    function freezeMetadata() external onlyOwner {
        if (_frozen) revert Frozen();
        _frozen = true;
        emit MetadataFrozen();
    }

    /// @inheritdoc ICollection
    function setContractURI(string calldata uri) external onlyOwner {
        _contractURI.setCalldata(uri);
        emit ContractURIChanged(uri);
        emit ContractURIUpdated();
    }

    /// @inheritdoc ICollection
    function setRoyalty(address receiver, uint16 bps) external onlyOwner {
        _setRoyalty(receiver, bps);
        emit RoyaltyChanged(receiver, bps);
    }

    // Views

    /// @inheritdoc ERC721
    function name() public view override returns (string memory) {
        return _name.get();
    }

    /// @inheritdoc ERC721
    function symbol() public view override returns (string memory) {
        return _symbol.get();
    }

    /// @inheritdoc ERC721
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        if (!_exists(tokenId)) revert TokenDoesNotExist();
        uint96 kind = _getExtraData(tokenId);
        return kind == Cid.NONE ? _uris[tokenId].get() : Cid.unpack(kind, _digests[tokenId]);
    }

    /// @inheritdoc ICollection
    function contractURI() external view returns (string memory) {
        return _contractURI.get();
    }

    /// @inheritdoc ICollection
    function totalMinted() external view returns (uint256) {
        return _minted;
    }

    /// @inheritdoc ICollection
    function maxSupply() external view returns (uint256) {
        return _maxSupply;
    }

    /// @inheritdoc ICollection
    function metadataFrozen() external view returns (bool) {
        return _frozen;
    }

    /// @dev ERC-165: ERC-721 with metadata, ERC-2981, ERC-4906.
    function supportsInterface(bytes4 interfaceId) public view override(ERC721, ERC2981) returns (bool) {
        return ERC721.supportsInterface(interfaceId) || ERC2981.supportsInterface(interfaceId) || interfaceId == 0x49064906;
    }

    // Small parts

    /// @return kind Goes into the token's extra data; the text of an earlier URI may stay behind, unread.
    function _storeURI(uint256 tokenId, string calldata uri) private returns (uint96 kind) {
        if (bytes(uri).length == 0) revert EmptyURI();
        bytes32 digest;
        (kind, digest) = Cid.pack(uri);
        if (kind == Cid.NONE) _uris[tokenId].setCalldata(uri);
        else _digests[tokenId] = digest;
    }

    /// @dev No royalty is no receiver: the only pair with a zero.
    function _setRoyalty(address receiver, uint16 bps) private {
        if (bps > MAX_ROYALTY_BPS || (bps == 0) != (receiver == address(0))) revert BadRoyalty(receiver, bps, MAX_ROYALTY_BPS);
        if (bps == 0) _deleteDefaultRoyalty();
        else _setDefaultRoyalty(receiver, bps);
    }

    /// @dev `initialize` works once per clone and never on the implementation.
    function _guardInitializeOwner() internal pure override returns (bool) {
        return true;
    }
}
