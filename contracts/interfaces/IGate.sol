// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title A gate that can be shut: nothing new begins, whatever runs goes on, and everything can be taken out.
/// @dev Who may shut and open it, and after which delay, is the business of the contract's authority, an AccessManager.
interface IGate {
    /// @notice Entries are refused from now on.
    event Paused(address account);

    /// @notice Entries are open again.
    event Unpaused(address account);

    /// @notice Nothing new may begin here while entries are paused.
    error EntriesPaused();

    /// @notice Shuts the entries; no change when they are shut. Only the guardians.
    function pause() external;

    /// @notice Opens the entries; no change when they are open. Only those who may resume.
    function unpause() external;

    /// @notice Whether entries are shut.
    function paused() external view returns (bool);
}
