"""Events of payouts; their stream is `payout:<id>`."""

from node.kernel.spine.event import Event


class PayoutMade(Event, frozen=True, kw_only=True):
    """The money left the market's wallet."""

    type_name = "payout.made"

    payout_id: str
    market_id: str


class PayoutPaid(Event, frozen=True, kw_only=True):
    """The owner has it."""

    type_name = "payout.paid"

    payout_id: str
    market_id: str


class PayoutFailed(Event, frozen=True, kw_only=True):
    """The bank did not take it, or sent it back: the market has the money again."""

    type_name = "payout.failed"

    payout_id: str
    market_id: str
