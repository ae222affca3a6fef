"""What orders ask of whoever knows what markets charge."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from node.kernel.db.unit_of_work import Tx
from node.services.order.moving import Reservation


class Charged(Protocol):
    """What an order comes to. `goods` and `shipping` are without tax; all three are the total."""

    @property
    def goods(self) -> int: ...
    @property
    def shipping(self) -> int: ...
    @property
    def tax(self) -> int: ...
    @property
    def shipping_tax(self) -> int: ...
    @property
    def tax_name(self) -> str | None: ...
    @property
    def tax_bps(self) -> int: ...
    @property
    def shipping_tax_bps(self) -> int: ...
    @property
    def tax_included(self) -> bool: ...
    @property
    def country(self) -> str | None: ...
    @property
    def shipping_method_id(self) -> uuid.UUID | None: ...
    @property
    def shipping_name(self) -> str | None: ...
    @property
    def total(self) -> int: ...


class Charges(Protocol):
    def charged(
        self, tx: Tx, sold: Reservation, *, quantity: int, country: str | None, method_id: uuid.UUID | None
    ) -> Charged:
        """What it comes to; refused where the buyer has to tell more, or it can't be had so."""

    def offers(
        self, tx: Tx, sold: Reservation, *, quantity: int, country: str | None
    ) -> Sequence[Charged] | None:
        """What it comes to by each way of shipping that suits; None: none is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where an order goes, and how, as far as the buyer told."""

    country: str | None = None
    method_id: uuid.UUID | None = None


NOWHERE = Destination()


@dataclass(frozen=True, slots=True)
class Preview:
    """`charged` is None while the buyer has to choose among `offers`."""

    reserved: Reservation
    charged: Charged | None
    offers: Sequence[Charged] | None
