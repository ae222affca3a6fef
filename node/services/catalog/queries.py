"""Views of products for the query path, in the first of `languages` (text[]) in which they are told.

A draft is seen by those alone who work in its market.
"""

from collections.abc import Collection
from functools import cache
from typing import Final, LiteralString

from node.kernel.db.json_sql import hex_text
from node.kernel.db.keyset import Keyset
from node.kernel.db.words_sql import words_join
from wallet.asset.queries import asset_join, asset_json

_ITEM: Final[LiteralString] = """
    json_build_object(
        'id', product.id,
        'market_id', product.market_id,
        'language', coalesce(words.language, market.language),
        'title', coalesce(words.title, product.title),
        'description', coalesce(words.description, product.description),
        'sku', product.sku,
        'status', product.status,
        'price', json_build_object(
            'value', product.price::text,
            'asset', json_build_object(
                'id', product.asset_id, 'code', product.asset_code, 'exponent', product.asset_exponent
            )
        ),
        'stock', product.available,
        'tax_class', product.tax_class,
        'needs_shipping', product.needs_shipping,
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

_FROM: Final[LiteralString] = f"""
    FROM catalog.product JOIN market.market ON market.id = product.market_id
    {words_join("catalog.translation", thing_id="product.id", own_language="market.language")}
"""

PRODUCT: Final[LiteralString] = f"""
    SELECT {_ITEM} {_FROM} WHERE product.id = %(product_id)s AND (product.status <> 'draft' OR {_OWNED})
"""

_KEY: Final[tuple[tuple[LiteralString, LiteralString], ...]] = (("product.id", "uuid"),)
_CURSOR_NAMES: Final[dict[bool, LiteralString]] = {False: "products", True: "products_of_market"}
_FILTERS: Final[dict[str, LiteralString]] = {
    "market_id": "product.market_id = %(market_id)s",
    "currency": "product.asset_id = %(currency)s",
}


def _all(conditions: Collection[LiteralString]) -> LiteralString:
    return " AND ".join(conditions)


@cache
def products(filters: frozenset[str]) -> Keyset:
    """What is for sale; `filters` are names of `_FILTERS`, which are parameters too."""
    conditions = ["product.status = 'active'", *(_FILTERS[name] for name in sorted(filters))]
    return Keyset(
        name=_CURSOR_NAMES["market_id" in filters],
        item=_ITEM,
        source=f"{_FROM} WHERE {_all(conditions)}",
        key=_KEY,
    )


@cache
def products_of_owner(filters: frozenset[str]) -> Keyset:
    """Of the market that the caller works in, by status."""
    conditions = ["product.status = %(status)s", _OWNED, *(_FILTERS[name] for name in sorted(filters))]
    return Keyset(name="products_of_owner", item=_ITEM, source=f"{_FROM} WHERE {_all(conditions)}", key=_KEY)


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
