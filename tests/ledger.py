"""Books on a real Postgres, and commands that a model and the books both understand."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import text

from node.kernel.clock import FixedClock
from node.kernel.currencies import fiat_asset
from node.kernel.db.unit_of_work import Database, Tx
from node.kernel.errors import Bug, Refused
from node.kernel.money import Amount, Asset, erc20_asset
from tests.edge import START
from tests.ledger_model import Model, Wanted
from tests.stack import DatabaseUrls
from wallet.ledger.commands import AccountId, HoldId, Ledger, Posting, Transfer, TransferId
from wallet.ledger.verify import Report, verify

USD = fiat_asset("USD")
TOKEN = erc20_asset(31337, "0x" + "ab" * 20, code="TOK", exponent=18)
ASSETS = {"usd": USD, "tok": TOKEN}
# name -> floor; each exists in both assets
CAST = {"gateway": None, "fees": None, "ada": 0, "bo": 0, "cy": 0, "market": -500}
SEAL_ROUNDS_MAX = 1_000
SEAL_PAUSE_S = 0.02  # a transaction of any database of the server may be under way


@dataclass
class Books:
    """The same accounts in the ledger and in its model."""

    urls: DatabaseUrls
    database: Database
    clock: FixedClock = field(default_factory=lambda: FixedClock(START))
    accounts: dict[str, AccountId] = field(default_factory=dict)
    transfers: dict[str, TransferId] = field(default_factory=dict)
    holds: dict[str, HoldId] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.clock)
        self.model = Model(self.clock.at)

    def open(self, run: str) -> None:
        """Accounts that no other run of the same database has."""
        self.model = Model(self.clock.at)
        self.accounts, self.transfers, self.holds = {}, {}, {}
        with self.database.transaction() as tx:
            for asset in ASSETS.values():
                self.ledger.register(tx, asset)
            for suffix, asset in ASSETS.items():
                for name, floor in CAST.items():
                    full = f"{name}.{suffix}"
                    self.model.open(full, asset, floor)
                    self.accounts[full] = self.ledger.account(tx, f"{name}:{run}", "test", asset, floor=floor)

    def advance(self, by: dt.timedelta) -> None:
        self.clock.advance(by)
        self.model.now = self.clock.at

    def posting(self, wanted: Wanted) -> Posting:
        _, source, destination, asset, amount = wanted
        return Posting(self.accounts[source], self.accounts[destination], Amount(asset, amount))

    def do(self, *commands: "Command") -> None:
        """In one transaction. One key, one effect: whoever asks again gets the same id."""
        with self.database.transaction() as tx:
            made = [found for command in commands for found in command.run(self, tx)]
        for known, key, number in made:
            if known.setdefault(key, number) != number:
                raise Bug("one key made two things", key=key)

    def agree(self) -> None:
        """The books say what the model says."""
        with self.database.transaction() as tx:
            rows = tx.execute(text(BALANCES), {"accounts": list(self.accounts.values())}).all()
        names = {number: name for name, number in self.accounts.items()}
        found = {names[number]: (int(posted), int(held), state) for number, posted, held, state in rows}
        assert found == {
            name: (account.posted, account.held, account.state)
            for name, account in self.model.accounts.items()
        }

    def agree_wholly(self) -> None:
        """And has every transfer with every posting, and every hold, of the model: these and no others."""
        self.agree()
        names = {number: name for name, number in self.accounts.items()}
        with self.database.transaction() as tx:
            rows = tx.execute(text(POSTINGS), {"accounts": list(self.accounts.values())}).all()
            holds = tx.execute(text(HOLDS), {"accounts": list(self.accounts.values())}).all()
        found: dict[str, list[tuple[int, str, str, int]]] = {}
        for key, n, source, destination, amount in rows:
            found.setdefault(key, []).append((n, names[source], names[destination], int(amount)))
        assert found == {key: list(made.postings) for key, made in self.model.transfers.items()}
        assert {row[0]: (int(row[1]), int(row[2]), row[3]) for row in holds} == {
            key: (hold.amount, hold.captured, hold.state) for key, hold in self.model.holds.items()
        }

    def seal(self) -> None:
        seal_all(self.urls)

    def verify(self) -> Report:
        with self.database.transaction() as tx:
            return verify(tx)


BALANCES = """
    SELECT id, posted + CASE WHEN floor IS NOT NULL THEN 0 ELSE coalesce((
        SELECT sum(CASE WHEN destination = account.id THEN amount ELSE -amount END) FROM ledger.posting
        WHERE transfer_id > (SELECT coalesce(max(up_to), 0) FROM ledger.block)
            AND account.id IN (source, destination)
    ), 0) END, held, state FROM ledger.account WHERE id = ANY (:accounts)
"""

POSTINGS = """
    SELECT transfer.key, n, source, destination, amount FROM ledger.posting
    JOIN ledger.transfer ON transfer.id = transfer_id
    WHERE source = ANY (:accounts) ORDER BY transfer_id, n
"""
HOLDS = "SELECT key, amount, captured, state FROM ledger.hold WHERE account_id = ANY (:accounts)"


def seal_all(urls: DatabaseUrls) -> None:
    with psycopg.connect(urls.app, autocommit=True) as connection:
        for _ in range(SEAL_ROUNDS_MAX):
            connection.execute("SELECT ledger.seal(10000)")
            open_ = connection.execute(
                "SELECT count(*) FROM ledger.transfer"
                " WHERE id > coalesce((SELECT max(up_to) FROM ledger.block), 0)"
            ).fetchone()
            if open_ == (0,):
                return
            time.sleep(SEAL_PAUSE_S)
    raise AssertionError("the sealer does not come to an end")


@contextmanager
def books(urls: DatabaseUrls, *, connections: int = 4) -> Iterator[Books]:
    database = Database(urls.app, pool_size=connections)
    try:
        yield Books(urls, database)
    finally:
        database.dispose()


# What a command made: where it is kept by key, the key, and its id.
Made = list[tuple[dict[str, Any], str, int]]
Run = Callable[[Books, Tx], Made]
Apply = Callable[[Model], None]


@dataclass(frozen=True)
class Command:
    """What to do, twice: on the books and on the model."""

    name: str
    run: Run
    apply: Apply

    def __repr__(self) -> str:
        return self.name


def outcome(do: Callable[[], object]) -> type[Refused] | None:
    try:
        do()
    except Refused as refusal:
        return type(refusal)
    return None


def play(books: Books, command: Command) -> type[Refused] | None:
    """Does it on both and compares; returns why it was refused, or None."""

    expected = outcome(lambda: command.apply(books.model))
    found = outcome(lambda: books.do(command))
    assert found is expected, f"{command}: the books say {found}, the model {expected}"
    return found


def post(*transfers: tuple[str, str, tuple[Wanted, ...]]) -> Command:
    def run(books: Books, tx: Tx) -> Made:
        made = books.ledger.post(
            tx,
            *(Transfer(key, kind, tuple(map(books.posting, postings))) for key, kind, postings in transfers),
        )
        return [(books.transfers, key, number) for (key, _, _), number in zip(transfers, made, strict=True)]

    return Command(f"post{transfers}", run, lambda model: model.post(transfers))


def exchange(key: str, sold: Wanted, bought: Wanted) -> Command:
    def run(books: Books, tx: Tx) -> Made:
        made = books.ledger.exchange(tx, key, "fx", sold=books.posting(sold), bought=books.posting(bought))
        return [
            (books.transfers, f"{key}>{side}", number)
            for side, number in zip(("sold", "bought"), made, strict=True)
        ]

    return Command(f"exchange{key, sold, bought}", run, lambda model: model.exchange(key, "fx", sold, bought))


def hold(key: str, account: str, asset: Asset, amount: int, expires_at: dt.datetime) -> Command:
    def run(books: Books, tx: Tx) -> Made:
        placed = books.ledger.hold(
            tx, key, books.accounts[account], Amount(asset, amount), expires_at=expires_at
        )
        return [(books.holds, key, placed)]

    return Command(
        f"hold{key, account, amount}", run, lambda model: model.hold(key, account, asset, amount, expires_at)
    )


def capture(key: str, held: str, parts: tuple[tuple[str, Asset, int], ...], *, is_last: bool) -> Command:
    def run(books: Books, tx: Tx) -> Made:
        paid = [(books.accounts[account], Amount(asset, amount)) for account, asset, amount in parts]
        made = books.ledger.capture(tx, key, "capture", books.holds[held], paid, is_last=is_last)
        return [(books.transfers, key, made)]

    return Command(
        f"capture{key, held, parts, is_last}",
        run,
        lambda model: model.capture(key, "capture", held, parts, is_last=is_last),
    )


def void(held: str) -> Command:
    def run(books: Books, tx: Tx) -> Made:
        books.ledger.void(tx, books.holds[held])
        return []

    return Command(f"void({held})", run, lambda model: model.void(held))


def expire() -> Command:
    def run(books: Books, tx: Tx) -> Made:
        while books.ledger.expire_holds(tx, limit=3):
            pass
        return []

    return Command("expire()", run, lambda model: model.expire())


def reverse(key: str, transfer: str, parts: tuple[tuple[int, Asset, int], ...]) -> Command:
    def run(books: Books, tx: Tx) -> Made:
        amounts = [(n, Amount(asset, amount)) for n, asset, amount in parts]
        made = books.ledger.reverse(tx, key, "reverse", books.transfers[transfer], amounts)
        return [(books.transfers, key, made)]

    return Command(
        f"reverse{key, transfer, parts}", run, lambda model: model.reverse(key, "reverse", transfer, parts)
    )


def set_state(account: str, state: str) -> Command:
    def run(books: Books, tx: Tx) -> Made:
        number = books.accounts[account]
        {"open": books.ledger.unfreeze, "frozen": books.ledger.freeze, "closed": books.ledger.close}[state](
            tx, number
        )
        return []

    return Command(f"set_state{account, state}", run, lambda model: model.set_state(account, state))


def set_floor(account: str, floor: int) -> Command:
    def run(books: Books, tx: Tx) -> Made:
        books.ledger.set_floor(tx, books.accounts[account], floor)
        return []

    return Command(f"set_floor{account, floor}", run, lambda model: model.set_floor(account, floor))
