// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Minimal soulbound NFTs (ERC-5192).
interface IERC5192 {
    /// @notice The token cannot be transferred.
    event Locked(uint256 tokenId);

    /// @notice The token can be transferred. Declared by the standard; never emitted here.
    event Unlocked(uint256 tokenId);

    /// @notice A token that is locked stays where it is.
    error TokenLocked(uint256 tokenId);

    /// @notice Whether the token cannot be transferred; fails for a token that does not exist.
    function locked(uint256 tokenId) external view returns (bool);
}
