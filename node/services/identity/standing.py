"""What a caller is at this moment: to the node, and to the thing that the request names.

One statement on the query path; `api/permissions.py` says what follows from it. It looks into the tables of
other nouns, as only the database can answer all of this at once.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, LiteralString

from node.kernel.db.query_pool import QueryPool
from node.kernel.hexes import to_bytes
from node.services.identity.tokens import Principal


class Thing(StrEnum):
    """What a path can name that belongs to a market."""

    MARKET = "market"
    PRODUCT = "product"
    ORDER = "order"


_ROLE: Final[LiteralString] = """
    (
        SELECT member.role FROM market.member
        WHERE member.market_id = thing.market_id AND member.account_id = account.id
    )
"""
_THINGS: Final[Mapping[Thing, LiteralString]] = {
    Thing.MARKET: f"""
        SELECT json_build_object('market_id', thing.market_id, 'is', json_build_array({_ROLE}))
        FROM (SELECT id AS market_id FROM market.market WHERE id = %(thing_id)s::uuid) AS thing
    """,  # noqa: S608 - literals of the code
    Thing.PRODUCT: f"""
        SELECT json_build_object('market_id', thing.market_id, 'is', json_build_array({_ROLE}))
        FROM catalog.product AS thing WHERE thing.id = %(thing_id)s::uuid
    """,  # noqa: S608 - literals of the code
    Thing.ORDER: f"""
        SELECT json_build_object('market_id', thing.market_id, 'is', json_build_array(
            {_ROLE},
            CASE WHEN thing.seller = %(wallet)s::bytea THEN 'owner' END,
            CASE WHEN thing.buyer_account_id = account.id OR thing.buyer = %(wallet)s::bytea THEN 'buyer' END,
            CASE WHEN thing.arbiter = %(wallet)s::bytea THEN 'judge' END,
            CASE WHEN thing.state IN ('disputed', 'proposed', 'appealed') AND EXISTS (
                SELECT FROM identity.role_grant
                WHERE role_grant.account_id = account.id AND role_grant.role = 'arbiter'
            ) THEN 'arbiter' END
        ))
        FROM orders.shop_order AS thing WHERE thing.id = %(thing_id)s::uuid
    """,  # noqa: S608 - literals of the code
}
_STANDING: Final[LiteralString] = """
    SELECT json_build_object(
        'is_open', %(is_key)s OR EXISTS (
            SELECT FROM identity.session
            WHERE session.id = %(session_id)s AND session.account_id = account.id
                AND session.ended_at IS NULL
        ),
        'is_frozen', account.frozen_at IS NOT NULL,
        'roles', (
            SELECT coalesce(json_agg(role), '[]'::json) FROM identity.role_grant
            WHERE role_grant.account_id = account.id
        ),
        'thing', {thing}
    )
    FROM identity.account WHERE account.id = %(account_id)s
"""
_ALONE: Final[LiteralString] = _STANDING.replace("{thing}", "NULL")
_WITH: Final[Mapping[Thing, LiteralString]] = {
    thing: _STANDING.replace("{thing}", f"({sql})") for thing, sql in _THINGS.items()
}


@dataclass(frozen=True, slots=True)
class Standing:
    is_open: bool
    """Whether the session was not signed out. A key's word is its own."""
    is_frozen: bool
    roles: frozenset[str]
    """For the whole node."""
    to_thing: frozenset[str] | None
    """Roles in the thing's market, and parts in the order; None: there is no such thing."""
    market_id: uuid.UUID | None
    thing: Thing | None
    """What was asked about."""


async def standing_of(
    queries: QueryPool, principal: Principal, thing: Thing | None, thing_id: uuid.UUID | None
) -> Standing | None:
    """None when the account does not exist."""
    params = {
        "account_id": principal.account_id,
        "session_id": principal.session_id,
        "is_key": principal.is_key,
        "thing_id": thing_id,
        "wallet": None if principal.wallet is None else to_bytes(principal.wallet),
    }
    raw = await queries.json(_ALONE if thing is None else _WITH[thing], params)
    if raw is None:
        return None
    found = json.loads(raw)
    named = found["thing"]
    return Standing(
        is_open=found["is_open"],
        is_frozen=found["is_frozen"],
        roles=frozenset(found["roles"]),
        to_thing=None if named is None else frozenset(part for part in named["is"] if part),
        market_id=None if named is None else uuid.UUID(named["market_id"]),
        thing=thing,
    )
