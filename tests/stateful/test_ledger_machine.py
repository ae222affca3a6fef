"""The ledger against its model: random commands, good and bad, retried, and the same books in the end."""

import itertools
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests import ledger_random as draws
from tests.ledger import Books, Command, books, play
from tests.stack import Addresses, DatabaseUrls, cloned_database

pytestmark = pytest.mark.pg

RANDOM = st.randoms(use_true_random=False)


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self, books: Books, runs: Iterator[int]) -> None:
        super().__init__()
        self.books = books
        self.run = next(runs)
        self.books.open(str(self.run))
        self.keys = itertools.count()
        self.done: list[Command] = []

    def play(self, draw: draws.Draw, random: Random) -> None:
        command = draw(random, self.books, f"{self.run}.{next(self.keys)}")
        play(self.books, command)
        self.done.append(command)

    @rule(random=RANDOM)
    def top_up(self, random: Random) -> None:
        self.play(draws.top_up, random)

    @rule(random=RANDOM)
    def move(self, random: Random) -> None:
        self.play(draws.move, random)

    @rule(random=RANDOM)
    def settle(self, random: Random) -> None:
        self.play(draws.settle, random)

    @rule(random=RANDOM)
    def batch(self, random: Random) -> None:
        self.play(draws.batch, random)

    @rule(random=RANDOM)
    def exchange(self, random: Random) -> None:
        self.play(draws.exchange, random)

    @rule(random=RANDOM)
    def hold(self, random: Random) -> None:
        self.play(draws.hold, random)

    @rule(random=RANDOM)
    def capture(self, random: Random) -> None:
        self.play(draws.capture, random)

    @rule(random=RANDOM)
    def void(self, random: Random) -> None:
        self.play(draws.void, random)

    @rule(random=RANDOM)
    def expire(self, random: Random) -> None:
        self.play(draws.expire, random)

    @rule(random=RANDOM)
    def reverse(self, random: Random) -> None:
        self.play(draws.reverse, random)

    @rule(random=RANDOM)
    def operate(self, random: Random) -> None:
        self.play(draws.operate, random)

    @rule(random=RANDOM)
    def retry(self, random: Random) -> None:
        """The same command once more: the same effect, which is none."""
        if self.done:
            play(self.books, random.choice(self.done))

    @rule()
    def seal(self) -> None:
        self.books.seal()

    @invariant()
    def the_model_is_right(self) -> None:
        self.books.agree()


@pytest.fixture(scope="module")
def database(addresses: Addresses) -> Iterator[DatabaseUrls]:
    with cloned_database(addresses, "ledger_machine") as urls:
        yield urls


def test_books_and_model_agree(database: DatabaseUrls) -> None:
    runs = itertools.count()
    with books(database) as opened:
        run_state_machine_as_test(
            lambda: LedgerMachine(opened, runs),
            settings=settings(
                max_examples=15,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        opened.seal()
        report = opened.verify()
    assert report.differences == ()
    assert report.unsealed == 0
    assert report.transfers > 0
