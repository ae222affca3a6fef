"""Views of rates and of exchanges for the query path."""

from typing import Final, LiteralString

from node.kernel.db.json_sql import time_text

# Takes `reference` (the code), `reference_id`, `spread_bps`, `stale_before`.
RATES: Final[LiteralString] = f"""
    SELECT json_build_object(
        'reference', %(reference_id)s::text, 'spread_bps', %(spread_bps)s::int,
        'items', coalesce(json_agg(json_build_object(
            'asset', newest.asset, 'per_reference', newest.per_reference::text, 'source', newest.source,
            'at', {time_text("newest.at")}, 'stale', newest.at <= %(stale_before)s
        ) ORDER BY newest.asset), '[]'::json)
    )
    FROM (
        SELECT DISTINCT ON (asset) asset, per_reference, source, at FROM rate.rate
        WHERE reference = %(reference)s ORDER BY asset, at DESC, source
    ) AS newest
"""  # noqa: S608 - literals

# Takes `account_id`, `quote_id`, `now`.
ONE_QUOTE: Final[LiteralString] = f"""
    SELECT json_build_object(
        'id', quote.id,
        'sold', json_build_object('value', quote.sold::text, 'asset', json_build_object(
            'id', source.id, 'code', source.code, 'exponent', source.exponent
        )),
        'bought', json_build_object('value', quote.bought::text, 'asset', json_build_object(
            'id', target.id, 'code', target.code, 'exponent', target.exponent
        )),
        'spread_bps', quote.spread_bps,
        'state', CASE WHEN quote.executed_at IS NOT NULL THEN 'executed'
            WHEN quote.expires_at <= %(now)s THEN 'lapsed' ELSE 'open' END,
        'quoted_at', {time_text("quote.quoted_at")}, 'expires_at', {time_text("quote.expires_at")},
        'executed_at', {time_text("quote.executed_at")}
    )
    FROM rate.exchange_quote AS quote
    JOIN ledger.asset AS source ON source.id = quote.sold_asset
    JOIN ledger.asset AS target ON target.id = quote.bought_asset
    WHERE quote.id = %(quote_id)s AND quote.account_id = %(account_id)s
"""  # noqa: S608
