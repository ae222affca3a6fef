"""Commands drawn at random, good ones and bad ones. Hypothesis and the long soak draw from the same."""

import datetime as dt
from collections.abc import Callable
from random import Random

from node.kernel.money import UINT256_MAX, Asset
from tests import ledger as does
from tests.ledger import ASSETS, CAST, TOKEN, USD, Books, Command
from tests.ledger_model import Wanted

HOUR = dt.timedelta(hours=1)
ODD_AMOUNTS = (0, -1, UINT256_MAX, UINT256_MAX + 1, 2**255)
NAMES = [f"{name}.{suffix}" for name in CAST for suffix in ASSETS]


def one_in(random: Random, times: int) -> bool:
    return random.randrange(times) == 0


def amount(random: Random) -> int:
    return random.choice(ODD_AMOUNTS) if one_in(random, 40) else random.randint(1, 300)


def around(random: Random, limit: int | None) -> int:
    """Where mistakes live: the last amount that is right, and the first that is wrong."""
    if limit is None or not 0 < limit < UINT256_MAX or one_in(random, 2):
        return amount(random)
    return limit + one_in(random, 2)


def asset_of(name: str) -> Asset:
    return ASSETS[name.rpartition(".")[2]]


def wanted(random: Random, books: Books, number: int, *, source: str | None = None) -> Wanted:
    source = source or random.choice(NAMES)
    suffix = source.rpartition(".")[2]
    destination = f"{random.choice(list(CAST))}.{suffix}"
    if destination == source and not one_in(random, 20):
        destination = f"gateway.{suffix}" if source != f"gateway.{suffix}" else f"ada.{suffix}"
    asset = asset_of(source)
    if one_in(random, 40):
        destination = random.choice(NAMES)
    if one_in(random, 40):
        asset = random.choice([USD, TOKEN])
    return number, source, destination, asset, around(random, books.model.accounts[source].available)


def key_of(random: Random, books: Books, key: str) -> str:
    """A new key; sometimes one that another command used."""
    known = list(books.model.transfers)
    return random.choice(known) if known and one_in(random, 25) else key


def top_up(random: Random, books: Books, key: str) -> Command:
    suffix = random.choice(list(ASSETS))
    name = f"{random.choice(['ada', 'bo', 'cy', 'market'])}.{suffix}"
    posting = (1, f"gateway.{suffix}", name, ASSETS[suffix], random.randint(1, 2_000))
    return does.post((key_of(random, books, key), "top_up", (posting,)))


def move(random: Random, books: Books, key: str) -> Command:
    return does.post((key_of(random, books, key), "p2p", (wanted(random, books, 1),)))


def settle(random: Random, books: Books, key: str) -> Command:
    postings = tuple(wanted(random, books, number) for number in range(1, random.randint(3, 5)))
    return does.post((key_of(random, books, key), "order", postings))


def batch(random: Random, books: Books, key: str) -> Command:
    return does.post(
        *(
            (
                key_of(random, books, f"{key}.{number}"),
                "batch",
                tuple(wanted(random, books, n) for n in range(1, random.randint(2, 3))),
            )
            for number in range(random.randint(2, 6))
        )
    )


def exchange(random: Random, books: Books, key: str) -> Command:  # noqa: ARG001 - drawn like the others
    sold, bought = random.sample(list(ASSETS), 2)
    if one_in(random, 15):
        bought = sold
    name = random.choice(["ada", "bo", "cy", "market"])
    return does.exchange(
        key,
        (1, f"{name}.{sold}", f"fees.{sold}", ASSETS[sold], amount(random)),
        (1, f"fees.{bought}", f"{name}.{bought}", ASSETS[bought], amount(random)),
    )


def hold(random: Random, books: Books, key: str) -> Command:
    known = list(books.model.holds)
    if known and one_in(random, 10):
        key = random.choice(known)
    name = random.choice(NAMES)
    asset = random.choice([USD, TOKEN]) if one_in(random, 20) else asset_of(name)
    lasts = HOUR * random.choice([-1, 0, 1, 2, 5] if one_in(random, 5) else [1, 2, 5])
    value = around(random, books.model.accounts[name].available)
    return does.hold(key, name, asset, value, books.clock.at + lasts)


def capture(random: Random, books: Books, key: str) -> Command:
    if not books.model.holds:
        return hold(random, books, key)
    held = random.choice(list(books.model.holds))
    account = books.model.holds[held].account
    parts = []
    for _ in range(random.randint(1, 3)):
        _, _, destination, asset, value = wanted(random, books, 1, source=account)
        left = books.model.holds[held].left
        parts.append((destination, asset, value if one_in(random, 8) else around(random, left)))
    return does.capture(key_of(random, books, key), held, tuple(parts), is_last=one_in(random, 2))


def void(random: Random, books: Books, key: str) -> Command:
    if not books.model.holds:
        return hold(random, books, key)
    return does.void(random.choice(list(books.model.holds)))


def expire(random: Random, books: Books, key: str) -> Command:  # noqa: ARG001 - drawn like the others
    books.advance(HOUR * random.choice([0, 1, 3]))
    return does.expire()


def reverse(random: Random, books: Books, key: str) -> Command:
    if not books.model.transfers:
        return top_up(random, books, key)
    transfer = random.choice(list(books.model.transfers))
    postings = books.model.transfers[transfer].postings
    parts = []
    for n, source, _, value in random.sample(postings, random.randint(1, len(postings))):
        back = around(random, value) if one_in(random, 2) else random.randint(1, min(value, 1_000))
        parts.append((99 if one_in(random, 25) else n, asset_of(source), back))
    return does.reverse(key_of(random, books, key), transfer, tuple(parts))


def operate(random: Random, books: Books, key: str) -> Command:  # noqa: ARG001 - drawn like the others
    name = random.choice(NAMES)
    if one_in(random, 3):
        return does.set_floor(name, random.choice([0, -100, -500, 1]))
    state = "frozen" if one_in(random, 3) else "open"
    if one_in(random, 60):
        state = "closed"
    return does.set_state(name, state)


Draw = Callable[[Random, Books, str], Command]

# How often each is drawn.
DRAWS: dict[Draw, int] = {
    top_up: 4,
    move: 6,
    settle: 3,
    batch: 3,
    exchange: 3,
    hold: 4,
    capture: 5,
    void: 1,
    expire: 1,
    reverse: 4,
}
DRAWS[operate] = 2


def any_command(random: Random, books: Books, key: str) -> Command:
    draw = random.choices(list(DRAWS), weights=list(DRAWS.values()))[0]
    return draw(random, books, key)
