// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title A merchant's collection of single NFTs.
/// @notice ERC-721 with ERC-2981 (default royalty), ERC-4906 (metadata updates) and ERC-7572 (contract metadata).
/// @dev Beside the events below a collection emits those of the standards, unchanged:
///  ERC-721 `Transfer(address indexed from, address indexed to, uint256 indexed id)`,
///  `Approval(address indexed owner, address indexed account, uint256 indexed id)`,
///  `ApprovalForAll(address indexed owner, address indexed operator, bool isApproved)`,
///  and `OwnershipTransferred(address indexed oldOwner, address indexed newOwner)` for the merchant's own role.
interface ICollection {
    /// @notice What a collection is born with.
    struct CollectionTerms {
        string name;
        string symbol;
        string contractURI;
        /// @dev Zero together with zero `royaltyBps` means no royalty.
        address royaltyReceiver;
        uint16 royaltyBps;
        /// @dev The most tokens that can ever exist; zero means no cap.
        uint256 maxSupply;
    }

    /// @notice A token was made. Follows the `Transfer` from zero of the same token.
    event Minted(uint256 indexed tokenId, address indexed to, string uri);

    /// @notice The metadata of a token now lies at `uri`. `MetadataUpdate` follows.
    event TokenURIChanged(uint256 indexed tokenId, string uri);

    /// @notice ERC-4906.
    event MetadataUpdate(uint256 _tokenId);

    /// @notice ERC-4906. Declared for readers; the present code changes one token at a time.
    event BatchMetadataUpdate(uint256 _fromTokenId, uint256 _toTokenId);

    /// @notice From here on no token URI changes any more.
    event MetadataFrozen();

    /// @notice The metadata of the collection now lies at `uri`. `ContractURIUpdated` follows.
    event ContractURIChanged(string uri);

    /// @notice ERC-7572.
    event ContractURIUpdated();

    /// @notice The royalty of every token is now `bps` ten-thousandths of the price, owed to `receiver`.
    event RoyaltyChanged(address indexed receiver, uint16 bps);

    /// @notice The cap on supply is reached.
    error SupplyExhausted(uint256 maxSupply);

    /// @notice A royalty above `maxBps`, or one without a receiver.
    error BadRoyalty(address receiver, uint256 bps, uint256 maxBps);

    /// @notice The metadata was frozen.
    error Frozen();

    /// @notice A token's URI is empty.
    error EmptyURI();

    /// @notice Sets up a fresh clone; works once.
    function initialize(address merchant, CollectionTerms calldata terms) external;

    /// @notice Makes the next token for `to`. Only the merchant (the owner of the collection).
    /// @return tokenId Ids count up from 1 without gaps.
    function mint(address to, string calldata uri) external returns (uint256 tokenId);

    /// @notice Moves the metadata of a token, until frozen. Only the merchant.
    function setTokenURI(uint256 tokenId, string calldata uri) external;

    /// @notice Gives up the right to change token URIs, for ever. Only the merchant.
    function freezeMetadata() external;

    /// @notice Moves the metadata of the collection. Only the merchant.
    function setContractURI(string calldata uri) external;

    /// @notice Changes the default royalty, at most `MAX_ROYALTY_BPS`. Only the merchant.
    function setRoyalty(address receiver, uint16 bps) external;

    /// @notice Where the metadata of the collection lies (ERC-7572).
    function contractURI() external view returns (string memory);

    /// @notice How many tokens were ever minted; also the id of the newest.
    function totalMinted() external view returns (uint256);

    /// @notice The cap on supply; zero means none.
    function maxSupply() external view returns (uint256);

    /// @notice Whether token URIs can no longer change.
    function metadataFrozen() external view returns (bool);

    /// @notice The highest royalty that a collection may ask, in ten-thousandths.
    function MAX_ROYALTY_BPS() external view returns (uint16);
}
