"""Accounts, roles and keys in lines for an operator's terminal. Reads alone."""

import uuid
from collections.abc import Mapping

from sqlalchemy import TextClause, text

from node.kernel.db.unit_of_work import Tx

LIST_MAX = 500

_ACCOUNTS = text("""
    SELECT account.id || '  ' || to_char(account.opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
        || coalesce('  0x' || encode((
            SELECT address FROM identity.wallet WHERE account_id = account.id
            ORDER BY linked_at, address LIMIT 1
        ), 'hex'), '')
        || CASE WHEN account.frozen_at IS NOT NULL THEN '  frozen' ELSE '' END
    FROM identity.account ORDER BY account.opened_at DESC, account.id LIMIT :limit
""")
_ACCOUNT = text("""
    SELECT line FROM (
        SELECT 1 AS part, 'account  ' || id || '  opened '
            || to_char(opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS line
            FROM identity.account WHERE id = :account
        UNION ALL SELECT 2, 'frozen since ' || to_char(frozen_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
            FROM identity.account WHERE id = :account AND frozen_at IS NOT NULL
        UNION ALL SELECT 3, 'wallet  0x' || encode(address, 'hex')
            FROM identity.wallet WHERE account_id = :account
        UNION ALL SELECT 4, 'phone  ' || phone FROM identity.phone WHERE account_id = :account
        UNION ALL SELECT 5, 'role  ' || role FROM identity.role_grant WHERE account_id = :account
        UNION ALL SELECT 6, 'market  ' || market_id || '  ' || role
            FROM market.member WHERE account_id = :account
        UNION ALL SELECT 7, 'devices signed in: ' || count(*)
            FROM identity.session WHERE account_id = :account AND ended_at IS NULL
    ) AS lines ORDER BY part, line LIMIT :limit
""")
_ROLES = text("""
    SELECT role || '  ' || account_id FROM identity.role_grant ORDER BY role, granted_at LIMIT :limit
""")
_KEYS = text("""
    SELECT id || '  ' || name || '  ' || array_to_string(scopes, ',')
        || CASE WHEN revoked_at IS NOT NULL THEN '  revoked' ELSE '' END
        || coalesce('  used ' || to_char(used_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), '')
    FROM identity.api_key WHERE account_id = :account ORDER BY id LIMIT :limit
""")


def list_accounts(tx: Tx, *, limit: int) -> list[str]:
    """The newest first."""
    return _lines(tx, _ACCOUNTS, {"limit": limit})


def show_account(tx: Tx, account_id: uuid.UUID) -> list[str]:
    return _lines(tx, _ACCOUNT, {"account": account_id, "limit": LIST_MAX})


def list_roles(tx: Tx) -> list[str]:
    return _lines(tx, _ROLES, {"limit": LIST_MAX})


def list_keys(tx: Tx, account_id: uuid.UUID) -> list[str]:
    return _lines(tx, _KEYS, {"account": account_id, "limit": LIST_MAX})


def _lines(tx: Tx, statement: TextClause, parameters: Mapping[str, object]) -> list[str]:
    return [str(line) for line in tx.execute(statement, parameters).scalars()]
