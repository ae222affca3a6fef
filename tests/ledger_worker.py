"""A fixed sequence of commands, for a process to be killed at and to begin again."""

from random import Random

from node.kernel.errors import Refused
from tests import ledger_random as draws
from tests.ledger import Books

# Each has a key or may be repeated at will; an operator's commands have none and are left out.
DRAWS = tuple(draw for draw in draws.DRAWS if draw is not draws.operate)


def work(shared: Books, *, seed: str, steps: int) -> None:
    """Does what the model takes of the sequence; what was done in an earlier life has no effect again."""
    random = Random(seed)
    shared.open(seed)
    for step in range(steps):
        command = random.choice(DRAWS)(random, shared, f"{seed}.{step}")
        try:
            command.apply(shared.model)
        except Refused:
            continue
        shared.do(command)
