"""Views of collections, tokens, transfers and sales for the query path. All take `chain_id`.

Views that show listings take `now_s` (seconds since 1970) too. They read the table of listings, which is
another noun's: a view may look anywhere, a command may not.
"""

from functools import cache
from typing import Final, LiteralString

from indexer.listing_state import STATE, STATE_JOINS
from node.kernel.db.json_sql import address_or_null, hex_text, seconds_text, time_text
from node.kernel.db.keyset import Keyset
from wallet.asset.queries import amount_json, asset_join

PROVENANCE_MAX = 50  # newest steps of a token's past in its own view; `/transfers` pages through all
LISTINGS_MAX = 20  # open listings of one token in its own view

# Collections

_COLLECTION: Final[LiteralString] = f"""json_build_object(
    'address', {hex_text("collection.address")},
    'market_id', planned.market_id,
    'creator', {hex_text("collection.creator")},
    'owner', {address_or_null("collection.owner")},
    'name', collection.name,
    'symbol', collection.symbol,
    'contract_uri', collection.contract_uri,
    'royalty', json_build_object(
        'receiver', {address_or_null("collection.royalty_receiver")}, 'bps', collection.royalty_bps
    ),
    'max_supply', nullif(collection.max_supply, 0)::text,
    'minted', collection.minted::text,
    'frozen', collection.frozen,
    'salt', {hex_text("collection.salt")},
    'created_block', collection.created_block,
    'created_tx', {hex_text("collection.created_tx")},
    'created_at', {time_text("collection.created_at")}
)"""

_PLANNED_JOIN: Final[LiteralString] = """
    LEFT JOIN nft.planned_collection AS planned
        ON planned.chain_id = collection.chain_id AND planned.address = collection.address
"""

_COLLECTION_FILTERS: Final[dict[str, LiteralString]] = {
    "creator": "collection.creator = %(creator)s::bytea",
    "owner": "collection.owner = %(owner)s::bytea",
    "market_id": "planned.market_id = %(market_id)s::uuid",
}

COLLECTION: Final[LiteralString] = f"""
    SELECT {_COLLECTION} FROM chain.collection AS collection {_PLANNED_JOIN}
    WHERE collection.chain_id = %(chain_id)s AND collection.address = %(address)s::bytea
"""  # noqa: S608 - literals of the code only


@cache
def collections(filters: frozenset[str]) -> Keyset:
    conditions = " AND ".join(_COLLECTION_FILTERS[name] for name in sorted(filters)) or "true"
    return Keyset(
        name="collections",
        item=_COLLECTION,
        source=f"""FROM chain.collection AS collection {_PLANNED_JOIN}
            WHERE collection.chain_id = %(chain_id)s AND {conditions}""",
        key=(("collection.created_block", "bigint"), ("collection.created_log", "bigint")),
    )


# Tokens

_METADATA: Final[LiteralString] = f"""CASE WHEN metadata.state IS NOT NULL THEN json_build_object(
    'state', metadata.state,
    'name', metadata.name,
    'description', metadata.description,
    'image', metadata.image,
    'attributes', coalesce(metadata.attributes, '[]'::jsonb),
    'refreshed_at', {time_text("metadata.refreshed_at")}
) END"""

_METADATA_JOIN: Final[LiteralString] = """
    LEFT JOIN nft.metadata AS metadata
        ON metadata.chain_id = token.chain_id AND metadata.collection = token.collection
        AND metadata.token_id = token.token_id AND metadata.uri = token.uri
"""

_LISTING: Final[LiteralString] = f"""json_build_object(
    'digest', {hex_text("listing.digest")},
    'state', {STATE},
    'seller', {hex_text("listing.seller")},
    'buyer', {address_or_null("listing.buyer")},
    'price', {amount_json("listing.price", "asked", chain_id="listing.chain_id", address="listing.currency")},
    'starts_at', {seconds_text("listing.start_s")},
    'ends_at', {seconds_text("listing.end_s")}
)"""

_LISTINGS: Final[LiteralString] = f"""
    FROM listing.listing AS listing {STATE_JOINS}
    {asset_join("asked", chain_id="listing.chain_id", address="listing.currency")}
"""

_SAME_NFT: Final[LiteralString] = """
    listing.chain_id = token.chain_id AND listing.collection = token.collection
    AND listing.token_id = token.token_id
"""

# The cheapest of the native coin first: prices of two currencies have no order.
_ACTIVE_LISTING: Final[LiteralString] = f"""(
    SELECT {_LISTING} {_LISTINGS}
    WHERE {_SAME_NFT} AND listing.seller = token.owner AND found.finding = 'active'
    ORDER BY listing.currency, listing.price, listing.digest LIMIT 1
)"""

_OPEN_LISTINGS: Final[LiteralString] = f"""(
    SELECT coalesce(json_agg(open.brief ORDER BY open.currency, open.price, open.digest), '[]'::json)
    FROM (
        SELECT {_LISTING} AS brief, listing.currency, listing.price, listing.digest {_LISTINGS}
        WHERE {_SAME_NFT} AND listing.seller = token.owner AND found.finding IN ('active', 'scheduled')
        ORDER BY listing.currency, listing.price, listing.digest LIMIT {LISTINGS_MAX}
    ) AS open
)"""  # noqa: S608 - literals of the code only

_TOKEN_FIELDS: Final[LiteralString] = f"""
    'token_id', token.token_id::text,
    'owner', {address_or_null("token.owner")},
    'burnt', token.owner = '\\x0000000000000000000000000000000000000000'::bytea,
    'uri', token.uri,
    'metadata', {_METADATA},
    'minted_to', {hex_text("token.minted_to")},
    'minted_tx', {hex_text("token.minted_tx")},
    'minted_at', {time_text("token.minted_at")}
"""

_BRIEF_COLLECTION: Final[LiteralString] = f"""json_build_object(
    'address', {hex_text("collection.address")}, 'name', collection.name, 'symbol', collection.symbol
)"""

_COLLECTION_JOIN: Final[LiteralString] = """
    JOIN chain.collection AS collection
        ON collection.chain_id = token.chain_id AND collection.address = token.collection
"""

_TOKEN_ITEM: Final[LiteralString] = f"""json_build_object(
    'collection', {_BRIEF_COLLECTION}, {_TOKEN_FIELDS}, 'listing', {_ACTIVE_LISTING}
)"""

TOKENS_OF_COLLECTION: Final = Keyset(
    name="collection.tokens",
    item=_TOKEN_ITEM,
    source=f"""FROM chain.token AS token {_COLLECTION_JOIN} {_METADATA_JOIN}
        WHERE token.chain_id = %(chain_id)s AND token.collection = %(collection)s::bytea""",
    key=(("token.minted_block", "bigint"), ("token.minted_log", "bigint")),
)

TOKENS_OF_WALLET: Final = Keyset(
    name="wallet.tokens",
    item=_TOKEN_ITEM,
    source=f"""FROM chain.token AS token {_COLLECTION_JOIN} {_METADATA_JOIN}
        WHERE token.chain_id = %(chain_id)s AND token.owner = %(wallet)s::bytea""",
    key=(("token.collection", "bytea"), ("token.token_id", "numeric")),
    descending=False,
)

# Sales and transfers


def _sale_amount(value: LiteralString) -> LiteralString:
    return amount_json(value, "money", chain_id="sale.chain_id", address="sale.currency")


_SALE_MONEY: Final[LiteralString] = asset_join("money", chain_id="sale.chain_id", address="sale.currency")

_SALE_FIELDS: Final[LiteralString] = f"""
    'kind', sale.kind,
    'digest', {hex_text("sale.digest")},
    'collection', {hex_text("sale.collection")},
    'token_id', sale.token_id::text,
    'quantity', sale.quantity::text,
    'seller', {hex_text("sale.seller")},
    'buyer', {hex_text("sale.buyer")},
    'price', {_sale_amount("sale.price")},
    'fee', {_sale_amount("sale.fee")},
    'royalty', {_sale_amount("sale.royalty")},
    'royalty_receiver', {address_or_null("sale.royalty_receiver")},
    'proceeds', {_sale_amount("sale.price - sale.fee - sale.royalty")},
    'block', sale.block_number,
    'log_index', sale.log_index,
    'tx_hash', {hex_text("sale.tx_hash")},
    'at', {time_text("sale.block_time")}
"""

_SALE_ITEM: Final[LiteralString] = f"json_build_object({_SALE_FIELDS})"

_SALE_FILTERS: Final[dict[str, LiteralString]] = {
    "collection": "sale.collection = %(collection)s::bytea",
    "token_id": "sale.token_id = %(token_id)s::numeric",
    "tx_hash": "sale.tx_hash = %(tx_hash)s::bytea",
}

# Two ordered index scans, merged: an OR over two columns would sort all of a busy wallet's sales.
_SALES_OF_WALLET: Final[LiteralString] = """(
    SELECT * FROM chain.sale AS sold WHERE sold.seller = %(wallet)s::bytea
    UNION ALL
    SELECT * FROM chain.sale AS bought
    WHERE bought.buyer = %(wallet)s::bytea AND bought.seller <> %(wallet)s::bytea
)"""


@cache
def sales(filters: frozenset[str]) -> Keyset:
    """Newest first. Filters: collection, token_id, tx_hash, wallet (as seller or as buyer)."""
    table: LiteralString = _SALES_OF_WALLET if "wallet" in filters else "chain.sale"
    conditions = " AND ".join(_SALE_FILTERS[name] for name in sorted(filters - {"wallet"})) or "true"
    return Keyset(
        name="sales",
        item=_SALE_ITEM,
        source=f"FROM {table} AS sale {_SALE_MONEY} WHERE sale.chain_id = %(chain_id)s AND {conditions}",
        key=(("sale.block_number", "bigint"), ("sale.log_index", "bigint")),
    )


# A sale's log follows the transfer that it paid for, in one transaction.
_TRANSFER_ITEM: Final[LiteralString] = f"""json_build_object(
    'kind', CASE
        WHEN transfer.sender = '\\x0000000000000000000000000000000000000000'::bytea THEN 'minted'
        WHEN transfer.recipient = '\\x0000000000000000000000000000000000000000'::bytea THEN 'burnt'
        WHEN sale.kind IS NOT NULL THEN 'sold'
        ELSE 'transferred' END,
    'from', {address_or_null("transfer.sender")},
    'to', {address_or_null("transfer.recipient")},
    'price', CASE WHEN sale.kind IS NOT NULL THEN {_sale_amount("sale.price")} END,
    'block', transfer.block_number,
    'log_index', transfer.log_index,
    'tx_hash', {hex_text("transfer.tx_hash")},
    'at', {time_text("transfer.block_time")}
)"""

_TRANSFERS: Final[LiteralString] = f"""
    FROM chain.transfer AS transfer
    LEFT JOIN LATERAL (
        SELECT * FROM chain.sale AS paid
        WHERE paid.chain_id = transfer.chain_id AND paid.block_number = transfer.block_number
            AND paid.tx_hash = transfer.tx_hash AND paid.log_index > transfer.log_index
            AND paid.collection = transfer.collection AND paid.token_id = transfer.token_id
            AND paid.seller = transfer.sender AND paid.buyer = transfer.recipient
        ORDER BY paid.log_index LIMIT 1
    ) AS sale ON true
    {_SALE_MONEY}
"""  # noqa: S608 - literals of the code only

TRANSFERS_OF_TOKEN: Final = Keyset(
    name="token.transfers",
    item=_TRANSFER_ITEM,
    source=f"""{_TRANSFERS}
        WHERE transfer.chain_id = %(chain_id)s AND transfer.collection = %(collection)s::bytea
            AND transfer.token_id = %(token_id)s::numeric""",
    key=(("transfer.block_number", "bigint"), ("transfer.log_index", "bigint")),
)

_LAST_SALE: Final[LiteralString] = f"""(
    SELECT {_SALE_ITEM} FROM chain.sale AS sale {_SALE_MONEY}
    WHERE sale.chain_id = token.chain_id AND sale.collection = token.collection
        AND sale.token_id = token.token_id
    ORDER BY sale.block_number DESC, sale.log_index DESC LIMIT 1
)"""  # noqa: S608 - literals of the code only

_PROVENANCE: Final[LiteralString] = f"""(
    SELECT coalesce(json_agg(step.item ORDER BY step.block_number DESC, step.log_index DESC), '[]'::json)
    FROM (
        SELECT {_TRANSFER_ITEM} AS item, transfer.block_number, transfer.log_index {_TRANSFERS}
        WHERE transfer.chain_id = token.chain_id AND transfer.collection = token.collection
            AND transfer.token_id = token.token_id
        ORDER BY transfer.block_number DESC, transfer.log_index DESC LIMIT {PROVENANCE_MAX}
    ) AS step
)"""  # noqa: S608 - literals of the code only

TOKEN: Final[LiteralString] = f"""
    SELECT json_build_object(
        'collection', {_BRIEF_COLLECTION}, {_TOKEN_FIELDS},
        'listings', {_OPEN_LISTINGS},
        'last_sale', {_LAST_SALE},
        'provenance', {_PROVENANCE}
    )
    FROM chain.token AS token {_COLLECTION_JOIN} {_METADATA_JOIN}
    WHERE token.chain_id = %(chain_id)s AND token.collection = %(collection)s::bytea
        AND token.token_id = %(token_id)s::numeric
"""  # noqa: S608 - literals of the code only
