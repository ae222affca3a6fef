"""How the servers of a chain do, as the indexer saw them last."""

import datetime as dt

from sqlalchemy import BigInteger, Boolean, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from indexer.models.rows import SCHEMA
from node.kernel.db.base import Base
from node.kernel.db.types import Utc


class EndpointRow(Base):
    """One server, called by its place in the settings: its address holds a key.

    `state` is a `node.chain.peers.Standing`, and `since` when it became so.
    """

    __tablename__ = "endpoint"
    __table_args__ = {"schema": SCHEMA}

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    since: Mapped[dt.datetime] = mapped_column(Utc)
    in_use: Mapped[bool] = mapped_column(Boolean)
    head_number: Mapped[int | None] = mapped_column(BigInteger)
    latency_ms: Mapped[int | None] = mapped_column(Integer)
    error_percent: Mapped[int] = mapped_column(Integer)
    seen_at: Mapped[dt.datetime] = mapped_column(Utc)
