"""Views of products for the query path. A draft is seen by those alone who work in its market."""

from typing import Final, LiteralString

from node.kernel.db.json_sql import hex_text
from node.kernel.db.keyset import Keyset
from wallet.asset.queries import asset_join, asset_json

_ITEM: Final[LiteralString] = """
    json_build_object(
        'id', product.id,
        'market_id', product.market_id,
        'title', product.title,
        'description', product.description,
        'sku', product.sku,
        'status', product.status,
        'price', json_build_object(
            'value', product.price::text,
            'asset', json_build_object(
                'id', product.asset_id, 'code', product.asset_code, 'exponent', product.asset_exponent
            )
        ),
        'stock', product.available,
        'added_at', to_char(product.added_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'changed_at', to_char(product.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    )
"""
_OWNED: Final[LiteralString] = """
    EXISTS (
        SELECT FROM market.member
        WHERE member.market_id = product.market_id AND member.account_id = %(account_id)s::uuid
    )
"""

PRODUCT: Final[LiteralString] = f"""
    SELECT {_ITEM} FROM catalog.product
    WHERE product.id = %(product_id)s AND (product.status <> 'draft' OR {_OWNED})
"""  # noqa: S608 - literals of the code

PRODUCTS: Final = Keyset(
    name="products",
    item=_ITEM,
    source="FROM catalog.product WHERE product.status = 'active'",
    key=(("product.id", "uuid"),),
)
PRODUCTS_OF_MARKET: Final = Keyset(
    name="products_of_market",
    item=_ITEM,
    source="FROM catalog.product WHERE product.market_id = %(market_id)s AND product.status = 'active'",
    key=(("product.id", "uuid"),),
)
PRODUCTS_OF_OWNER: Final = Keyset(
    name="products_of_owner",
    item=_ITEM,
    source=f"""
        FROM catalog.product
        WHERE product.market_id = %(market_id)s AND product.status = %(status)s AND {_OWNED}
    """,
    key=(("product.id", "uuid"),),
)

# The native coin and the exchange's allow-list, as far as it was indexed.
CURRENCIES: Final = Keyset(
    name="currencies",
    item=f"""json_build_object(
        'address', {hex_text("accepted.address")},
        'asset', {asset_json("named", chain_id="%(chain_id)s::bigint", address="accepted.address")}
    )""",
    source=f"""
        FROM (
            SELECT decode(repeat('00', 20), 'hex') AS address
            UNION ALL
            SELECT currency FROM chain.currency
            WHERE chain_id = %(chain_id)s AND exchange = %(exchange)s::bytea AND allowed
        ) AS accepted
        {asset_join("named", chain_id="%(chain_id)s::bigint", address="accepted.address")}
        WHERE true
    """,  # noqa: S608 - literals of the code
    key=(("accepted.address", "bytea"),),
    descending=False,
)
