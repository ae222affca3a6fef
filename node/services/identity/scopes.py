"""What an API key may be allowed: `orders.read`, or narrowed to one market, `orders.read:<market id>`.

A key never does more than its account may at that moment: a scope takes away, it gives nothing.
"""

import uuid
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from enum import StrEnum

from node.services.identity.errors import ScopeInvalid


class Scope(StrEnum):
    ACCOUNT_READ = "account.read"
    MARKETS_WRITE = "markets.write"
    MEMBERS_READ = "members.read"
    BALANCES_READ = "balances.read"
    PRODUCTS_READ = "products.read"
    PRODUCTS_WRITE = "products.write"
    ORDERS_READ = "orders.read"
    ORDERS_WRITE = "orders.write"
    COLLECTIONS_WRITE = "collections.write"
    LISTINGS_WRITE = "listings.write"
    CONTENT_WRITE = "content.write"
    VOTES_WRITE = "votes.write"
    TRANSACTIONS_READ = "transactions.read"
    TRANSACTIONS_WRITE = "transactions.write"


# The others concern an account as a whole, so that no market can narrow them.
OF_MARKETS = frozenset(
    {
        Scope.MARKETS_WRITE,
        Scope.MEMBERS_READ,
        Scope.BALANCES_READ,
        Scope.PRODUCTS_READ,
        Scope.PRODUCTS_WRITE,
        Scope.ORDERS_READ,
        Scope.ORDERS_WRITE,
    }
)
SCOPES_MAX = 50  # of one key
SCOPE_CHARS_MAX = 80


def checked_scopes(raw: Iterable[str], *, market_id: uuid.UUID | None) -> list[str]:
    """Scopes in their one spelling, sorted, without doubles. With a market all are narrowed to it.

    Raises:
        ScopeInvalid: One is none of ours, can't be narrowed, or names another market.
    """
    return sorted({_checked(scope, market_id) for scope in raw})


def allows(scopes: AbstractSet[str], wanted: Scope, market_id: uuid.UUID | None) -> bool:
    """Whether a key with `scopes` may do what needs `wanted`, in the market that the request concerns."""
    return wanted in scopes or (market_id is not None and f"{wanted}:{market_id}" in scopes)


def _checked(raw: str, market_id: uuid.UUID | None) -> str:
    name, colon, narrowed = raw.partition(":")
    try:
        scope = Scope(name)
        market = uuid.UUID(narrowed) if colon else market_id
    except ValueError as error:
        raise ScopeInvalid("that is not a scope", field="scopes", scope=raw) from error
    if market is None:
        return scope.value
    if scope not in OF_MARKETS:
        raise ScopeInvalid("that scope concerns the whole account", field="scopes", scope=raw)
    if market_id is not None and market != market_id:
        raise ScopeInvalid("a key of a market acts there alone", field="scopes", scope=raw)
    return f"{scope.value}:{market}"
