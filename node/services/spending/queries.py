"""Bounds of spending for the query path. Takes `account_id`, `owner`, `rules` and `now`."""

from typing import Final, LiteralString

from node.kernel.db.json_sql import time_text

_BOUND: Final[LiteralString] = """json_build_object(
    'operation', ({0}operation)::text, 'day', ({0}day)::text, 'month', ({0}month)::text
)"""

LIMITS: Final[LiteralString] = f"""
    WITH rule AS (
        SELECT key AS asset, value ->> 'operation' AS operation, value ->> 'day' AS day,
            value ->> 'month' AS month, value ->> 'step_up' AS step_up
        FROM jsonb_each(%(rules)s::jsonb)
    ), own AS (
        SELECT asset,
            CASE WHEN next_at <= %(now)s THEN next_operation ELSE operation END AS operation,
            CASE WHEN next_at <= %(now)s THEN next_day ELSE day END AS day,
            CASE WHEN next_at <= %(now)s THEN next_month ELSE month END AS month,
            next_operation, next_day, next_month,
            CASE WHEN next_at > %(now)s THEN next_at END AS next_at
        FROM spending.bound WHERE account_id = %(account_id)s
    )
    SELECT json_build_object('items', coalesce(json_agg(json_build_object(
        'asset', asset,
        'node', {_BOUND.replace("{0}", "rule.")},
        'step_up_above', rule.step_up,
        'own', CASE WHEN own.asset IS NOT NULL THEN {_BOUND.replace("{0}", "own.")} END,
        'raised', CASE WHEN own.next_at IS NOT NULL THEN {_BOUND.replace("{0}", "own.next_")} END,
        'raised_at', {time_text("own.next_at")},
        'spent', (
            SELECT json_build_object(
                'day', coalesce(sum(amount) FILTER (WHERE span = 'day'), 0)::text,
                'month', coalesce(sum(amount) FILTER (WHERE span = 'month'), 0)::text
            ) FROM spending.spent
            WHERE spent.owner = %(owner)s AND spent.asset = limits.asset
                AND starts_at = date_trunc(span, %(now)s::timestamptz, 'UTC')
        )
    ) ORDER BY asset), '[]'::json))
    FROM (SELECT asset FROM rule UNION SELECT asset FROM own) AS limits
    LEFT JOIN rule USING (asset) LEFT JOIN own USING (asset)
"""  # noqa: S608 - literals
