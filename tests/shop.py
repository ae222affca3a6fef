"""A shop on a real database, and the final events that its escrow contract would have sent."""

import datetime as dt
import secrets
import uuid
from dataclasses import dataclass, field

import msgspec
import psycopg

from node.bootstrap.till import Till, wish_of_escrow
from node.chain.deployments import ARTIFACT_OF, DeployedContract, Deployment
from node.chain.escrow import escrow_id
from node.events.escrow import (
    EscrowAppealAgreed,
    EscrowAppealed,
    EscrowDisputed,
    EscrowFunded,
    EscrowPartRefunded,
    EscrowPartReleased,
    EscrowRefunded,
    EscrowReleased,
    EscrowRuled,
    EscrowRulingProposed,
    EscrowSettled,
    EscrowShipped,
)
from node.kernel.clock import FixedClock
from node.kernel.db.unit_of_work import Database
from node.kernel.hexes import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from node.kernel.ids import new_id
from node.kernel.money import native_asset
from node.kernel.spine.event import Event, StoredEvent
from node.kernel.spine.record import EventRecorder
from node.services.balance.service import BalanceService
from node.services.catalog.currencies import Currency
from node.services.catalog.models import Product
from node.services.catalog.service import CatalogService, Price, ProductDraft
from node.services.catalog.stock import Stock
from node.services.charge.service import ChargeService
from node.services.identity.audit import Audit
from node.services.market.members import MemberService
from node.services.market.service import MarketDraft, MarketRules, MarketService, Policy
from node.services.order.access import Caller
from node.services.order.models import Order
from node.services.order.service import OrderService
from node.services.order.states import Rail as OrderRail
from node.services.payment.books import Books
from node.services.payment.funding import RAILS, Funding, Tolerance
from node.services.payment.mirror import Mirror
from node.services.payment.rails.balance import BalanceRail
from node.services.payment.rails.chain import ChainRail
from node.services.payment.rails.gateway import GatewayRail
from node.services.payment.rails.hold import HoldRail
from node.services.payment.rails.rail import Rail
from node.services.payment.service import PaymentService
from wallet.incident.service import Incidents
from wallet.ledger.commands import Ledger

START = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
UNFUNDED = dt.timedelta(minutes=30)
CHAIN_ID = 31337
NATIVE = Currency(native_asset(CHAIN_ID), ZERO_ADDRESS)
ARBITER = Address("0x" + "aa" * 20)


def a_deployment() -> Deployment:
    """Addresses that nothing answers at: orders only write them down."""
    contracts = {
        name: DeployedContract(name, Address(f"0x{number + 1:040x}"), 1, ZERO_HASH, ZERO_HASH)
        for number, name in enumerate(ARTIFACT_OF)
    }
    return Deployment(chain_id=CHAIN_ID, genesis_hash=ZERO_HASH, **contracts)  # type: ignore[arg-type]


def a_caller(wallet: Address | None = None) -> Caller:
    return Caller(uuid.uuid4(), wallet or Address("0x" + secrets.token_hex(20)))


@dataclass
class Shop:
    database: Database
    clock: FixedClock = field(default_factory=lambda: FixedClock(START))
    deployment: Deployment = field(default_factory=a_deployment)
    seller: Caller = field(default_factory=a_caller)
    buyer: Caller = field(default_factory=a_caller)
    arbiter: Caller = field(default_factory=lambda: a_caller(ARBITER))
    debt_max: dict[str, int] = field(default_factory=dict)
    tolerance: Tolerance = field(default_factory=Tolerance)

    def __post_init__(self) -> None:
        policy = Policy(ship_within_s=3600, inspection_s=600, ruling_s=300, silence_seller_bps=5000)
        rules = MarketRules(arbiters=(ARBITER,), policy=policy, window_s_min=1)
        self.events = EventRecorder(self.clock)
        self.members = MemberService(self.clock, self.events, Audit(self.clock))
        self.market = MarketService(self.clock, self.events, rules, self.members)
        self.catalog = CatalogService(self.clock, self.events, self.market)
        self.ledger = Ledger(self.clock)
        self.balance = BalanceService(self.ledger, money_is_play=True)
        self.books = Books(self.ledger, self.balance, debt_max=self.debt_max)
        rails: dict[str, Rail] = {
            "balance": BalanceRail(self.books),
            "hold": HoldRail(self.books),
            "gateway": GatewayRail(self.books),
            "escrow": ChainRail(),
            **dict.fromkeys(RAILS, HoldRail(self.books)),
        }
        self.payment = PaymentService(self.clock, self.events, Incidents(self.clock), rails)
        self.funding = Funding(self.clock, self.payment, self.books, self.tolerance)
        self.till = Till(self.payment, self.funding)
        self.mirror = Mirror(self.payment, wish_of_escrow)
        self.charge = ChargeService(self.clock, self.events)
        self.order = OrderService(
            self.clock,
            self.events,
            Stock(),
            lambda: self.deployment,
            self.till,
            charges=self.charge,
            fee_bps=250,
            appeal_times=(60, 600),
            unfunded=UNFUNDED,
        )

    def add_product(self, *, stock: int, price: int = 1_000, currency: Currency = NATIVE) -> Product:
        with self.database.transaction() as tx:
            draft = MarketDraft(name="Shop", language="en")
            market = self.market.open(
                tx, account_id=self.seller.account_id, wallet=self.seller.wallet, draft=draft
            )
            return self.catalog.add(
                tx,
                market.id,
                account_id=self.seller.account_id,
                draft=ProductDraft(title="Tea", stock=stock),
                price=Price(currency, price),
            )

    def place(
        self,
        product: Product,
        *,
        quantity: int = 1,
        buyer: Caller | None = None,
        rail: OrderRail = OrderRail.ESCROW,
    ) -> Order:
        with self.database.transaction() as tx:
            return self.order.place(
                tx, buyer or self.buyer, product_id=product.id, quantity=quantity, note="", rail=rail
            )

    def tell(self, *events: StoredEvent) -> None:
        """Hands events to the order service, each in a transaction of its own."""
        for event in events:
            with self.database.transaction() as tx:
                self.order.on_escrow_event(tx, event)

    def read(self, order_id: uuid.UUID) -> Order:
        with self.database.transaction() as tx:
            return tx.get_one(Order, order_id)

    def stock(self, product_id: uuid.UUID) -> tuple[int, int, int]:
        """Available, reserved, sold."""
        with self.database.transaction() as tx:
            product = tx.get_one(Product, product_id)
            return product.available, product.reserved, product.sold


@dataclass(frozen=True)
class EscrowTold:
    """What the chain tells of an order's escrow, once final; it pays out of what `order` holds."""

    order: Order

    @property
    def _held(self) -> int:
        return self.order.amount if self.order.received is None else self.order.held

    def _to_seller(self, gross: int) -> dict[str, str]:
        fee = gross * self.order.fee_bps // 10_000
        return {"to_seller": str(gross - fee), "fee": str(fee)}

    def _place(self) -> dict[str, object]:
        return {
            "chain_id": self.order.chain_id,
            "block_number": 10,
            "block_hash": ZERO_HASH,
            "block_time": int(START.timestamp()),
            "tx_hash": Hash32("0x" + secrets.token_hex(32)),
            "log_index": 0,
            "contract": self.order.escrow_contract,
            "escrow_id": self.order.escrow_id,
            "order_id": self.order.terms().order_id,
        }

    def funded(self, **changed: object) -> StoredEvent:
        terms = self.order.terms()
        fields = {
            "buyer": terms.buyer,
            "seller": terms.seller,
            "arbiter": terms.arbiter,
            "asset": terms.asset,
            "amount": str(terms.amount),
            "received": str(terms.amount),
            "fee_receiver": terms.fee_receiver,
            "fee_bps": terms.fee_bps,
            "silence_seller_bps": terms.silence_seller_bps,
            "ship_by": terms.ship_by,
            "inspection": terms.inspection,
            "ruling": terms.ruling,
        }
        return stored(EscrowFunded(**{**self._place(), **fields, **changed}))  # type: ignore[arg-type]

    def shipped(self) -> StoredEvent:
        ends = int(START.timestamp()) + 600
        return stored(EscrowShipped(**self._place(), proof=ZERO_HASH, inspection_ends=ends))  # type: ignore[arg-type]

    def disputed(self) -> StoredEvent:
        more = {"by": self.order.buyer, "evidence": ZERO_HASH, "ruling_ends": int(START.timestamp()) + 900}
        return stored(EscrowDisputed(**self._place(), **more))  # type: ignore[arg-type]

    def released(self) -> StoredEvent:
        more = {"by": self.order.buyer, **self._to_seller(self._held)}
        return stored(EscrowReleased(**self._place(), **more))  # type: ignore[arg-type]

    def part_released(self) -> StoredEvent:
        """The lesser half."""
        part = self._held // 2
        more = {"by": self.order.buyer, "left": str(self._held - part), **self._to_seller(part)}
        return stored(EscrowPartReleased(**self._place(), **more))  # type: ignore[arg-type]

    def part_refunded(self) -> StoredEvent:
        part = self._held // 2
        more = {"by": self.order.seller, "to_buyer": str(part), "left": str(self._held - part)}
        return stored(EscrowPartRefunded(**self._place(), **more))  # type: ignore[arg-type]

    def settled(self) -> StoredEvent:
        """The greater half goes to the seller."""
        gross = self._held - self._held // 2
        more = {"by": self.order.buyer, "to_buyer": str(self._held - gross), **self._to_seller(gross)}
        return stored(EscrowSettled(**self._place(), **more))  # type: ignore[arg-type]

    def appeal_agreed(self) -> StoredEvent:
        more = {"court": Address("0x" + "cc" * 20), "window": 60, "court_time": 600}
        return stored(EscrowAppealAgreed(**self._place(), **more))  # type: ignore[arg-type]

    def ruling_proposed(self) -> StoredEvent:
        ends = int(START.timestamp()) + 960
        more = {"by": self.order.arbiter, "to_seller": "0", "reason": ZERO_HASH, "appeal_ends": ends}
        return stored(EscrowRulingProposed(**self._place(), **more))  # type: ignore[arg-type]

    def appealed(self) -> StoredEvent:
        ends = int(START.timestamp()) + 1_560
        more = {"by": self.order.seller, "evidence": ZERO_HASH, "court_ends": ends}
        return stored(EscrowAppealed(**self._place(), **more))  # type: ignore[arg-type]

    def refunded(self) -> StoredEvent:
        more = {"by": self.order.seller, "to_buyer": str(self._held)}
        return stored(EscrowRefunded(**self._place(), **more))  # type: ignore[arg-type]

    def ruled(self) -> StoredEvent:
        more = {
            "by": self.order.arbiter,
            "silent": False,
            "to_seller": "0",
            "to_buyer": str(self._held),
            "fee": "0",
            "reason": ZERO_HASH,
        }
        return stored(EscrowRuled(**self._place(), **more))  # type: ignore[arg-type]


def of_a_stranger(order: Order) -> StoredEvent:
    """A funded escrow that names our order, in terms of somebody's own: he pays himself."""
    terms = order.terms()
    changed = type(terms)(**{name: getattr(terms, name) for name in terms.__slots__} | {"amount": 1})
    own_id = escrow_id(changed, chain_id=order.chain_id, escrow=order.escrow_contract)
    return EscrowTold(order).funded(escrow_id=own_id, amount="1", received="1")


def stored(event: Event) -> StoredEvent:
    return StoredEvent(
        id=new_id(),
        position=1,
        stream="escrow:x",
        version=1,
        type_name=event.type_name,
        schema_version=event.schema_version,
        payload=msgspec.to_builtins(event),
        occurred_at=START,
    )


def order_events(connection: psycopg.Connection, order_id: uuid.UUID) -> list[tuple[int, str]]:
    return connection.execute(
        "SELECT version, type_name FROM kernel.event WHERE stream = %s ORDER BY seq", (f"order:{order_id}",)
    ).fetchall()


def reasons(connection: psycopg.Connection) -> list[str | None]:
    rows = connection.execute("SELECT reason FROM orders.handled_escrow_event ORDER BY event_id").fetchall()
    return [row[0] for row in rows]
