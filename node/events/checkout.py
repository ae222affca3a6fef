"""What the checkout contract tells. Streams: `invoice:<hash>`, `payout:<chain id>:<payer>`."""

from node.events.chain import ChainEvent
from node.kernel.hexes import Address, Hash32


def invoice_stream(invoice_hash: Hash32) -> str:
    return f"invoice:{invoice_hash}"


def payout_stream(chain_id: int, payer: Address) -> str:
    return f"payout:{chain_id}:{payer}"


class InvoicePaid(ChainEvent, frozen=True, kw_only=True):
    """Of `sent`, `to_payee` and `fee` arrived. The hash is that of all the invoice's fields."""

    type_name = "checkout.invoice_paid"
    invoice_hash: Hash32
    invoice_id: Hash32
    payee: Address
    payer: Address
    asset: Address
    amount: str
    sent: str
    to_payee: str
    fee_receiver: Address
    fee: str


class _OfBatch(ChainEvent, frozen=True, kw_only=True):
    payer: Address
    recipient: Address
    reference: Hash32
    asset: Address
    amount: str


class PaidOut(_OfBatch, frozen=True, kw_only=True):
    """One payment of a batch arrived. Anybody can make one: it counts by who paid."""

    type_name = "checkout.paid_out"


class PayoutRefused(_OfBatch, frozen=True, kw_only=True):
    """One payment of a batch was refused: its payer has the money again."""

    type_name = "checkout.payout_refused"
