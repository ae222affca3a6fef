"""What was final and is no more: told once for each time, and seen by the operator."""

import asyncio
import datetime as dt
import json
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from indexer import voice
from indexer.rewind import LogsDropped
from indexer.run import rewind
from indexer.status import incidents, statuses
from node.cli.indexer import indexer as commands
from node.kernel.errors import Invalid
from node.kernel.settings import Settings
from tests.chain_life import Chain, Life, copy_chain
from tests.indexed import (
    assert_same,
    differences,
    events_of,
    fresh_tables,
    index,
    indexing,
    settings_of,
    tables_of,
    wait_for,
)
from tests.stack import Addresses, DatabaseUrls, Stack

pytestmark = [pytest.mark.chain, pytest.mark.pg]


def at(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"rpc_url": type(settings.rpc_url)(url)})


def cancel(life: Life, nonce: int) -> None:
    life.chain.receipt(life.cancel(life.seller, nonce))


def told(database: DatabaseUrls) -> list[tuple[str, Any]]:
    """Types of events with the nonce, or with the type of the event that they are about."""
    return [
        (kind, payload.get("nonce") or payload.get("event_type"))
        for _, _, kind, payload in events_of(database)
    ]


def gone(database: DatabaseUrls) -> tuple[int, int]:
    """How many the operator sees: by the state of the chain, and listed."""
    (status,) = statuses(database.app, 31337)
    listed = incidents(database.app, 31337)
    return status["vanished"], sum(item["gone"] for item in listed)


def test_a_final_event_that_vanished_is_told_once_for_each_time(
    addresses: Addresses, stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    """A chain swapped for a shorter past of itself, and back, and once more."""
    with stack.anvil() as url, stack.anvil() as other_url:
        life = Life.begin(url, tmp_path)
        settings = settings_of(url, tmp_path, fresh_database)
        index(settings)
        other = Life(Chain(other_url), life.at)
        copy_chain(life.chain, other.chain)
        fork = life.chain.height()
        cancel(life, 1)
        cancel(life, 2)
        other.chain.pass_time(3)
        cancel(other, 3)
        one, lost = "listing.nonce_cancelled", "chain.event_vanished"
        index(settings)
        assert gone(fresh_database) == (0, 0)
        index(at(settings, other_url))
        assert told(fresh_database) == [(one, "1"), (one, "2"), (lost, one), (lost, one), (one, "3")]
        assert gone(fresh_database) == (2, 2)
        about = [payload for _, _, kind, payload in events_of(fresh_database) if kind == lost]
        assert [item["block_number"] for item in about] == [fork + 2, fork + 1]
        assert {(item["fork_block"], item["time"]) for item in about} == {(fork, 1)}
        index(settings)
        assert gone(fresh_database) == (1, 1)
        index(at(settings, other_url))
        index(at(settings, other_url))
        assert gone(fresh_database) == (2, 2)
        assert_same(
            tables_of(fresh_database), fresh_tables(addresses, at(settings, other_url), "incidents_other")
        )
    counted = Counter(told(fresh_database))
    assert counted[lost, one] == 2 + 1 + 2
    assert counted["chain.event_returned", one] == 2 + 1
    times = Counter((payload["event_id"], payload["time"]) for payload in _about(fresh_database, lost))
    assert set(times.values()) == {1}
    for stream in {row[0] for row in events_of(fresh_database)}:
        versions = [row[1] for row in events_of(fresh_database) if row[0] == stream]
        assert versions == list(range(1, len(versions) + 1))


def _about(database: DatabaseUrls, kind: str) -> list[Any]:
    return [payload for _, _, found, payload in events_of(database) if found == kind]


def test_what_was_not_final_yet_vanishes_in_silence(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database, confirmations=10)
    index(settings)
    cancel(life, 1)
    index(settings)
    life.chain.reorg(1)
    index(settings)
    life.chain.mine(20)
    index(settings)
    assert (told(fresh_database), gone(fresh_database)) == ([], (0, 0))


def test_an_event_that_vanished_returns_with_its_transaction(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database, confirmations=2)
    index(settings)
    tx = life.cancel(life.seller, 1)
    life.chain.receipt(tx)
    raw = life.chain.rpc("eth_getRawTransactionByHash", tx)
    life.chain.mine(3)
    index(settings)
    life.chain.reorg(4)
    index(settings)
    assert gone(fresh_database) == (1, 1)
    life.chain.rpc("eth_sendRawTransaction", raw)
    life.chain.receipt(tx)
    index(settings)
    assert gone(fresh_database) == (1, 1)  # not final yet
    life.chain.mine(2)
    index(settings)
    assert gone(fresh_database) == (0, 0)
    one = "listing.nonce_cancelled"
    assert told(fresh_database) == [(one, "1"), ("chain.event_vanished", one), ("chain.event_returned", one)]


@pytest.mark.parametrize("how", ["deep fork", "rewind"])
def test_however_deep_the_fork_what_vanished_is_told(
    addresses: Addresses, stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path, how: str
) -> None:
    """Deeper than the undo; and where a person mends before the indexer has seen the fork."""
    with stack.anvil() as url, stack.anvil() as other_url:
        life = Life.begin(url, tmp_path)
        settings = settings_of(url, tmp_path, fresh_database, undo_blocks=3)
        life.everything()  # uses some nonces
        index(settings)
        before = Counter(kind for kind, *_ in told(fresh_database))
        other = Life(Chain(other_url), life.at)
        copy_chain(life.chain, other.chain)
        fork = life.chain.height()
        for nonce in range(5_000, 5_008):
            cancel(life, nonce)
            index(settings)
        other.chain.pass_time(9)
        cancel(other, 5_099)
        other.chain.mine(9)
        settings = at(settings, other_url)
        if how == "rewind":
            asyncio.run(rewind(settings, to=fork + 4))
        report = index(settings)
        assert report.rebuilds == (1 if how == "deep fork" else 0)
        assert_same(tables_of(fresh_database), fresh_tables(addresses, settings, "deep_incidents"))
    one = "listing.nonce_cancelled"
    kinds = Counter(kind for kind, *_ in told(fresh_database)) - before
    assert kinds == {one: 9, "chain.event_vanished": 8}
    assert gone(fresh_database) == (8, 8)


def test_a_rewind_mends_damaged_tables(
    addresses: Addresses, fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    """However far back: to the head, within what can be undone, and to the first block."""
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database, undo_blocks=20)
    index(settings)
    life.everything()
    index(settings)
    before, said = tables_of(fresh_database), events_of(fresh_database)
    for back in (0, 5, 1_000):
        with psycopg.connect(fresh_database.owner) as connection:
            connection.execute("UPDATE chain.token SET uri = 'ipfs://damaged'")
            connection.execute("DELETE FROM chain.votes_balance")
        assert tables_of(fresh_database) != before
        to = max(-1, life.chain.height() - back)
        asyncio.run(rewind(settings, to=to))
        assert statuses(fresh_database.app, 31337)[0]["indexed"]["number"] == to
        index(settings)
        assert_same(tables_of(fresh_database), before)
        assert events_of(fresh_database) == said
    assert differences(settings) == []
    life.chain.reorg(2)
    index(settings)
    assert_same(tables_of(fresh_database), fresh_tables(addresses, settings, "rewound"))


def test_a_rewind_under_a_running_indexer_is_caught_up_with(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no new block it is the next sign of life that finds out."""
    monkeypatch.setattr(voice, "HEARTBEAT", dt.timedelta(milliseconds=100))
    life = Life.begin(fresh_anvil, tmp_path)
    life.everything()
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    with indexing(settings):
        wait_for(lambda: statuses(fresh_database.app, 31337)[0]["state"] == "live")
        before = tables_of(fresh_database)
        with psycopg.connect(fresh_database.owner) as connection:
            connection.execute("UPDATE chain.token SET uri = 'ipfs://damaged'")
        asyncio.run(rewind(settings, to=life.chain.height() - 7))
        wait_for(lambda: tables_of(fresh_database) == before)
    assert_same(tables_of(fresh_database), before)


def test_a_rewind_needs_a_block_that_was_read(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    with pytest.raises(Invalid):
        asyncio.run(rewind(settings, to=0))
    index(settings)
    with pytest.raises(Invalid):
        asyncio.run(rewind(settings, to=life.chain.height() + 1))


def test_the_operator_reads_it_as_a_table_or_as_json(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    env = {"ASOUD_DATABASE_URL": fresh_database.app, "ASOUD_CHAIN_ID": "31337"}

    def say(*words: str) -> str:
        result = CliRunner().invoke(commands, words, env=env)
        assert result.exit_code == 0, result.output
        return result.output

    assert json.loads(say("status", "--json")) == [{"chain_id": 31337, "state": "never", "endpoints": []}]
    assert "never" in say("status")
    index(settings)
    cancel(life, 1)
    index(settings)
    life.chain.reorg(1)
    index(settings)
    (status,) = json.loads(say("status", "--json"))
    height = life.chain.height()
    assert (status["head"]["number"], status["indexed"]["number"], status["vanished"]) == (height, height, 1)
    line = say("status").splitlines()[1].split()
    assert line[:5] == ["31337", "live", str(height), str(height), str(height)]
    (incident,) = json.loads(say("incidents", "--json"))
    assert (incident["event"], incident["gone"], incident["times"]) == ("listing.nonce_cancelled", True, 1)
    assert "listing.nonce_cancelled" in say("incidents")


def test_without_raw_logs_a_deep_fork_stops_it(
    stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    """Rather than guess; and it goes on by itself when the node is right again."""
    with stack.anvil() as url, stack.anvil() as other_url:
        life = Life.begin(url, tmp_path)
        settings = settings_of(url, tmp_path, fresh_database, undo_blocks=2)
        index(settings)
        other = Life(Chain(other_url), life.at)
        copy_chain(life.chain, other.chain)
        for nonce in range(1, 5):
            cancel(life, nonce)
            index(settings)
        other.chain.pass_time(9)
        other.chain.mine(9)
        with psycopg.connect(fresh_database.owner) as connection:
            connection.execute("UPDATE chain.partition SET thinned = true")
        before, said = tables_of(fresh_database), events_of(fresh_database)
        with pytest.raises(LogsDropped):
            asyncio.run(rewind(settings, to=life.chain.height() - 1))
        with indexing(at(settings, other_url)):
            wait_for(lambda: statuses(fresh_database.app, 31337)[0]["state"] == "stuck")
        (status,) = statuses(fresh_database.app, 31337)
        assert "asoud indexer reindex" in status["reason"]
        assert (tables_of(fresh_database), events_of(fresh_database)) == (before, said)
        index(settings)
        assert statuses(fresh_database.app, 31337)[0]["state"] == "live"
