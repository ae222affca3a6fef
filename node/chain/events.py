"""What our contracts say: one struct per event, fields in the order of its ABI.

Names are the ABI's in snake case, but for `from` and `to` of transfers, which are `sender` and `recipient`.
Addresses and hashes are lower-case hex, bytes are bytes, numbers are ints in the smallest unit or seconds.
"""

from typing import ClassVar

from msgspec import Struct

from node.kernel.hexes import Address, Hash32


class ChainLog(Struct, frozen=True, gc=False):
    """Base of decoded logs. `abi_name` is the event's name in the ABI. Nothing in them can form a cycle."""

    abi_name: ClassVar[str]


# ---------------------------------------------------------------------------------- collection, factory


class CollectionCreated(ChainLog, frozen=True):
    abi_name = "CollectionCreated"
    collection: Address
    creator: Address
    salt: Hash32
    name: str
    symbol: str
    contract_uri: str
    royalty_receiver: Address
    royalty_bps: int
    max_supply: int


class TokenTransfer(ChainLog, frozen=True):
    abi_name = "Transfer"
    sender: Address
    recipient: Address
    token_id: int


class Minted(ChainLog, frozen=True):
    abi_name = "Minted"
    token_id: int
    to: Address
    uri: str


class TokenURIChanged(ChainLog, frozen=True):
    abi_name = "TokenURIChanged"
    token_id: int
    uri: str


class MetadataFrozen(ChainLog, frozen=True):
    abi_name = "MetadataFrozen"


class ContractURIChanged(ChainLog, frozen=True):
    abi_name = "ContractURIChanged"
    uri: str


class RoyaltyChanged(ChainLog, frozen=True):
    abi_name = "RoyaltyChanged"
    receiver: Address
    bps: int


class OwnershipTransferred(ChainLog, frozen=True):
    abi_name = "OwnershipTransferred"
    old_owner: Address
    new_owner: Address


# -------------------------------------------------------------------------------------------- exchange


class Sold(ChainLog, frozen=True):
    abi_name = "Sold"
    digest: Hash32
    seller: Address
    buyer: Address
    kind: int
    collection: Address
    token_id: int
    quantity: int
    currency: Address
    price: int
    royalty_receiver: Address
    royalty: int
    fee: int
    nonce: int


class NonceCancelled(ChainLog, frozen=True):
    abi_name = "NonceCancelled"
    signer: Address
    nonce: int


class QuoteFilled(ChainLog, frozen=True):
    """Comes before the `Sold` of the same units; only for quotes of more than one unit."""

    abi_name = "QuoteFilled"
    digest: Hash32
    maker: Address
    nonce: int
    units: int
    filled: int
    quantity: int


class GroupCancelled(ChainLog, frozen=True):
    abi_name = "GroupCancelled"
    signer: Address
    group: int


class AllCancelled(ChainLog, frozen=True):
    abi_name = "AllCancelled"
    signer: Address
    epoch: int


class FeeChanged(ChainLog, frozen=True):
    abi_name = "FeeChanged"
    receiver: Address
    bps: int


class CurrencyAllowed(ChainLog, frozen=True):
    abi_name = "CurrencyAllowed"
    currency: Address
    allowed: bool


# -------------------------------------------------------------------- whatever pays others


class Credited(ChainLog, frozen=True):
    abi_name = "Credited"
    account: Address
    asset: Address
    amount: int


class Withdrawn(ChainLog, frozen=True):
    abi_name = "Withdrawn"
    account: Address
    asset: Address
    to: Address
    amount: int


# ---------------------------------------------------------------------------------------------- escrow


class Funded(ChainLog, frozen=True):
    abi_name = "Funded"
    escrow_id: Hash32
    order_id: Hash32
    buyer: Address
    seller: Address
    arbiter: Address
    asset: Address
    amount: int
    received: int
    fee_receiver: Address
    fee_bps: int
    silence_seller_bps: int
    ship_by: int
    inspection: int
    ruling: int


class Shipped(ChainLog, frozen=True):
    abi_name = "Shipped"
    escrow_id: Hash32
    order_id: Hash32
    proof: Hash32
    inspection_ends: int


class Released(ChainLog, frozen=True):
    abi_name = "Released"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    to_seller: int
    fee: int


class Refunded(ChainLog, frozen=True):
    abi_name = "Refunded"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    to_buyer: int


class Disputed(ChainLog, frozen=True):
    abi_name = "Disputed"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    evidence: Hash32
    ruling_ends: int


class EvidenceAdded(ChainLog, frozen=True):
    abi_name = "EvidenceAdded"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    evidence: Hash32


class Ruled(ChainLog, frozen=True):
    abi_name = "Ruled"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    silent: bool
    to_seller: int
    to_buyer: int
    fee: int
    reason: Hash32


class AppealAgreed(ChainLog, frozen=True):
    abi_name = "AppealAgreed"
    escrow_id: Hash32
    order_id: Hash32
    court: Address
    window: int
    court_time: int


class PartReleased(ChainLog, frozen=True):
    abi_name = "PartReleased"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    to_seller: int
    fee: int
    left: int


class PartRefunded(ChainLog, frozen=True):
    abi_name = "PartRefunded"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    to_buyer: int
    left: int


class SignatureUsed(ChainLog, frozen=True):
    """`escrow_id` is zero when the signer voided its own signature."""

    abi_name = "SignatureUsed"
    signer: Address
    nonce: int
    escrow_id: Hash32


class SettlementOffered(ChainLog, frozen=True):
    """`to_seller` is before the fee."""

    abi_name = "SettlementOffered"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    to_seller: int
    held: int


class SettlementWithdrawn(ChainLog, frozen=True):
    """Anybody can write one for terms of his own that were never funded."""

    abi_name = "SettlementWithdrawn"
    escrow_id: Hash32
    order_id: Hash32
    by: Address


class Settled(ChainLog, frozen=True):
    abi_name = "Settled"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    to_seller: int
    to_buyer: int
    fee: int


class RulingProposed(ChainLog, frozen=True):
    """`to_seller` is before the fee."""

    abi_name = "RulingProposed"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    to_seller: int
    reason: Hash32
    appeal_ends: int


class Appealed(ChainLog, frozen=True):
    abi_name = "Appealed"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    evidence: Hash32
    court_ends: int


# ------------------------------------------------------------------------------------------ governance


class ProposalCreated(ChainLog, frozen=True):
    """`description` is raw: its hash is part of the proposal's id, and it need not be UTF-8."""

    abi_name = "ProposalCreated"
    proposal_id: int
    proposer: Address
    targets: tuple[Address, ...]
    values: tuple[int, ...]
    signatures: tuple[bytes, ...]
    calldatas: tuple[bytes, ...]
    vote_start: int
    vote_end: int
    description: bytes


class ProposalQueued(ChainLog, frozen=True):
    abi_name = "ProposalQueued"
    proposal_id: int
    eta_seconds: int


class ProposalExecuted(ChainLog, frozen=True):
    abi_name = "ProposalExecuted"
    proposal_id: int


class ProposalCanceled(ChainLog, frozen=True):
    abi_name = "ProposalCanceled"
    proposal_id: int


class ProposalExtended(ChainLog, frozen=True):
    abi_name = "ProposalExtended"
    proposal_id: int
    extended_deadline: int


class VoteCast(ChainLog, frozen=True):
    abi_name = "VoteCast"
    voter: Address
    proposal_id: int
    support: int
    weight: int
    reason: str


class VoteCastWithParams(ChainLog, frozen=True):
    abi_name = "VoteCastWithParams"
    voter: Address
    proposal_id: int
    support: int
    weight: int
    reason: str
    params: bytes


class VotingDelaySet(ChainLog, frozen=True):
    abi_name = "VotingDelaySet"
    old_voting_delay: int
    new_voting_delay: int


class VotingPeriodSet(ChainLog, frozen=True):
    abi_name = "VotingPeriodSet"
    old_voting_period: int
    new_voting_period: int


class ProposalThresholdSet(ChainLog, frozen=True):
    abi_name = "ProposalThresholdSet"
    old_proposal_threshold: int
    new_proposal_threshold: int


class QuorumNumeratorUpdated(ChainLog, frozen=True):
    abi_name = "QuorumNumeratorUpdated"
    old_quorum_numerator: int
    new_quorum_numerator: int


class LateQuorumVoteExtensionSet(ChainLog, frozen=True):
    abi_name = "LateQuorumVoteExtensionSet"
    old_vote_extension: int
    new_vote_extension: int


class ProposalGuardianSet(ChainLog, frozen=True):
    abi_name = "ProposalGuardianSet"
    old_guardian: Address
    new_guardian: Address


class TimelockChange(ChainLog, frozen=True):
    abi_name = "TimelockChange"
    old_timelock: Address
    new_timelock: Address


# ----------------------------------------------------------------------------------------- votes token


class VotesTransfer(ChainLog, frozen=True):
    abi_name = "Transfer"
    sender: Address
    recipient: Address
    value: int


class DelegateChanged(ChainLog, frozen=True):
    abi_name = "DelegateChanged"
    delegator: Address
    from_delegate: Address
    to_delegate: Address


class DelegateVotesChanged(ChainLog, frozen=True):
    abi_name = "DelegateVotesChanged"
    delegate: Address
    previous_votes: int
    new_votes: int
