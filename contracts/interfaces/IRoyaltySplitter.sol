// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Shares what it receives among fixed payees, who each pull their part. Used through clones.
/// @notice For several royalty receivers: ERC-2981 names one, so that one is a splitter. No payee can block another. Tokens whose balances change by themselves, or
///  that take a part on the way out, do not fit.
interface IRoyaltySplitter {
    /// @notice `amount` of `asset` (zero: native coin) went to `payee`.
    event ShareReleased(address indexed payee, address indexed asset, uint256 amount);

    /// @notice The shares do not make a whole, a payee is there twice or is nobody, there are too many, or it was set up before.
    error BadShares();

    /// @notice Nothing is due.
    error NothingDue(address payee, address asset);

    /// @notice The payee, or the token, refused.
    error ReleaseFailed(address payee, address asset);

    /// @notice Sets up a fresh clone; works once.
    function initialize(address[] calldata payees, uint16[] calldata bps) external;

    /// @notice Pays a payee what is due to it. Anyone may call.
    function release(address payee, address asset) external returns (uint256 amount);

    /// @notice What a payee could have now.
    function dueTo(address payee, address asset) external view returns (uint256 amount);

    /// @notice The share of a payee, in ten-thousandths.
    function shareOf(address payee) external view returns (uint256 bps);

    /// @notice The most payees.
    function MAX_PAYEES() external view returns (uint256);
}

/// @title Makes splitters, at addresses that are known beforehand.
interface ISplitterFactory {
    /// @notice A splitter was made.
    event SplitterCreated(address indexed splitter, address indexed creator, address[] payees, uint16[] bps);

    /// @notice Makes the splitter of these shares; fails when it is there.
    function create(address[] calldata payees, uint16[] calldata bps) external returns (address splitter);

    /// @notice Where the splitter of these shares is, or will be.
    function predict(address[] calldata payees, uint16[] calldata bps) external view returns (address splitter);

    /// @notice The code that every splitter delegates to.
    function implementation() external view returns (address);
}
