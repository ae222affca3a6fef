"""Events of transfers between wallets; their stream is `transfer:<id>`. Nobody is named in them."""

from node.kernel.spine.event import Event


class TransferSent(Event, frozen=True, kw_only=True):
    """The sender confirmed it, and the money left. What went to a phone is not told from the rest."""

    type_name = "transfer.sent"

    transfer_id: str


class TransferReturned(Event, frozen=True, kw_only=True):
    """Nobody with that phone came in time, and the sender has the money again."""

    type_name = "transfer.returned"

    transfer_id: str
