"""Views of markets for the query path."""

from typing import Final, LiteralString

from node.kernel.db.keyset import Keyset

_ITEM: Final[LiteralString] = """
    json_build_object(
        'id', market.id,
        'slug', market.slug,
        'name', market.name,
        'description', market.description,
        'language', market.language,
        'owner_account_id', market.owner_account_id,
        'payout_address', '0x' || encode(market.payout_address, 'hex'),
        'arbiter', '0x' || encode(market.arbiter, 'hex'),
        'policy', json_build_object(
            'ship_within_s', market.ship_within_s,
            'inspection_s', market.inspection_s,
            'ruling_s', market.ruling_s,
            'silence_seller_bps', market.silence_seller_bps
        ),
        'opened_at', to_char(market.opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'changed_at', to_char(market.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    )
"""

MARKET: Final[LiteralString] = f"SELECT {_ITEM} FROM market.market WHERE market.id = %(market_id)s"  # noqa: S608 - literals
MARKET_BY_SLUG: Final[LiteralString] = f"SELECT {_ITEM} FROM market.market WHERE market.slug = %(slug)s"  # noqa: S608

MARKETS: Final = Keyset(
    name="markets", item=_ITEM, source="FROM market.market WHERE true", key=(("market.id", "uuid"),)
)
MARKETS_OF_ACCOUNT: Final = Keyset(
    name="markets_of_account",
    item=_ITEM,
    source="FROM market.market WHERE market.owner_account_id = %(account_id)s",
    key=(("market.id", "uuid"),),
)
