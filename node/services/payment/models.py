"""Tables of payments."""

import datetime as dt
import enum
import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import APPEND_ONLY, Base, uint256_check
from node.kernel.db.types import Uint256, Utc
from node.kernel.money import Amount, Asset
from node.services.payment.split import Charge, Parts
from node.services.payment.states import State

SCHEMA = "payment"


class Kind(enum.StrEnum):
    """What a step does with money."""

    SECURE = "secure"
    SETTLE = "settle"
    GIVE_BACK = "give_back"  # of what was held
    REFUND = "refund"  # of what was paid out


class Intent(Base):
    """What somebody wants to pay, and how far that has come.

    `amount` is goods, tax and shipping. `secured`, `settled`, `returned` and `refunded` are the sums of its
    steps; `steps` counts them. `method` and `reference` are the gateway's name and its own id of the payment;
    `action` is what the payer has to do there, for the payer's eyes alone. Of money by the
    chain: `received` is what the payer had for it when it was secured, and `covered` what the node added, as
    that was almost enough.
    """

    __tablename__ = "intent"
    __table_args__ = (
        *(
            uint256_check(column)
            for column in ("amount", "tax", "shipping", "secured", "settled", "returned", "refunded")
        ),
        *(uint256_check(column) for column in ("covered", "received")),
        CheckConstraint("covered <= amount", name="covered_part"),
        CheckConstraint("amount > 0 AND tax + shipping <= amount", name="charge"),
        CheckConstraint("commission_bps BETWEEN 0 AND 10000", name="commission_bps"),
        CheckConstraint("settled + returned <= secured AND refunded <= settled", name="conserved"),
        CheckConstraint("state IN (" + ", ".join(f"'{state}'" for state in State) + ")", name="state"),
        Index("ix_intent_order", "order_id", "id"),
        Index("ix_intent_payer", "payer_account_id", "id"),
        Index(
            "ix_intent_pending",
            "look_at",
            postgresql_where="state IN ('created', 'requires_action', 'processing', 'unknown')",
        ),
        Index("uq_intent_reference", "method", "reference", unique=True),
        {"schema": SCHEMA},
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    order_id: Mapped[uuid.UUID]
    rail: Mapped[str] = mapped_column(Text)
    method: Mapped[str | None] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(Text)
    action: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    payer_account_id: Mapped[uuid.UUID]
    market_id: Mapped[uuid.UUID]
    asset_id: Mapped[str] = mapped_column(Text)
    asset_code: Mapped[str] = mapped_column(Text)
    asset_exponent: Mapped[int] = mapped_column(SmallInteger)
    amount: Mapped[int] = mapped_column(Uint256)
    tax: Mapped[int] = mapped_column(Uint256)
    shipping: Mapped[int] = mapped_column(Uint256)
    commission_bps: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text)
    hold_id: Mapped[int | None] = mapped_column(BigInteger)
    secured: Mapped[int] = mapped_column(Uint256)
    settled: Mapped[int] = mapped_column(Uint256)
    returned: Mapped[int] = mapped_column(Uint256)
    refunded: Mapped[int] = mapped_column(Uint256)
    covered: Mapped[int] = mapped_column(Uint256, server_default="0")
    received: Mapped[int | None] = mapped_column(Uint256)
    steps: Mapped[int] = mapped_column(Integer)
    expires_at: Mapped[dt.datetime] = mapped_column(Utc)  # to begin with it; what was begun is waited for
    look_at: Mapped[dt.datetime] = mapped_column(Utc)  # when the gateway is asked next
    looks: Mapped[int] = mapped_column(Integer)  # how often it was asked
    created_at: Mapped[dt.datetime] = mapped_column(Utc)
    changed_at: Mapped[dt.datetime] = mapped_column(Utc)

    @property
    def asset(self) -> Asset:
        return Asset(self.asset_id, self.asset_code, self.asset_exponent)

    def of(self, value: int) -> Amount:
        return Amount(self.asset, value)

    @property
    def charge(self) -> Charge:
        return Charge(self.amount - self.tax - self.shipping, self.tax, self.shipping)

    @property
    def held(self) -> int:
        """Secured, and nobody's yet."""
        return self.secured - self.settled - self.returned

    def to_payer(self, amount: int) -> int:
        """What of `amount` that goes back is the payer's: all, until they have what they paid.

        The last units go back to the node, if it added some.
        """
        given, paid = self.returned + self.refunded, self.secured - self.covered
        return min(given + amount, paid) - min(given, paid)


class Step(Base):
    """Money that moved for a payment. `key` is that of its transfer, so it moved once."""

    __tablename__ = "step"
    __table_args__ = (
        *(uint256_check(column) for column in ("amount", "market", "commission", "tax", "shipping")),
        CheckConstraint("kind IN (" + ", ".join(f"'{kind}'" for kind in Kind) + ")", name="kind"),
        CheckConstraint(
            "kind IN ('secure', 'give_back') OR market + commission + tax + shipping = amount", name="split"
        ),
        {"schema": SCHEMA, "info": {APPEND_ONLY: True}},
    )

    intent_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{SCHEMA}.intent.id"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(Uint256)
    market: Mapped[int] = mapped_column(Uint256)
    commission: Mapped[int] = mapped_column(Uint256)
    tax: Mapped[int] = mapped_column(Uint256)
    shipping: Mapped[int] = mapped_column(Uint256)
    key: Mapped[str] = mapped_column(Text, unique=True)
    at: Mapped[dt.datetime] = mapped_column(Utc)

    @property
    def parts(self) -> Parts:
        return Parts(self.market, self.commission, self.tax, self.shipping)
