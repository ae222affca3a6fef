"""What markets charge beyond their prices, and what an order comes to.

Whoever changes what a market charges holds the lock on the market's row; orders read without one, and keep
what was right when they were placed.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from node.events.market import MarketChanged
from node.kernel.clock import Clock
from node.kernel.countries import country as known_country
from node.kernel.db.unit_of_work import Tx
from node.kernel.ids import new_id
from node.kernel.language import normalise_language
from node.kernel.money import BASIS_POINTS, Asset
from node.kernel.spine.record import EventRecorder
from node.kernel.tax import TaxClass
from node.kernel.text import one_line
from node.services.charge.errors import (
    ChargeInvalid,
    CountryNeeded,
    CountryNotServed,
    ShippingMethodNeeded,
    ShippingMethodUnfit,
    ShippingMethodUnknown,
    TaxUnknown,
    TooManyCharges,
)
from node.services.charge.models import ShippingMethod, TaxRow
from node.services.charge.pricing import Charged, TaxRule, charged, serves

NAME_CHARS_MAX = 120
METHODS_MAX = 100  # of one market: all of them are looked at for an order
NAMES_MAX = 50  # languages of one method
PRICE_MAX = 2**128 - 1  # what one escrow can hold


class Sold(Protocol):
    """What is sold, and by whom."""

    @property
    def market_id(self) -> uuid.UUID: ...
    @property
    def price(self) -> int: ...
    @property
    def asset_id(self) -> str: ...
    @property
    def tax_class(self) -> TaxClass: ...
    @property
    def needs_shipping(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodDraft:
    """What a merchant says of a way of shipping. In a change None leaves things as they are.

    No countries are everywhere; `free_from` 0 is never.
    """

    name: str | None = None
    names: Mapping[str, str] | None = None
    countries: Sequence[str] | None = None
    price: int | None = None
    further: int | None = None
    free_from: int | None = None
    is_taxed: bool | None = None
    is_active: bool | None = None


class ChargeService:
    def __init__(self, clock: Clock, events: EventRecorder) -> None:
        self._clock = clock
        self._events = events

    # ---------------------------------------------------------------- by those who run the market

    def put_tax(self, tx: Tx, market_id: uuid.UUID, country: str, rule: TaxRule) -> None:
        """Says what the taxes of a locked market are in a country.

        Raises:
            CountryUnknown, TextInvalid, ChargeInvalid: By what is wrong.
        """
        columns = {
            "name": one_line(rule.name, field="name", chars_max=NAME_CHARS_MAX),
            "is_included": rule.is_included,
            "standard_bps": _rate(rule.standard_bps, "standard_bps"),
            "reduced_bps": _rate(rule.reduced_bps, "reduced_bps"),
            "super_reduced_bps": _rate(rule.super_reduced_bps, "super_reduced_bps"),
            "changed_at": self._clock.now(),
        }
        key = {"market_id": market_id, "country": known_country(country)}
        written = insert(TaxRow).values(**key, **columns)
        tx.execute(written.on_conflict_do_update(index_elements=list(key), set_=columns))
        self._tell(tx, market_id, f"taxes.{country}")

    def remove_tax(self, tx: Tx, market_id: uuid.UUID, country: str) -> None:
        """Raises TaxUnknown: the market says nothing of that country."""
        found = tx.get(TaxRow, {"market_id": market_id, "country": country})
        if found is None:
            raise TaxUnknown("the market has no taxes in that country", country=country)
        tx.delete(found)
        self._tell(tx, market_id, f"taxes.{country}")

    def add_method(self, tx: Tx, market_id: uuid.UUID, *, asset: Asset, draft: MethodDraft) -> ShippingMethod:
        """A way of shipping of a locked market, for goods in that asset.

        Raises:
            CountryUnknown, TextInvalid, LanguageInvalid, ChargeInvalid: By what is wrong.
            TooManyCharges: The market has `METHODS_MAX`.
        """
        if len(self._methods(tx, market_id)) >= METHODS_MAX:
            raise TooManyCharges(f"at most {METHODS_MAX} ways of shipping", most=METHODS_MAX)
        now = self._clock.now()
        method = ShippingMethod(
            id=new_id(),
            market_id=market_id,
            name=one_line(draft.name or "", field="name", chars_max=NAME_CHARS_MAX),
            names={},
            countries=None,
            asset_id=asset.id,
            asset_code=asset.code,
            asset_exponent=asset.exponent,
            price=0,
            further=0,
            free_from=None,
            is_taxed=True,
            is_active=True,
            added_at=now,
            changed_at=now,
        )
        tx.add(method)
        self.change_method(tx, method, draft)
        return method

    def method(self, tx: Tx, market_id: uuid.UUID, method_id: uuid.UUID) -> ShippingMethod:
        """Raises ShippingMethodUnknown: there is none, or it is another market's."""
        found = tx.get(ShippingMethod, method_id)
        if found is None or found.market_id != market_id:
            raise ShippingMethodUnknown("the market has no such way of shipping", method_id=str(method_id))
        return found

    def change_method(self, tx: Tx, method: ShippingMethod, draft: MethodDraft) -> None:
        """Takes over what the draft names. Raises as `add_method`."""
        for name, value in _columns(draft).items():
            setattr(method, name, value)
        method.changed_at = self._clock.now()
        self._tell(tx, method.market_id, f"shipping_methods.{method.id}")

    def remove_method(self, tx: Tx, method: ShippingMethod) -> None:
        """Orders that were placed with it keep its name and price."""
        tx.delete(method)
        self._tell(tx, method.market_id, f"shipping_methods.{method.id}")

    # -------------------------------------------------------------------------------- for an order

    def charged(
        self, tx: Tx, sold: Sold, *, quantity: int, country: str | None, method_id: uuid.UUID | None
    ) -> Charged:
        """What an order comes to.

        A market that has neither taxes nor ways of shipping charges its prices and asks nothing.

        Raises:
            CountryUnknown, CountryNeeded, ShippingMethodNeeded: By what the buyer has to tell.
            ShippingMethodUnknown, ShippingMethodUnfit, CountryNotServed: It can't be shipped in that way, or
                not there at all.
        """
        methods = self._methods(tx, sold.market_id) if sold.needs_shipping else ()
        rule = self._rule(tx, sold, country, ships=bool(methods))
        if method_id is not None:
            method = self.method(tx, sold.market_id, method_id)
            reason = _unfit(method, sold, country)
            if reason is not None:
                words = "the order can't be shipped that way"
                raise ShippingMethodUnfit(words, method_id=str(method_id), reason=reason)
            return _with(method, sold, quantity, rule, country)
        if methods:
            self._require_some(methods, sold, country)
            raise ShippingMethodNeeded(
                "say how it is to be shipped", field="shipping_method_id", country=country
            )
        return charged(price=sold.price, units=quantity, tax_class=sold.tax_class, rule=rule, country=country)

    def offers(self, tx: Tx, sold: Sold, *, quantity: int, country: str | None) -> list[Charged] | None:
        """What it comes to by each way of shipping that suits, the first added first; None: none is needed.

        Raises:
            CountryUnknown, CountryNeeded, CountryNotServed: As `charged`.
        """
        methods = self._methods(tx, sold.market_id) if sold.needs_shipping else ()
        rule = self._rule(tx, sold, country, ships=bool(methods))
        if not methods:
            return None
        suiting = self._require_some(methods, sold, country)
        return [_with(method, sold, quantity, rule, country) for method in suiting]

    def _require_some(
        self, methods: Sequence[ShippingMethod], sold: Sold, country: str | None
    ) -> list[ShippingMethod]:
        suiting = [method for method in methods if _unfit(method, sold, country) is None]
        if not suiting:
            words = "the market does not ship there what is sold in that asset"
            raise CountryNotServed(words, country=country, asset=sold.asset_id)
        return suiting

    def _rule(self, tx: Tx, sold: Sold, country: str | None, *, ships: bool) -> TaxRule | None:
        """None: the market has no taxes there."""
        if country is not None:
            known_country(country)
            row = tx.get(TaxRow, {"market_id": sold.market_id, "country": country})
            return None if row is None else row.rule()
        has_taxes = select(TaxRow.country).where(TaxRow.market_id == sold.market_id).limit(1)
        if ships or tx.execute(has_taxes).first() is not None:
            raise CountryNeeded("say to which country it goes", field="country")
        return None

    def _methods(self, tx: Tx, market_id: uuid.UUID) -> Sequence[ShippingMethod]:
        wanted = select(ShippingMethod).where(ShippingMethod.market_id == market_id)
        return tx.execute(wanted.order_by(ShippingMethod.id)).scalars().all()

    def _tell(self, tx: Tx, market_id: uuid.UUID, field: str) -> None:
        tx.flush()
        self._events.record(
            tx, f"market:{market_id}", MarketChanged(market_id=str(market_id), fields=[field])
        )


def _with(
    method: ShippingMethod, sold: Sold, quantity: int, rule: TaxRule | None, country: str | None
) -> Charged:
    return charged(
        price=sold.price,
        units=quantity,
        tax_class=sold.tax_class,
        rule=rule,
        country=country,
        tariff=method.tariff(),
        method=(method.id, method.name),
    )


def _unfit(method: ShippingMethod, sold: Sold, country: str | None) -> str | None:
    """Why it can't be shipped that way."""
    if not sold.needs_shipping:
        return "not_needed"
    if not method.is_active:
        return "inactive"
    if method.asset_id != sold.asset_id:
        return "currency"
    if country is None or not serves(method.countries, country):
        return "country"
    return None


def _columns(draft: MethodDraft) -> dict[str, object]:
    columns: dict[str, object] = {}
    if draft.name is not None:
        columns["name"] = one_line(draft.name, field="name", chars_max=NAME_CHARS_MAX)
    if draft.names is not None:
        columns["names"] = _names(draft.names)
    if draft.countries is not None:
        columns["countries"] = sorted({known_country(code) for code in draft.countries}) or None
    for field in ("price", "further", "free_from"):
        value = getattr(draft, field)
        if value is not None:
            if not 0 <= value <= PRICE_MAX:
                raise ChargeInvalid("an amount is from 0 to below 2^128", field=field)
            columns[field] = value
    if draft.free_from == 0:
        columns["free_from"] = None
    if draft.is_taxed is not None:
        columns["is_taxed"] = draft.is_taxed
    if draft.is_active is not None:
        columns["is_active"] = draft.is_active
    return columns


def _names(names: Mapping[str, str]) -> dict[str, str]:
    if len(names) > NAMES_MAX:
        raise ChargeInvalid(f"at most {NAMES_MAX} languages", field="names")
    return {
        normalise_language(tag): one_line(name, field="names", chars_max=NAME_CHARS_MAX)
        for tag, name in names.items()
    }


def _rate(bps: int | None, field: str) -> int | None:
    if bps is not None and not 0 <= bps <= BASIS_POINTS:
        raise ChargeInvalid(f"a rate is from 0 to {BASIS_POINTS} basis points", field=field)
    return bps
