"""Random chains, forks and faults from one seed: what comes out is what a fresh indexer reads, and true.

A failure names its seed; `ASOUD_SIMULATION_SEED=<seed> pytest -m "" -k simulation` plays it again.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from indexer.codec import COPIED_FROM
from indexer.pipeline import ChainRules, Pipeline, Step
from indexer.store import Store
from indexer.writing import Finality
from node.chain.rpc import RpcClient
from node.chain.tokens import Standard
from node.kernel.clock import SystemClock
from node.kernel.errors import AsoudError
from node.kernel.hexes import Address
from node.kernel.settings import Settings
from tests.chain.server import serving
from tests.chain_life import Life
from tests.cut_line import Cut, CutLine, cut_line
from tests.indexed import (
    PATIENCE_S,
    Tables,
    assert_same,
    differences,
    events_of,
    fresh_tables,
    index,
    indexer_process,
    news_of,
    read_token,
    settings_of,
    tables_of,
)
from tests.scripted_chain import CHAIN_ID, DEPLOYED, STRANGER, Block, ScriptedChain
from tests.stack import Addresses, DatabaseUrls, cloned_database

pytestmark = [pytest.mark.chain, pytest.mark.pg]

DEPTH_MAX = 60
UNDO_BLOCKS = 30  # deeper forks are rewound from raw logs
CONFIRMATIONS = 6
ATTEMPTS_MAX = 80  # to reach a head, with faults on the way
STEPS_MAX = 2_000
RULES = ChainRules(0, Finality(CONFIRMATIONS, UNDO_BLOCKS), rebuild_on_new_genesis=True)
SEEDS = [int(os.environ.get("ASOUD_SIMULATION_SEED", "20261122"))]


class Simulation:
    """One indexer that loses its connection or its node again and again, and each time its memory."""

    def __init__(
        self, seed: int, rpc_url: str, chain: ScriptedChain, database: DatabaseUrls, line: CutLine
    ) -> None:
        self.rng = random.Random(seed)
        self.chain, self.database, self.line, self.rpc_url = chain, database, line, rpc_url
        self.interrupted = 0
        self.rebuilds = 0
        self._stash: list[list[Block]] = []

    def settle(self) -> None:
        """To the head, whatever happens on the way."""
        last = ""
        for _ in range(ATTEMPTS_MAX):
            try:
                self.rebuilds += asyncio.run(follow(self.line.url, self.rpc_url))
            except AsoudError as error:
                self.interrupted += 1
                last = f"{type(error).__name__}: {error} {error.fields}"
            else:
                return
        pytest.fail(f"the indexer never reached the head: {last}")

    def trouble(self) -> None:
        rng, cut, surprise = self.rng, None, None
        if rng.random() < 0.6:
            where = rng.choice(("any", "any", "copy", "undo"))
            cut = Cut(where, rng.randrange(1, 8 if where != "any" else 90))
        if rng.random() < 0.3:
            depth, length = rng.randrange(1, 6), rng.randrange(1, 8)
            surprise = (rng.randrange(1, 12), lambda: (self.chain.fork(depth, length), None)[1])
        drop = {rng.randrange(1, 15)} if rng.random() < 0.2 else set()
        self.line.arm(cut)
        self.chain.fault(drop=drop, surprise=surprise)

    def fork(self) -> None:
        """A new fork, longer or shorter or as high as the old one; or one that was there before."""
        rng = self.rng
        if self._stash and rng.random() < 0.3:
            before, self.chain.blocks = self.chain.blocks, self._stash.pop()
        else:
            depth = min(rng.randrange(1, DEPTH_MAX + 1), self.chain.height - 1)
            before = self.chain.fork(depth, max(0, depth + rng.randrange(-3, 4)))
        self._stash = [*self._stash[-3:], before]

    def round(self) -> None:
        self.trouble()
        self.chain.grow(self.rng.randrange(1, 10))
        if self.rng.random() < 0.7:  # else the fork finds it in the midst of reading, or down
            self.settle()
        self.trouble()
        self.fork()
        self.settle()

    def calm(self) -> None:
        self.line.arm(None)
        self.chain.fault(drop=set(), surprise=None)
        self.settle()


async def follow(database_url: str, rpc_url: str) -> int:
    """From nothing remembered to the head; returns how often tables were made anew."""
    async with Store.connect(database_url, CHAIN_ID) as store, RpcClient(rpc_url, timeout_s=10) as rpc:
        pipeline = Pipeline(store, rpc, SystemClock(), RULES, lambda: DEPLOYED)
        try:
            await pipeline.open()
            for _ in range(STEPS_MAX):
                if await pipeline.step() is Step.IDLE:
                    return pipeline.totals.rebuilds
        finally:
            await pipeline.close()
    pytest.fail("the indexer goes round in circles")


def simulated_fresh(addresses: Addresses, settings: Settings) -> Tables:
    with cloned_database(addresses, "simulated") as database:
        own = settings.model_copy(update={"database_url": type(settings.database_url)(database.app)})
        read_token(own, STRANGER, Standard.ERC20)
        asyncio.run(follow(database.app, settings.rpc_url.get_secret_value()))
        return tables_of(database)


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


def simulate(
    seed: int, reorgs: int, addresses: Addresses, database: DatabaseUrls, tmp_path: Path
) -> Simulation:
    chain = ScriptedChain(random.Random(seed))
    with serving(chain.answer) as server, cut_line(database.app) as line:
        settings = settings_of(server.url, tmp_path, database)
        simulation = Simulation(seed, server.url, chain, database, line)
        simulation.settle()
        for number in range(reorgs):
            simulation.round()
            if number == reorgs // 3:
                read_token(settings, STRANGER, Standard.ERC20)
            if number % 25 == 24 and number > reorgs // 3:
                simulation.calm()
                assert_true(database, chain)
                assert_told(database, chain)
        simulation.calm()
        assert_same(tables_of(database), simulated_fresh(addresses, settings))
        assert_true(database, chain)
        assert_told(database, chain)
        return simulation


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("reorgs", [12, pytest.param(100, marks=pytest.mark.slow)])
def test_simulation(
    addresses: Addresses, fresh_database: DatabaseUrls, tmp_path: Path, seed: int, reorgs: int
) -> None:
    simulation = simulate(seed, reorgs, addresses, fresh_database, tmp_path)
    print(f"seed {seed}: {reorgs} forks, {simulation.line.cuts} cuts, {simulation.rebuilds} rewinds")  # noqa: T201
    assert simulation.line.cuts > 0
    assert simulation.interrupted > 0
    assert simulation.rebuilds > 0


KILLS = 10  # on each chain: anvil, asked for many hundred forks, loses contracts


@pytest.mark.slow
@pytest.mark.parametrize("seed", [seed + chain for seed in SEEDS for chain in range(5)])
def test_killed_at_fifty_places(
    addresses: Addresses, fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path, seed: int
) -> None:
    """`kill -9` of the process, on a real chain: amid a COPY, before its commit, amid a step back."""
    rng = random.Random(seed)
    life = Life.begin(fresh_anvil, tmp_path)
    life.everything()
    settings = settings_of(fresh_anvil, tmp_path, fresh_database, undo_blocks=UNDO_BLOCKS)
    index(settings)
    ground = life.chain.height()  # what random steps need lies below: votes, money
    collections: list[Address] = []
    places: Counter[str] = Counter()
    with cut_line(fresh_database.app) as line:
        own = settings.model_copy(update={"database_url": type(settings.database_url)(line.url)})
        for _ in range(KILLS):
            cut = Cut(rng.choice(("any", "any", "copy", "undo")), rng.randrange(1, 25))
            life.chain.mine(COPIED_FROM if cut.where == "copy" else 1)
            with indexer_process(own) as process:
                line.arm(cut, process.kill)
                end = time.monotonic() + PATIENCE_S
                while process.poll() is None and time.monotonic() < end:
                    life.random_step(rng, collections)
                    if rng.random() < 0.3:
                        deepest = min(40 if rng.random() < 0.2 else 6, life.chain.height() - ground + 1)
                        life.chain.reorg(rng.randrange(1, deepest))
                        collections.clear()  # who knows which of them are left
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(0.1)
                assert process.returncode == -signal.SIGKILL
            places[cut.where] += 1
    index(settings)
    print(f"seed {seed}: killed at {dict(places)}")  # noqa: T201
    assert_same(tables_of(fresh_database), fresh_tables(addresses, settings, "killed_at"))
    assert differences(settings) == []
    told = Counter(
        json.dumps([stream, kind, payload]) for stream, _, kind, payload in news_of(fresh_database)
    )
    assert set(told.values()) == {1}
