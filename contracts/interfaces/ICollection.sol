// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IStudio} from "./IStudio.sol";

/// @title A merchant's collection of single NFTs.
/// @notice ERC-721 with ERC-2981 (default royalty), ERC-4906 (metadata updates) and ERC-7572 (contract metadata).
/// @dev Beside the events below a collection emits those of the standards, unchanged:
///  ERC-721 `Transfer(address indexed from, address indexed to, uint256 indexed id)`,
///  `Approval(address indexed owner, address indexed account, uint256 indexed id)`,
///  `ApprovalForAll(address indexed owner, address indexed operator, bool isApproved)`,
///  and `OwnershipTransferred(address indexed oldOwner, address indexed newOwner)` for the merchant's own role.
interface ICollection is IStudio {
    /// @notice A token was made. Follows the `Transfer` from zero of the same token.
    event Minted(uint256 indexed tokenId, address indexed to, string uri);

    /// @notice The metadata of a token now lies at `uri`. `MetadataUpdate` follows.
    event TokenURIChanged(uint256 indexed tokenId, string uri);

    /// @notice A token's URI is empty.
    error EmptyURI();

    /// @notice Makes the next token for `to`. Only the merchant (the owner of the collection) and its minters.
    /// @return tokenId Ids count up from 1 without gaps.
    function mint(address to, string calldata uri) external returns (uint256 tokenId);

    /// @notice Moves the metadata of a token, until frozen. Only the merchant and its editors.
    function setTokenURI(uint256 tokenId, string calldata uri) external;

    /// @notice How many tokens were ever minted; also the id of the newest.
    function totalMinted() external view returns (uint256);

    /// @notice Makes the next token for the caller by a voucher, paid in the same call.
    /// @param uri Its keccak256 is the voucher's `content`.
    function redeem(Voucher calldata voucher, string calldata uri, bytes calldata signature) external payable returns (uint256 tokenId);

    /// @notice Destroys a token. Only its owner, or whom that one approved. Its id is never used again.
    function burn(uint256 tokenId) external;
}
