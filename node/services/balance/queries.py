"""Views of balances for the query path. Parameters: `owner` and `purpose`, and `asset` for statements."""

from typing import Final, LiteralString

from node.kernel.db.json_sql import time_text
from node.kernel.db.keyset import Keyset
from wallet.ledger.statements import ENTRIES

CSV_ROWS_MAX = 10_000

BALANCES: Final = Keyset(
    name="balances",
    item="""json_build_object(
        'asset', json_build_object('id', asset.id, 'code', asset.code, 'exponent', asset.exponent),
        'posted', account.posted::text, 'held', account.held::text,
        'available', (account.posted - account.held - account.floor)::text,
        'frozen', account.state = 'frozen'
    )""",
    source="""FROM ledger.account JOIN ledger.asset ON asset.id = account.asset
    WHERE account.owner = %(owner)s AND account.purpose = %(purpose)s AND account.floor IS NOT NULL""",
    key=(("account.asset", "text"),),
    descending=False,
)

# The newest rows as RFC 4180, one JSON string: no field of ours holds a comma, a quote or a line break.
STATEMENT_CSV: Final[LiteralString] = f"""
    SELECT to_json('at,kind,delta,balance,counterparty,transfer' || E'\\r\\n' || coalesce(
        string_agg(line || E'\\r\\n', '' ORDER BY at DESC, transfer_id DESC, n DESC), ''
    ))
    FROM (
        SELECT entry.at, transfer_id, n, concat_ws(
            ',', {time_text("entry.at")}, transfer.kind, delta, balance, other.owner, transfer.key
        ) AS line
        {ENTRIES}
        ORDER BY entry.at DESC, entry.transfer_id DESC, entry.n DESC LIMIT {CSV_ROWS_MAX}
    ) AS newest
"""  # noqa: S608 - literals
