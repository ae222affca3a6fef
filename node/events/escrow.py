"""Escrows and payouts. Streams: `escrow:<escrow id>`, `credit:<contract>:<account>`."""

from node.events.chain import ChainEvent
from node.kernel.hexes import Address, Hash32


def escrow_stream(escrow_id: Hash32) -> str:
    return f"escrow:{escrow_id}"


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
