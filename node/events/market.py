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


class MarketMemberJoined(Event, frozen=True, kw_only=True):
    """`role`: owner, manager, staff or accountant."""

    type_name = "market.member_joined"

    market_id: str
    account_id: str
    role: str


class MarketMemberLeft(Event, frozen=True, kw_only=True):
    """By themselves, or taken out by the owner."""

    type_name = "market.member_left"

    market_id: str
    account_id: str
