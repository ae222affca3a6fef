"""Random commands against real ledgers, until so many steps are done; the same seed draws the same commands.

Every process has a Postgres of its own. In a round, several connections compare books of their own with the
model after every command; then they share accounts, every command is sent twice, transactions deadlock and
backends are killed. A round ends with the hash chains walked and everything added up again.
"""

import argparse
import itertools
import json
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import Process, SimpleQueue
from random import Random

import psycopg

from tests.ledger import Books, books, play
from tests.ledger_random import any_command
from tests.ledger_storm import crossed, persist, storm
from tests.stack import OWNER, TEMPLATE, DatabaseUrls, Stack

BOOKS = 3  # threads that compare with a model, each on a connection and accounts of its own
STEPS_OF_BOOKS = 1_000
RUNS = 2  # of each thread in a round
AGREE_EVERY = 50
STORM = 3_000  # commands, each sent twice
KILLS = 3
CROSSINGS = 5


@contextmanager
def database(stack: Stack, name: str) -> Iterator[DatabaseUrls]:
    """Where an answer is a promise, and deadlocks are found soon. Kills take down whoever is connected."""
    addresses = stack.addresses()
    with psycopg.connect(addresses.superuser, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {OWNER}")
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
        connection.execute(f"ALTER DATABASE {name} SET deadlock_timeout = 20")
    moved = [url.rpartition("/")[0] + f"/{name}" for url in (addresses.app, addresses.owner)]
    yield DatabaseUrls(app=moved[0], owner=moved[1])
    persist(lambda: _drop(addresses.superuser, name))


def _drop(superuser: str, name: str) -> None:
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def compare(shared: Books, seed: str, outcomes: Counter[str]) -> None:
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    shared.open(seed)
    done = []
    for step in range(STEPS_OF_BOOKS):
        again = done and random.randrange(12) == 0
        command = random.choice(done) if again else any_command(random, shared, f"{seed}.{step}")
        refused = play(shared, command)
        outcomes[refused.__name__ if refused else "done"] += 1
        done.append(command)
        if step % AGREE_EVERY == 0:
            shared.agree()
    shared.agree_wholly()


def compare_all(stack: Stack, seed: str, outcomes: Counter[str]) -> int:
    """Each thread in a database of its own: holds expire by the clock, and each has its own."""

    def thread(number: int) -> None:
        with database(stack, f"books_{number}") as urls, books(urls, connections=1) as own:
            for run in range(RUNS):
                compare(own, f"{seed}.{number}.{run}", outcomes)
            own.seal()
            report = own.verify()
            assert report.differences == (), report.differences[:5]
            own.database.dispose()

    with ThreadPoolExecutor(BOOKS) as pool:
        list(pool.map(thread, range(BOOKS)))
    return BOOKS * RUNS * STEPS_OF_BOOKS


def soak(seed: str, steps: int, told: "Told") -> None:
    """One process: rounds until the steps are done; tells after each."""
    stack, done = Stack(), 0
    outcomes = Counter[str]()
    try:
        stack.addresses()  # in this thread: the parts end with the thread that started them
        for number in itertools.count():
            before = done
            round_seed = f"{seed}.{number}"
            done += compare_all(stack, round_seed, outcomes)
            with database(stack, "storm") as urls:
                deadlocks = crossed(urls, seed=f"{round_seed}.crossed", rounds=CROSSINGS)
                stormed = storm(urls, seed=f"{round_seed}.storm", commands=STORM, threads=4, kills=KILLS)
            outcomes.update(stormed.outcomes)
            done += 2 * STORM + 4 * CROSSINGS
            told.put(Round(done - before, stormed.kills, deadlocks, stormed.retries, dict(outcomes)))
            outcomes.clear()
            if done >= steps:
                return
    except BaseException:
        told.put(Failed(seed, traceback.format_exc()))
        raise
    finally:
        stack.stop()


@dataclass(frozen=True)
class Round:
    steps: int
    kills: int
    deadlocks: int
    retries: int
    outcomes: dict[str, int]


@dataclass(frozen=True)
class Failed:
    seed: str
    error: str


Told = SimpleQueue  # of Round or Failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--seed", default="7")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    told, began, total = Told(), time.monotonic(), Counter[str]()
    outcomes = Counter[str]()
    share = -(-options.steps // options.processes)
    for number in range(options.processes):
        Process(target=soak, args=(f"s{options.seed}p{number}", share, told), daemon=True).start()
    while total["steps"] < options.steps:
        heard = told.get()
        if isinstance(heard, Failed):
            raise SystemExit(f"failed with seed {heard.seed}\n{heard.error}")
        total.update(steps=heard.steps, kills=heard.kills, deadlocks=heard.deadlocks, retries=heard.retries)
        total.update(rounds=1)
        outcomes.update(heard.outcomes)
        print(json.dumps({"seconds": round(time.monotonic() - began), **total}), flush=True)
    print(json.dumps({"differences": 0, "outcomes": dict(outcomes.most_common())}))


if __name__ == "__main__":
    main()
