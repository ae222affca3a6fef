"""The floor of the indexer's bench: the least that a correct reader of transfers has to do, by hand.

Headers, parent hashes, logs; then in one transaction with the checkpoint: two accounts, the token and the
transfer of each log, or the token's text. No raw logs, no other events, no undo, no spine, and no index but
the keys.
"""

import http.client
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import LiteralString
from urllib.parse import urlsplit

import msgspec
import psycopg

from indexer.memory import peak_memory_mb

BLOCKS = 10  # at once: some 5,000 logs
HEADERS_MAX = 100  # in one JSON-RPC batch

TABLES = """
    CREATE SCHEMA floor;
    CREATE TABLE floor.account (address bytea PRIMARY KEY, transfers bigint NOT NULL);
    CREATE TABLE floor.token (
        collection bytea, token_id numeric, owner bytea NOT NULL, uri text NOT NULL DEFAULT '',
        PRIMARY KEY (collection, token_id));
    CREATE TABLE floor.transfer (
        block bigint, log_index int, collection bytea NOT NULL, token_id numeric NOT NULL,
        sender bytea NOT NULL, recipient bytea NOT NULL, tx_hash bytea NOT NULL,
        PRIMARY KEY (block, log_index));
    CREATE TABLE floor.checkpoint (number bigint NOT NULL, hash text NOT NULL);
    INSERT INTO floor.checkpoint VALUES (0, '');
"""
STAGING = """
    CREATE TEMP TABLE fresh_account (address bytea, transfers bigint) ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE fresh_token (collection bytea, token_id numeric, owner bytea) ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE fresh_text (collection bytea, token_id numeric, uri text) ON COMMIT DELETE ROWS;
"""
UPSERT_ACCOUNTS = """
    INSERT INTO floor.account SELECT * FROM fresh_account
    ON CONFLICT (address) DO UPDATE SET transfers = account.transfers + excluded.transfers
"""
UPSERT_TOKENS = """
    INSERT INTO floor.token (collection, token_id, owner) SELECT * FROM fresh_token
    ON CONFLICT (collection, token_id) DO UPDATE SET owner = excluded.owner
"""
UPDATE_TEXTS = """
    UPDATE floor.token SET uri = fresh.uri FROM fresh_text AS fresh
    WHERE token.collection = fresh.collection AND token.token_id = fresh.token_id
"""
TOPICS_OF_TRANSFER = 4
HASHES_ONLY = False  # of the transactions in a block


class Header(msgspec.Struct, rename="camel"):
    number: str
    hash: str
    parent_hash: str


class Log(msgspec.Struct, rename="camel"):
    address: str
    topics: list[str]
    data: str
    block_number: str
    block_hash: str
    transaction_hash: str
    log_index: str


class HeaderAnswer(msgspec.Struct):
    result: Header


class LogAnswer(msgspec.Struct):
    result: list[Log]


class Node:
    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)

    def _post(self, body: object) -> bytes:
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", "/", msgspec.json.encode(body), headers)
        return self._connection.getresponse().read()

    def headers(self, first: int, last: int) -> list[Header]:
        found: list[Header] = []
        for start in range(first, last + 1, HEADERS_MAX):
            numbers = range(start, min(start + HEADERS_MAX, last + 1))
            calls = [
                _call("eth_getBlockByNumber", hex(number), HASHES_ONLY, id_=number) for number in numbers
            ]
            answers = msgspec.json.decode(self._post(calls), type=list[HeaderAnswer])
            found += [answer.result for answer in answers]
        return found

    def logs(self, first: int, last: int, address: str) -> list[Log]:
        query = {"fromBlock": hex(first), "toBlock": hex(last), "address": address}
        return msgspec.json.decode(self._post(_call("eth_getLogs", query)), type=LogAnswer).result


def _call(method: str, *params: object, id_: int = 0) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}


def write(connection: psycopg.Connection, headers: Sequence[Header], logs: Sequence[Log]) -> None:
    hashes = {header.number: header.hash for header in headers}
    accounts: Counter[bytes] = Counter()
    tokens: dict[tuple[bytes, int], bytes] = {}
    rows = []
    texts: dict[tuple[bytes, int], str] = {}
    for log in logs:
        if hashes[log.block_number] != log.block_hash:
            raise SystemExit("a log belongs to another block")
        if len(log.topics) != TOPICS_OF_TRANSFER:
            token = bytes.fromhex(log.address[2:]), int(log.topics[1], 16)
            data = bytes.fromhex(log.data[2:])
            texts[token] = data[64 : 64 + int.from_bytes(data[32:64])].decode()
            continue
        _, sender_word, recipient_word, token_word = log.topics
        collection, token_id = bytes.fromhex(log.address[2:]), int(token_word, 16)
        sender, recipient = bytes.fromhex(sender_word[26:]), bytes.fromhex(recipient_word[26:])
        accounts[sender] += 1
        accounts[recipient] += 1
        tokens[collection, token_id] = recipient
        tx_hash = bytes.fromhex(log.transaction_hash[2:])
        place = int(log.block_number, 16), int(log.log_index, 16)
        rows.append((*place, collection, token_id, sender, recipient, tx_hash))
    with connection.transaction(), connection.cursor() as cursor:
        _copy(cursor, "floor.transfer", rows)
        _copy(cursor, "fresh_account", accounts.items())
        _copy(cursor, "fresh_token", [(*key, owner) for key, owner in tokens.items()])
        cursor.execute(UPSERT_ACCOUNTS)
        cursor.execute(UPSERT_TOKENS)
        if texts:
            _copy(cursor, "fresh_text", [(*key, text) for key, text in texts.items()])
            cursor.execute(UPDATE_TEXTS)
        newest = headers[-1]
        cursor.execute(
            "UPDATE floor.checkpoint SET number = %s, hash = %s", (int(newest.number, 16), newest.hash)
        )


def _copy(cursor: psycopg.Cursor, table: LiteralString, rows: Iterable[Sequence[object]]) -> None:
    with cursor.copy(f"COPY {table} FROM STDIN") as copy:
        copy.write("".join(map(_line, rows)))


def _line(row: Sequence[object]) -> str:
    cells = ("\\\\x" + cell.hex() if isinstance(cell, bytes) else str(cell) for cell in row)
    return "\t".join(cells) + "\n"


def run(rpc_url: str, database_url: str, collection: str, first: int, last: int) -> dict[str, float]:
    node, events, parent = Node(rpc_url), 0, None
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(TABLES)
        connection.execute(STAGING)
        began = time.perf_counter()
        for start in range(first, last + 1, BLOCKS):
            end = min(start + BLOCKS - 1, last)
            headers = node.headers(start, end)
            for header in headers:
                if parent not in (None, header.parent_hash):
                    raise SystemExit("blocks are not linked")
                parent = header.hash
            logs = node.logs(start, end, collection)
            write(connection, headers, logs)
            events += len(logs)
        seconds = time.perf_counter() - began
    return {"events": events, "events_per_s": events / seconds, "peak_memory_mb": peak_memory_mb()}


if __name__ == "__main__":
    rpc, database, address, *numbers = sys.argv[1:]
    print(json.dumps(run(rpc, database, address, *map(int, numbers))))
