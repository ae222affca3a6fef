"""Tables of orders."""

import datetime as dt
import uuid

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from node.chain.escrow import AppealTerms, Release, Terms
from node.kernel.db.base import APPEND_ONLY, Base, length_check, uint256_check
from node.kernel.db.types import ADDRESS_BYTES, HASH_BYTES, AddressColumn, Hash32Column, Uint256, Utc
from node.kernel.hexes import Address, Hash32
from node.services.order.states import Rail, State

SCHEMA = "orders"  # `order` is a word of SQL


class Order(Base):
    """A shop order. Its costs and escrow terms are fixed when it is placed: whoever loses a term loses money.

    What only the escrow contract knows is NULL on other rails; there `payment_id` is what paid it.

    `deadline` is that of the present state: the money (placed), the shipment (paid), a dispute (shipped), the
    ruling (disputed), an appeal (proposed), the court (appealed); NULL in the others. `stock_held` tells
    whether units are reserved for it. What was paid out so far is NULL while nothing was; at an end it is
    `received`.
    """

    __tablename__ = "shop_order"
    __table_args__ = (
        *(uint256_check(c) for c in ("unit_price", "amount", "received", "to_seller", "to_buyer", "fee")),
        *(uint256_check(c) for c in ("goods", "shipping", "tax", "shipping_tax")),
        *(length_check(c, ADDRESS_BYTES) for c in ("buyer", "seller", "arbiter")),
        length_check("escrow_id", HASH_BYTES),
        CheckConstraint("quantity > 0 AND amount = goods + shipping + tax", name="amount_is_charged"),
        CheckConstraint(
            "shipping_tax <= tax AND unit_price * quantity ="
            " goods + CASE WHEN tax_included THEN tax - shipping_tax ELSE 0 END",
            name="goods_are_price",
        ),
        CheckConstraint("rail IN (" + ", ".join(f"'{rail}'" for rail in Rail) + ")", name="rail"),
        CheckConstraint(
            "num_nulls(chain_id, escrow_contract, escrow_id, asset, fee_receiver) ="
            " CASE WHEN rail = 'escrow' THEN 0 ELSE 5 END AND (rail <> 'escrow' OR buyer IS NOT NULL)",
            name="on_chain",
        ),
        CheckConstraint("num_nulls(court, appeal_window_s, court_time_s) IN (0, 3)", name="appeal_whole"),
        CheckConstraint("state IN (" + ", ".join(f"'{state}'" for state in State) + ")", name="state"),
        CheckConstraint(
            "(state IN ('completed', 'refunded', 'ruled', 'settled')) = (ended_at IS NOT NULL)", name="ended"
        ),
        Index("uq_shop_order_escrow", "chain_id", "escrow_id", unique=True),
        Index("ix_shop_order_buyer", "buyer_account_id", "id"),
        Index("ix_shop_order_unpaid", "buyer_account_id", postgresql_where="state = 'placed'"),
        Index("ix_shop_order_seller", "seller_account_id", "id"),
        Index("ix_shop_order_market", "market_id", "id"),
        Index("ix_shop_order_arbiter", "arbiter", "id"),
        Index("ix_shop_order_product", "product_id"),
        Index(
            "ix_shop_order_dispute",
            "id",
            postgresql_where="state IN ('disputed', 'proposed', 'appealed')",
        ),
        Index("ix_shop_order_unfunded", "deadline", postgresql_where="state = 'placed'"),
        Index(
            "ix_shop_order_due",
            "deadline",
            postgresql_where="rail <> 'escrow' AND state IN ('paid', 'shipped', 'disputed')",
        ),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    market_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("market.market.id"))
    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("catalog.product.id"))
    title: Mapped[str] = mapped_column(Text)  # of the product, when the order was placed
    quantity: Mapped[int] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    out_of_stock: Mapped[bool]  # the money came late and the units were gone: to be refunded
    stock_held: Mapped[bool]
    deadline: Mapped[dt.datetime | None] = mapped_column(Utc)
    placed_at: Mapped[dt.datetime] = mapped_column(Utc)
    changed_at: Mapped[dt.datetime] = mapped_column(Utc)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Utc)

    buyer_account_id: Mapped[uuid.UUID]
    seller_account_id: Mapped[uuid.UUID]

    unit_price: Mapped[int] = mapped_column(Uint256)
    asset_id: Mapped[str] = mapped_column(Text)
    asset_code: Mapped[str] = mapped_column(Text)
    asset_exponent: Mapped[int] = mapped_column(SmallInteger)

    # What `amount` is of, by the market's taxes and shipping of then: the first two without tax.
    goods: Mapped[int] = mapped_column(Uint256)
    shipping: Mapped[int] = mapped_column(Uint256)
    tax: Mapped[int] = mapped_column(Uint256)
    shipping_tax: Mapped[int] = mapped_column(Uint256)  # of `tax`
    tax_name: Mapped[str | None] = mapped_column(Text)
    tax_bps: Mapped[int] = mapped_column(Integer)
    shipping_tax_bps: Mapped[int] = mapped_column(Integer)
    tax_included: Mapped[bool]  # in `unit_price`
    country: Mapped[str | None] = mapped_column(Text)
    shipping_method_id: Mapped[uuid.UUID | None]
    shipping_name: Mapped[str | None] = mapped_column(Text)

    rail: Mapped[str] = mapped_column(Text)
    payment_id: Mapped[uuid.UUID | None]
    chain_id: Mapped[int | None] = mapped_column(BigInteger)
    escrow_contract: Mapped[Address | None] = mapped_column(AddressColumn)
    escrow_id: Mapped[Hash32 | None] = mapped_column(Hash32Column)
    buyer: Mapped[Address | None] = mapped_column(AddressColumn)
    seller: Mapped[Address] = mapped_column(AddressColumn)
    arbiter: Mapped[Address] = mapped_column(AddressColumn)
    asset: Mapped[Address | None] = mapped_column(AddressColumn)
    amount: Mapped[int] = mapped_column(Uint256)
    fee_receiver: Mapped[Address | None] = mapped_column(AddressColumn)
    fee_bps: Mapped[int] = mapped_column(Integer)
    silence_seller_bps: Mapped[int] = mapped_column(Integer)
    ship_by: Mapped[dt.datetime] = mapped_column(Utc)  # whole seconds
    inspection_s: Mapped[int] = mapped_column(BigInteger)
    ruling_s: Mapped[int] = mapped_column(BigInteger)

    # Who judges an appeal, if the buyer wants one; agreed by whoever ships.
    court: Mapped[Address | None] = mapped_column(AddressColumn)
    appeal_window_s: Mapped[int | None] = mapped_column(BigInteger)
    court_time_s: Mapped[int | None] = mapped_column(BigInteger)

    received: Mapped[int | None] = mapped_column(Uint256)
    to_seller: Mapped[int | None] = mapped_column(Uint256)
    to_buyer: Mapped[int | None] = mapped_column(Uint256)
    fee: Mapped[int | None] = mapped_column(Uint256)

    @property
    def held(self) -> int:
        """What the escrow holds by what is final."""
        paid_out = sum(part or 0 for part in (self.to_seller, self.to_buyer, self.fee))
        return (self.received or 0) - paid_out

    def pay_out(self, *, to_seller: int = 0, to_buyer: int = 0, fee: int = 0) -> None:
        """Adds to what was paid out before."""
        self.to_seller = (self.to_seller or 0) + to_seller
        self.to_buyer = (self.to_buyer or 0) + to_buyer
        self.fee = (self.fee or 0) + fee

    def appeal(self) -> AppealTerms | None:
        if self.court is None or self.appeal_window_s is None or self.court_time_s is None:
            return None
        return AppealTerms(self.court, self.appeal_window_s, self.court_time_s)

    @property
    def is_on_chain(self) -> bool:
        return self.rail == Rail.ESCROW

    def escrow(self) -> tuple[int, Address, Hash32]:
        """Chain, contract and id of an order that the escrow contract judges."""
        assert self.chain_id is not None
        assert self.escrow_contract is not None
        assert self.escrow_id is not None
        return self.chain_id, self.escrow_contract, self.escrow_id

    def terms(self) -> Terms:
        """Of an order that the escrow contract judges."""
        assert self.buyer is not None
        assert self.asset is not None
        assert self.fee_receiver is not None
        return Terms(
            order_id=chain_id_of(self.id),
            buyer=self.buyer,
            seller=self.seller,
            arbiter=self.arbiter,
            asset=self.asset,
            amount=self.amount,
            fee_receiver=self.fee_receiver,
            fee_bps=self.fee_bps,
            silence_seller_bps=self.silence_seller_bps,
            ship_by=int(self.ship_by.timestamp()),
            inspection=self.inspection_s,
            ruling=self.ruling_s,
        )


class SignedRelease(Base):
    """A buyer's signature that lets anybody release a part of the money, or all of it.

    Those of one nonce exclude one another. Whether it still counts is read from schema `chain`.
    """

    __tablename__ = "signed_release"
    __table_args__ = (
        *(uint256_check(c) for c in ("amount", "nonce")),
        length_check("digest", HASH_BYTES),
        Index("ix_signed_release_order", "order_id", "signed_at"),
        {"schema": SCHEMA, "info": {APPEND_ONLY: True}},
    )

    digest: Mapped[Hash32] = mapped_column(Hash32Column, primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{SCHEMA}.shop_order.id"))
    amount: Mapped[int] = mapped_column(Uint256)
    nonce: Mapped[int] = mapped_column(Uint256)
    deadline_s: Mapped[int] = mapped_column(BigInteger)  # since 1970
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    signed_at: Mapped[dt.datetime] = mapped_column(Utc)

    def release(self, escrow_id: Hash32) -> Release:
        return Release(escrow_id, self.amount, self.nonce, self.deadline_s)


class Statement(Base):
    """What a party said in words, for the other parties alone; the chain gets its salted hash."""

    __tablename__ = "statement"
    __table_args__ = (
        length_check("digest", HASH_BYTES),
        length_check("salt", HASH_BYTES),
        Index("uq_statement_digest", "digest", unique=True),
        Index("ix_statement_order", "order_id", "id"),
        {"schema": SCHEMA, "info": {APPEND_ONLY: True}},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{SCHEMA}.shop_order.id"))
    kind: Mapped[str] = mapped_column(Text)  # tracking | evidence | ruling
    author: Mapped[str] = mapped_column(Text)  # a role
    text: Mapped[str] = mapped_column(Text)
    salt: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    digest: Mapped[Hash32] = mapped_column(Hash32Column)
    said_at: Mapped[dt.datetime] = mapped_column(Utc)


class HandledEscrowEvent(Base):
    """Each final event of an escrow is judged once. `reason` says why one did not move an order."""

    __tablename__ = "handled_escrow_event"
    __table_args__ = (
        Index("ix_handled_escrow_event_order", "order_id"),
        {"schema": SCHEMA, "info": {APPEND_ONLY: True}},
    )

    event_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    order_id: Mapped[uuid.UUID | None]
    escrow_id: Mapped[Hash32] = mapped_column(Hash32Column)
    type_name: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    handled_at: Mapped[dt.datetime] = mapped_column(Utc)


def chain_id_of(order_id: uuid.UUID) -> Hash32:
    """The order's name on the chain: its UUID as a number, so that the way back needs no table."""
    return Hash32("0x" + order_id.int.to_bytes(HASH_BYTES).hex())


def order_id_of(chain_id: Hash32) -> uuid.UUID | None:
    """None for a name that none of our orders can have."""
    number = int(chain_id, 16)
    return uuid.UUID(int=number) if number < 1 << 128 else None
