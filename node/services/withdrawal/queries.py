"""Views of withdrawals for the query path. Parameters: `account_id`, and `withdrawal_id` for one."""

from typing import Final, LiteralString

from node.kernel.db.json_sql import hex_text, time_text
from node.kernel.db.keyset import Keyset

_ITEM: Final[LiteralString] = f"""json_build_object(
    'id', withdrawal.id,
    'amount', json_build_object('value', withdrawal.amount::text, 'asset', json_build_object(
        'id', tracked.asset_id, 'code', tracked.code, 'exponent', tracked.exponent
    )),
    'to', {hex_text('withdrawal."to"')},
    'state', withdrawal.state,
    'reason', withdrawal.reason,
    'tx_hash', {hex_text("coalesce(withdrawal.tx_hash, newest.tx_hash)")},
    'requested_at', {time_text("withdrawal.requested_at")},
    'changed_at', {time_text("withdrawal.changed_at")}
)"""
_FROM: Final[LiteralString] = """FROM withdrawal.withdrawal AS withdrawal
    JOIN treasury.tracked AS tracked
        ON tracked.chain_id = withdrawal.chain_id AND tracked.address = withdrawal.asset
    LEFT JOIN LATERAL (
        SELECT tx_hash FROM treasury.attempt WHERE attempt.outgoing_id = withdrawal.outgoing_id
        ORDER BY number DESC LIMIT 1
    ) AS newest ON true
    WHERE withdrawal.account_id = %(account_id)s"""

WITHDRAWALS: Final = Keyset(
    name="withdrawals",
    item=_ITEM,
    source=_FROM,
    key=(("withdrawal.requested_at", "timestamptz"), ("withdrawal.id", "uuid")),
)
WITHDRAWAL: Final[LiteralString] = f"SELECT {_ITEM} {_FROM} AND withdrawal.id = %(withdrawal_id)s"
