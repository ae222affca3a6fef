"""Views of payments for the query path, for the payer and those who work in the market.

What the payer has to do at a gateway is for the payer alone.
"""

from typing import Final, LiteralString

from node.kernel.db.json_sql import time_text
from node.kernel.db.keyset import Keyset

_ITEM: Final[LiteralString] = f"""
    json_build_object(
        'id', intent.id,
        'order_id', intent.order_id,
        'rail', intent.rail,
        'method', intent.method,
        'state', intent.state,
        'amount', json_build_object('value', intent.amount::text, 'asset', json_build_object(
            'id', intent.asset_id, 'code', intent.asset_code, 'exponent', intent.asset_exponent
        )),
        'secured', intent.secured::text,
        'captured', intent.settled::text,
        'returned', intent.returned::text,
        'refunded', intent.refunded::text,
        'action', CASE WHEN intent.payer_account_id = %(account_id)s::uuid THEN intent.action END,
        'expires_at', {time_text("intent.expires_at")},
        'created_at', {time_text("intent.created_at")},
        'changed_at', {time_text("intent.changed_at")},
        'steps', coalesce((
            SELECT json_agg(json_build_object(
                'number', step.number,
                'kind', step.kind,
                'amount', step.amount::text,
                'market', step.market::text,
                'commission', step.commission::text,
                'tax', step.tax::text,
                'shipping', step.shipping::text,
                'transfer', step.key,
                'at', {time_text("step.at")}
            ) ORDER BY step.number)
            FROM payment.step WHERE step.intent_id = intent.id
        ), '[]'::json)
    )
"""  # noqa: S608 - literals of the code

PAYMENT: Final[LiteralString] = f"""
    SELECT {_ITEM} FROM payment.intent WHERE intent.id = %(payment_id)s
        AND (intent.payer_account_id = %(account_id)s::uuid OR EXISTS (
            SELECT FROM market.member
            WHERE member.market_id = intent.market_id AND member.account_id = %(account_id)s::uuid
        ))
"""  # noqa: S608 - literals of the code

LINK: Final[LiteralString] = """
    SELECT to_json(intent.action ->> 'uri') FROM payment.intent
    WHERE intent.id = %(payment_id)s AND intent.order_id = %(order_id)s
        AND intent.payer_account_id = %(account_id)s AND intent.action ? 'uri'
"""

PAYMENTS_OF_ORDER: Final = Keyset(
    name="payments_of_order",
    item=_ITEM,
    source="FROM payment.intent WHERE intent.order_id = %(order_id)s",
    key=(("intent.id", "uuid"),),
)
