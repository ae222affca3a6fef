"""Tables of gateways: what they said, and what they were told of refunds."""

import datetime as dt
import uuid

from sqlalchemy import Index, LargeBinary, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import APPEND_ONLY, Base
from node.kernel.db.types import Utc

SCHEMA = "gateway"


class CallbackRow(Base):
    """A callback as it came, once: the gateway's own id of the event says whether it came before."""

    __tablename__ = "callback"
    __table_args__ = (
        Index("ix_callback_payment", "payment_id"),
        {"schema": SCHEMA, "info": {APPEND_ONLY: True}},
    )

    gateway: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[str] = mapped_column(Text, primary_key=True)
    payment_id: Mapped[uuid.UUID | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[dt.datetime] = mapped_column(Utc)


class SentRefund(Base):
    """The gateway knows of this refund: a step of a payment that gave money back."""

    __tablename__ = "sent_refund"
    __table_args__ = {"schema": SCHEMA, "info": {APPEND_ONLY: True}}

    payment_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    sent_at: Mapped[dt.datetime] = mapped_column(Utc)
