"""Events of markets; their stream is `market:<id>`."""

from node.kernel.spine.event import Event


class MarketOpened(Event, frozen=True, kw_only=True):
    type_name = "market.opened"

    market_id: str
    owner_account_id: str
    slug: str
    name: str
    language: str
    payout_address: str
    arbiter: str


class MarketChanged(Event, frozen=True, kw_only=True):
    """`fields` names what changed; the values are those of now."""

    type_name = "market.changed"

    market_id: str
    fields: list[str]
