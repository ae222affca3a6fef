"""Payments under whatever comes, from many at once: no unit is lost, and in the end nothing is stuck.

The gateway is the sandbox's process, behind a wire that loses questions and answers. What it says is told
again and again, old news too; parties, operators, clocks and consumers act in any order.
"""

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Final

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from typing_extensions import override

from node.bootstrap.till import Desk
from node.kernel.clock import SystemClock
from node.kernel.db.unit_of_work import Database
from node.kernel.errors import Refused
from node.services.gateway.errors import GatewayAway, GatewayRefused
from node.services.gateway.provider import Callback
from node.services.gateway.providers.sandbox import SandboxProvider, signature
from node.services.gateway.registry import Gateways, Method
from node.services.gateway.service import GatewayService
from node.services.order.access import Caller
from node.services.order.models import Order
from node.services.order.states import Action, Rail
from node.services.payment.models import Intent
from node.services.payment.states import State
from tests.counter import HOME, Counter
from tests.ledger_storm import persist
from tests.payment_rest import assert_at_rest, assert_holds, come_to_rest
from tests.sandbox import SECRET, Sandbox, running_sandbox
from tests.shop import ARBITER, Shop, a_caller
from tests.stack import Addresses, cloned_database
from wallet.owners import owner_of_account

pytestmark = pytest.mark.pg

JUDGE: Final = a_caller(ARBITER)
THREADS: Final = 4
CROWD: Final = 6
DOINGS_AT_ONCE: Final = 6  # so that most steps are doings
NEWEST: Final = 8
RAILS: Final = (Rail.GATEWAY, Rail.GATEWAY, Rail.HOLD, Rail.BALANCE, Rail.DEPOSIT)
FAULTS: Final = ("underpaid", "overpaid", "two_step", "refund_fails")
BUYERS: Final = frozenset({Action.CONFIRM, Action.DISPUTE, Action.RELEASE_PART})
ACTIONS: Final = (
    *(Action.SHIP, Action.CONFIRM, Action.REFUND, Action.DISPUTE, Action.RULE),
    *(Action.RELEASE_PART, Action.REFUND_PART, Action.REFUND_LATER),
)
Doing = Callable[..., None]
RANDOM: Final = st.randoms(use_true_random=True)


class Wire(httpx.HTTPTransport):
    """To the gateway. It loses a question, or the answer to one, once for each time that it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.loses: list[str] = []

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        lost = self.loses.pop() if self.loses else ""
        if lost == "question":
            raise httpx.ConnectError("nobody is there", request=request)
        answer = super().handle_request(request)
        if lost == "answer":
            answer.read()
            raise httpx.ReadTimeout("it never came", request=request)
        return answer


@dataclass
class Bench:
    """A till, and the gateway behind a bad wire."""

    till: Counter
    wire: Wire = field(default_factory=Wire)
    wrong: set[uuid.UUID] = field(default_factory=set)  # of which other money was taken than asked for

    def __post_init__(self) -> None:
        provider = SandboxProvider(self.till.sandbox.url, SECRET, timeout_s=5.0)
        provider._http.close()
        headers = {"Authorization": f"Bearer {SECRET}"}
        provider._http = httpx.Client(
            base_url=self.till.sandbox.url, headers=headers, transport=self.wire, trust_env=False
        )
        self.http = provider._http
        self.gateway = GatewayService(
            self.till.shop.clock,
            Gateways([Method("sandbox", provider, None, None)]),
            Desk(self.till.shop.payment),
            callback_url=HOME,
            return_origins=[HOME],
        )


class PaymentMachine(RuleBasedStateMachine):
    """The database is its only memory, but for who buys, and for what the gateway has told."""

    def __init__(self, addresses: Addresses, sandbox: Sandbox) -> None:
        """On books of its own, or what failed once would fail in another way again."""
        super().__init__()
        with ExitStack() as stack:
            urls = stack.enter_context(cloned_database(addresses, f"payments_{uuid.uuid4().hex}"))
            database = Database(urls.app, pool_size=THREADS + 2)
            stack.callback(database.dispose)
            self.bench = Bench(Counter(Shop(database), sandbox))
            stack.callback(self.bench.http.close)
            self.close = stack.pop_all().close
        self.till, self.gateway = self.bench.till, self.bench.gateway
        self.begin = self.till.shop.database.transaction
        self.orders: list[Order] = []
        self.buyers: dict[uuid.UUID, Caller] = {}
        self.callbacks: dict[uuid.UUID, list[bytes]] = {}
        self.doings: dict[Doing, int] = {  # how often each is drawn
            self.place: 3,
            self.pay: 5,
            self.is_paid: 4,
            self.deposit: 3,
            self.decide_on_the_page: 6,
            self.check: 5,
            self.call_back: 4,
            self.poll: 3,
            self.send_refunds: 3,
            self.act: 8,
            self.part_by_part: 3,
            self.time_passes: 1,
            self.give_up: 1,
            self.freeze: 1,
            self.decide: 2,
        }

    @initialize(random=RANDOM)
    def open(self, random: Random) -> None:
        for rail in {*RAILS}:
            self.place_by(rail, random)

    @rule(random=RANDOM)
    def things_happen(self, random: Random) -> None:
        for _ in range(DOINGS_AT_ONCE):
            (doing,) = random.choices(list(self.doings), weights=list(self.doings.values()))
            doing(random)

    @rule()
    def follow(self) -> None:
        self.till.follow()

    @rule(random=RANDOM)
    def all_at_once(self, random: Random) -> None:
        """On several connections, about one order; who has to wait too long tries again."""
        order = random.choice(self.orders)
        chosen = random.sample([doing for doing in self.doings if doing not in self.alone], CROWD)
        draws = [(doing, Random(random.random())) for doing in chosen]
        with ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(persist, partial(doing, draw, order)) for doing, draw in draws]:
                done.result()

    # ------------------------------------------------------------------------------------- paying

    @property
    def alone(self) -> set[Doing]:
        """What is of another order, moves all, or goes by what it saw before."""
        return {self.place, self.time_passes, self.decide, self.is_paid}

    def one(self, random: Random, order: Order | None, *rails: Rail) -> Order:
        """The order, or any of these rails; the newest ones are in the middle of something."""
        fitting = [one for one in self.orders if not rails or one.rail in rails]
        return order or random.choice(fitting[-NEWEST:])

    def place(self, random: Random, _: Order | None = None) -> None:
        self.place_by(random.choice(RAILS), random)

    def place_by(self, rail: Rail, random: Random) -> None:
        price = random.randint(1, 400)
        buyer = self.till.buyer(max(0, price + random.choice([-1, 0, 0, 3, price])))
        order = self.till.order(buyer, rail, price=price)
        self.orders.append(order)
        self.buyers[order.id] = buyer

    def pay(self, random: Random, order: Order | None = None) -> None:
        order = self.one(random, order)
        method = "sandbox" if order.rail == Rail.GATEWAY else None
        with suppress(Refused):
            payment_id = self.till.pay(order, self.buyers[order.id], method=method)
            if method:
                self._bad_wire(random)
                self.gateway.begin(self.begin, payment_id, title="Tea", return_url=HOME)

    def is_paid(self, random: Random, order: Order | None = None) -> None:
        """All of it at once, for random steps alone rarely get there."""
        order = self.one(random, order)
        self.pay(random, order)
        if order.rail == Rail.DEPOSIT:
            self.till.credit(self.buyers[order.id], order.amount)
        for intent in self._intents(order):
            self._pays(intent, "lost")
        self.check(random, order)
        self.till.follow()

    def deposit(self, random: Random, order: Order | None = None) -> None:
        order = self.one(random, order, Rail.DEPOSIT)
        self.till.credit(self.buyers[order.id], random.choice([1, order.amount - 1 or 1, order.amount]))

    def decide_on_the_page(self, random: Random, order: Order | None = None) -> None:
        """The payer pays there, or declines."""
        for intent in self._intents(self.one(random, order, Rail.GATEWAY)):
            fault = random.choice(["lost", "lost", "lost", *FAULTS])
            self._pays(intent, "lost", fault, do=random.choice(["pay", "pay", "pay", "decline"]))

    # -------------------------------------------------------------------------- what the gateway says

    def check(self, random: Random, order: Order | None = None) -> None:
        for intent in self._intents(self.one(random, order, Rail.GATEWAY)):
            self._bad_wire(random)
            with suppress(GatewayAway, GatewayRefused):
                self.gateway.check(self.begin, intent.id)

    def call_back(self, random: Random, order: Order | None = None) -> None:
        """News, or any that came before, some times."""
        for intent in self._intents(self.one(random, order, Rail.GATEWAY)):
            known = self.callbacks.setdefault(intent.id, [])
            there = self._asked(intent)
            if there is not None:
                known.append(json.dumps({"event_id": uuid.uuid4().hex, "payment": there}).encode())
            for _ in range(random.randint(1, 3) if known else 0):
                self._hear(random.choice(known))

    def poll(self, random: Random, _: Order | None = None) -> None:
        self.till.shop.clock.advance(dt.timedelta(seconds=random.choice([0, 11, 90, 1_000])))
        self._bad_wire(random)
        self.gateway.poll(self.begin, limit=10)

    def send_refunds(self, random: Random, _: Order | None = None) -> None:
        self.till.shop.clock.advance(dt.timedelta(minutes=random.choice([0, 3])))
        self._bad_wire(random)
        self.gateway.send_refunds(self.begin, limit=10)

    # ------------------------------------------------------------------------ parties, clocks, operators

    def act(self, random: Random, order: Order | None = None) -> None:
        self._act(self.one(random, order), random.choice(ACTIONS), random.randint(0, 400))

    def part_by_part(self, random: Random, order: Order | None = None) -> None:
        """Captures and refunds of what is held, then of what was paid out."""
        order = self.one(random, order)
        for _ in range(random.randint(1, 4)):
            part = random.choice([Action.RELEASE_PART, Action.REFUND_PART])
            self._act(order, part, random.randint(1, order.amount))
        self._act(order, random.choice([Action.CONFIRM, Action.SHIP]), 0)
        for _ in range(random.randint(0, 3)):
            self._act(order, Action.REFUND_LATER, random.randint(1, order.amount))

    def time_passes(self, random: Random, _: Order | None = None) -> None:
        shop = self.till.shop
        shop.clock.advance(dt.timedelta(minutes=random.choice([1, 29, 31, 61])))
        with self.begin() as tx:
            shop.order.expire_due(tx, now=shop.clock.now(), limit=5)
            shop.funding.expire_due(tx, now=shop.clock.now(), limit=5)
        self.till.act_due()

    def give_up(self, random: Random, order: Order | None = None) -> None:
        order = self.one(random, order)
        with suppress(Refused), self.begin() as tx:
            self.till.shop.order.cancel(tx, self.buyers[order.id], order.id)

    def freeze(self, random: Random, order: Order | None = None) -> None:
        owner = owner_of_account(self.buyers[self.one(random, order).id].account_id)
        balance = self.till.shop.balance
        with suppress(Refused), self.begin() as tx:
            (balance.freeze if random.random() < 0.3 else balance.unfreeze)(tx, owner)

    def decide(self, random: Random, order: Order | None = None) -> None:
        """By a careful operator: the gateway says too that nothing right came."""
        for intent in self._intents(self.one(random, order, Rail.GATEWAY)):
            if intent.state == State.PARKED and intent.id in self.wrong:
                to = random.choice([State.FAILED, State.CANCELLED])
                with self.begin() as tx:
                    self.till.shop.payment.decide(tx, intent.id, to=to, reason="given back", by="ada")

    # ------------------------------------------------------------------------------------------------

    @invariant()
    def everything_holds(self) -> None:
        assert_holds(self.till.shop.database)

    @override
    def teardown(self) -> None:
        try:
            self.comes_to_rest()
        finally:
            self.close()

    def comes_to_rest(self) -> None:
        self.bench.wire.loses = []
        with self.begin() as tx:
            for buyer in self.buyers.values():
                with suppress(Refused), tx.begin_nested():
                    self.till.shop.balance.unfreeze(tx, owner_of_account(buyer.account_id))
            broken = tx.execute(select(Intent.id).where(Intent.rail == Rail.GATEWAY.value)).scalars().all()
        for payment_id in broken:
            self.till.sandbox.break_(payment_id)
        come_to_rest(self.till, self.gateway)
        assert_at_rest(self.till, wrong=self.wrong)

    @property
    def wrong(self) -> set[uuid.UUID]:
        return self.bench.wrong

    def _act(self, order: Order, action: Action, gross: int) -> None:
        buyer = self.buyers[order.id]
        who = buyer if action in BUYERS else JUDGE if action is Action.RULE else self.till.shop.seller
        with suppress(Refused):
            self.till.act(order, who, action, gross=gross)

    def _pays(self, intent: Intent, *faults: str, do: str = "pay") -> None:
        there = self._asked(intent)
        if there is None or there["status"] != "requires_action":
            return
        if do == "pay" and {"underpaid", "overpaid"} & {*faults}:
            self.wrong.add(intent.id)
        self.till.sandbox.decide(f"{self.till.sandbox.url}/pay/{there['id']}", do, *faults)

    def _bad_wire(self, random: Random) -> None:
        self.bench.wire.loses = random.choice([[], [], [], ["question"], ["answer"], ["answer", "question"]])

    def _intents(self, order: Order) -> list[Intent]:
        return [one for one in self.till.payments(order) if one.rail == Rail.GATEWAY.value]

    def _asked(self, intent: Intent) -> dict[str, str] | None:
        """What the gateway says of it, by a good wire; None: it does not know it."""
        headers = {"Authorization": f"Bearer {SECRET}"}
        url = f"{self.till.sandbox.url}/payments/{intent.id}"
        answer = httpx.get(url, headers=headers, trust_env=False)
        found: dict[str, str] | None = answer.json() if answer.is_success else None
        return found

    def _hear(self, body: bytes) -> None:
        now = SystemClock().now()
        stamp = str(int(now.timestamp()))
        signed = {
            "x-sandbox-timestamp": stamp,
            "x-sandbox-signature": signature(SECRET.encode(), stamp, body),
        }
        with self.begin() as tx:
            self.gateway.hear(tx, "sandbox", Callback(signed, body, now))


@pytest.fixture
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.mark.parametrize(
    ("examples", "steps"), [(4, 20), pytest.param(60, 60, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_payments_in_any_order(addresses: Addresses, sandbox: Sandbox, examples: int, steps: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: PaymentMachine(addresses, sandbox),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.reuse, Phase.generate],  # what failed is told by its seeds
        ),
    )
