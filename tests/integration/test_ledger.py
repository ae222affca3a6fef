"""The ledger's refusals, its statements, its chain, and who may write to it."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy import text

from node.kernel.db.unit_of_work import Database
from node.kernel.errors import Bug
from node.kernel.money import UINT256_MAX, Asset
from tests import ledger as does
from tests.ledger import TOKEN, USD, Books, Command, books, play
from tests.stack import Addresses, DatabaseUrls, cloned_database
from wallet.ledger import errors
from wallet.ledger.commands import AccountId, Transfer, derived_key
from wallet.ledger.flows import drawn, flows
from wallet.ledger.sealing import seal
from wallet.ledger.statements import Balance, balance, posted_at
from wallet.ledger.verify import examine

pytestmark = pytest.mark.pg

KWD_AS_USD = Asset(USD.id, "USD", 3)  # the right currency, counted wrongly
HOUR = dt.timedelta(hours=1)


@pytest.fixture(scope="module")
def database(addresses: Addresses) -> Iterator[DatabaseUrls]:
    with cloned_database(addresses, "ledger_cases") as urls:
        yield urls


@pytest.fixture
def shared(database: DatabaseUrls, request: pytest.FixtureRequest) -> Iterator[Books]:
    """Ada has 1,000 cents and 1,000 tokens; Cy's account is closed, Bo's is frozen and has 100."""
    with books(database) as opened:
        opened.open(request.node.name)
        for asset, suffix in ((USD, "usd"), (TOKEN, "tok")):
            for name, value in (("ada", 1_000), ("bo", 100)):
                posting = (1, f"gateway.{suffix}", f"{name}.{suffix}", asset, value)
                play(opened, does.post((f"{request.node.name}.{name}.{suffix}", "top_up", (posting,))))
        play(opened, does.set_state("bo.usd", "frozen"))
        play(opened, does.set_state("cy.usd", "closed"))
        yield opened


def pay(source: str, destination: str, value: int, asset: Asset = USD, key: str = "case") -> Command:
    return does.post((key, "case", ((1, source, destination, asset, value),)))


def two(source: str, destination: str, value: int, asset: Asset = USD, key: str = "case") -> Command:
    """The same by the other function: a good posting before the bad one."""
    good = (1, "gateway.tok", "ada.tok", TOKEN, 1)
    return does.post((key, "case", (good, (2, source, destination, asset, value))))


BAD = {
    "too much": (("ada.usd", "market.usd", 1_001), errors.InsufficientFunds),
    "beyond the credit limit": (("market.usd", "ada.usd", 501), errors.InsufficientFunds),
    "negative": (("ada.usd", "market.usd", -1), errors.AmountInvalid),
    "zero": (("ada.usd", "market.usd", 0), errors.AmountInvalid),
    "2^256": (("gateway.usd", "ada.usd", UINT256_MAX + 1), errors.AmountInvalid),
    "a sum of 2^256": (("gateway.usd", "ada.usd", UINT256_MAX - 999), errors.AmountOverflow),
    "the wrong currency": (("ada.usd", "market.usd", 1, TOKEN), errors.CurrencyMismatch),
    "two currencies": (("ada.usd", "market.tok", 1), errors.CurrencyMismatch),
    "the wrong exponent": (("ada.usd", "market.usd", 1, KWD_AS_USD), errors.CurrencyMismatch),
    "to oneself": (("ada.usd", "ada.usd", 1), errors.SelfTransfer),
    "from a frozen account": (("bo.usd", "ada.usd", 1), errors.AccountFrozen),
    "from a closed account": (("cy.usd", "ada.usd", 1), errors.AccountClosed),
    "to a closed account": (("ada.usd", "cy.usd", 1), errors.AccountClosed),
}


@pytest.mark.parametrize("way", [pay, two])
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_and_changes_nothing(
    shared: Books, case: str, way: Callable[..., Command]
) -> None:
    arguments, expected = BAD[case]
    command = way(*arguments, key=f"{case}.{way.__name__}")
    assert play(shared, command) is expected
    shared.agree()


GOOD = {
    "all there is": ("ada.usd", "market.usd", 1_000),
    "down to the credit limit": ("market.usd", "ada.usd", 500),
    "dust": ("ada.tok", "market.tok", 1, TOKEN),
    "to a frozen account": ("ada.usd", "bo.usd", 1),
    "up to 2^256 - 1": ("gateway.usd", "ada.usd", UINT256_MAX - 1_000),
}


@pytest.mark.parametrize("case", GOOD)
def test_the_last_right_amount_moves(shared: Books, case: str) -> None:
    assert play(shared, pay(*GOOD[case], key=case)) is None  # type: ignore[arg-type]
    shared.agree()


def test_a_refusal_says_what_is_needed(shared: Books) -> None:
    with pytest.raises(errors.InsufficientFunds) as refusal:
        shared.do(pay("ada.usd", "market.usd", 1_500, key="words"))
    assert refusal.value.fields["need"] == "1500"
    assert refusal.value.fields["have"] == "1000"
    assert str(refusal.value.fields["account"]).startswith("ada:")


def test_the_functions_check_without_python_before_them(shared: Books) -> None:
    """Whoever calls them past `Ledger` finds the same door."""
    ada, market = shared.accounts["ada.usd"], shared.accounts["market.usd"]
    move = "SELECT ledger.move('raw', 'raw', %s, %s, 'iso4217:USD', 2, %s, now())"
    place = "SELECT ledger.place_hold('raw', %s, 'iso4217:USD', 2, %s, now() + '1 h', now())"
    capture = (
        "SELECT ledger.capture_hold('raw', 'raw', %s, %s, ARRAY['iso4217:USD'], ARRAY[2], %s, true, now())"
    )
    play(shared, does.hold("raw.hold", "ada.usd", USD, 10, shared.clock.at + HOUR * 10**5))
    held = shared.holds["raw.hold"]
    with psycopg.connect(shared.urls.app, autocommit=True) as connection:
        for amount in ("-1", "0", "0.5", "NaN", "Infinity", str(2**256), None):
            for statement, arguments in (
                (move, (ada, market, amount)),
                (place, (ada, amount)),
                (capture, (held, [market], [amount])),
            ):
                with pytest.raises(psycopg.Error) as error:
                    connection.execute(statement.encode(), arguments)
                assert error.value.sqlstate == "ALREF", f"{statement} {amount}: {error.value}"
        with pytest.raises(psycopg.Error, match="account_unknown"):
            connection.execute(move.encode(), (ada, 10**12, 1))
    shared.agree()


def test_holds(shared: Books) -> None:
    later = shared.clock.at + HOUR
    assert play(shared, does.hold("h1", "ada.usd", USD, 600, later)) is None
    assert play(shared, does.hold("h2", "ada.usd", USD, 401, later)) is errors.InsufficientFunds
    assert play(shared, does.hold("h1", "ada.usd", USD, 601, later)) is errors.LedgerKeyReused
    assert play(shared, pay("ada.usd", "market.usd", 401, key="h.pay")) is errors.InsufficientFunds
    assert play(shared, does.hold("h3", "gateway.usd", USD, 1, later)) is errors.AccountWithoutFloor
    assert play(shared, does.capture("c1", "h1", (("market.usd", USD, 200),), is_last=False)) is None
    assert play(shared, does.capture("c1", "h1", (("market.usd", USD, 200),), is_last=False)) is None
    too_much = does.capture("c2", "h1", (("market.usd", USD, 300), ("fees.usd", USD, 101)), is_last=True)
    assert play(shared, too_much) is errors.HoldExceeded
    assert play(shared, does.capture("c3", "h1", (("market.usd", USD, 100),), is_last=True)) is None
    assert play(shared, does.capture("c4", "h1", (("market.usd", USD, 1),), is_last=True)) is errors.HoldEnded
    assert play(shared, does.void("h1")) is errors.HoldEnded
    assert play(shared, does.hold("h5", "ada.usd", USD, 700, later)) is None
    shared.advance(HOUR)
    assert (
        play(shared, does.capture("c5", "h5", (("market.usd", USD, 1),), is_last=True)) is errors.HoldExpired
    )
    assert play(shared, does.expire()) is None
    assert play(shared, pay("ada.usd", "market.usd", 700, key="h.rest")) is None
    shared.agree()


def test_reversals_never_exceed_the_original(shared: Books) -> None:
    split = ((1, "ada.usd", "market.usd", USD, 90), (2, "ada.usd", "fees.usd", USD, 10))
    assert play(shared, does.post(("order", "order", split))) is None
    assert play(shared, does.reverse("r1", "order", ((1, USD, 60), (2, USD, 5)))) is None
    assert play(shared, does.reverse("r1", "order", ((1, USD, 60), (2, USD, 5)))) is None
    assert play(shared, does.reverse("r2", "order", ((1, USD, 31),))) is errors.ReversalExceeded
    assert play(shared, does.reverse("r3", "order", ((1, USD, 15), (1, USD, 15)))) is errors.ReversalExceeded
    assert play(shared, does.reverse("r4", "order", ((2, USD, 5), (1, USD, 30)))) is None
    assert play(shared, does.reverse("r5", "order", ((2, USD, 1),))) is errors.ReversalExceeded
    assert play(shared, does.reverse("r6", "r4", ((1, USD, 1),))) is errors.NotReversible
    shared.agree()


def test_an_exchange_conserves_both_sides(shared: Books) -> None:
    sold, bought = (1, "ada.usd", "fees.usd", USD, 100), (1, "fees.tok", "ada.tok", TOKEN, 37)
    assert play(shared, does.exchange("fx", sold, bought)) is None
    assert play(shared, does.exchange("fx", sold, bought)) is None
    assert play(shared, does.exchange("fx2", sold, sold)) is errors.CurrencyMismatch
    dear = (1, "ada.usd", "fees.usd", USD, 901)
    assert play(shared, does.exchange("fx3", dear, bought)) is errors.InsufficientFunds
    shared.agree()


def test_statements(shared: Books) -> None:
    times = []
    for number in range(1, 4):
        shared.advance(HOUR)
        play(shared, pay("ada.usd", "fees.usd", number, key=f"st.{number}"))
        times.append(shared.clock.at)
        if number == 2:
            shared.seal()
    ada, fees = shared.accounts["ada.usd"], shared.accounts["fees.usd"]
    with shared.database.transaction() as tx:
        assert [posted_at(tx, ada, at) for at in times] == [999, 997, 994]
        assert [posted_at(tx, fees, at) for at in times] == [1, 3, 6]
        assert posted_at(tx, ada, times[0] - HOUR * 100) == posted_at(tx, fees, times[0] - HOUR) == 0
        assert balance(tx, ada) == Balance(posted=994, held=0, available=994)
        assert balance(tx, fees) == Balance(posted=6, held=0, available=None)
        with pytest.raises(errors.LedgerAccountUnknown):
            balance(tx, AccountId(10**12))


def test_the_ways_that_money_took(fresh_database: DatabaseUrls) -> None:
    with books(fresh_database) as shared:
        shared.open("one")
        play(shared, does.post(("in", "deposit.came", ((1, "gateway.usd", "ada.usd", USD, 900),))))
        for key in ("1", "2"):
            play(shared, does.post((key, "order.paid", ((1, "ada.usd", "market.usd", USD, 100),))))
        play(shared, does.post(("3", "order.fee", ((1, "ada.usd", "market.usd", USD, 1),))))
        with shared.database.transaction() as tx:
            told = flows(tx)
    assert [(flow.kind, flow.source, flow.destination, flow.postings) for flow in told] == [
        ("deposit.came", "gateway/test", "ada/test", 1),
        ("order.fee", "ada/test", "market/test", 1),
        ("order.paid", "ada/test", "market/test", 2),
    ]
    pictures = drawn(told)
    assert pictures.count("flowchart") == 2
    assert 'ada_test -->|"fee, paid"| market_test' in pictures


def test_time_never_runs_backwards_in_an_account(shared: Books) -> None:
    """Clocks of two machines differ; the later posting carries the later time all the same."""
    play(shared, pay("ada.usd", "fees.usd", 1, key="ahead"))
    ahead = shared.clock.at
    shared.clock.at -= HOUR
    play(shared, pay("ada.usd", "fees.usd", 1, key="behind"))
    with shared.database.transaction() as tx:
        assert posted_at(tx, shared.accounts["ada.usd"], ahead) == 998
        assert posted_at(tx, shared.accounts["ada.usd"], ahead - HOUR / 2) == 0


def test_the_app_writes_by_functions_alone(shared: Books) -> None:
    with psycopg.connect(shared.urls.app, autocommit=True) as connection:
        for statement in (
            "UPDATE ledger.account SET posted = posted + 1",
            "UPDATE ledger.posting SET amount = 1",
            "DELETE FROM ledger.posting",
            "TRUNCATE ledger.transfer",
            "INSERT INTO ledger.transfer (key, kind, at) VALUES ('x', 'x', now())",
            "SELECT ledger.draw_ids('{x}', '{x}', now(), NULL, NULL, NULL)",
            "SELECT setval('ledger.transfer_id_seq', 1)",
            "CREATE FUNCTION ledger.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ):
            with pytest.raises(pg.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_a_hidden_function_does_not_shadow_ours(shared: Books) -> None:
    """The path of names is pinned: a temporary table of the caller is not mistaken for the ledger's."""
    with psycopg.connect(shared.urls.app, autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE account AS SELECT * FROM ledger.account WITH NO DATA")
        connection.execute("SET search_path = pg_temp, ledger")
        arguments = (shared.accounts["ada.usd"], shared.accounts["fees.usd"])
        connection.execute(
            "SELECT ledger.move('pinned', 'pinned', %s, %s, 'iso4217:USD', 2, 1, now())", arguments
        )
    play(shared, pay("ada.usd", "fees.usd", 1, key="after"))
    with shared.database.transaction() as tx:
        assert balance(tx, shared.accounts["ada.usd"]).posted == 998


TAMPERING = {
    "an amount": "UPDATE ledger.posting SET amount = amount + 1 WHERE transfer_id = 3",
    "a posting taken away": "DELETE FROM ledger.posting WHERE transfer_id = 3",
    "a transfer taken away": "DELETE FROM ledger.transfer WHERE id = 3",
    "a key": "UPDATE ledger.transfer SET key = 'other' WHERE id = 3",
    "an account renamed": "UPDATE ledger.account SET owner = 'thief' WHERE owner LIKE 'ada:%'",
    "a balance": "UPDATE ledger.account SET posted = posted + 1 WHERE owner LIKE 'ada:%'",
    "what is held": "UPDATE ledger.account SET held = 1 WHERE posted > 0",
    "a hash": "UPDATE ledger.block SET hash = sha256('x') WHERE number = 1",
    "the newest block": "DELETE FROM ledger.block WHERE number = 3",
}


class Undone(Exception):
    """Ends a transaction without a trace."""


def test_tampering_shows(fresh_database: DatabaseUrls) -> None:
    with books(fresh_database) as opened:
        opened.open("tampered")
        for number in range(3):
            play(opened, pay("gateway.usd", "ada.usd", 10, key=f"t.{number}"))
            opened.seal()
        report = opened.verify()
        assert (report.blocks, report.differences) == (3, ())
        assert report.head is not None
        owner = Database(fresh_database.owner, pool_size=1)
        for name, statement in TAMPERING.items():
            with suppress(Undone), owner.transaction() as tx:
                tx.execute(text(statement))
                assert examine(tx, head=report.head.hex()).differences, name
                raise Undone
        owner.dispose()
        assert opened.verify() == report


def test_a_transaction_under_way_is_not_overtaken(fresh_database: DatabaseUrls) -> None:
    """A transfer that commits late has a low id; no block may end above it before."""
    with books(fresh_database) as opened:
        opened.open("late")
        with opened.database.transaction() as slow:
            late = Transfer("late", "case", (opened.posting((1, "gateway.usd", "ada.usd", USD, 5)),))
            opened.ledger.post(slow, late)
            play(opened, pay("gateway.tok", "bo.tok", 7, TOKEN, key="quick"))
            assert seal(opened.database.transaction) == 0
        opened.model.accounts["ada.usd"].posted, opened.model.accounts["gateway.usd"].posted = 5, -5
        opened.seal()
        opened.agree()
        report = opened.verify()
        assert (report.transfers, report.differences) == (2, ())


def test_keys_are_derived() -> None:
    assert derived_key("order", "0190", "settle") == "order:0190:settle"
    with pytest.raises(Bug):
        derived_key("order", "a:b", "settle")
    with pytest.raises(Bug):
        Transfer("empty", "case", ())
