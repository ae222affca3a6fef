"""A worker that is killed at any statement, and around each request to the gateway: the others end it alike.

Payments and orders wait for all that the schedule does about them. Every run begins at the same books, of the
node and of the gateway; wherever the worker died, they end as those of a run that nobody disturbed.
"""

import datetime as dt
import itertools
import sqlite3
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from pydantic import SecretStr

from node.bootstrap.build import build_services
from node.bootstrap.handlers import subscriptions
from node.bootstrap.reactions import reactions
from node.events.deposit import DepositCredited, deposit_stream
from node.kernel.clock import FixedClock
from node.kernel.db.unit_of_work import Database
from node.kernel.ids import new_id
from node.kernel.money import Amount
from node.kernel.settings import Settings
from node.kernel.spine.consumer import Consumer
from node.kernel.spine.sequencer import Sequencer
from node.services.container import Services
from node.services.order.states import Action, Rail
from tests.counter import Counter
from tests.kill_points import killed_at
from tests.payment_rest import assert_holds
from tests.sandbox import SECRET, Sandbox, running_sandbox
from tests.shop import NATIVE, Shop
from tests.stack import Addresses, DatabaseUrls, cloned_database
from tests.till import PRICE
from wallet.owners import owner_of_account

pytestmark = pytest.mark.pg

PREPARED: Final = "payments_prepared"
LIMIT: Final = 100
ROUNDS: Final = 5  # of a minute each: refunds that no task has sent are sent after two
MINUTE: Final = dt.timedelta(minutes=1)
CONSUMERS: Final = ("order.payments", "payment.escrow", "payment.deposits", "gateway.refunds")
# Everything that money and states are, without times and new ids.
DIGEST: Final = """
    SELECT 'order', id::text, state, concat_ws(' ', to_seller, to_buyer, fee, received) FROM orders.shop_order
    UNION ALL SELECT 'payment', id::text, state, concat_ws(' ', secured, settled, returned, refunded, steps)
        FROM payment.intent
    UNION ALL SELECT 'step', intent_id || '.' || number, kind, concat_ws(' ', amount, market, commission)
        FROM payment.step
    UNION ALL SELECT 'account', owner || ' ' || purpose, asset, concat_ws(' ', held, floor, (
        SELECT sum(CASE WHEN destination = account.id THEN amount ELSE -amount END) FROM ledger.posting
        WHERE account.id IN (source, destination)
    )) FROM ledger.account
    UNION ALL SELECT 'transfer', key, kind, '' FROM ledger.transfer
    UNION ALL SELECT 'event', stream, type_name || coalesce(payload ->> 'state', ''), count(*)::text
        FROM kernel.event GROUP BY 2, 3
    UNION ALL SELECT 'incident', key, kind, '' FROM incident.incident
    ORDER BY 1, 2, 3, 4
"""


def worked(services: Services) -> None:
    """One round of all that the worker and the spine do about payments."""
    begin = services.database.transaction

    def task(_: str, arguments: Any) -> None:
        services.gateway.send_refund(begin, uuid.UUID(arguments["payment"]), int(arguments["number"]))

    services.gateway.poll(begin, limit=LIMIT)
    services.order.acts.act_due(begin, limit=LIMIT)
    with begin() as tx:
        services.order.expire_due(tx, now=services.clock.now(), limit=LIMIT)
        services.funding.expire_due(tx, now=services.clock.now(), limit=LIMIT)
    while Sequencer(services.database).number_once():
        for subscription in subscriptions(reactions(services), task):
            if subscription.name in CONSUMERS:
                Consumer(services.database, subscription, services.clock).run_once()
    services.gateway.send_refunds(begin, limit=LIMIT)


def prepare(till: Counter) -> None:
    """One of each: what waits for a deadline, for the gateway, for money by the chain."""
    shop, seller = till.shop, till.shop.seller
    unshipped, shipped, disputed = till.begun(), till.paid(Rail.HOLD), till.paid(Rail.BALANCE)
    till.sandbox.decide(till.page(unshipped[2]), "pay", "lost")
    till.check(unshipped[2])
    till.follow()
    for order, _ in (shipped, disputed):
        till.act(order, seller, Action.SHIP)
    till.act(disputed[0], disputed[1], Action.DISPUTE)
    ended, buyer, payment_id = till.begun()
    till.sandbox.decide(till.page(payment_id), "pay", "lost")
    till.check(payment_id)
    till.follow()
    till.act(ended, buyer, Action.RELEASE_PART, gross=3_000)
    till.act(ended, seller, Action.REFUND_PART, gross=1_001)
    till.act(ended, buyer, Action.CONFIRM)
    shop.clock.advance(dt.timedelta(hours=2))
    till.begun()  # nobody comes
    shop.clock.advance(dt.timedelta(hours=1))
    for faults in (["lost"], ["lost", "two_step"], ["lost", "overpaid"]):
        _, _, payment_id = till.begun()
        till.sandbox.decide(till.page(payment_id), "pay", *faults)
    till.act(ended, seller, Action.REFUND_LATER, gross=2_003)
    buyer = till.buyer()
    till.pay(till.order(buyer, Rail.DEPOSIT), buyer)
    owner = owner_of_account(buyer.account_id)
    credited = DepositCredited(
        deposit_id=str(new_id()), owner=owner, asset_id=NATIVE.asset.id, amount=str(PRICE)
    )
    with shop.database.transaction() as tx:
        shop.balance.top_up(tx, owner, Amount(NATIVE.asset, PRICE))
        shop.events.record(tx, deposit_stream(credited.deposit_id), credited)


@dataclass
class Books:
    """Of the node and of its gateway, as they were prepared."""

    addresses: Addresses
    sandbox: Sandbox
    file: Path
    at: dt.datetime
    folder: Path

    def __post_init__(self) -> None:
        with closing(sqlite3.connect(self.file)) as gateway:
            self._rows = {
                table: gateway.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - two names
                for table in ("payment", "refund")
            }

    @contextmanager
    def opened(self) -> Iterator[tuple[DatabaseUrls, Settings]]:
        """A copy of them."""
        with closing(sqlite3.connect(self.file)) as gateway, gateway:
            for table, rows in self._rows.items():
                gateway.execute(f"DELETE FROM {table}")  # noqa: S608 - two names
                for row in rows:
                    marks = ", ".join("?" * len(row))
                    gateway.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608
        name = f"killed_{uuid.uuid4().hex}"
        with cloned_database(self.addresses, name, of=PREPARED) as urls:
            options = {"sandbox.url": self.sandbox.url, "sandbox.secret": SECRET}
            yield (
                urls,
                Settings(
                    database_url=urls.app,
                    data_dir=self.folder,
                    gateways="sandbox",
                    gateway_options={name: SecretStr(value) for name, value in options.items()},
                ),
            )

    def ended(self, point: int) -> tuple[bool, list[Any]]:
        """Whether the worker died at that point, and the books in the end."""
        with self.opened() as (urls, settings):
            died = killed_at(settings, point, worked, clock=FixedClock(self.at))
            self._others_go_on(settings)
            with psycopg.connect(urls.owner) as connection:
                digest: list[Any] = connection.execute(DIGEST).fetchall()
            lines = [(str(line["payment_id"]), str(line["amount"])) for line in self.sandbox.report()]
            return died, [*digest, *sorted(lines)]

    def _others_go_on(self, settings: Settings) -> None:
        """Two at once."""
        clock = FixedClock(self.at)
        others = [build_services(settings, clock=clock) for _ in range(2)]
        for _ in range(ROUNDS):
            with ThreadPoolExecutor(2) as pool:
                for done in [pool.submit(worked, services) for services in others]:
                    done.result()
            clock.advance(MINUTE)
        assert_holds(others[0].database)
        for services in others:
            services.gateway.choice.provider("sandbox")._http.close()  # type: ignore[attr-defined]
            services.chain.close()
            services.database.dispose()


@pytest.fixture(scope="module")
def books(addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    folder = tmp_path_factory.mktemp("sandbox")
    with running_sandbox(folder) as sandbox, cloned_database(addresses, PREPARED) as urls:
        database = Database(urls.app, pool_size=4)
        till = Counter(Shop(database), sandbox)
        prepare(till)
        database.dispose()
        yield Books(addresses, sandbox, folder / "sandbox.sqlite", till.shop.clock.now(), folder)


@pytest.mark.parametrize("stride", [89, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "every"])
def test_killed_at_any_statement(books: Books, stride: int) -> None:
    _, wanted = books.ended(10**6)
    for point in itertools.count(7, stride) if stride > 1 else itertools.count(1):
        died, found = books.ended(point)
        assert found == wanted, point
        if not died:
            break
    assert point > 2 * stride
