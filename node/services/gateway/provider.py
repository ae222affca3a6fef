"""What a provider is, and the options that it is opened with."""

import datetime as dt
import enum
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from node.kernel.errors import Bug
from node.kernel.money import Amount

TIMEOUT_S = 10.0  # of one request; far below the limit of a task
ID_CHARS_MAX = 200


class Status(enum.StrEnum):
    """Where a payment stands at a gateway."""

    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    AUTHORISED = "authorised"  # promised to us, and to be captured there
    CAPTURED = "captured"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Ask:
    """A payment to begin. The id makes it idempotent: asked twice, it is one payment there."""

    payment_id: uuid.UUID
    amount: Amount
    title: str
    return_url: str
    callback_url: str


@dataclass(frozen=True, slots=True)
class Begun:
    """The gateway's id of it, and what the payer has to do: `redirect_url` or `client_secret`."""

    reference: str
    action: dict[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a gateway says of a payment. `currency` is of ISO 4217, the amount in its smallest unit."""

    payment_id: uuid.UUID
    reference: str
    status: Status
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Callback:
    """What was posted to `<callback_url>/<gateway>`. Header names are in lower case."""

    headers: Mapping[str, str]
    body: bytes
    received_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Told:
    """A callback that is the gateway's own. `seen` is None for news that concern no payment."""

    event_id: str
    seen: Seen | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a gateway's report: a payment that it took (> 0), or a refund (< 0)."""

    payment_id: uuid.UUID
    amount: int
    currency: str
    at: dt.datetime


class Provider(Protocol):
    """Each call is one request outside of any transaction.

    Raises:
        GatewayAway: Nobody knows whether it was done. Asking again is safe.
        GatewayRefused: It was not done, and will not be.
    """

    def begin(self, ask: Ask) -> Begun: ...

    def look(self, payment_id: uuid.UUID, reference: str | None) -> Seen | None:
        """None: the gateway knows of no such payment."""

    def capture(self, seen: Seen, *, key: str) -> Seen:
        """Takes what was authorised."""

    def void(self, seen: Seen, *, key: str) -> Seen:
        """Ends a payment that nobody made."""

    def refund(self, reference: str, amount: Amount, *, key: str) -> None:
        """Gives a part back. The same key again does nothing."""

    def read_callback(self, callback: Callback) -> Told:
        """Raises CallbackForged, CallbackMalformed."""

    def report(self, since: dt.datetime) -> Iterable[Entry]:
        """What it took and gave back since then, for reconciliation."""


@dataclass(frozen=True, slots=True)
class Options:
    """The operator's `ASOUD_GATEWAY_OPTIONS`: names like `stripe.secret_key`."""

    values: Mapping[str, str]

    def need(self, name: str) -> str:
        """Raises Bug: a node without it must not start."""
        value = self.values.get(name)
        if not value:
            raise Bug(f"ASOUD_GATEWAY_OPTIONS lacks {name}", name=name)
        return value

    def listed(self, name: str) -> frozenset[str] | None:
        """None: everything."""
        raw = self.values.get(name)
        return frozenset(entry.strip() for entry in raw.split(",")) if raw else None
