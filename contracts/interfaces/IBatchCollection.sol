// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IStudio} from "./IStudio.sol";

/// @title A merchant's collection that is minted in batches (ERC-721A), used through clones.
/// @notice ERC-721 with ERC-2981, ERC-4906 and ERC-7572. Ids count up from 0. The URI of a token is the base URI with its id.
/// @dev A mint is told by the `Transfer` from zero of each token alone.
interface IBatchCollection is IStudio {
    /// @notice The metadata of all tokens now lies under `uri`. `BatchMetadataUpdate` follows when there are tokens.
    event BaseURIChanged(string uri);

    /// @notice More than `MAX_BATCH`, or nothing.
    error BadQuantity(uint256 quantity);

    /// @notice Makes `quantity` tokens for `to`. Only the merchant and its minters.
    function mintBatch(address to, uint256 quantity) external returns (uint256 first);

    /// @notice Makes the voucher's quantity of tokens for the caller, paid in the same call.
    function redeem(Voucher calldata voucher, bytes calldata signature) external payable returns (uint256 first);

    /// @notice Moves the metadata of all tokens, until frozen. Only the merchant and its editors.
    function setBaseURI(string calldata uri) external;

    /// @notice Destroys a token. Only its owner, or whom that one approved. Its id is never used again.
    function burn(uint256 tokenId) external;

    /// @notice How many tokens were ever minted.
    function totalMinted() external view returns (uint256);

    /// @notice The most tokens of one batch.
    function MAX_BATCH() external view returns (uint256);
}
