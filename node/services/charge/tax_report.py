"""Tax by market, country, rate and asset in a period, from the steps of payments: what moved, when it moved.

Off the chain the node collects it (`remitter` node): it is the tax of the steps. The escrow contract pays the
market one total, so the tax in it is the market's to remit: as large a part of what was paid out as of what
is paid. Where goods and shipping have different rates, each step's tax is divided as the order's is; what
rounding leaves goes along with later steps, so that whole orders come out to the unit.

Takes `market_id` (NULL: all), `since` and `until` (NULL: open).
"""

from typing import Final, LiteralString

from node.kernel.db.json_sql import time_text

_STEPS: Final[LiteralString] = """
    SELECT intent.market_id, intent.asset_id, intent.asset_code, intent.asset_exponent, shop_order.country,
        shop_order.tax_name, shop_order.tax_bps, shop_order.shipping_tax_bps, shop_order.shipping_tax,
        shop_order.tax AS whole, step.kind, step.at,
        CASE WHEN intent.rail = 'escrow' THEN 'market' ELSE 'node' END AS remitter,
        CASE WHEN intent.rail = 'escrow'
            THEN div((sum(step.amount) OVER upto - step.amount) * shop_order.tax, intent.secured)
            ELSE sum(step.tax) OVER upto - step.tax END AS before,
        CASE WHEN intent.rail = 'escrow'
            THEN div(sum(step.amount) OVER upto * shop_order.tax, intent.secured)
            ELSE sum(step.tax) OVER upto END AS after
    FROM payment.step AS step
    JOIN payment.intent AS intent ON intent.id = step.intent_id
    JOIN orders.shop_order ON shop_order.id = intent.order_id
    WHERE step.kind IN ('settle', 'refund') AND shop_order.tax > 0
        AND (%(market_id)s::uuid IS NULL OR shop_order.market_id = %(market_id)s::uuid)
    WINDOW upto AS (PARTITION BY step.intent_id, step.kind ORDER BY step.number)
"""
_LINES: Final[LiteralString] = f"""
    SELECT moved.*, line.bps, line.tax
    FROM ({_STEPS}) AS moved
    CROSS JOIN LATERAL (
        SELECT div(after * shipping_tax, whole) - div(before * shipping_tax, whole) AS tax
    ) AS of_shipping
    CROSS JOIN LATERAL (VALUES
        (moved.tax_bps, after - before - of_shipping.tax), (moved.shipping_tax_bps, of_shipping.tax)
    ) AS line (bps, tax)
    WHERE (%(since)s::timestamptz IS NULL OR moved.at >= %(since)s::timestamptz)
        AND (%(until)s::timestamptz IS NULL OR moved.at < %(until)s::timestamptz)
"""  # noqa: S608 - literals of the code
_GROUPED: Final[LiteralString] = f"""
    SELECT market_id, country, tax_name, bps, remitter, asset_id, asset_code, asset_exponent,
        coalesce(sum(tax) FILTER (WHERE kind = 'settle'), 0) AS collected,
        coalesce(sum(tax) FILTER (WHERE kind = 'refund'), 0) AS refunded
    FROM ({_LINES}) AS lines
    GROUP BY market_id, country, tax_name, bps, remitter, asset_id, asset_code, asset_exponent
    HAVING sum(tax) <> 0
"""  # noqa: S608 - literals of the code
_ORDER: Final[LiteralString] = "market_id, country, asset_id, bps DESC, tax_name, remitter"

# What the node has of each market's tax now, whatever the period.
HELD: Final[LiteralString] = """
    SELECT market_id, asset_id, sum(value) AS held FROM (
        SELECT intent.market_id, intent.asset_id,
            CASE step.kind WHEN 'settle' THEN step.tax ELSE -step.tax END AS value
        FROM payment.step AS step JOIN payment.intent AS intent ON intent.id = step.intent_id
        WHERE step.kind IN ('settle', 'refund') AND step.tax > 0
            AND (%(market_id)s::uuid IS NULL OR intent.market_id = %(market_id)s::uuid)
        UNION ALL
        SELECT remittance.market_id, remittance.asset_id, -remittance.amount FROM charge.remittance
        WHERE %(market_id)s::uuid IS NULL OR remittance.market_id = %(market_id)s::uuid
    ) AS moved GROUP BY market_id, asset_id
"""
ROWS: Final[LiteralString] = f"SELECT * FROM ({_GROUPED}) AS grouped ORDER BY {_ORDER}"  # noqa: S608

REPORT: Final[LiteralString] = f"""
    SELECT json_build_object(
        'rows', coalesce((
            SELECT json_agg(json_build_object(
                'country', country, 'name', tax_name, 'bps', bps, 'remitter', remitter,
                'asset', json_build_object('id', asset_id, 'code', asset_code, 'exponent', asset_exponent),
                'collected', collected::text, 'refunded', refunded::text
            ) ORDER BY {_ORDER}) FROM ({_GROUPED}) AS grouped
        ), '[]'::json),
        'remitted', coalesce((
            SELECT json_agg(json_build_object(
                'asset', asset_id, 'value', amount::text, 'to', receiver, 'reason', reason,
                'at', {time_text("at")}
            ) ORDER BY at, id)
            FROM charge.remittance WHERE market_id = %(market_id)s::uuid
                AND (%(since)s::timestamptz IS NULL OR at >= %(since)s::timestamptz)
                AND (%(until)s::timestamptz IS NULL OR at < %(until)s::timestamptz)
        ), '[]'::json),
        'held', coalesce((
            SELECT json_agg(json_build_object('asset', asset_id, 'value', held::text) ORDER BY asset_id)
            FROM ({HELD}) AS held WHERE held <> 0
        ), '[]'::json)
    )
"""  # noqa: S608 - literals of the code

# RFC 4180, one JSON string. Names are people's own: quoted, and what a spreadsheet would take for a formula
# begins with an apostrophe.
_QUOTED: Final[LiteralString] = """
    '"' || replace(regexp_replace(coalesce(tax_name, ''), '^([=+@-])', '''\\1'), '"', '""') || '"'
"""
REPORT_CSV: Final[LiteralString] = f"""
    SELECT to_json('country,name,bps,asset,code,exponent,remitter,collected,refunded' || E'\\r\\n'
        || coalesce(string_agg(concat_ws(
            ',', country, {_QUOTED}, bps, asset_id, asset_code, asset_exponent, remitter, collected, refunded
        ) || E'\\r\\n', '' ORDER BY {_ORDER}), ''
    )) FROM ({_GROUPED}) AS grouped
"""  # noqa: S608 - literals of the code
