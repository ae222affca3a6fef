"""What gateways ask of payments. Each call locks the payment first."""

import datetime as dt
import enum
import uuid
from dataclasses import dataclass
from typing import Protocol

from node.kernel.db.unit_of_work import Tx
from node.kernel.money import Amount


class Phase(enum.Enum):
    """How far a payment is, as far as a gateway matters."""

    NEW = enum.auto()
    WAITING = enum.auto()  # for the payer
    UNSURE = enum.auto()
    GIVEN_UP = enum.auto()  # money can come still
    WRONG = enum.auto()  # an operator looks at money that is not what was asked for
    SECURED = enum.auto()


@dataclass(frozen=True, slots=True)
class Pending:
    payment_id: uuid.UUID
    method: str
    reference: str | None
    amount: Amount
    phase: Phase
    expires_at: dt.datetime
    looks: int


class Payments(Protocol):
    def pending(self, tx: Tx, payment_id: uuid.UUID) -> Pending | None:
        """Locked; None where there is none, or it is none of a gateway's."""

    def begun(self, tx: Tx, payment_id: uuid.UUID, reference: str, action: dict[str, str] | None) -> None:
        """The gateway has it; `action` is for the payer, when something is to be done."""

    def secured(self, tx: Tx, payment_id: uuid.UUID) -> None:
        """Its whole amount was taken. A second time it does nothing."""

    def become(self, tx: Tx, payment_id: uuid.UUID, state: str) -> None:
        """One of the states without money, where it can go there; else nothing."""

    def park(self, tx: Tx, payment_id: uuid.UUID, *, kind: str, detail: str) -> None:
        """For an operator."""

    def look_again(self, tx: Tx, payment_id: uuid.UUID, *, at: dt.datetime, looks: int) -> None:
        """When it is asked about next."""
