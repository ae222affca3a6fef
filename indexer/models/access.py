"""Who may do what with our contracts, and which of them take nothing new for now."""

import datetime as dt

from sqlalchemy import BigInteger, Boolean, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from indexer.models.rows import TABLE, State
from node.kernel.db.base import Base, uint256_check
from node.kernel.db.types import AddressColumn, Uint256, Utc
from node.kernel.hexes import Address


class GateRow(State, Base):
    """Whether a contract's entries were ever paused, and are; `account` did that last."""

    __tablename__ = "gate"
    __table_args__ = TABLE

    contract: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    paused: Mapped[bool] = mapped_column(Boolean)
    account: Mapped[Address] = mapped_column(AddressColumn)


class RoleMemberRow(State, Base):
    """Who has a role of an access manager, or had it. Roles are numbered in `contracts/deployment.json`.

    `since` is when the membership begins, or its delay of now does; `delay_s` is how long before its effect
    a member must schedule a call.
    """

    __tablename__ = "role_member"
    __table_args__ = (uint256_check("role"), Index("ix_role_member_account", "chain_id", "account"), TABLE)

    manager: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    role: Mapped[int] = mapped_column(Uint256, primary_key=True)
    account: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    member: Mapped[bool] = mapped_column(Boolean)
    delay_s: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[dt.datetime] = mapped_column(Utc)


class RoleFunctionRow(State, Base):
    """Which role a function of a contract needs; without a row it is the admin's. `selector` is 0x hex."""

    __tablename__ = "role_function"
    __table_args__ = (uint256_check("role"), TABLE)

    manager: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    target: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    selector: Mapped[str] = mapped_column(Text, primary_key=True)
    role: Mapped[int] = mapped_column(Uint256)
