"""Views of translations for the query path. Those of a draft are seen by who works in its market."""

from typing import Final, LiteralString

from node.kernel.db.json_sql import time_text
from node.kernel.db.keyset import Keyset


def _item(title_field: LiteralString) -> LiteralString:
    return f"""json_build_object(
        'language', translation.language,
        '{title_field}', translation.title,
        'description', translation.description,
        'changed_at', {time_text("translation.changed_at")}
    )"""


_OF_MARKET: Final[LiteralString] = (
    "FROM market.translation AS translation WHERE translation.thing_id = %(market_id)s"
)
_SEEN: Final[LiteralString] = """
    (product.status <> 'draft' OR EXISTS (
        SELECT FROM market.member
        WHERE member.market_id = product.market_id AND member.account_id = %(account_id)s::uuid
    ))
"""
_OF_PRODUCT: Final[LiteralString] = f"""
    FROM catalog.translation AS translation
    JOIN catalog.product ON product.id = translation.thing_id
    WHERE translation.thing_id = %(product_id)s AND {_SEEN}
"""

MARKET_TRANSLATION: Final[LiteralString] = f"""
    SELECT {_item("name")} {_OF_MARKET} AND translation.language = %(language)s
"""
PRODUCT_TRANSLATION: Final[LiteralString] = f"""
    SELECT {_item("title")} {_OF_PRODUCT} AND translation.language = %(language)s
"""

MARKET_TRANSLATIONS: Final = Keyset(
    name="market_translations",
    item=_item("name"),
    source=_OF_MARKET,
    key=(("translation.language", "text"),),
    descending=False,
)
PRODUCT_TRANSLATIONS: Final = Keyset(
    name="product_translations",
    item=_item("title"),
    source=_OF_PRODUCT,
    key=(("translation.language", "text"),),
    descending=False,
)
