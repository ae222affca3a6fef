// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The DAO: OpenZeppelin's Governor over the votes token, executing through the timelock, which is also the treasury.
/// @dev Timestamp clock (ERC-6372); simple counting (0 against, 1 for, 2 abstain); quorum is a fraction of the supply; a quorum that is reached late extends the vote.
///  Times are seconds. A proposal goes: Pending (voting delay), Active (voting period), Succeeded, `queue`, timelock delay, `execute`.
///  Emits the events of OpenZeppelin, unchanged:
///  `ProposalCreated(uint256 proposalId, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 voteStart,
///  uint256 voteEnd, string description)`, `ProposalQueued(uint256 proposalId, uint256 etaSeconds)`, `ProposalExecuted(uint256 proposalId)`,
///  `ProposalCanceled(uint256 proposalId)`, `ProposalExtended(uint256 indexed proposalId, uint64 extendedDeadline)`,
///  `VoteCast(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason)`,
///  `VoteCastWithParams(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason, bytes params)`,
///  `VotingDelaySet`, `VotingPeriodSet`, `ProposalThresholdSet`, `QuorumNumeratorUpdated`, `TimelockChange`, `LateQuorumVoteExtensionSet`.
///  `ProposalGuardianSet(address oldProposalGuardian, address newProposalGuardian)`.
///  A guardian, set by proposal (nobody at first), may cancel any proposal before its execution, and nothing else.
///  A vote by signature (`castVoteBySig`) counts with the nonce `nonces(voter, uint192(proposalId))`, so that votes on several proposals can be brought in any
///  order, or with the plain `nonces(voter)`. Typed data: `Ballot(uint256 proposalId,uint8 support,address voter,uint256 nonce)`, domain "ASOUD Governor", version "1".
///  The timelock is OpenZeppelin's TimelockController with `CallScheduled`, `CallExecuted`, `Cancelled`, `MinDelayChange`, `RoleGranted`, `RoleRevoked`.
interface IAsoudGovernor {
    /// @notice The settings that the governor is born with; later it changes them by proposal only.
    struct GovernorTerms {
        /// @dev Seconds between a proposal and its vote.
        uint48 votingDelay;
        /// @dev Seconds that a vote is open.
        uint32 votingPeriod;
        /// @dev Votes that a proposer needs, in the token's smallest unit.
        uint256 proposalThreshold;
        /// @dev Percent of the supply that must vote for or abstain.
        uint256 quorumPercent;
        /// @dev Seconds that a vote stays open at least after its quorum was reached.
        uint48 lateQuorumExtension;
    }
}
