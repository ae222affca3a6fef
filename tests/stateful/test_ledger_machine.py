"""The ledger against its model: random commands, good and bad, retried, and the same books in the end."""

import itertools
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.ledger import Books, Command, books, play
from tests.ledger_random import any_command
from tests.stack import Addresses, DatabaseUrls, cloned_database

pytestmark = pytest.mark.pg

COMMANDS_AT_ONCE = 5  # so that most steps are commands
RANDOM = st.randoms(use_true_random=True)


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self, books: Books, runs: Iterator[int]) -> None:
        super().__init__()
        self.books = books
        self.run = next(runs)
        self.books.open(str(self.run))
        self.keys = itertools.count()
        self.done: list[Command] = []

    @rule(random=RANDOM)
    def command(self, random: Random) -> None:
        for _ in range(COMMANDS_AT_ONCE):
            command = any_command(random, self.books, f"{self.run}.{next(self.keys)}")
            play(self.books, command)
            self.done.append(command)

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
        """Also after refused commands, which leave nothing."""
        self.books.agree_wholly()


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
                max_examples=8,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        opened.seal()
        report = opened.verify()
    assert report.differences == ()
    assert report.unsealed == 0
    assert report.transfers > 0
