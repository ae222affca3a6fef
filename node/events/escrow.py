"""Escrows and payouts.

Streams: `escrow:<escrow id>`, `escrow_signer:<contract>:<account>`, `credit:<contract>:<account>`.
"""

from node.events.chain import ChainEvent
from node.kernel.hexes import Address, Hash32


def escrow_stream(escrow_id: Hash32) -> str:
    return f"escrow:{escrow_id}"


def escrow_signer_stream(contract: Address, signer: Address) -> str:
    return f"escrow_signer:{contract}:{signer}"


def credit_stream(contract: Address, account: Address) -> str:
    return f"credit:{contract}:{account}"


class EscrowFunded(ChainEvent, frozen=True, kw_only=True):
    """`received` is what arrived and is held. Times are seconds."""

    type_name = "escrow.funded"
    escrow_id: Hash32
    order_id: Hash32
    buyer: Address
    seller: Address
    arbiter: Address
    asset: Address
    amount: str
    received: str
    fee_receiver: Address
    fee_bps: int
    silence_seller_bps: int
    ship_by: int
    inspection: int
    ruling: int


class EscrowShipped(ChainEvent, frozen=True, kw_only=True):
    type_name = "escrow.shipped"
    escrow_id: Hash32
    order_id: Hash32
    proof: Hash32
    inspection_ends: int


class EscrowReleased(ChainEvent, frozen=True, kw_only=True):
    type_name = "escrow.released"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    to_seller: str
    fee: str


class EscrowRefunded(ChainEvent, frozen=True, kw_only=True):
    type_name = "escrow.refunded"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    to_buyer: str


class EscrowDisputed(ChainEvent, frozen=True, kw_only=True):
    type_name = "escrow.disputed"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    evidence: Hash32
    ruling_ends: int


class EscrowEvidenceAdded(ChainEvent, frozen=True, kw_only=True):
    type_name = "escrow.evidence_added"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    evidence: Hash32


class EscrowRuled(ChainEvent, frozen=True, kw_only=True):
    type_name = "escrow.ruled"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    silent: bool
    to_seller: str
    to_buyer: str
    fee: str
    reason: Hash32


class EscrowAppealAgreed(ChainEvent, frozen=True, kw_only=True):
    """Follows `escrow.funded`: the buyer named a court when it paid. Times are lengths in seconds."""

    type_name = "escrow.appeal_agreed"
    escrow_id: Hash32
    order_id: Hash32
    court: Address
    window: int
    court_time: int


class EscrowPartReleased(ChainEvent, frozen=True, kw_only=True):
    """`left` is still held."""

    type_name = "escrow.part_released"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    to_seller: str
    fee: str
    left: str


class EscrowPartRefunded(ChainEvent, frozen=True, kw_only=True):
    """`left` is still held."""

    type_name = "escrow.part_refunded"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    to_buyer: str
    left: str


class EscrowSignatureUsed(ChainEvent, frozen=True, kw_only=True):
    """`escrow_id` is zero when the signer voided its own signature."""

    type_name = "escrow.signature_used"
    signer: Address
    nonce: str
    escrow_id: Hash32


class EscrowSettlementOffered(ChainEvent, frozen=True, kw_only=True):
    """`to_seller` is before the fee; the rest of `held` would go to the buyer."""

    type_name = "escrow.settlement_offered"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    to_seller: str
    held: str


class EscrowSettlementWithdrawn(ChainEvent, frozen=True, kw_only=True):
    """Anybody can cause one for terms of his own that were never funded."""

    type_name = "escrow.settlement_withdrawn"
    escrow_id: Hash32
    order_id: Hash32
    by: Address


class EscrowSettled(ChainEvent, frozen=True, kw_only=True):
    """`by` accepted what the other party had offered."""

    type_name = "escrow.settled"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    to_seller: str
    to_buyer: str
    fee: str


class EscrowRulingProposed(ChainEvent, frozen=True, kw_only=True):
    """`to_seller` is before the fee. Times are seconds."""

    type_name = "escrow.ruling_proposed"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    to_seller: str
    reason: Hash32
    appeal_ends: int


class EscrowAppealed(ChainEvent, frozen=True, kw_only=True):
    type_name = "escrow.appealed"
    escrow_id: Hash32
    order_id: Hash32
    by: Address
    evidence: Hash32
    court_ends: int


class PayoutCredited(ChainEvent, frozen=True, kw_only=True):
    """A receiver refused a payment; it waits for a withdrawal."""

    type_name = "payout.credited"
    account: Address
    asset: Address
    amount: str


class PayoutWithdrawn(ChainEvent, frozen=True, kw_only=True):
    type_name = "payout.withdrawn"
    account: Address
    asset: Address
    to: Address
    amount: str
