"""Views of quotes for the query path. All take `chain_id` and `now_s` (seconds since 1970).

No table holds a quote's state: it follows from nonce, units, group, epoch, owners, currency and time.
"""

from enum import StrEnum
from functools import cache
from typing import Final, LiteralString

from node.kernel.db.json_sql import address_or_null, hex_text, seconds_text, time_text
from node.kernel.db.keyset import Keyset
from wallet.asset.queries import asset_join, asset_json


class QuoteState(StrEnum):
    """`invalid` has a reason beside it: any finding below that is not a state of its own."""

    ACTIVE = "active"
    SCHEDULED = "scheduled"
    EXPIRED = "expired"
    FILLED = "filled"
    CANCELLED = "cancelled"
    INVALID = "invalid"


_OWN_STATES: Final[LiteralString] = "'active', 'scheduled', 'expired', 'filled', 'cancelled'"

# Only ERC-721 tokens have one owner; who holds how many of others, no table tells.
_LOST_ITEM: Final[LiteralString] = """EXISTS (
    SELECT FROM jsonb_array_elements(quote.items) AS part
    LEFT JOIN chain.token AS piece ON piece.chain_id = quote.chain_id
        AND piece.collection = decode(substr(part ->> 'collection', 3), 'hex')
        AND piece.token_id = (part ->> 'tokenId')::numeric
    WHERE part ->> 'standard' = '0' AND piece.owner IS DISTINCT FROM quote.maker
)"""

_STATE_JOINS: Final[LiteralString] = f"""
    LEFT JOIN chain.listing_nonce AS nonce
        ON nonce.chain_id = quote.chain_id AND nonce.exchange = quote.exchange
        AND nonce.signer = quote.maker AND nonce.nonce = quote.nonce
    LEFT JOIN chain.quote_fill AS fill
        ON fill.chain_id = quote.chain_id AND fill.exchange = quote.exchange
        AND fill.signer = quote.maker AND fill.nonce = quote.nonce
    LEFT JOIN chain.quote_group AS gone
        ON gone.chain_id = quote.chain_id AND gone.exchange = quote.exchange
        AND gone.signer = quote.maker AND gone.group_id = quote.group_id
    LEFT JOIN chain.listing_epoch AS epoch
        ON epoch.chain_id = quote.chain_id AND epoch.exchange = quote.exchange
        AND epoch.signer = quote.maker
    LEFT JOIN chain.token AS held
        ON quote.scope = 'token' AND held.chain_id = quote.chain_id
        AND held.collection = quote.collection AND held.token_id = quote.criteria
    LEFT JOIN chain.currency AS payable
        ON payable.chain_id = quote.chain_id AND payable.exchange = quote.exchange
        AND payable.currency = quote.currency
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN nonce.state = 'used' AND nonce.digest = quote.digest THEN 'filled'
            WHEN nonce.state = 'cancelled' OR gone.group_id IS NOT NULL THEN 'cancelled'
            WHEN nonce.state IS NOT NULL OR coalesce(fill.filled, 0) >= quote.quantity THEN 'nonce_used'
            WHEN coalesce(epoch.epoch, 0) <> quote.epoch THEN 'epoch_moved'
            WHEN quote.end_s < %(now_s)s::bigint THEN 'expired'
            WHEN quote.scope = 'token' AND quote.standard = 'erc721' AND held.owner IS NULL
                THEN 'token_unknown'
            WHEN quote.scope = 'token' AND quote.standard = 'erc721' AND quote.side = 'sell'
                AND held.owner <> quote.maker THEN 'owner_changed'
            WHEN quote.scope = 'bundle' AND quote.side = 'sell' AND {_LOST_ITEM} THEN 'owner_changed'
            WHEN quote.currency <> '\\x0000000000000000000000000000000000000000'::bytea
                AND payable.allowed IS NOT TRUE THEN 'currency_refused'
            WHEN quote.start_s > %(now_s)s::bigint THEN 'scheduled'
            ELSE 'active'
        END AS finding
    ) AS found
"""

# Of a unit now, as `priceOf`: it moves along a line, rounded in favour of the maker.
_PRICE: Final[LiteralString] = """(
    SELECT CASE
        WHEN quote.start_price = quote.end_price OR quote.start_s = quote.end_s THEN quote.start_price
        WHEN quote.start_price > quote.end_price
            THEN quote.start_price - CASE WHEN quote.side = 'buy' THEN move.up ELSE move.down END
        ELSE quote.start_price + CASE WHEN quote.side = 'buy' THEN move.down ELSE move.up END
    END
    FROM (
        SELECT div(moved, whole) AS down, div(moved + whole - 1, whole) AS up
        FROM (
            SELECT abs(quote.start_price - quote.end_price)
                    * (least(greatest(%(now_s)s::bigint, quote.start_s), quote.end_s) - quote.start_s)
                    AS moved,
                greatest(quote.end_s - quote.start_s, 1)::numeric AS whole
        ) AS line
    ) AS move
)"""

_ASSET: Final[LiteralString] = asset_json("money", chain_id="quote.chain_id", address="quote.currency")
_MONEY: Final[LiteralString] = asset_join("money", chain_id="quote.chain_id", address="quote.currency")


def _amount(value: LiteralString) -> LiteralString:
    return f"json_build_object('value', ({value})::text, 'asset', {_ASSET})"


_FIELDS: Final[LiteralString] = f"""
    'digest', {hex_text("quote.digest")},
    'state', CASE WHEN found.finding IN ({_OWN_STATES}) THEN found.finding ELSE 'invalid' END,
    'reason', CASE WHEN found.finding IN ({_OWN_STATES}) THEN NULL ELSE found.finding END,
    'side', quote.side,
    'scope', quote.scope,
    'maker', {hex_text("quote.maker")},
    'taker', {address_or_null("quote.taker")},
    'collection', {address_or_null("quote.collection")},
    'token_id', CASE WHEN quote.scope = 'token' THEN quote.criteria::text END,
    'quantity', quote.quantity::text,
    'left', CASE WHEN nonce.state IS NOT NULL THEN '0'
        ELSE greatest(quote.quantity - coalesce(fill.filled, 0), 0)::text END,
    'price', {_amount(_PRICE)},
    'starts_at', {seconds_text("quote.start_s")},
    'ends_at', {seconds_text("quote.end_s")},
    'created_at', {time_text("quote.created_at")}
"""
_SOURCE: Final[LiteralString] = f"FROM listing.quote AS quote {_STATE_JOINS}"

_FILTERS: Final[dict[str, LiteralString]] = {
    "collection": """(quote.collection = %(collection)s::bytea OR quote.items @> jsonb_build_array(
        jsonb_build_object('collection', '0x' || encode(%(collection)s::bytea, 'hex'))
    ))""",
    "token_id": """(
        quote.scope = 'collection'
        OR quote.scope = 'token' AND quote.criteria = %(token_id)s::numeric
        OR quote.scope = 'trait' AND %(token_id)s::numeric = ANY (quote.token_ids)
        OR quote.items @> jsonb_build_array(jsonb_build_object(
            'collection', '0x' || encode(%(collection)s::bytea, 'hex'), 'tokenId', %(token_id)s::text
        ))
    )""",
    "maker": "quote.maker = %(maker)s::bytea",
    "taker": "quote.taker = %(taker)s::bytea",
    "currency": "quote.currency = %(currency)s::bytea",
    "side": "quote.side = %(side)s::text",
    "scope": "quote.scope = %(scope)s::text",
    "group": "quote.group_id = %(group)s::numeric",
}


@cache
def quotes(filters: frozenset[str], state: QuoteState | None) -> Keyset:
    """The newest first, for these filters (names of `_FILTERS`); `token_id` comes with `collection`."""
    conditions = ["quote.chain_id = %(chain_id)s", *(_FILTERS[name] for name in sorted(filters))]
    if state is QuoteState.INVALID:
        conditions.append(f"found.finding NOT IN ({_OWN_STATES})")
    elif state is not None:
        conditions.append(_FINDINGS[state])
    return Keyset(
        name="quotes",
        item=f"json_build_object({_FIELDS})",
        source=f"{_SOURCE} {_MONEY} WHERE {' AND '.join(conditions)}",
        key=(("quote.created_at", "timestamptz"), ("quote.digest", "bytea")),
    )


_FINDINGS: Final[dict[QuoteState, LiteralString]] = {
    QuoteState.ACTIVE: "found.finding = 'active'",
    QuoteState.SCHEDULED: "found.finding = 'scheduled'",
    QuoteState.EXPIRED: "found.finding = 'expired'",
    QuoteState.FILLED: "found.finding = 'filled'",
    QuoteState.CANCELLED: "found.finding = 'cancelled'",
}

# With everything that `IExchange.take` takes, so that anybody can settle it, with this node or without.
QUOTE: Final[LiteralString] = f"""
    SELECT json_build_object({_FIELDS},
        'exchange', {hex_text("quote.exchange")},
        'terms', json_build_object(
            'maker', {hex_text("quote.maker")},
            'side', quote.side,
            'scope', quote.scope,
            'standard', quote.standard,
            'collection', {hex_text("quote.collection")},
            'criteria', quote.criteria::text,
            'quantity', quote.quantity::text,
            'currency', {hex_text("quote.currency")},
            'start_price', quote.start_price::text,
            'end_price', quote.end_price::text,
            'min_proceeds', quote.min_proceeds::text,
            'taker', {hex_text("quote.taker")},
            'start', quote.start_s,
            'end', quote.end_s,
            'nonce', quote.nonce::text,
            'group', quote.group_id::text,
            'epoch', quote.epoch::text
        ),
        'items', coalesce((
            SELECT json_agg(json_build_object(
                'standard', CASE part ->> 'standard' WHEN '0' THEN 'erc721' ELSE 'erc1155' END,
                'collection', part ->> 'collection',
                'token_id', part ->> 'tokenId',
                'quantity', part ->> 'quantity'
            ) ORDER BY place)
            FROM jsonb_array_elements(quote.items) WITH ORDINALITY AS piece (part, place)
        ), '[]'::json),
        'token_ids', coalesce((
            SELECT json_agg(token_id::text ORDER BY place)
            FROM unnest(quote.token_ids) WITH ORDINALITY AS piece (token_id, place)
        ), '[]'::json),
        'signature', {hex_text("quote.signature")},
        'sales', coalesce((
            SELECT json_agg(json_build_object(
                'seller', {hex_text("sale.seller")},
                'buyer', {hex_text("sale.buyer")},
                'collection', {hex_text("sale.collection")},
                'token_id', sale.token_id::text,
                'quantity', sale.quantity::text,
                'price', {_amount("sale.price")},
                'tx_hash', {hex_text("sale.tx_hash")},
                'at', {time_text("sale.block_time")}
            ) ORDER BY sale.block_number, sale.log_index)
            FROM chain.sale AS sale
            WHERE sale.chain_id = quote.chain_id AND sale.digest = quote.digest
                AND sale.exchange = quote.exchange
        ), '[]'::json)
    )
    {_SOURCE} {_MONEY}
    WHERE quote.chain_id = %(chain_id)s AND quote.digest = %(digest)s::bytea
"""  # noqa: S608 - literals of the code only

# For commands: what other open offers of `maker` in `currency` may cost together.
PROMISED: Final[LiteralString] = f"""
    SELECT coalesce(sum(
        greatest(quote.start_price, quote.end_price) * (quote.quantity - coalesce(fill.filled, 0))
    ), 0)
    {_SOURCE}
    WHERE quote.chain_id = %(chain_id)s AND quote.exchange = %(exchange)s AND quote.maker = %(maker)s
        AND quote.currency = %(currency)s AND quote.side = 'buy' AND found.finding IN ('active', 'scheduled')
"""

# For commands: what the projections find of the one quote.
FINDING: Final[LiteralString] = f"""
    SELECT found.finding {_SOURCE}
    WHERE quote.chain_id = %(chain_id)s AND quote.digest = %(digest)s::bytea
"""
