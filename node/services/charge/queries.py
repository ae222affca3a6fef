"""Views of what markets charge, for the query path: anybody may see it. Names are told by `languages`."""

from typing import Final, LiteralString

from node.kernel.db.json_sql import time_text
from node.kernel.db.keyset import Keyset

_TAX: Final[LiteralString] = f"""
    json_build_object(
        'country', tax.country,
        'name', tax.name,
        'included', tax.is_included,
        'standard_bps', tax.standard_bps,
        'reduced_bps', tax.reduced_bps,
        'super_reduced_bps', tax.super_reduced_bps,
        'changed_at', {time_text("tax.changed_at")}
    )
"""
_TAXES: Final[LiteralString] = "FROM charge.tax WHERE tax.market_id = %(market_id)s"
TAX: Final[LiteralString] = f"SELECT {_TAX} {_TAXES} AND tax.country = %(country)s"
TAXES: Final = Keyset(
    name="taxes", item=_TAX, source=_TAXES, key=(("tax.country", "text"),), descending=False
)

# Of all languages in which it is named, the market's own among them, the first that is wanted.
_LANGUAGE: Final[LiteralString] = """
    coalesce((
        SELECT wanted.tag FROM unnest(%(languages)s::text[]) WITH ORDINALITY AS wanted (tag, place)
        WHERE wanted.tag = market.language OR method.names ? wanted.tag ORDER BY wanted.place LIMIT 1
    ), market.language)
"""
METHOD_NAME: Final[LiteralString] = "coalesce(method.names ->> told.language, method.name)"
METHODS_FROM: Final[LiteralString] = f"""
    FROM charge.shipping_method AS method JOIN market.market ON market.id = method.market_id
    CROSS JOIN LATERAL (SELECT {_LANGUAGE} AS language) AS told
"""
_METHOD: Final[LiteralString] = f"""
    json_build_object(
        'id', method.id,
        'market_id', method.market_id,
        'language', told.language,
        'name', {METHOD_NAME},
        'names', method.names,
        'countries', method.countries,
        'asset', json_build_object(
            'id', method.asset_id, 'code', method.asset_code, 'exponent', method.asset_exponent
        ),
        'price', method.price::text,
        'further', method.further::text,
        'free_from', method.free_from::text,
        'taxed', method.is_taxed,
        'active', method.is_active,
        'added_at', {time_text("method.added_at")},
        'changed_at', {time_text("method.changed_at")}
    )
"""
_OF_MARKET: Final[LiteralString] = f"{METHODS_FROM} WHERE method.market_id = %(market_id)s"
METHOD: Final[LiteralString] = f"SELECT {_METHOD} {_OF_MARKET} AND method.id = %(method_id)s"
METHODS: Final = Keyset(
    name="shipping_methods",
    item=_METHOD,
    source=_OF_MARKET,
    key=(("method.id", "uuid"),),
    descending=False,
)
