"""Views of identity for the query path."""

from typing import Final, LiteralString

from node.kernel.db.keyset import Keyset

ME: Final[LiteralString] = """
    SELECT json_build_object(
        'account_id', account.id,
        'opened_at', to_char(account.opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'profile', json_build_object(
            'language', account.language, 'currency', account.currency,
            'country', account.country, 'time_zone', account.time_zone
        ),
        'recovery', (
            SELECT json_build_object(
                'id', recovery.id,
                'wallet', '0x' || encode(recovery.wallet, 'hex'),
                'phone', recovery.phone,
                'totp', recovery.is_totp,
                'asked_at', to_char(recovery.asked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                'ripe_at', to_char(recovery.ripe_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            )
            FROM identity.recovery
            WHERE recovery.account_id = account.id AND recovery.ended_at IS NULL
        ),
        'phones', (
            SELECT coalesce(json_agg(json_build_object(
                'phone', phone.phone,
                'linked_at', to_char(phone.linked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            ) ORDER BY phone.linked_at, phone.phone), '[]'::json)
            FROM identity.phone WHERE phone.account_id = account.id
        ),
        'wallets', (
            SELECT coalesce(json_agg(json_build_object(
                'address', '0x' || encode(wallet.address, 'hex'),
                'linked_at', to_char(wallet.linked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            ) ORDER BY wallet.linked_at, wallet.address), '[]'::json)
            FROM identity.wallet WHERE wallet.account_id = account.id
        )
    )
    FROM identity.account WHERE account.id = %(account_id)s
"""

SESSIONS = Keyset(
    name="sessions",
    item="""json_build_object(
        'id', session.id,
        'device', session.device,
        'wallet', '0x' || encode(session.wallet, 'hex'),
        'phone', session.phone,
        'current', session.id = %(session_id)s,
        'opened_at', to_char(session.opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'used_at', to_char(session.used_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'expires_at', to_char(session.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    )""",
    source="""FROM identity.session
        WHERE account_id = %(account_id)s AND ended_at IS NULL AND expires_at > %(now)s""",
    key=(("session.opened_at", "timestamptz"), ("session.id", "uuid")),
)
