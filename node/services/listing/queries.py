"""Views of listings for the query path. All take `chain_id` and `now_s` (seconds since 1970)."""

from collections.abc import Collection
from functools import cache
from typing import Final, Literal, LiteralString

from indexer.listing_state import CHAIN_JOINS, FINDINGS, REASON, STATE, STATE_JOINS, ListingState
from node.kernel.db.json_sql import address_or_null, hex_text, seconds_text, time_text
from node.kernel.db.keyset import Keyset
from wallet.asset.queries import amount_json, asset_join

Sort = Literal["newest", "price"]

# What nothing has closed for good.
OPEN_STATES: Final = (ListingState.ACTIVE, ListingState.SCHEDULED)


def _amount(value: LiteralString) -> LiteralString:
    return amount_json(value, "money", chain_id="listing.chain_id", address="listing.currency")


_MONEY: Final[LiteralString] = asset_join("money", chain_id="listing.chain_id", address="listing.currency")

_FIELDS: Final[LiteralString] = f"""
    'digest', {hex_text("listing.digest")},
    'state', {STATE},
    'reason', {REASON},
    'exchange', {hex_text("listing.exchange")},
    'seller', {hex_text("listing.seller")},
    'buyer', {address_or_null("listing.buyer")},
    'collection', json_build_object(
        'address', {hex_text("listing.collection")}, 'name', collection.name, 'symbol', collection.symbol
    ),
    'token', json_build_object(
        'token_id', listing.token_id::text, 'name', metadata.name, 'image', metadata.image
    ),
    'price', {_amount("listing.price")},
    'min_proceeds', {_amount("listing.min_proceeds")},
    'starts_at', {seconds_text("listing.start_s")},
    'ends_at', {seconds_text("listing.end_s")},
    'created_at', {time_text("listing.created_at")}
"""

ITEM: Final[LiteralString] = f"json_build_object({_FIELDS})"

_SOURCE: Final[LiteralString] = f"FROM listing.listing AS listing {STATE_JOINS} {_MONEY}"

_SHOWN: Final[LiteralString] = f"""
    {_SOURCE}
    LEFT JOIN chain.collection AS collection
        ON collection.chain_id = listing.chain_id AND collection.address = listing.collection
    LEFT JOIN nft.metadata AS metadata
        ON metadata.chain_id = listing.chain_id AND metadata.collection = listing.collection
        AND metadata.token_id = listing.token_id AND metadata.uri = held.uri
"""

_FILTERS: Final[dict[str, LiteralString]] = {
    "collection": "listing.collection = %(collection)s::bytea",
    "token_id": "listing.token_id = %(token_id)s::numeric",
    "seller": "listing.seller = %(seller)s::bytea",
    "currency": "listing.currency = %(currency)s::bytea",
    "market_id": """listing.collection IN (
        SELECT planned.address FROM nft.planned_collection AS planned
        WHERE planned.chain_id = %(chain_id)s AND planned.market_id = %(market_id)s::uuid
    )""",
}

_KEYS: Final[dict[Sort, tuple[tuple[LiteralString, LiteralString], ...]]] = {
    "newest": (("listing.created_at", "timestamptz"), ("listing.digest", "bytea")),
    "price": (("listing.price", "numeric"), ("listing.digest", "bytea")),
}


@cache
def listings(filters: frozenset[str], state: ListingState | None, sort: Sort) -> Keyset:
    """The list for these filters (names of `_FILTERS`), each a statement that its own index serves.

    By price only makes sense within one currency and for what can be bought: `currency` is among the filters
    then, and `state` in `OPEN_STATES`.
    """
    assert sort != "price" or ("currency" in filters and state in OPEN_STATES), "nothing else has an order"
    conditions = ["listing.chain_id = %(chain_id)s", *(_FILTERS[name] for name in sorted(filters))]
    if state in OPEN_STATES:
        conditions.append("listing.settled_at IS NULL")
    if state is not None:
        conditions.append(FINDINGS[state])
    return Keyset(
        name=_CURSOR_NAMES[sort],
        item=ITEM,
        source=f"{_SHOWN} WHERE {_all(conditions)}",
        key=_KEYS[sort],
        descending=sort == "newest",
    )


_CURSOR_NAMES: Final[dict[Sort, LiteralString]] = {
    "newest": "listings.newest",
    "price": "listings.price",
}


def _all(conditions: Collection[LiteralString]) -> LiteralString:
    return " AND ".join(conditions)


# With everything that `IExchange.buy` takes, so that anybody can settle it, with this node or without.
LISTING: Final[LiteralString] = f"""
    SELECT json_build_object({_FIELDS},
        'signature', {hex_text("listing.signature")},
        'terms', json_build_object(
            'seller', {hex_text("listing.seller")},
            'collection', {hex_text("listing.collection")},
            'token_id', listing.token_id::text,
            'currency', {hex_text("listing.currency")},
            'price', listing.price::text,
            'min_proceeds', listing.min_proceeds::text,
            'buyer', {hex_text("listing.buyer")},
            'start', listing.start_s,
            'end', listing.end_s,
            'nonce', listing.nonce::text,
            'epoch', listing.epoch::text
        ),
        'sale', (
            SELECT json_build_object(
                'buyer', {hex_text("sale.buyer")}, 'block', sale.block_number,
                'tx_hash', {hex_text("sale.tx_hash")}, 'at', {time_text("sale.block_time")}
            )
            FROM chain.sale AS sale
            WHERE sale.chain_id = listing.chain_id AND sale.digest = listing.digest
                AND sale.exchange = listing.exchange
            ORDER BY sale.block_number DESC, sale.log_index DESC LIMIT 1
        )
    )
    {_SHOWN}
    WHERE listing.chain_id = %(chain_id)s AND listing.digest = %(digest)s::bytea
"""  # noqa: S608 - literals of the code only

# For commands: what the projections find of the one listing.
FINDING: Final[LiteralString] = f"""
    SELECT found.finding FROM listing.listing AS listing {STATE_JOINS}
    WHERE listing.chain_id = %(chain_id)s AND listing.digest = %(digest)s::bytea
"""  # noqa: S608 - literals of the code only

# For `asoud verify`, in pages by digest: what we show as buyable, next to what it takes to ask the chain.
CLAIMS: Final[LiteralString] = f"""
    SELECT {hex_text("listing.digest")} AS id, {hex_text("listing.exchange")} AS exchange,
        {hex_text("listing.seller")} AS seller, {hex_text("listing.collection")} AS collection,
        listing.token_id, listing.nonce, listing.epoch,
        nonce.state IS NULL AND coalesce(epoch.epoch, 0) = listing.epoch
            AND held.owner IS NOT DISTINCT FROM listing.seller AS fillable
    FROM listing.listing AS listing {CHAIN_JOINS}
    WHERE listing.chain_id = %(chain_id)s
        AND (%(after)s::text IS NULL OR listing.digest > decode(substr(%(after)s::text, 3), 'hex'))
    ORDER BY listing.digest LIMIT %(limit)s
"""  # noqa: S608 - literals of the code only
