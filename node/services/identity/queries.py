"""Views of identity for the query path."""

from typing import Final, LiteralString

ME: Final[LiteralString] = """
    SELECT json_build_object(
        'account_id', account.id,
        'opened_at', to_char(account.opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'wallets', (
            SELECT json_agg(json_build_object(
                'address', '0x' || encode(wallet.address, 'hex'),
                'linked_at', to_char(wallet.linked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            ) ORDER BY wallet.linked_at, wallet.address)
            FROM identity.wallet WHERE wallet.account_id = account.id
        )
    )
    FROM identity.account WHERE account.id = %(account_id)s
"""
