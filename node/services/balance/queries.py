"""Views of balances for the query path. Parameters: `owner` and `purpose`, and `asset` for statements.

An entry tells the other side as it is shown to this one: what the sender typed, or the name that the sender
goes by. Ids of other accounts are in none.
"""

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
        'available', greatest(account.posted - account.held, 0)::text,
        'frozen', account.state = 'frozen'
    )""",
    source="""FROM ledger.account JOIN ledger.asset ON asset.id = account.asset
    WHERE account.owner = %(owner)s AND account.purpose = %(purpose)s AND account.floor IS NOT NULL""",
    key=(("account.asset", "text"),),
    descending=False,
)

# Takes `owner`. What is in transit is left out: it would tell who has the phones that money was sent to.
OF_MARKET: Final = Keyset(
    name="balances_of_market",
    item="""json_build_object(
        'asset', json_build_object('id', asset.id, 'code', asset.code, 'exponent', asset.exponent),
        'purpose', account.purpose, 'posted', account.posted::text, 'held', account.held::text,
        'available', greatest(account.posted - account.held, 0)::text,
        'owes', greatest(-account.posted, 0)::text, 'frozen', account.state = 'frozen'
    )""",
    source="""FROM ledger.account JOIN ledger.asset ON asset.id = account.asset
    WHERE account.owner = %(owner)s AND account.purpose <> 'transit' AND account.floor IS NOT NULL""",
    key=(("account.asset", "text"), ("account.purpose", "text")),
    descending=False,
)

_ID: Final[LiteralString] = "split_part(transfer.key, ':', 2)"
_REFERENCE: Final[LiteralString] = f"split_part(transfer.key, ':', 1) || ':' || {_ID}"
# Of a transfer between wallets the sender sees what it typed; everybody else sees names.
_COUNTERPARTY: Final[LiteralString] = f"""CASE
    WHEN transfer.key LIKE 'transfer:%%' THEN (
        SELECT CASE
            WHEN sent.owner <> %(owner)s THEN transfer.shown_name(sent.account_id, sent.market_id)
            WHEN other.owner = 'node' THEN 'node'
            WHEN sent.way = 'request' THEN transfer.shown_name(sent.receiver_account_id, NULL)
            WHEN sent.way = 'handle' THEN '@' || sent.target
            ELSE sent.target END
        FROM transfer.transfer AS sent WHERE sent.id = {_ID}::uuid
    )
    WHEN other.owner LIKE 'account:%%' THEN transfer.shown_name(split_part(other.owner, ':', 2)::uuid, NULL)
    WHEN other.owner LIKE 'market:%%' THEN transfer.shown_name(NULL, split_part(other.owner, ':', 2)::uuid)
    ELSE split_part(other.owner, ':', 1) END"""  # noqa: S608 - literals

STATEMENT: Final = Keyset(
    name="balance.statement",
    item=f"""json_build_object(
        'transfer', transfer.key, 'reference', {_REFERENCE}, 'kind', transfer.kind,
        'at', {time_text("entry.at")}, 'delta', entry.delta::text, 'balance', entry.balance::text,
        'counterparty', {_COUNTERPARTY}, 'purpose', other.purpose
    )""",
    source=ENTRIES,
    key=(("entry.at", "timestamptz"), ("entry.transfer_id", "bigint"), ("entry.n", "bigint")),
)

# The newest rows as RFC 4180, one JSON string. Names are people's own: quoted, and what a spreadsheet would
# take for a formula begins with an apostrophe.
_QUOTED: Final[LiteralString] = f"""'"' || replace(
    regexp_replace({_COUNTERPARTY}, '^([=+@-])', '''\\1'), '"', '""'
) || '"'"""
STATEMENT_CSV: Final[LiteralString] = f"""
    SELECT to_json('at,kind,delta,balance,counterparty,reference,transfer' || E'\\r\\n' || coalesce(
        string_agg(line || E'\\r\\n', '' ORDER BY at DESC, transfer_id DESC, n DESC), ''
    ))
    FROM (
        SELECT entry.at, transfer_id, n, concat_ws(
            ',', {time_text("entry.at")}, transfer.kind, delta, balance, coalesce({_QUOTED}, ''),
            {_REFERENCE}, transfer.key
        ) AS line
        {ENTRIES}
        ORDER BY entry.at DESC, entry.transfer_id DESC, entry.n DESC LIMIT {CSV_ROWS_MAX}
    ) AS newest
"""  # noqa: S608 - literals
