"""Payments, from the intent to the last refund: the commands, the same for every rail.

Invariants: a state changes in `_move` alone, along `NEXT`, with its event in the same transaction; money
moves under a key made of the intent and the step's number, and the step is written down beside it.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from node.events.payment import PaymentCreated, PaymentMoved, PaymentParked, PaymentSecured, RefundOwed
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Bug
from node.kernel.ids import new_id
from node.kernel.money import Asset
from node.kernel.spine.event import Event
from node.kernel.spine.record import EventRecorder
from node.services.payment.errors import (
    PartInvalid,
    PartTooLarge,
    PaymentUnknown,
    RailUnknown,
    WrongPaymentState,
)
from node.services.payment.models import Intent, Kind, Step
from node.services.payment.rails.rail import Rail
from node.services.payment.split import Charge, Parts, clawed_back, settled
from node.services.payment.states import NEXT, OPEN, State, state_by_money
from wallet.incident.models import IncidentRow
from wallet.incident.service import Incidents
from wallet.ledger.commands import derived_key

GATEWAY = "gateway"
UNRESOLVED = "unresolved"  # the incident of a payment that nobody can tell about
WRONG = ("amount", "reference")  # those of other money than was asked for
NO_PARTS = Parts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be paid, by whom and to which market."""

    order_id: uuid.UUID
    payer_account_id: uuid.UUID
    market_id: uuid.UUID
    asset: Asset
    charge: Charge
    commission_bps: int
    rail: str
    method: str | None = None
    expires_at: dt.datetime


class PaymentService:
    def __init__(
        self, clock: Clock, events: EventRecorder, incidents: Incidents, rails: Mapping[str, Rail]
    ) -> None:
        self._clock = clock
        self._events = events
        self._incidents = incidents
        self._rails = rails

    # ------------------------------------------------------------------------------- to be paid

    def create(self, tx: Tx, wish: Wish) -> Intent:
        """Nothing is paid yet.

        Raises:
            RailUnknown: There is no such way to pay.
            PartInvalid: Nothing is to be paid.
        """
        self._rail(wish.rail)
        if wish.charge.total <= 0:
            raise PartInvalid("a payment is of at least one unit")
        now = self._clock.now()
        intent = Intent(
            id=new_id(),
            order_id=wish.order_id,
            rail=wish.rail,
            method=wish.method,
            payer_account_id=wish.payer_account_id,
            market_id=wish.market_id,
            asset_id=wish.asset.id,
            asset_code=wish.asset.code,
            asset_exponent=wish.asset.exponent,
            amount=wish.charge.total,
            tax=wish.charge.tax,
            shipping=wish.charge.shipping,
            commission_bps=wish.commission_bps,
            state=State.CREATED.value,
            secured=0,
            settled=0,
            returned=0,
            refunded=0,
            steps=0,
            expires_at=wish.expires_at,
            look_at=now,
            looks=0,
            created_at=now,
            changed_at=now,
        )
        tx.add(intent)
        tx.flush()
        created = PaymentCreated(
            payment_id=str(intent.id),
            order_id=str(intent.order_id),
            rail=intent.rail,
            method=intent.method,
            amount=str(intent.amount),
            asset_id=intent.asset_id,
        )
        self._events.record(tx, _stream(intent), created, expected_version=0)
        return intent

    def locked(self, tx: Tx, intent_id: uuid.UUID) -> Intent:
        """Raises PaymentUnknown."""
        statement = select(Intent).where(Intent.id == intent_id).with_for_update()
        found = tx.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()
        if found is None:
            raise PaymentUnknown("there is no such payment", payment_id=str(intent_id))
        return found

    def of_order(self, tx: Tx, intent_id: uuid.UUID, order_id: uuid.UUID) -> None:
        """Raises PaymentUnknown: it is another order's, or none."""
        statement = select(Intent.id).where(Intent.id == intent_id, Intent.order_id == order_id)
        if tx.execute(statement).first() is None:
            raise PaymentUnknown("there is no such payment", payment_id=str(intent_id))

    def waiting(self, tx: Tx, order_id: uuid.UUID) -> Intent | None:
        """The order's payment that waits for its payer, locked."""
        states = [state.value for state in OPEN]
        statement = (
            select(Intent)
            .where(Intent.order_id == order_id, Intent.state.in_(states))
            .order_by(Intent.id)
            .limit(1)
            .with_for_update()
        )
        return tx.execute(statement).scalar_one_or_none()

    def go(self, tx: Tx, intent: Intent, to: State) -> bool:
        """Moves a locked intent to a state without money of its own; False: it is there, or beyond that."""
        if to.value == intent.state or to not in NEXT[State(intent.state)]:
            return False
        self._move(tx, intent, to)
        return True

    def authorise(self, tx: Tx, intent: Intent, *, received: int | None = None) -> bool:
        """Secures the whole amount of a locked intent; False when that happened before.

        An immediate rail pays it out as well. `received` is what a contract says it got.

        Raises:
            InsufficientFunds, AccountFrozen: From the ledger.
        """
        if intent.secured:
            return False
        if State.AUTHORISED not in NEXT[State(intent.state)]:
            raise _wrong(intent)
        rail = self._rail(intent.rail)
        secured = intent.amount if received is None else received
        key = self._step(tx, intent, Kind.SECURE, secured, NO_PARTS)
        rail.secure(tx, intent, key=key)
        intent.secured = secured
        self._move(tx, intent, State.AUTHORISED)
        if rail.is_immediate:
            self.capture(tx, intent, intent.amount)
        told = PaymentSecured(
            payment_id=str(intent.id),
            order_id=str(intent.order_id),
            rail=intent.rail,
            secured=str(secured),
        )
        self._record(tx, intent, told)
        return True

    # ------------------------------------------------------------------------ once it is secured

    def capture(self, tx: Tx, intent: Intent, amount: int, *, as_: Parts | None = None) -> Parts:
        """Pays a part of what is held out to the market, the platform and so on; tells who got what.

        `as_` is how a contract paid it out.

        Raises:
            PartTooLarge, PartInvalid: More than is held, or nothing.
        """
        self._check(intent, amount, intent.held)
        parts = as_
        if parts is None:
            left = self._charge_left(tx, intent)
            parts, _ = settled(left, amount, commission_bps=intent.commission_bps)
        key = self._step(tx, intent, Kind.SETTLE, amount, parts)
        self._rail(intent.rail).settle(tx, intent, key=key, parts=parts)
        intent.settled += amount
        self._follow_money(tx, intent)
        return parts

    def void(self, tx: Tx, intent: Intent, amount: int | None = None) -> None:
        """Gives what is held back, or a part of it; a payment without money ends."""
        if not intent.secured:
            if not self.go(tx, intent, State.CANCELLED):
                raise _wrong(intent)
            return
        amount = intent.held if amount is None else amount
        self._check(intent, amount, intent.held)
        key = self._step(tx, intent, Kind.GIVE_BACK, amount, NO_PARTS)
        self._rail(intent.rail).give_back(tx, intent, key=key, amount=amount)
        intent.returned += amount
        self._follow_money(tx, intent)
        self._owe_gateway(tx, intent, amount)

    def refund(self, tx: Tx, intent: Intent, amount: int) -> Parts:
        """Takes a part of what was paid out back, from each in proportion; tells who gave what.

        Raises:
            PartTooLarge, PartInvalid: More than is left of it, or nothing.
            InsufficientFunds: The market would owe more than it may.
        """
        self._check(intent, amount, intent.settled - intent.refunded)
        parts = clawed_back(self._paid_out(tx, intent), amount)
        key = self._step(tx, intent, Kind.REFUND, amount, parts)
        self._rail(intent.rail).refund(tx, intent, key=key, parts=parts)
        intent.refunded += amount
        self._follow_money(tx, intent)
        self._owe_gateway(tx, intent, amount)
        return parts

    def give(self, tx: Tx, intent: Intent, amount: int) -> None:
        """Gives the payer `amount`, of what is held as far as that goes, then of what was paid out.

        Raises:
            PartInvalid, PartTooLarge, InsufficientFunds: As `void` and `refund` do.
        """
        if amount < 1:
            raise PartInvalid("a part of a payment is at least one unit")
        of_held = min(amount, intent.held)
        if of_held:
            self.void(tx, intent, of_held)
        if amount - of_held:
            self.refund(tx, intent, amount - of_held)

    def end(self, tx: Tx, intent: Intent, *, to_payer: int) -> Parts:
        """The last word: so much for the payer, the rest for the market; tells what the others have now."""
        if to_payer:
            self.give(tx, intent, to_payer)
        if intent.held:
            self.capture(tx, intent, intent.held)
        return self._paid_out(tx, intent)

    # ------------------------------------------------------------------------- what nobody knows

    def park(self, tx: Tx, intent: Intent, *, kind: str, detail: str) -> None:
        """Sets a locked intent aside for an operator. The same again adds nothing."""
        if self._open(tx, _incident_key(intent.id, kind)):
            return
        details = {"payment_id": str(intent.id), "order_id": str(intent.order_id), "detail": detail}
        self._incidents.raise_(tx, f"payment.{kind}", _incident_key(intent.id, kind), details)
        self.go(tx, intent, State.PARKED)
        tx.flush()
        parked = PaymentParked(payment_id=str(intent.id), order_id=str(intent.order_id), kind=kind)
        self._record(tx, intent, parked)

    def is_wrong(self, tx: Tx, intent: Intent) -> bool:
        """Whether an open incident says that other money came than was asked for."""
        return bool(self._open(tx, *(_incident_key(intent.id, kind) for kind in WRONG)))

    def decide(self, tx: Tx, intent_id: uuid.UUID, *, to: State, reason: str, by: str) -> None:
        """An operator's word on what became of a parked payment; its incidents are resolved with it.

        Raises:
            PaymentUnknown, ReasonMissing: By what is wrong.
            WrongPaymentState: The payment cannot become that.
        """
        intent = self.locked(tx, intent_id)
        if intent.state != State.PARKED:
            raise _wrong(intent)
        for incident_id in self._open(tx, *(_incident_key(intent.id, kind) for kind in (UNRESOLVED, *WRONG))):
            self._incidents.resolve(tx, incident_id, by=by, reason=reason)
        if to is State.AUTHORISED:
            self.authorise(tx, intent)
        elif not self.go(tx, intent, to):
            raise _wrong(intent)

    def _open(self, tx: Tx, *keys: str) -> list[uuid.UUID]:
        rows = select(IncidentRow.id).where(IncidentRow.key.in_(keys), IncidentRow.resolved_at.is_(None))
        return list(tx.execute(rows).scalars())

    # -----------------------------------------------------------------------------------------

    def _rail(self, name: str) -> Rail:
        rail = self._rails.get(name)
        if rail is None:
            raise RailUnknown("there is no such way to pay here", rail=name)
        return rail

    def _check(self, intent: Intent, amount: int, left: int) -> None:
        if amount < 1:
            raise PartInvalid("a part of a payment is at least one unit")
        if amount > left:
            raise PartTooLarge("more than is left of the payment", left=str(left), state=intent.state)

    def _charge_left(self, tx: Tx, intent: Intent) -> Charge:
        """What goods, tax and shipping were not paid out or given back yet."""
        if not (intent.settled or intent.returned):
            return intent.charge
        left = intent.charge
        for step in self._steps(tx, intent):
            if step.kind == Kind.SETTLE:
                goods = step.market + step.commission
                left = Charge(left.goods - goods, left.tax - step.tax, left.shipping - step.shipping)
            elif step.kind == Kind.GIVE_BACK:
                _, left = settled(left, step.amount, commission_bps=0)
        return left

    def _paid_out(self, tx: Tx, intent: Intent) -> Parts:
        """What each has of it now."""
        total = NO_PARTS
        for step in self._steps(tx, intent):
            if step.kind == Kind.SETTLE:
                total += step.parts
            elif step.kind == Kind.REFUND:
                total -= step.parts
        return total

    def _steps(self, tx: Tx, intent: Intent) -> list[Step]:
        statement = select(Step).where(Step.intent_id == intent.id).order_by(Step.number)
        return list(tx.execute(statement).scalars())

    def _step(self, tx: Tx, intent: Intent, kind: Kind, amount: int, parts: Parts) -> str:
        """Writes a step down and returns the key under which its money moves."""
        intent.steps += 1
        key = derived_key("payment", intent.id, f"{intent.steps}.{kind}")
        step = Step(
            intent_id=intent.id,
            number=intent.steps,
            kind=kind.value,
            amount=amount,
            market=parts.market,
            commission=parts.commission,
            tax=parts.tax,
            shipping=parts.shipping,
            key=key,
            at=self._clock.now(),
        )
        tx.add(step)
        tx.flush()
        return key

    def _follow_money(self, tx: Tx, intent: Intent) -> None:
        """The state that fits what was moved."""
        to = state_by_money(
            secured=intent.secured,
            settled=intent.settled,
            returned=intent.returned,
            refunded=intent.refunded,
        )
        if to.value == intent.state:
            self._tell(tx, intent)
        else:
            self._move(tx, intent, to)

    def _move(self, tx: Tx, intent: Intent, to: State) -> None:
        state = State(intent.state)
        if to not in NEXT[state]:
            raise Bug("a payment cannot go there", payment_id=str(intent.id), state=state.value, to=to.value)
        intent.state = to.value
        if to not in OPEN:
            intent.action = None  # nothing is left for the payer to do
        self._tell(tx, intent)

    def _tell(self, tx: Tx, intent: Intent) -> None:
        intent.changed_at = self._clock.now()
        tx.flush()
        moved = PaymentMoved(
            payment_id=str(intent.id),
            order_id=str(intent.order_id),
            state=intent.state,
            secured=str(intent.secured),
            settled=str(intent.settled),
            returned=str(intent.returned),
            refunded=str(intent.refunded),
        )
        self._record(tx, intent, moved)

    def _owe_gateway(self, tx: Tx, intent: Intent, amount: int) -> None:
        if intent.rail == GATEWAY:
            owed = RefundOwed(payment_id=str(intent.id), number=intent.steps, amount=str(amount))
            self._record(tx, intent, owed)

    def _record(self, tx: Tx, intent: Intent, event: Event) -> None:
        self._events.record(tx, _stream(intent), event)


def _stream(intent: Intent) -> str:
    return f"payment:{intent.id}"


def _incident_key(intent_id: uuid.UUID, kind: str) -> str:
    return f"payment:{intent_id}:{kind}"


def _wrong(intent: Intent) -> WrongPaymentState:
    return WrongPaymentState(f"the payment is {intent.state}", state=intent.state)
