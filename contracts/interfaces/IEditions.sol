// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IStudio} from "./IStudio.sol";

/// @title A merchant's editions: many units of each token (ERC-1155), used through clones.
/// @notice With ERC-2981 and ERC-7572. `maxSupply` caps the number of editions; each edition has a cap of its own.
/// @dev Beside the events below those of ERC-1155: `TransferSingle`, `TransferBatch`, `ApprovalForAll`, `URI(string value, uint256 indexed id)`.
interface IEditions is IStudio {
    /// @notice An edition was opened; `maxUnits` zero means no cap. `URI` follows.
    event EditionCreated(uint256 indexed tokenId, uint256 maxUnits, string uri);

    /// @notice There is no such edition.
    error UnknownEdition(uint256 tokenId);

    /// @notice The cap on units of an edition is reached, or nothing was asked for.
    error UnitsExhausted(uint256 tokenId, uint256 units, uint256 left);

    /// @notice An edition's URI is empty.
    error EmptyURI();

    /// @notice Opens the next edition. Only the merchant and its minters.
    /// @return tokenId Ids count up from 1 without gaps.
    function createEdition(string calldata uri_, uint256 maxUnits) external returns (uint256 tokenId);

    /// @notice Makes units of an edition for `to`. Only the merchant and its minters.
    function mint(address to, uint256 tokenId, uint256 units) external;

    /// @notice Makes the voucher's quantity of units for the caller, paid in the same call.
    function redeem(Voucher calldata voucher, bytes calldata signature) external payable;

    /// @notice Moves the metadata of an edition, until frozen. Only the merchant and its editors.
    function setURI(uint256 tokenId, string calldata uri_) external;

    /// @notice Destroys units. Only their owner, or whom that one approved. They count against the cap for ever.
    function burn(address from, uint256 tokenId, uint256 units) external;

    /// @notice Units ever minted of an edition, and its cap; zero means none.
    function editionOf(uint256 tokenId) external view returns (uint256 minted, uint256 maxUnits);

    /// @notice How many editions there are; also the id of the newest.
    function editionCount() external view returns (uint256);

    /// @notice The name of the collection.
    function name() external view returns (string memory);

    /// @notice Its symbol.
    function symbol() external view returns (string memory);
}
