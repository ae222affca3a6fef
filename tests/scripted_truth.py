"""What the indexer made of a scripted chain, held against what the chain's own model says."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg

from tests.indexed import events_of, news_of
from tests.scripted_chain import DEPLOYED, STRANGER, ScriptedChain
from tests.stack import DatabaseUrls


def assert_true(database: DatabaseUrls, chain: ScriptedChain) -> None:
    """The tables say what the contracts would."""
    truth = chain.truth
    with psycopg.connect(database.owner) as connection:
        found = {
            name: {
                key[0] if len(key) == 1 else tuple(key): value for *key, value in connection.execute(query)
            }
            for name, query in _VIEWS.items()
        }
    assert found["owners"] == truth.owners
    assert found["minted"] == truth.minted
    assert found["votes"] == truth.votes
    assert found["coins"] == truth.coins
    assert found["escrows"] == {key: [state, str(held)] for key, (state, held) in truth.escrows.items()}
    assert found["tallies"] == {str(key): votes for key, votes in truth.tallies.items()}


_VIEWS: dict[str, LiteralString] = {
    "owners": "SELECT '0x' || encode(collection, 'hex'), token_id::bigint, '0x' || encode(owner, 'hex')"
    " FROM chain.token",
    "minted": "SELECT '0x' || encode(address, 'hex'), minted FROM chain.collection",
    "votes": "SELECT '0x' || encode(holder, 'hex'), balance FROM chain.votes_balance",
    "coins": "SELECT '0x' || encode(holder, 'hex'), balance FROM chain.foreign_balance",
    "escrows": "SELECT '0x' || encode(escrow_id, 'hex'), ARRAY[state, held::text] FROM chain.escrow",
    "tallies": "SELECT proposal_id::text, ARRAY[against_votes, for_votes, abstain_votes] FROM chain.proposal",
}


def assert_told(database: DatabaseUrls, chain: ScriptedChain) -> None:
    """What is final was told once, what vanished is gone, and each stream is whole."""
    with psycopg.connect(database.owner) as connection:
        (final,) = connection.execute("SELECT finalized_number FROM chain.checkpoint").fetchone() or ()
        gone = connection.execute("SELECT event_id::text, gone FROM chain.incident").fetchall()
        lost = {row[0] for row in gone if row[1]}
        ids = connection.execute(
            "SELECT id::text, payload->>'tx_hash', payload->>'log_index' FROM kernel.event"
            " WHERE type_name NOT LIKE 'chain.event%'"
        ).fetchall()
    there = {log["transactionHash"] for block in chain.blocks[: final + 1] for log in block.logs}
    assert lost == {row[0] for row in ids if row[1] not in there}
    told = Counter(
        json.dumps([stream, kind, payload["tx_hash"], payload["log_index"]])
        for stream, _, kind, payload in news_of(database)
    )
    assert set(told.values()) <= {1}
    silent = {row["transactionHash"] for row in _silent(chain, final)}
    assert there - {row[1] for row in ids} <= silent
    assert assert_whole(database) == lost


def assert_whole(database: DatabaseUrls) -> set[str]:
    """No stream has a gap, and nothing vanishes twice without returning; what is gone now."""
    balance: Counter[str] = Counter()
    versions: Counter[str] = Counter()
    for stream, version, kind, payload in events_of(database):
        versions[stream] += 1
        assert version == versions[stream]
        if kind in ("chain.event_vanished", "chain.event_returned"):
            balance[payload["event_id"]] += 1 if kind == "chain.event_vanished" else -1
            assert balance[payload["event_id"]] in (0, 1)
    return {event for event, count in balance.items() if count}


def _silent(chain: ScriptedChain, final: int) -> Iterator[dict[str, Any]]:
    """Logs whose transactions say nothing that is told."""
    quiet = {STRANGER, next(item.address for item in DEPLOYED if item.kind == "votes_token")}
    for block in chain.blocks[: final + 1]:
        yield from (log for log in block.logs if log["address"] in quiet)
