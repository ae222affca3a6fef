"""Random chains, forks and faults from one seed: what comes out is what a fresh indexer reads, and true.

A failure names its seed; `ASOUD_SIMULATION_SEED=<seed> pytest -m "" -k simulation` plays it again.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest

from indexer.pipeline import ChainRules, Pipeline, Step
from indexer.store import Store
from indexer.writing import Finality
from node.chain.rpc import RpcClient
from node.chain.tokens import Standard
from node.kernel.clock import SystemClock
from node.kernel.errors import AsoudError
from node.kernel.settings import Settings
from tests.chain.server import serving
from tests.cut_line import Cut, CutLine, cut_line
from tests.indexed import (
    Tables,
    assert_same,
    read_token,
    settings_of,
    tables_of,
)
from tests.scripted_chain import CHAIN_ID, DEPLOYED, STRANGER, Block, ScriptedChain
from tests.scripted_truth import assert_told, assert_true
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


async def follow(database_url: str, rpc_url: str, rules: ChainRules = RULES) -> int:
    """From nothing remembered to the head; returns how often tables were made anew."""
    async with Store.connect(database_url, CHAIN_ID) as store, RpcClient(rpc_url, timeout_s=10) as rpc:
        pipeline = Pipeline(store, rpc, SystemClock(), rules, lambda: DEPLOYED)
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


@pytest.mark.slow  # the default run has forks of up to 60 blocks
def test_a_fork_as_deep_as_the_setting_keeps_is_undone_row_by_row(
    addresses: Addresses, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    """256 blocks, of which the process that finds the fork has read none itself."""
    chain = ScriptedChain(random.Random(SEEDS[0]))
    chain.grow(300)
    rules = ChainRules(0, Finality(0, 256), rebuild_on_new_genesis=True)
    with serving(chain.answer) as server:
        settings = settings_of(server.url, tmp_path, fresh_database)
        asyncio.run(follow(fresh_database.app, server.url, rules))
        read_token(settings, STRANGER, Standard.ERC20)
        asyncio.run(follow(fresh_database.app, server.url, rules))
        chain.fork(256, 250)
        chain.grow(10)
        assert asyncio.run(follow(fresh_database.app, server.url, rules)) == 0  # not from raw logs
        assert_true(fresh_database, chain)
        ours, fresh = tables_of(fresh_database), simulated_fresh(addresses, settings)
    del ours["checkpoint"], fresh["checkpoint"]  # other confirmations
    assert_same(ours, fresh)
