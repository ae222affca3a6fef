"""A process that works through a fixed sequence of commands, to be killed and started again."""

import sys
from random import Random

from node.kernel.errors import Refused
from tests import ledger_random as draws
from tests.ledger import Books, books
from tests.stack import DatabaseUrls

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
        print(step, flush=True)  # noqa: T201 - whoever kills it counts


def main() -> None:
    url, seed, steps = sys.argv[1:]
    with books(DatabaseUrls(app=url, owner=url), connections=1) as shared:
        work(shared, seed=seed, steps=int(steps))


if __name__ == "__main__":
    main()
