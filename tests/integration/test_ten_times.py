"""What happens at a gateway reaches us in three ways, each ten times, in every order and at once: one effect.

The payer's return (`redirect`), the gateway's `callback`, and the node's own `poller` with its tasks; about
payments, failed ones and refunds; from the sandbox's process, and from a server that speaks as Stripe does.
"""

import datetime as dt
import itertools
import random
import uuid
from abc import ABC, abstractmethod
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text
from typing_extensions import override

from node.bootstrap.till import Desk
from node.kernel.clock import SystemClock
from node.kernel.db.unit_of_work import Database
from node.services.gateway.provider import Callback
from node.services.gateway.providers.stripe import StripeProvider
from node.services.gateway.registry import Gateways, Method
from node.services.gateway.service import GatewayService
from node.services.order.access import Caller
from node.services.order.models import Order
from node.services.order.states import Action, Rail
from tests.counter import HOME, Counter
from tests.integration.test_stripe import signed
from tests.sandbox import running_sandbox
from tests.shop import Shop
from tests.stack import DatabaseUrls
from tests.stripe_server import KEY, WEBHOOK_SECRET, StripeServer, running_stripe
from tests.till import PRICE, Till

pytestmark = pytest.mark.pg

TIMES: Final = 10
WAYS: Final = ("redirect", "callback", "poller")
THREADS: Final = 6
PART: Final = 1_001  # of the price, that goes back
SOON: Final = dt.timedelta(seconds=10)
LATER: Final = dt.timedelta(minutes=2)
Deliver = Callable[[], object]

_EVENTS = text("""
    SELECT type_name || coalesce(' ' || (payload ->> 'state'), '') FROM kernel.event
    WHERE stream IN (:payment, :order)
""")
_STEPS = text("""
    SELECT step.kind, (SELECT count(*) FROM ledger.transfer WHERE transfer.key = step.key)
    FROM payment.step WHERE intent_id = :payment_id ORDER BY number
""")
_KEPT = text("SELECT count(*) FROM gateway.callback WHERE payment_id = :payment_id")


@dataclass
class Side(ABC):
    """One gateway, seen from its payer and from its own books."""

    name: str
    till: Till
    gateway: GatewayService

    @abstractmethod
    def pay(self, payment_id: uuid.UUID) -> list[Callback]:
        """The payer pays; these callbacks tell of it, one of them old news."""

    @abstractmethod
    def fail(self, payment_id: uuid.UUID) -> list[Callback]: ...

    @abstractmethod
    def give_back(self, payment_id: uuid.UUID) -> list[Callback]:
        """What the gateway sends when money went back."""

    @abstractmethod
    def lines(self, payment_id: uuid.UUID) -> list[int]:
        """What its own books say that it took, and gave back."""

    def begun(self) -> tuple[Order, Caller, uuid.UUID]:
        till = self.till
        buyer = till.buyer()
        order = till.order(buyer, Rail.GATEWAY)
        payment_id = till.pay(order, buyer, method=self.name)
        self.gateway.begin(till.shop.database.transaction, payment_id, title="Tea", return_url=HOME)
        till.follow()
        return order, buyer, payment_id

    def reference(self, payment_id: uuid.UUID) -> str:
        with self.till.shop.database.transaction() as tx:
            found = self.till.shop.payment.locked(tx, payment_id).reference
        assert found is not None
        return found

    def hear(self, callback: Callback) -> None:
        with self.till.shop.database.transaction() as tx:
            self.gateway.hear(tx, self.name, callback)

    def poll(self) -> None:
        """The schedule, and the task that an owed refund asks for."""
        begin = self.till.shop.database.transaction
        self.till.shop.clock.advance(SOON)
        self.gateway.poll(begin, limit=100)
        self.gateway.send_refunds(begin, limit=100)

    def told(self, query: object, payment_id: uuid.UUID, order: Order) -> list[tuple[object, ...]]:
        names = {"payment_id": payment_id, "payment": f"payment:{payment_id}", "order": f"order:{order.id}"}
        with self.till.shop.database.transaction() as tx:
            return [tuple(row) for row in tx.execute(query, names)]  # type: ignore[call-overload]


class AtSandbox(Side):
    counter: Counter

    @override
    def pay(self, payment_id: uuid.UUID) -> list[Callback]:
        return self._decide(payment_id, "pay", count=2)

    @override
    def fail(self, payment_id: uuid.UUID) -> list[Callback]:
        return self._decide(payment_id, "decline", count=1)

    @override
    def give_back(self, payment_id: uuid.UUID) -> list[Callback]:
        return []

    @override
    def lines(self, payment_id: uuid.UUID) -> list[int]:
        report = self.counter.sandbox.report()
        return [int(str(line["amount"])) for line in report if line["payment_id"] == str(payment_id)]

    def _decide(self, payment_id: uuid.UUID, do: str, *, count: int) -> list[Callback]:
        inbox = self.counter.sandbox.inbox
        inbox.got.clear()
        self.counter.sandbox.decide(self.counter.page(payment_id), do)
        return [Callback(headers, body, SystemClock().now()) for headers, body in inbox.wait_for(count)]


class AtStripe(Side):
    server: StripeServer

    @override
    def pay(self, payment_id: uuid.UUID) -> list[Callback]:
        return [
            self._tells(payment_id, "payment_intent.processing", "processing"),
            self._tells(payment_id, "payment_intent.succeeded", "succeeded"),
        ]

    @override
    def fail(self, payment_id: uuid.UUID) -> list[Callback]:
        return [
            self._tells(payment_id, "payment_intent.payment_failed", "requires_payment_method"),
            self._tells(payment_id, "payment_intent.canceled", "canceled"),
        ]

    @override
    def give_back(self, payment_id: uuid.UUID) -> list[Callback]:
        return [signed(self.server.event(self.reference(payment_id), "charge.refunded"))]

    @override
    def lines(self, payment_id: uuid.UUID) -> list[int]:
        reference = self.reference(payment_id)
        back = [-one["amount"] for one in self.server.refunds if one["payment_intent"] == reference]
        taken = self.server.intents[reference]["amount_received"]
        return ([taken] if taken else []) + back

    def _tells(self, payment_id: uuid.UUID, kind: str, status: str) -> Callback:
        reference = self.reference(payment_id)
        self.server.pay(reference, status=status)
        return signed(self.server.event(reference, kind))


@contextmanager
def at_sandbox(shop: Shop, folder: Path) -> Iterator[Side]:
    with running_sandbox(folder) as running:
        counter = Counter(shop, running)
        side = AtSandbox("sandbox", counter, counter.gateway)
        side.counter = counter
        yield side


@contextmanager
def at_stripe(shop: Shop, _: Path) -> Iterator[Side]:
    with running_stripe() as server:
        provider = StripeProvider(KEY, WEBHOOK_SECRET, url=server.url, timeout_s=5.0)
        till = Till(shop)
        service = GatewayService(
            shop.clock,
            Gateways([Method("stripe", provider, None, None)]),
            Desk(shop.payment),
            callback_url=HOME,
            return_origins=[HOME],
        )
        side = AtStripe("stripe", till, service)
        side.server = server
        yield side
        provider.http.close()


@pytest.fixture(scope="module", params=[at_sandbox, at_stripe], ids=["sandbox", "stripe"])
def side(
    request: pytest.FixtureRequest,
    module_database: DatabaseUrls,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Side]:
    database = Database(module_database.app, pool_size=THREADS + 2)
    with request.param(Shop(database), tmp_path_factory.mktemp("gateway")) as found:
        yield found
        assert found.till.broken() == ()
    database.dispose()


# ------------------------------------------------------------------------------------- what happens


@dataclass
class Happening:
    order: Order
    payment_id: uuid.UUID
    callbacks: list[Callback]
    task: Deliver = lambda: None


def payment(side: Side) -> Happening:
    order, _, payment_id = side.begun()
    return Happening(order, payment_id, side.pay(payment_id))


def failure(side: Side) -> Happening:
    order, _, payment_id = side.begun()
    return Happening(order, payment_id, side.fail(payment_id))


def refund(side: Side) -> Happening:
    """A part goes back; nobody has told the gateway yet."""
    happened = payment(side)
    side.hear(happened.callbacks[-1])
    side.till.follow()
    side.till.act(happened.order, side.till.shop.seller, Action.REFUND_PART, gross=PART)
    side.till.shop.clock.advance(LATER)
    begin, number = side.till.shop.database.transaction, 2
    happened.task = lambda: side.gateway.send_refund(begin, happened.payment_id, number)
    happened.callbacks += side.give_back(happened.payment_id)
    return happened


@dataclass(frozen=True)
class Expected:
    """The end of it: order and payment, the gateway's lines, the steps, and events that there is one of."""

    state: tuple[str, str]
    lines: list[int]
    steps: list[str]
    events: frozenset[str]


PAID: Final = frozenset(
    {"payment.created", "payment.moved authorised", "payment.secured", "order.placed", "order.paid"}
)
FAILED: Final = {"sandbox": "failed", "stripe": "cancelled"}  # the words of each for a payer who gave up


def expected(what: Callable[[Side], Happening], side: Side) -> Expected:
    if what is payment:
        return Expected(("paid", "authorised"), [PRICE], ["secure"], PAID)
    if what is refund:
        events = PAID | {"payment.refund_owed", "order.part_refunded"}
        return Expected(("paid", "authorised"), [PRICE, -PART], ["secure", "give_back"], events)
    word = FAILED[side.name]
    return Expected(("placed", word), [], [], frozenset({"payment.created", f"payment.moved {word}"}))


def deliveries(side: Side, happened: Happening) -> dict[str, Deliver]:
    begin = side.till.shop.database.transaction
    return {
        "redirect": lambda: side.gateway.check(begin, happened.payment_id),
        "callback": lambda: [side.hear(told) for told in happened.callbacks],
        "poller": lambda: (side.poll(), happened.task()),
    }


def assert_once(side: Side, happened: Happening, wanted: Expected, clearing: int) -> None:
    for _ in range(2):
        side.till.follow()
    order, payment_id = happened.order, happened.payment_id
    assert side.till.state(order) == wanted.state
    assert sorted(side.lines(payment_id), reverse=True) == wanted.lines
    assert side.told(_STEPS, payment_id, order) == [(kind, 1) for kind in wanted.steps]
    moved = side.till.node_has("clearing", f"gateway:{side.name}") - clearing
    assert moved == -sum(wanted.lines)
    told = Tally(str(what) for (what,) in side.told(_EVENTS, payment_id, order))
    again = {"payment.moved authorised"} if PART in map(abs, wanted.lines) else set[str]()
    assert {what for what, count in told.items() if count > 1} == again  # told of its new sums as well
    assert wanted.events <= told.keys()
    ours = len([told for told in happened.callbacks if b"charge." not in told.body])
    assert side.told(_KEPT, payment_id, order) == [(ours,)]


WHAT: Final = pytest.mark.parametrize("what", [payment, failure, refund])


@WHAT
@pytest.mark.parametrize("order_of", list(itertools.permutations(WAYS)), ids="-".join)
def test_ten_times_in_every_order(
    side: Side, what: Callable[[Side], Happening], order_of: tuple[str, ...]
) -> None:
    clearing = side.till.node_has("clearing", f"gateway:{side.name}")
    happened = what(side)
    ways = deliveries(side, happened)
    for _ in range(TIMES):
        for way in order_of:
            ways[way]()
    assert_once(side, happened, expected(what, side), clearing)


@WHAT
def test_ten_times_all_at_once(side: Side, what: Callable[[Side], Happening]) -> None:
    clearing = side.till.node_has("clearing", f"gateway:{side.name}")
    happened = what(side)
    ways = deliveries(side, happened)
    storm = [*WAYS] * TIMES
    random.Random(what.__name__).shuffle(storm)
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(ways[way]) for way in storm]:
            done.result()
    assert_once(side, happened, expected(what, side), clearing)
