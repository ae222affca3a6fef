"""Many connections on the same accounts at once, every command sent twice, and backends killed meanwhile.

There is no order to compare with a model here. What is asked: a key has one effect, whoever sends it and
whatever dies; and the books hold what they promise (`wallet.ledger.verify`): balances walk from posting to
posting in the order of ids, and none of them passes a floor.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

import psycopg

from node.kernel.errors import Bug, Refused, Transient
from tests import ledger_random as draws
from tests.ledger import USD, Books, Command, books, post
from tests.stack import DatabaseUrls

Result = TypeVar("Result")
TRIES_MAX = 200
PAUSE_S = 0.05
DRAWS = (draws.top_up, draws.top_up, draws.move, draws.settle, draws.batch, draws.exchange, draws.hold)
_BACKENDS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@dataclass
class Storm:
    """What happened."""

    outcomes: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    kills: int = 0


def storm(urls: DatabaseUrls, *, seed: str, commands: int, threads: int, kills: int = 0) -> Storm:
    """Raises AssertionError or Bug when a command has two effects or never comes to an end."""
    random, told = Random(seed), Storm()
    with books(urls, connections=threads) as shared:
        shared.open(seed)
        drawn = [random.choice(DRAWS)(random, shared, f"{seed}.{n}") for n in range(commands)]
        doubled = [*drawn, *drawn]
        random.shuffle(doubled)
        lock = threading.Lock()

        def work(command: Command) -> None:
            result, retries = persist(lambda: _once(shared, command))
            with lock:
                told.outcomes[result] += 1
                told.retries += retries

        with ThreadPoolExecutor(threads) as pool:
            done = [pool.submit(work, command) for command in doubled]
            while told.kills < kills and not all(future.done() for future in done):
                time.sleep(random.uniform(0.05, 0.3))
                told.kills += kill_a_backend(urls, random)
            for future in done:
                future.result()
        persist(shared.seal)
        report = persist(shared.verify)[0]
    assert report.differences == (), report.differences[:5]
    assert report.unsealed == 0
    return told


def crossed(urls: DatabaseUrls, *, seed: str, rounds: int) -> int:
    """Two transactions of two commands each, in opposite order: deadlocks, until one of them tries again.

    Returns how many tries it took beyond the first.
    """
    retries = 0
    with books(urls, connections=2) as shared:
        shared.open(seed)
        both = threading.Barrier(2)
        for name in ("ada", "bo"):
            _once(
                shared, post((f"{seed}.{name}", "top_up", ((1, "gateway.usd", f"{name}.usd", USD, 10_000),)))
            )

        def pair(number: int, *, forward: bool) -> int:
            there = post((f"{seed}.{number}.{forward}.1", "x", ((1, "ada.usd", "cy.usd", USD, 1),)))
            back = post((f"{seed}.{number}.{forward}.2", "x", ((1, "bo.usd", "market.usd", USD, 1),)))
            both.wait()

            def once() -> str:
                with shared.database.transaction() as tx:
                    for command in (there, back) if forward else (back, there):
                        command.run(shared, tx)
                        with suppress(threading.BrokenBarrierError):
                            meet.wait(timeout=0.05)
                return "done"

            return persist(once)[1]

        with ThreadPoolExecutor(2) as pool:
            for number in range(rounds):
                meet = threading.Barrier(2)
                pairs = [pool.submit(pair, number, forward=way) for way in (True, False)]
                retries += sum(future.result() for future in pairs)
        shared.model.accounts["ada.usd"].posted = shared.model.accounts["bo.usd"].posted = 10_000 - 2 * rounds
        shared.model.accounts["gateway.usd"].posted = -20_000
        shared.model.accounts["cy.usd"].posted = shared.model.accounts["market.usd"].posted = 2 * rounds
        shared.agree()
    return retries


def persist(do: Callable[[], Result]) -> tuple[Result, int]:
    """Tries again what failed for now, as every caller has to; returns the outcome and how many retries."""
    for retries in range(TRIES_MAX):
        try:
            return do(), retries
        except (Transient, psycopg.OperationalError):
            time.sleep(PAUSE_S)
    raise Bug("a command never comes to an end")


def kill_a_backend(urls: DatabaseUrls, random: Random) -> bool:
    """SIGKILL: Postgres takes all its backends down and recovers from its log."""
    try:
        with psycopg.connect(urls.app) as connection:  # a role sees its own backends
            pids = [pid for (pid,) in connection.execute(_BACKENDS)]
    except psycopg.OperationalError:  # it still recovers from the last one
        return False
    if not pids:
        return False
    with suppress(ProcessLookupError):
        os.kill(random.choice(pids), 9)
    return True


def _once(shared: Books, command: Command) -> str:
    try:
        shared.do(command)
    except Refused as refusal:
        return type(refusal).__name__
    return "done"
