"""What became of the node's own transactions; their stream is `outgoing:<id>`.

`subject` is `<noun>:<id>` of what asked for it. Events of one transaction may repeat: what was final can
vanish, and be final again.
"""

from node.kernel.spine.event import Event


def outgoing_stream(outgoing_id: object) -> str:
    return f"outgoing:{outgoing_id}"


class _Outgoing(Event, frozen=True, kw_only=True):
    outgoing_id: str
    subject: str
    chain_id: int


class OutgoingFinal(_Outgoing, frozen=True, kw_only=True):
    """The chain ran it. `succeeded` False: it reverted, and only gas was paid. `cost` is wei."""

    type_name = "outgoing.final"
    tx_hash: str
    block_number: int
    succeeded: bool
    cost: str


class OutgoingVanished(_Outgoing, frozen=True, kw_only=True):
    """It was final and is not in the chain any more: the same transaction is sent again."""

    type_name = "outgoing.vanished"
    tx_hash: str
    time: int


class OutgoingRefused(_Outgoing, frozen=True, kw_only=True):
    """The chain would not run it, or never will as its nonce is used up.

    `paid`: the ledger had paid it before it vanished, so its money is in transit.
    """

    type_name = "outgoing.refused"
    reason: str
    paid: bool
