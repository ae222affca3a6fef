"""Tables of assets."""

from sqlalchemy import BigInteger, CheckConstraint, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from node.kernel.db.base import Base, length_check
from node.kernel.db.types import ADDRESS_BYTES, AddressColumn
from node.kernel.hexes import Address

SCHEMA = "asset"


class AssetRow(Base):
    """Money on a chain, as people write it; the zero address is the native coin."""

    __tablename__ = "asset"
    __table_args__ = (
        length_check("address", ADDRESS_BYTES),
        CheckConstraint("exponent BETWEEN 0 AND 255", name="exponent"),
        {"schema": SCHEMA},
    )

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    address: Mapped[Address] = mapped_column(AddressColumn, primary_key=True)
    asset_id: Mapped[str] = mapped_column(Text)  # CAIP-19
    code: Mapped[str] = mapped_column(Text)
    exponent: Mapped[int] = mapped_column(SmallInteger)
