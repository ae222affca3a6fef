"""`asoud user | role | key` on a real database: what it says is what it did, and the log knows who."""

import uuid
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from node.cli.people import key, role, user
from node.kernel.ids import new_id
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.pg]

WALLET = "0x" + "ab" * 20


@pytest.fixture
def account(
    fresh_database: DatabaseUrls,
    connection: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> uuid.UUID:
    monkeypatch.setenv("ASOUD_DATABASE_URL", fresh_database.app)
    monkeypatch.setenv("ASOUD_DATA_DIR", str(tmp_path))
    account_id = new_id()
    connection.execute("INSERT INTO identity.account (id, opened_at) VALUES (%s, now())", (account_id,))
    connection.execute(
        "INSERT INTO identity.wallet (address, account_id, linked_at) VALUES (%s, %s, now())",
        (bytes.fromhex(WALLET[2:]), account_id),
    )
    return account_id


def run(command: object, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)  # type: ignore[arg-type]


def acts(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute("SELECT act, origin FROM identity.audit ORDER BY id").fetchall()
    assert all(origin.startswith("cli:") for _, origin in rows)
    return [act for act, _ in rows]


def test_the_first_admin_is_made_by_its_wallet(account: uuid.UUID, connection: psycopg.Connection) -> None:
    assert run(role, "grant", WALLET, "admin").output == "granted\n"
    assert run(role, "grant", str(account), "admin").output == "had it already\n"
    assert run(role, "list").output == f"admin  {account}\n"
    assert run(role, "revoke", WALLET, "admin").output == "revoked\n"
    assert run(role, "revoke", WALLET, "admin").output == "did not have it\n"
    assert run(role, "list").output == ""
    assert acts(connection) == ["role_granted", "role_revoked"]


def test_an_account_is_shown_frozen_and_thawed(account: uuid.UUID, connection: psycopg.Connection) -> None:
    assert run(user, "freeze", WALLET).output == "frozen\n"
    assert run(user, "freeze", WALLET).output == "was frozen already\n"
    shown = run(user, "show", str(account)).output
    assert f"account  {account}" in shown
    assert f"wallet  {WALLET}" in shown
    assert "frozen since" in shown
    assert run(user, "list").output.rstrip().endswith(f"{WALLET}  frozen")
    assert run(user, "unfreeze", WALLET).output == "unfrozen\n"
    assert acts(connection) == ["account_frozen", "account_unfrozen"]


def test_a_key_is_printed_once_and_revoked(account: uuid.UUID, connection: psycopg.Connection) -> None:
    made = run(key, "create", WALLET, "--name", "Warehouse", "--scope", "orders.read").output.strip()
    assert made.startswith("asoud_ak_")
    listed = run(key, "list", WALLET).output
    assert "Warehouse  orders.read" in listed
    assert made.rpartition("_")[2] not in listed
    key_id = listed.split()[0]
    assert run(key, "revoke", str(account), key_id).output == "revoked\n"
    assert "revoked" in run(key, "list", WALLET).output
    assert acts(connection) == ["key_made", "key_revoked"]


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        (role, ("grant", "0x" + "cd" * 20, "admin"), "no such account"),
        (role, ("grant", "nobody", "admin"), "named by its id"),
        (role, ("grant", WALLET, "owner"), "Invalid value"),
        (key, ("create", WALLET, "--name", "x", "--scope", "everything"), "not a scope"),
        (key, ("revoke", WALLET, str(uuid.uuid4())), "no such API key"),
        (
            key,
            ("create", WALLET, "--name", "x", "--scope", "orders.read", "--market", str(uuid.uuid4())),
            "no such market",
        ),
    ],
)
def test_what_cannot_be_is_said_in_words(
    connection: psycopg.Connection,
    command: object,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    result = run(command, *arguments)
    assert result.exit_code != 0
    assert words in result.output
    assert acts(connection) == []
