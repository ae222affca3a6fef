"""Moving units between available, reserved and sold.

Invariant: every move is one conditional UPDATE that takes as many units from one pile as it puts on another,
so no order of commands and no concurrency sells a unit twice or loses one.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy import TextClause, text

from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import AsoudError, Bug
from node.kernel.hexes import Address, address_from_bytes
from node.kernel.tax import TaxClass
from node.services.catalog.errors import OutOfStock, ProductNotForSale, ProductUnknown
from node.services.catalog.models import Status

_ON_SALE = """
    product.id = :product_id AND market.id = product.market_id
        AND product.status = 'active' AND product.available >= :quantity
"""
_TOLD = """
    product.market_id, product.title, product.price, product.asset_id, product.asset_code,
    product.asset_exponent, product.asset_address, product.tax_class, product.needs_shipping,
    market.owner_account_id, market.payout_address, market.arbiter, market.ship_within_s,
    market.inspection_s, market.ruling_s, market.silence_seller_bps
"""
_RESERVE = text(f"""
    UPDATE catalog.product SET available = available - :quantity, reserved = reserved + :quantity
    FROM market.market WHERE {_ON_SALE} RETURNING {_TOLD}
""")  # noqa: S608 - literals of the code
_LOOK = text(f"SELECT {_TOLD} FROM catalog.product, market.market WHERE {_ON_SALE}")  # noqa: S608
_RESERVE_AGAIN = text("""
    UPDATE catalog.product SET available = available - :quantity, reserved = reserved + :quantity
    WHERE id = :product_id AND available >= :quantity RETURNING id
""")
_RELEASE = text("""
    UPDATE catalog.product SET available = available + :quantity, reserved = reserved - :quantity
    WHERE id = :product_id AND reserved >= :quantity RETURNING id
""")
_SELL = text("""
    UPDATE catalog.product SET sold = sold + :quantity, reserved = reserved - :quantity
    WHERE id = :product_id AND reserved >= :quantity RETURNING id
""")
_WHY_NOT = text("SELECT status, available FROM catalog.product WHERE id = :product_id")
_ADDRESSES = ("payout_address", "arbiter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Units on sale, and what they are sold for and under whose terms at this moment."""

    market_id: uuid.UUID
    title: str
    price: int
    asset_id: str
    asset_code: str
    asset_exponent: int
    asset_address: Address | None
    tax_class: TaxClass
    needs_shipping: bool
    owner_account_id: uuid.UUID
    payout_address: Address
    arbiter: Address
    ship_within_s: int
    inspection_s: int
    ruling_s: int
    silence_seller_bps: int


class Stock:
    def reserve(self, tx: Tx, product_id: uuid.UUID, *, quantity: int) -> Reservation:
        """Sets units of an active product aside.

        Raises:
            ProductUnknown, ProductNotForSale, OutOfStock: And then nothing was changed.
        """
        return self._read(tx, _RESERVE, product_id, quantity)

    def look(self, tx: Tx, product_id: uuid.UUID, *, quantity: int) -> Reservation:
        """What `reserve` would tell; nothing is set aside. Raises as it does."""
        return self._read(tx, _LOOK, product_id, quantity)

    def _read(self, tx: Tx, statement: TextClause, product_id: uuid.UUID, quantity: int) -> Reservation:
        row = tx.execute(statement, _parameters(product_id, quantity)).mappings().one_or_none()
        if row is None:
            raise _why_not(tx, product_id)
        addresses: dict[str, Address | None] = {
            name: address_from_bytes(bytes(row[name])) for name in _ADDRESSES
        }
        asset = row["asset_address"]
        addresses["asset_address"] = None if asset is None else address_from_bytes(bytes(asset))
        told = {"price": int(row["price"]), "tax_class": TaxClass(row["tax_class"])}
        return Reservation(**{**row, **addresses, **told})

    def reserve_again(self, tx: Tx, product_id: uuid.UUID, *, quantity: int) -> bool:
        """Sets aside what a late payment bought, whatever the product's status; False: too few are left."""
        return tx.execute(_RESERVE_AGAIN, _parameters(product_id, quantity)).first() is not None

    def release(self, tx: Tx, product_id: uuid.UUID, *, quantity: int) -> None:
        """What was reserved can be sold again."""
        _must_move(tx.execute(_RELEASE, _parameters(product_id, quantity)).first(), product_id)

    def sell(self, tx: Tx, product_id: uuid.UUID, *, quantity: int) -> None:
        """What was reserved has left the shop."""
        _must_move(tx.execute(_SELL, _parameters(product_id, quantity)).first(), product_id)


def _why_not(tx: Tx, product_id: uuid.UUID) -> AsoudError:
    row = tx.execute(_WHY_NOT, {"product_id": product_id}).one_or_none()
    if row is None or row.status == Status.DRAFT:
        return ProductUnknown("there is no such product", product_id=str(product_id))
    if row.status != Status.ACTIVE:
        return ProductNotForSale("the product is not for sale", product_id=str(product_id))
    return OutOfStock("fewer units are left", product_id=str(product_id), available=row.available)


def _parameters(product_id: uuid.UUID, quantity: int) -> dict[str, object]:
    return {"product_id": product_id, "quantity": quantity}


def _must_move(moved: object, product_id: uuid.UUID) -> None:
    if moved is None:
        raise Bug("fewer units are reserved than an order holds", product_id=str(product_id))
