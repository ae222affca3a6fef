"""Views of transfers and requests for money, for the query path. What a sender sees is in `functions.sql`."""

from typing import Final, LiteralString

from node.kernel.db.json_sql import time_text
from node.kernel.db.keyset import Keyset

_ASSET: Final[LiteralString] = """(
    SELECT json_build_object('id', asset.id, 'code', asset.code, 'exponent', asset.exponent)
    FROM ledger.asset WHERE asset.id = {0}.asset
)"""
_OF_SENT: Final[LiteralString] = _ASSET.replace("{0}", "sent")

_OUT: Final[LiteralString] = "transfer.as_sent(sent, %(now)s)"
_OUT_SOURCE: Final[LiteralString] = """FROM transfer.transfer AS sent
    WHERE sent.account_id = %(account_id)s AND sent.market_id IS NULL"""

ONE_OUT: Final[LiteralString] = f"SELECT {_OUT} {_OUT_SOURCE} AND sent.id = %(transfer_id)s"
ONE_OF_MARKET: Final[LiteralString] = f"""
    SELECT {_OUT} FROM transfer.transfer AS sent
    WHERE sent.market_id = %(market_id)s AND sent.id = %(transfer_id)s
"""  # noqa: S608
OUT: Final = Keyset(name="transfers_out", item=_OUT, source=_OUT_SOURCE, key=(("sent.id", "uuid"),))
OF_MARKET: Final = Keyset(
    name="transfers_of_market",
    item=_OUT,
    source="FROM transfer.transfer AS sent WHERE sent.market_id = %(market_id)s",
    key=(("sent.id", "uuid"),),
)
IN: Final = Keyset(
    name="transfers_in",
    item=f"""json_build_object(
        'id', sent.id, 'direction', 'in', 'way', sent.way, 'to', sent.target,
        'counterparty', transfer.shown_name(sent.account_id, sent.market_id),
        'amount', json_build_object('value', sent.amount::text, 'asset', {_OF_SENT}),
        'fee', NULL, 'note', sent.note, 'state', sent.state, 'prepared_at', NULL, 'expires_at', NULL,
        'confirmed_at', {time_text("sent.ended_at")}, 'returns_at', NULL
    )""",
    source="""FROM transfer.transfer AS sent
        WHERE sent.receiver_account_id = %(account_id)s AND sent.state = 'delivered'""",
    key=(("sent.id", "uuid"),),
)

# Takes `now` and `link`.
_REQUEST: Final[LiteralString] = f"""json_build_object(
    'code', request.code, 'link', %(link)s || request.code,
    'maker', transfer.shown_name(request.account_id, NULL),
    'asset', {_ASSET.replace("{0}", "request")}, 'amount', request.amount::text, 'note', request.note,
    'once', request.is_once,
    'state', CASE WHEN request.cancelled_at IS NOT NULL THEN 'cancelled'
        WHEN request.is_once AND request.paid > 0 THEN 'paid'
        WHEN request.expires_at <= %(now)s THEN 'expired' ELSE 'open' END,
    'made_at', {time_text("request.made_at")}, 'expires_at', {time_text("request.expires_at")}
)"""

ONE_REQUEST: Final[LiteralString] = f"SELECT {_REQUEST} FROM transfer.request WHERE code = %(code)s"  # noqa: S608
REQUESTS_MADE: Final = Keyset(
    name="requests_made",
    item=_REQUEST,
    source="FROM transfer.request WHERE request.account_id = %(account_id)s",
    key=(("request.id", "uuid"),),
)
REQUESTS_PAID: Final = Keyset(
    name="requests_paid",
    item=_REQUEST,
    source="""FROM transfer.request WHERE EXISTS (
        SELECT FROM transfer.transfer AS sent
        WHERE sent.request_id = request.id AND sent.account_id = %(account_id)s AND sent.state = 'delivered'
    )""",
    key=(("request.id", "uuid"),),
)
