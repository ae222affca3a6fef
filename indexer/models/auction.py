"""English auctions and their bids."""

import datetime as dt

from sqlalchemy import BigInteger, Index, Integer, Text, desc
from sqlalchemy.orm import Mapped, mapped_column

from indexer.models.rows import TABLE, Fact, State, newest_first
from node.kernel.db.base import Base, uint256_check
from node.kernel.db.types import AddressColumn, Hash32Column, Uint256, Utc
from node.kernel.hexes import Address, Hash32


class AuctionRow(State, Base):
    """An auction. States: open (no bid yet), live, settled, voided (the token would not leave), cancelled.

    A live auction is over after `ends_at`, and anybody may settle it; an open one begins with its first bid
    not before `starts_at`. `bidder` and `amount` are those of the highest bid.
    """

    __tablename__ = "auction"
    __table_args__ = (
        *(uint256_check(c) for c in ("token_id", "reserve", "salt", "amount")),
        Index("ix_auction_newest", "chain_id", desc("created_block"), desc("created_log")),
        Index("ix_auction_seller", "chain_id", "seller", desc("created_block"), desc("created_log")),
        Index("ix_auction_bidder", "chain_id", "bidder", desc("created_block"), desc("created_log")),
        Index("ix_auction_token", "chain_id", "collection", "token_id"),
        Index("ix_auction_end", "chain_id", "ends_at", postgresql_where="state = 'live'"),
        TABLE,
    )

    auction_id: Mapped[Hash32] = mapped_column(Hash32Column, primary_key=True)
    house: Mapped[Address] = mapped_column(AddressColumn)
    seller: Mapped[Address] = mapped_column(AddressColumn)
    collection: Mapped[Address] = mapped_column(AddressColumn)
    token_id: Mapped[int] = mapped_column(Uint256)
    currency: Mapped[Address] = mapped_column(AddressColumn)
    reserve: Mapped[int] = mapped_column(Uint256)
    starts_at: Mapped[dt.datetime] = mapped_column(Utc)
    start_s: Mapped[int] = mapped_column(Uint256)  # as it was written: part of the auction's id
    duration_s: Mapped[int] = mapped_column(BigInteger)
    extension_s: Mapped[int] = mapped_column(BigInteger)
    increment_bps: Mapped[int] = mapped_column(Integer)
    salt: Mapped[int] = mapped_column(Uint256)
    fee_bps: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text)
    ends_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    bidder: Mapped[Address | None] = mapped_column(AddressColumn)
    amount: Mapped[int] = mapped_column(Uint256)
    bids: Mapped[int] = mapped_column(BigInteger)
    created_block: Mapped[int] = mapped_column(BigInteger)
    created_log: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[dt.datetime] = mapped_column(Utc)
    created_tx: Mapped[Hash32] = mapped_column(Hash32Column)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    ended_tx: Mapped[Hash32 | None] = mapped_column(Hash32Column)


class BidRow(Fact, Base):
    """A bid; `ends_at` is the auction's end after it."""

    __tablename__ = "bid"
    __table_args__ = (
        uint256_check("amount"),
        newest_first("ix_bid_auction", "auction_id"),
        newest_first("ix_bid_bidder", "bidder"),
        TABLE,
    )

    auction_id: Mapped[Hash32] = mapped_column(Hash32Column)
    bidder: Mapped[Address] = mapped_column(AddressColumn)
    amount: Mapped[int] = mapped_column(Uint256)
    ends_at: Mapped[dt.datetime] = mapped_column(Utc)
