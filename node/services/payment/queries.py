"""Views of payments for the query path, for the payer and those who work in the market.

What the payer has to do at a gateway is for the payer alone.
"""

from typing import Final, LiteralString

from node.kernel.db.json_sql import time_text
from node.kernel.db.keyset import Keyset

# Of money by the chain, for the payer alone: what counts for it is what they have. What came after its time
# is told by deposits; each is of the newest invoice that was asked for before it came.
_FREE: Final[LiteralString] = """
    coalesce((
        SELECT greatest(account.posted - account.held, 0) FROM ledger.account
        WHERE account.owner = 'account:' || intent.payer_account_id AND account.purpose = 'wallet'
            AND account.asset = intent.asset_id
    ), 0)
"""
_LATE: Final[LiteralString] = """
    coalesce((
        SELECT sum(came.amount) FROM deposit.deposit AS came
        WHERE came.owner = 'account:' || intent.payer_account_id AND came.state = 'credited'
            AND came.chain_id = split_part(split_part(intent.asset_id, '/', 1), ':', 2)::bigint
            AND came.asset = CASE WHEN intent.asset_id LIKE '%%/erc20:0x%%'
                THEN decode(right(intent.asset_id, 40), 'hex') ELSE decode(repeat('00', 20), 'hex') END
            AND came.credited_at > intent.expires_at
            AND NOT EXISTS (
                SELECT FROM payment.intent AS newer
                WHERE newer.payer_account_id = intent.payer_account_id AND newer.asset_id = intent.asset_id
                    AND newer.id > intent.id AND newer.created_at <= came.credited_at
                    AND newer.rail IN ('deposit', 'checkout')
            )
    ), 0)
"""
_INVOICE: Final[LiteralString] = f"""
    CASE WHEN intent.rail IN ('deposit', 'checkout') AND intent.payer_account_id = %(account_id)s::uuid THEN (
        SELECT json_build_object(
            'status', CASE
                WHEN intent.secured > 0 AND seen.received > intent.amount THEN 'over'
                WHEN intent.secured > 0 THEN 'paid'
                WHEN seen.is_open AND seen.received > 0 THEN 'partial'
                WHEN seen.is_open THEN 'waiting'
                WHEN seen.received > 0 THEN 'late'
                ELSE 'ended'
            END,
            'received', seen.received::text,
            'missing', CASE WHEN intent.secured = 0 AND seen.is_open
                THEN greatest(intent.amount - seen.received, 0) ELSE 0 END::text,
            'over', CASE WHEN intent.secured > 0
                THEN greatest(seen.received - intent.amount, 0) ELSE 0 END::text
        )
        FROM (
            SELECT wanted.is_open, CASE
                WHEN intent.secured > 0 THEN coalesce(intent.received, intent.amount)
                WHEN wanted.is_open THEN {_FREE}
                ELSE {_LATE}
            END AS received
            FROM (
                SELECT intent.state IN ('created', 'requires_action') AND intent.expires_at > %(now)s
                    AND EXISTS (
                        SELECT FROM orders.shop_order
                        WHERE shop_order.id = intent.order_id AND shop_order.state = 'placed'
                    ) AS is_open
            ) AS wanted
        ) AS seen
    ) END
"""  # noqa: S608 - literals of the code

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
        'underpaid_by', intent.covered::text,
        'invoice', {_INVOICE},
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
