"""Views of identity for the query path."""

from typing import Final, LiteralString

from node.kernel.db.json_sql import time_text
from node.kernel.db.keyset import Keyset

ME: Final[LiteralString] = """
    SELECT json_build_object(
        'account_id', account.id,
        'opened_at', to_char(account.opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'handle', (
            SELECT handle FROM identity.handle WHERE handle.account_id = account.id AND handle.is_current
        ),
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

ROLES: Final[LiteralString] = """
    SELECT json_build_object(
        'node', (
            SELECT coalesce(json_agg(role ORDER BY role), '[]'::json) FROM identity.role_grant
            WHERE account_id = %(account_id)s
        ),
        'markets', (
            SELECT coalesce(json_agg(json_build_object(
                'market_id', member.market_id, 'role', member.role
            ) ORDER BY member.market_id), '[]'::json)
            FROM market.member WHERE account_id = %(account_id)s
        )
    )
"""

_KEY: Final[LiteralString] = f"""
    json_build_object(
        'id', api_key.id,
        'market_id', api_key.market_id,
        'name', api_key.name,
        'scopes', array_to_json(api_key.scopes),
        'per_minute', api_key.per_minute,
        'made_at', {time_text("api_key.made_at")},
        'expires_at', {time_text("api_key.expires_at")},
        'revoked_at', {time_text("api_key.revoked_at")},
        'used_at', {time_text("api_key.used_at")},
        'secrets', (
            SELECT coalesce(json_agg(json_build_object(
                'lookup', secret.lookup,
                'made_at', {time_text("secret.made_at")},
                'expires_at', {time_text("secret.expires_at")}
            ) ORDER BY secret.made_at, secret.lookup), '[]'::json)
            FROM identity.api_key_secret AS secret
            WHERE secret.key_id = api_key.id AND (secret.expires_at IS NULL OR secret.expires_at > %(now)s)
        )
    )
"""  # noqa: S608 - literals of the code
KEYS_OF_ACCOUNT: Final = Keyset(
    name="keys_of_account",
    item=_KEY,
    source="FROM identity.api_key WHERE api_key.account_id = %(account_id)s AND api_key.market_id IS NULL",
    key=(("api_key.id", "uuid"),),
)
KEYS_OF_MARKET: Final = Keyset(
    name="keys_of_market",
    item=_KEY,
    source="FROM identity.api_key WHERE api_key.market_id = %(market_id)s",
    key=(("api_key.id", "uuid"),),
)
