"""Tokens of other people's contracts through the edge."""

import json
from typing import Any

import psycopg
import pytest

from node.kernel.db.keyset import Keyset
from node.services.foreign import queries
from tests.edge import Edge

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

CHAIN_ID = 31337
COIN, NFT, GONE = (f"0x{number:040x}" for number in (0xC0, 0xC1, 0xC2))
ROWS = """
    INSERT INTO chain.foreign_contract
        (chain_id, address, standard, state, from_block, done_block, from_birth, name, added_at)
    SELECT 31337, decode(lpad(to_hex(192 + n), 40, '0'), 'hex'), standard, state, 0, 9, true, 'T' || n, now()
    FROM (VALUES (0, 'erc20', 'live'), (1, 'erc721', 'backfilling'), (2, 'erc20', 'removing'))
        AS asked (n, standard, state);
    INSERT INTO chain.foreign_balance
        (chain_id, contract, holder, token_id, balance, changed_block, changed_log, changed_at)
    SELECT 31337, decode(lpad(to_hex(contract), 40, '0'), 'hex'),
        decode(lpad(to_hex(holder), 40, '0'), 'hex'),
        0, holder - 3, 1, 1, now()
    FROM generate_series(1, 3000) AS holder, (VALUES (192), (194)) AS asked (contract);
    INSERT INTO chain.foreign_token
        (chain_id, contract, token_id, owner, changed_block, changed_log, changed_at)
    SELECT 31337, decode(lpad('c1', 40, '0'), 'hex'), 2::numeric ^ 255 + n,
        decode(lpad(to_hex(n % 500), 40, '0'), 'hex'), 1, 1, now()
    FROM generate_series(1, 3000) AS n;
    INSERT INTO chain.foreign_transfer
        (chain_id, block_number, log_index, item, block_time, tx_hash, contract, sender, recipient, token_id,
         amount)
    SELECT 31337, n / 10, n % 10 / 2, n % 2, now(), decode(lpad('1', 64, '0'), 'hex'),
        decode(lpad(CASE WHEN n % 100 = 0 THEN 'c0' ELSE 'c1' END, 40, '0'), 'hex'),
        decode(lpad('0', 40, '0'), 'hex'), decode(lpad('7', 40, '0'), 'hex'),
        CASE WHEN n % 100 = 0 THEN NULL ELSE n END, n
    FROM generate_series(1, 3000) AS n;
    ANALYZE chain.foreign_balance, chain.foreign_token, chain.foreign_transfer;
"""


@pytest.fixture
def rows(connection: psycopg.Connection) -> psycopg.Connection:
    connection.execute(ROWS)
    return connection


async def everything(edge: Edge, path: str) -> list[Any]:
    items: list[Any] = []
    cursor = None
    while True:
        params = {"limit": 4} | ({} if cursor is None else {"cursor": cursor})
        answer = await edge.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        cursor = answer.json()["next"]
        if cursor is None:
            return items


@pytest.mark.usefixtures("rows")
async def test_a_wallet_sees_what_it_holds(edge: Edge) -> None:
    held = await everything(edge, f"/v1/wallets/0x{7:040x}/foreign-tokens")
    assert [(item["contract"]["address"], item["token_id"], item["amount"]) for item in held] == [
        (COIN, None, "4"),
        *((NFT, str(2**255 + n), "1") for n in range(7, 3_000, 500)),
    ]
    rich = await everything(edge, f"/v1/wallets/0x{2999:040x}/foreign-tokens")
    assert rich == [{**held[0], "amount": "2996"}]
    assert await everything(edge, f"/v1/wallets/0x{5_000:040x}/foreign-tokens") == []


@pytest.mark.usefixtures("rows")
async def test_contracts_and_their_transfers(edge: Edge) -> None:
    contracts = await everything(edge, "/v1/foreign-contracts")
    assert [(item["address"], item["state"]) for item in contracts] == [(COIN, "live"), (NFT, "backfilling")]
    moved = await everything(edge, f"/v1/foreign-contracts/{COIN}/transfers")
    assert [item["amount"] for item in moved] == [str(n) for n in range(3_000, 0, -100)]
    assert {(item["from"], item["token_id"]) for item in moved} == {(None, None)}
    (first, *_) = (await edge.client.get(f"/v1/foreign-contracts/{NFT}/transfers")).json()["items"]
    assert (first["token_id"], first["block"], first["log_index"], first["item"]) == ("2999", 299, 4, 1)


@pytest.mark.parametrize("keyset", [queries.HOLDINGS, queries.TRANSFERS], ids=lambda item: item.name)
def test_pages_are_read_through_indexes(rows: psycopg.Connection, keyset: Keyset) -> None:
    params = {"chain_id": CHAIN_ID, "wallet": (7).to_bytes(20), "contract": bytes.fromhex(NFT[2:])}
    cursor = None
    for _ in range(2):
        sql, bound = keyset.statement(params, limit=4, cursor=cursor)
        (plan,) = rows.execute("EXPLAIN (FORMAT JSON) " + sql, bound).fetchone() or ()
        assert "Seq Scan on foreign_" not in json.dumps(plan).replace('", "Relation Name": "', " on ")
        (page,) = rows.execute(sql, bound).fetchone() or ()
        cursor = page["next"]
        assert len(page["items"]) == 4 or cursor is None
