"""Views of payouts for the query path. Each takes `market_id`."""

from typing import Final, LiteralString

from node.kernel.db.json_sql import hex_text, time_text
from node.kernel.db.keyset import Keyset

# Takes `rules`, `owner` and `now` as well.
TERMS: Final[LiteralString] = f"""
    SELECT json_build_object(
        'schedule', coalesce(terms.schedule, 'never'), 'next_at', {time_text("terms.next_at")},
        'rail', coalesce(terms.rail, 'wallet'), 'beneficiary', terms.beneficiary, 'iban', terms.iban,
        'address', {hex_text("terms.address")}, 'address_open_at', {time_text("terms.address_open_at")},
        'reserve_bps', coalesce(terms.reserve_bps, (%(rules)s::jsonb ->> 'bps')::int),
        'reserve_days', coalesce(terms.reserve_days, (%(rules)s::jsonb ->> 'days')::int),
        'payable', (
            SELECT coalesce(json_agg(json_build_object(
                'asset', found.asset, 'reserve', found.reserve::text,
                'owes', greatest(-found.posted, 0)::text,
                'payable', greatest(found.posted - found.held - found.reserve, 0)::text
            ) ORDER BY found.asset), '[]'::json)
            FROM (
                SELECT account.asset, posted, held,
                    payout.reserve(market.id, account.id, %(rules)s::jsonb, %(now)s::timestamptz) AS reserve
                FROM ledger.account WHERE owner = %(owner)s AND purpose = 'wallet'
            ) AS found
        )
    )
    FROM market.market LEFT JOIN payout.terms ON terms.market_id = market.id
    WHERE market.id = %(market_id)s
"""  # noqa: S608 - literals

_PAYOUT: Final[LiteralString] = f"""json_build_object(
    'id', payout.id,
    'amount', json_build_object('value', payout.amount::text, 'asset', (
        SELECT json_build_object('id', asset.id, 'code', asset.code, 'exponent', asset.exponent)
        FROM ledger.asset WHERE asset.id = payout.asset
    )),
    'rail', payout.rail, 'beneficiary', payout.beneficiary, 'iban', payout.iban,
    'address', {hex_text("payout.address")}, 'state', payout.state,
    'tx_hash', (
        SELECT {hex_text("tx_hash")} FROM treasury.attempt WHERE attempt.outgoing_id = payout.outgoing_id
        ORDER BY number DESC LIMIT 1
    ),
    'reason', payout.reason, 'scheduled', payout.asked_by IS NULL,
    'asked_at', {time_text("payout.asked_at")}, 'ended_at', {time_text("payout.ended_at")}
)"""  # noqa: S608
_SOURCE: Final[LiteralString] = "FROM payout.payout WHERE payout.market_id = %(market_id)s"

ONE: Final[LiteralString] = f"SELECT {_PAYOUT} {_SOURCE} AND payout.id = %(payout_id)s"
PAYOUTS: Final = Keyset(name="payouts", item=_PAYOUT, source=_SOURCE, key=(("payout.id", "uuid"),))
