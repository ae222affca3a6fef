"""Events of payouts; their stream is `payout:<id>`."""

from node.kernel.spine.event import Event


class PayoutMade(Event, frozen=True, kw_only=True):
    """The money left the market's wallet, or is set aside there."""

    type_name = "payout.made"

    payout_id: str
    market_id: str


class PayoutPaid(Event, frozen=True, kw_only=True):
    """The owner has it."""

    type_name = "payout.paid"

    payout_id: str
    market_id: str


class PayoutVanished(Event, frozen=True, kw_only=True):
    """The chain lost it after it was final: it is sent again."""

    type_name = "payout.vanished"

    payout_id: str
    market_id: str


class PayoutFailed(Event, frozen=True, kw_only=True):
    """It was not taken, not allowed, or sent back: the market has the money again."""

    type_name = "payout.failed"

    payout_id: str
    market_id: str
