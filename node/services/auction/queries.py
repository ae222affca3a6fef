"""Views of auctions for the query path. All take `chain_id` and `now_s` (seconds since 1970)."""

from enum import StrEnum
from functools import cache
from typing import Final, LiteralString

from node.kernel.db.json_sql import hex_text, seconds_text, time_text
from node.kernel.db.keyset import Keyset
from wallet.asset.queries import amount_json, asset_join


class AuctionState(StrEnum):
    """`ended`: the time is over, and anybody may settle it."""

    SCHEDULED = "scheduled"
    OPEN = "open"
    LIVE = "live"
    ENDED = "ended"
    SETTLED = "settled"
    VOIDED = "voided"
    CANCELLED = "cancelled"


# Each state by what the table says and the time; first comes what has to be judged by time.
_STATE: Final[LiteralString] = """CASE
    WHEN auction.state = 'open' AND auction.start_s > %(now_s)s::bigint THEN 'scheduled'
    WHEN auction.state = 'live' AND auction.ends_at < to_timestamp(%(now_s)s::bigint) THEN 'ended'
    ELSE auction.state END"""

_LEAST: Final[LiteralString] = """CASE auction.state
    WHEN 'open' THEN auction.reserve
    WHEN 'live' THEN auction.amount + greatest(div(auction.amount * auction.increment_bps, 10000), 1)
    END"""


def _amount(value: LiteralString) -> LiteralString:
    return amount_json(value, "money", chain_id="auction.chain_id", address="auction.currency")


_FIELDS: Final[LiteralString] = f"""
    'auction_id', {hex_text("auction.auction_id")},
    'state', {_STATE},
    'seller', {hex_text("auction.seller")},
    'collection', {hex_text("auction.collection")},
    'token_id', auction.token_id::text,
    'reserve', {_amount("auction.reserve")},
    'bidder', {hex_text("auction.bidder")},
    'highest', CASE WHEN auction.bidder IS NOT NULL THEN {_amount("auction.amount")} END,
    'least_bid', CASE WHEN auction.state IN ('open', 'live') THEN {_amount(_LEAST)} END,
    'bids', auction.bids,
    'starts_at', {seconds_text("auction.start_s")},
    'ends_at', {time_text("auction.ends_at")},
    'created_at', {time_text("auction.created_at")}
"""
_SOURCE: Final[LiteralString] = f"""FROM chain.auction AS auction
    {asset_join("money", chain_id="auction.chain_id", address="auction.currency")}
    WHERE auction.chain_id = %(chain_id)s"""

_FILTERS: Final[dict[str, LiteralString]] = {
    "collection": "auction.collection = %(collection)s::bytea",
    "token_id": "auction.token_id = %(token_id)s::numeric",
    "seller": "auction.seller = %(seller)s::bytea",
    "bidder": "auction.bidder = %(bidder)s::bytea",
    "currency": "auction.currency = %(currency)s::bytea",
    "state": f"{_STATE} = %(state)s::text",
}


@cache
def auctions(filters: frozenset[str]) -> Keyset:
    """The newest first, for these filters (names of `_FILTERS`)."""
    conditions: LiteralString = "".join(f" AND {_FILTERS[name]}" for name in sorted(filters))
    return Keyset(
        name="auctions",
        item=f"json_build_object({_FIELDS})",
        source=f"{_SOURCE}{conditions}",
        key=(("auction.created_block", "bigint"), ("auction.created_log", "bigint")),
    )


# With all terms, so that anybody can bid and settle, with this node or without.
AUCTION: Final[LiteralString] = f"""
    SELECT json_build_object({_FIELDS},
        'house', {hex_text("auction.house")},
        'fee_bps', auction.fee_bps,
        'terms', json_build_object(
            'seller', {hex_text("auction.seller")},
            'collection', {hex_text("auction.collection")},
            'token_id', auction.token_id::text,
            'currency', {hex_text("auction.currency")},
            'reserve', auction.reserve::text,
            'start', auction.start_s::bigint,
            'duration_s', auction.duration_s,
            'extension_s', auction.extension_s,
            'increment_bps', auction.increment_bps,
            'salt', auction.salt::text
        ),
        'ended_at', {time_text("auction.ended_at")},
        'ended_tx', {hex_text("auction.ended_tx")}
    )
    {_SOURCE} AND auction.auction_id = %(auction_id)s::bytea
"""

# Takes `auction_id` too.
BIDS: Final = Keyset(
    name="auction_bids",
    item=f"""json_build_object(
        'bidder', {hex_text("bid.bidder")},
        'amount', {amount_json("bid.amount", "money", chain_id="bid.chain_id", address="auction.currency")},
        'ends_at', {time_text("bid.ends_at")},
        'at', {time_text("bid.block_time")},
        'tx_hash', {hex_text("bid.tx_hash")}
    )""",
    source=f"""FROM chain.bid AS bid
        JOIN chain.auction AS auction
            ON auction.chain_id = bid.chain_id AND auction.auction_id = bid.auction_id
        {asset_join("money", chain_id="auction.chain_id", address="auction.currency")}
        WHERE bid.chain_id = %(chain_id)s AND bid.auction_id = %(auction_id)s::bytea""",
    key=(("bid.block_number", "bigint"), ("bid.log_index", "bigint")),
)
