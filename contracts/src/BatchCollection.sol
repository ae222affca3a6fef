// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC721A} from "erc721a/contracts/ERC721A.sol";
import {ERC2981} from "solady/src/tokens/ERC2981.sol";
import {LibString} from "solady/src/utils/LibString.sol";
import {IBatchCollection} from "../interfaces/IBatchCollection.sol";
import {Studio} from "./Studio.sol";

/// @title A merchant's collection for batches, used through clones.
/// @dev A clone never runs ERC721A's constructor, which would set the first id and the names: ids start at zero, which an empty clone does by itself, and the names
///  are the studio's.
contract BatchCollection is IBatchCollection, ERC721A, Studio {
    using LibString for LibString.StringStorage;

    /// @inheritdoc IBatchCollection
    uint256 public constant MAX_BATCH = 100;

    LibString.StringStorage private _base;

    constructor() ERC721A("", "") {}

    /// @inheritdoc IBatchCollection
    function mintBatch(address to, uint256 quantity) external onlyOwnerOrRoles(MINTER_ROLE) returns (uint256 first) {
        return _mintNext(to, quantity);
    }

    /// @inheritdoc IBatchCollection
    function redeem(Voucher calldata voucher, bytes calldata signature) external payable nonReentrant returns (uint256 first) {
        if (voucher.tokenId != 0 || voucher.content != bytes32(0)) revert BadVoucher("content");
        _redeem(voucher, signature);
        first = _mintNext(msg.sender, voucher.quantity);
        _collect(voucher, first);
    }

    /// @inheritdoc IBatchCollection
    function setBaseURI(string calldata uri) external onlyOwnerOrRoles(EDITOR_ROLE) {
        if (_frozen) revert Frozen();
        _base.setCalldata(uri);
        emit BaseURIChanged(uri);
        uint256 minted = _totalMinted();
        if (minted != 0) emit BatchMetadataUpdate(0, minted - 1);
    }

    /// @inheritdoc IBatchCollection
    function burn(uint256 tokenId) external {
        _burn(tokenId, true);
    }

    // Views

    /// @inheritdoc IBatchCollection
    function totalMinted() external view returns (uint256) {
        return _totalMinted();
    }

    /// @inheritdoc ERC721A
    function name() public view override returns (string memory) {
        return _nameOf();
    }

    /// @inheritdoc ERC721A
    function symbol() public view override returns (string memory) {
        return _symbolOf();
    }

    /// @dev ERC-165: ERC-721 with metadata, ERC-2981, ERC-4906.
    function supportsInterface(bytes4 interfaceId) public view override(ERC721A, ERC2981) returns (bool) {
        return ERC721A.supportsInterface(interfaceId) || ERC2981.supportsInterface(interfaceId) || interfaceId == 0x49064906;
    }

    // Small parts

    function _mintNext(address to, uint256 quantity) private returns (uint256 first) {
        if (quantity == 0 || quantity > MAX_BATCH) revert BadQuantity(quantity);
        first = _nextTokenId();
        uint256 cap = _maxSupply;
        if (cap != 0 && first + quantity > cap) revert SupplyExhausted(cap);
        _mint(to, quantity);
    }

    function _baseURI() internal view override returns (string memory) {
        return _base.get();
    }
}
