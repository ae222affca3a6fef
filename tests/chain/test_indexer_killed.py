"""`kill -9` of the indexer's process at places of its talk with the database, and Postgres that falls down.

The process is a real one, and so is the database. The chain makes up its logs behind a real HTTP server:
unlike anvil it takes any number of forks. A failure names its seed, which plays it again:
`ASOUD_SIMULATION_SEED=<seed> pytest -m slow -k fifty -s`.
"""

import json
import os
import random
import signal
import statistics
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from node.chain.deployments import ARTIFACT_OF, DeployedContract, DeploymentRegistry, PartialDeployment
from node.chain.tokens import Standard
from node.kernel.hexes import ZERO_HASH
from node.kernel.settings import Settings
from tests.chain.server import serving
from tests.cut_line import Cut, CutLine, cut_line
from tests.indexed import (
    PATIENCE_S,
    Tables,
    assert_same,
    eventually,
    index,
    indexer_process,
    read_token,
    settings_of,
    tables_of,
)
from tests.scripted_chain import CHAIN_ID, DEPLOYED, STRANGER, ScriptedChain, address
from tests.scripted_truth import assert_told, assert_true
from tests.stack import Addresses, DatabaseUrls, Stack, cloned_database

pytestmark = [pytest.mark.chain, pytest.mark.pg]

FIFTY = 50
DEPTH_MAX = 40
UNDO_BLOCKS = 20  # deeper forks are rewound from raw logs
CONFIRMATIONS = 6
NAMES = {"factory": "collection_factory"}  # in the registry, where it is not that of the kind
SEEDS = [int(os.environ.get("ASOUD_SIMULATION_SEED", "20261122"))]
# Where, and how many of such messages may pass before. The first three are one of each.
PLACES = (("no commit", 3), ("undo", 40), ("copy", 4), ("commit", 3), ("any", 90), ("any", 90), ("undo", 40))


class Killing:
    """One chain, one database, and process after process that reads the one into the other."""

    def __init__(self, seed: int, chain: ScriptedChain, settings: Settings) -> None:
        self.rng = random.Random(seed)
        self.chain, self.settings = chain, settings
        self.places: Counter[str] = Counter()
        self.caught_up_s: list[float] = []

    def life(self, line: CutLine, where: str, after_max: int) -> None:
        """Of one process: as it catches up, or after it has; what happens goes on until it is dead."""
        by_line = type(self.settings.database_url)(line.url)
        cut = Cut(where, self.rng.randrange(1, after_max + 1))
        began = time.monotonic()
        with indexer_process(self.settings.model_copy(update={"database_url": by_line})) as process:
            if self.rng.random() < 0.5:
                self.caught_up(process)
                self.caught_up_s.append(time.monotonic() - began)
            line.arm(cut, process.kill)
            end = time.monotonic() + PATIENCE_S
            while process.poll() is None and time.monotonic() < end:
                self.happen(where)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.1)
            assert process.returncode == -signal.SIGKILL, where
        self.places[where] += 1

    def happen(self, where: str) -> None:
        rng, chain = self.rng, self.chain
        if rng.random() < (0.9 if where == "undo" else 0.3):
            depth = min(rng.randrange(1, DEPTH_MAX if rng.random() < 0.3 else 10), chain.height - 1)
            chain.fork(depth, max(1, depth + rng.randrange(-2, 4)))
        else:
            chain.grow(rng.randrange(1, 25))

    def caught_up(self, process: "subprocess.Popen[bytes]") -> None:
        def is_so() -> bool:
            assert process.poll() is None
            return standing(self.settings) == self.chain.blocks[-1].hash

        eventually(is_so)

    def assert_right(self, addresses: Addresses, database: DatabaseUrls) -> None:
        """As an indexer that was never killed has it, and as the contracts would say."""
        self.chain.grow(CONFIRMATIONS)  # what was final stays so on a chain that became shorter
        index(self.settings)
        assert_same(tables_of(database), undisturbed(addresses, self.settings))
        assert_true(database, self.chain)
        assert_told(database, self.chain)


def standing(settings: Settings) -> str | None:
    with psycopg.connect(settings.database_url.get_secret_value()) as connection:
        row = connection.execute("SELECT '0x' || encode(hash, 'hex') FROM chain.checkpoint").fetchone()
    return None if row is None else str(row[0])


def undisturbed(addresses: Addresses, settings: Settings) -> Tables:
    with cloned_database(addresses, "never_killed") as database:
        own = settings.model_copy(update={"database_url": type(settings.database_url)(database.app)})
        read_token(own, STRANGER, Standard.ERC20)
        index(own)
        return tables_of(database)


def note_deployment(settings: Settings, chain: ScriptedChain) -> None:
    """The contracts of the scripted chain, and silent ones for the rest of the suite."""
    at = {NAMES.get(item.kind, str(item.kind.value)): item.address for item in DEPLOYED}
    silent = {name: address(0xE000 + place) for place, name in enumerate(ARTIFACT_OF)}
    contracts = {
        name: DeployedContract(name, found, 1, ZERO_HASH, ZERO_HASH) for name, found in (silent | at).items()
    }
    noted = PartialDeployment(CHAIN_ID, chain.blocks[0].hash, contracts)
    DeploymentRegistry(settings.deployments_dir).save(noted)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kills", [3, pytest.param(FIFTY, marks=pytest.mark.slow, id="fifty")])
def test_killed_at_places_of_its_talk(
    addresses: Addresses, fresh_database: DatabaseUrls, tmp_path: Path, seed: int, kills: int
) -> None:
    """Amid a COPY, between it and the commit, behind the commit, amid a step back or a rewind, anywhere."""
    chain = ScriptedChain(random.Random(seed))
    with serving(chain.answer) as server, cut_line(fresh_database.app) as line:
        rules = {"undo_blocks": UNDO_BLOCKS, "confirmations": CONFIRMATIONS}
        settings = settings_of(server.url, tmp_path, fresh_database, **rules)
        note_deployment(settings, chain)
        index(settings)  # what was there before is not told
        chain.grow(30)
        read_token(settings, STRANGER, Standard.ERC20)
        killing = Killing(seed, chain, settings)
        for number in range(kills):
            killing.life(line, *PLACES[number % len(PLACES)])
            if number % 10 == 9:
                killing.assert_right(addresses, fresh_database)
        killing.assert_right(addresses, fresh_database)
    print(f"seed {seed}: killed {json.dumps(killing.places)}, {chain.height} blocks")  # noqa: T201
    if killing.caught_up_s:
        median, slowest = statistics.median(killing.caught_up_s), max(killing.caught_up_s)
        print(f"from start to caught up: median {median:.2f} s, slowest {slowest:.2f} s")  # noqa: T201
    assert line.cuts == kills


@pytest.mark.slow
def test_postgres_dies_under_it(tmp_path: Path) -> None:
    """A server of its own, with durable commits: down while blocks come, while a fork comes, amid a range."""
    chain = ScriptedChain(random.Random(SEEDS[0]))
    stack = Stack(postgres_settings=("max_connections=50",))
    try:
        addresses = stack.addresses()
        with cloned_database(addresses, "dies") as database, serving(chain.answer) as server:
            settings = settings_of(server.url, tmp_path, database, undo_blocks=UNDO_BLOCKS)
            note_deployment(settings, chain)
            index(settings)
            read_token(settings, STRANGER, Standard.ERC20)
            killing = Killing(SEEDS[0], chain, settings)
            with indexer_process(settings) as process:
                for happen in (lambda: chain.grow(9), lambda: chain.fork(6, 8), lambda: chain.fork(30, 31)):
                    chain.grow(150)
                    eventually(lambda: standing(settings) not in (None, chain.blocks[-150].parent))
                    with stack.postgres_down():
                        happen()
                    killing.caught_up(process)
            killing.assert_right(addresses, database)
    finally:
        stack.stop()
