"""Adding and changing products."""

import uuid
from dataclasses import dataclass
from typing import Protocol

import psycopg
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from node.events.product import ProductAdded, ProductChanged
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.ids import new_id
from node.kernel.spine.record import EventRecorder
from node.kernel.tax import TaxClass
from node.kernel.text import one_line, prose
from node.services.catalog.currencies import Currency
from node.services.catalog.errors import PriceInvalid, ProductUnknown, SkuTaken
from node.services.catalog.models import SKU_INDEX, Product, Status

TITLE_CHARS_MAX = 160
DESCRIPTION_CHARS_MAX = 8_000
SKU_CHARS_MAX = 64
STOCK_MAX = 10**9
PRICE_MAX = 2**128 - 1  # what one escrow can hold


class Markets(Protocol):
    """What the catalogue asks of markets."""

    def require_member(self, tx: Tx, market_id: uuid.UUID, *, account_id: uuid.UUID) -> None:
        """Raises when there is no such market or nobody of that account works there."""


@dataclass(frozen=True, slots=True)
class Price:
    currency: Currency
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDraft:
    """What its merchant says about a product. In a change None leaves things as they are."""

    title: str | None = None
    description: str | None = None
    sku: str | None = None
    price: Price | None = None
    stock: int | None = None
    status: Status | None = None
    tax_class: TaxClass | None = None
    needs_shipping: bool | None = None


class CatalogService:
    def __init__(self, clock: Clock, events: EventRecorder, markets: Markets) -> None:
        self._clock = clock
        self._events = events
        self._markets = markets

    def add(
        self, tx: Tx, market_id: uuid.UUID, *, account_id: uuid.UUID, draft: ProductDraft, price: Price
    ) -> Product:
        """Adds a product to a market in which that account works.

        Raises:
            MarketUnknown, NotMarketOwner: There is no such market, or it is another account's.
            TextInvalid, PriceInvalid: By what is wrong.
            SkuTaken: Another product of the market has that SKU.
        """
        self._markets.require_member(tx, market_id, account_id=account_id)
        now = self._clock.now()
        product = Product(
            id=new_id(),
            market_id=market_id,
            title="",
            description="",
            sku=None,
            status=Status.ACTIVE.value,
            available=0,
            reserved=0,
            sold=0,
            tax_class=TaxClass.STANDARD.value,
            needs_shipping=True,
            added_at=now,
            changed_at=now,
        )
        for name, value in _columns(draft, price=price, needs_title=True).items():
            setattr(product, name, value)
        self._flush(tx, product)
        added = ProductAdded(
            product_id=str(product.id),
            market_id=str(market_id),
            title=product.title,
            asset_id=product.asset_id,
            price=str(product.price),
            stock=product.available,
            status=product.status,
        )
        self._events.record(tx, f"product:{product.id}", added, expected_version=0)
        return product

    def owned(self, tx: Tx, product_id: uuid.UUID, *, account_id: uuid.UUID) -> Product:
        """The product, locked for a change by somebody who works in its market.

        Raises:
            ProductUnknown: There is none.
            NotMarketOwner: It is another account's.
        """
        product = tx.execute(
            select(Product).where(Product.id == product_id).with_for_update()
        ).scalar_one_or_none()
        if product is None:
            raise ProductUnknown("there is no such product", product_id=str(product_id))
        self._markets.require_member(tx, product.market_id, account_id=account_id)
        return product

    def change(self, tx: Tx, product: Product, draft: ProductDraft) -> None:
        """Takes over what the draft names; `product` is locked. Orders that were placed keep their price.

        `stock` is the number of units that can be sold from now on: what is reserved or sold does not count.
        """
        wanted = _columns(draft, price=draft.price, needs_title=False)
        changes = {name: value for name, value in wanted.items() if getattr(product, name) != value}
        if not changes:
            return
        for name, value in changes.items():
            setattr(product, name, value)
        product.changed_at = self._clock.now()
        self._flush(tx, product)
        changed = ProductChanged(
            product_id=str(product.id), market_id=str(product.market_id), fields=sorted(changes)
        )
        self._events.record(tx, f"product:{product.id}", changed)

    def _flush(self, tx: Tx, product: Product) -> None:
        sku = product.sku
        try:
            tx.add(product)
            tx.flush()
        except IntegrityError as error:
            if isinstance(error.orig, psycopg.Error) and error.orig.diag.constraint_name == SKU_INDEX:
                raise SkuTaken("another product of the market has that SKU", field="sku", sku=sku) from error
            raise


def _columns(draft: ProductDraft, *, price: Price | None, needs_title: bool) -> dict[str, object]:
    columns: dict[str, object] = {}
    if draft.title is not None or needs_title:
        columns["title"] = one_line(draft.title or "", field="title", chars_max=TITLE_CHARS_MAX)
    if draft.description is not None:
        columns["description"] = prose(
            draft.description, field="description", chars_max=DESCRIPTION_CHARS_MAX
        )
    if draft.sku is not None:
        columns["sku"] = one_line(draft.sku, field="sku", chars_max=SKU_CHARS_MAX)
    if draft.stock is not None:
        columns["available"] = draft.stock
    if draft.status is not None:
        columns["status"] = draft.status.value
    if draft.tax_class is not None:
        columns["tax_class"] = draft.tax_class.value
    if draft.needs_shipping is not None:
        columns["needs_shipping"] = draft.needs_shipping
    if price is not None:
        columns |= _price_columns(price)
    return columns


def _price_columns(price: Price) -> dict[str, object]:
    if not 0 < price.value <= PRICE_MAX:
        raise PriceInvalid("a price is positive and below 2^128", field="price")
    asset = price.currency.asset
    return {
        "price": price.value,
        "asset_id": asset.id,
        "asset_code": asset.code,
        "asset_exponent": asset.exponent,
        "asset_address": price.currency.address,
    }
