"""Columns that defend themselves: each binds only values of its exact shape."""

import datetime as dt

from sqlalchemy import BigInteger, DateTime, Dialect, LargeBinary, Numeric
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

from node.kernel.errors import Bug
from node.kernel.hexes import Address, Hash32, to_bytes
from node.kernel.money import UINT256_MAX

ADDRESS_BYTES = 20
HASH_BYTES = 32


class Uint256(TypeDecorator[int]):
    """NUMERIC(78,0) that holds 0 .. 2^256-1; add `uint256_check` to the table as well."""

    impl = Numeric(78, 0)
    cache_ok = True

    @override
    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        if value is not None and (type(value) is not int or not 0 <= value <= UINT256_MAX):
            raise Bug("not a uint256", got=str(value)[:90])
        return value

    @override
    def process_result_value(self, value: object | None, dialect: Dialect) -> int | None:
        return None if value is None else int(str(value))


class AddressColumn(TypeDecorator[Address]):
    """BYTEA of 20 bytes."""

    impl = LargeBinary(ADDRESS_BYTES)
    cache_ok = True

    @override
    def process_bind_param(self, value: Address | None, dialect: Dialect) -> bytes | None:
        return None if value is None else _exact(to_bytes(value), ADDRESS_BYTES)

    @override
    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Address | None:
        return None if value is None else Address("0x" + bytes(value).hex())


class Hash32Column(TypeDecorator[Hash32]):
    """BYTEA of 32 bytes."""

    impl = LargeBinary(HASH_BYTES)
    cache_ok = True

    @override
    def process_bind_param(self, value: Hash32 | None, dialect: Dialect) -> bytes | None:
        return None if value is None else _exact(to_bytes(value), HASH_BYTES)

    @override
    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Hash32 | None:
        return None if value is None else Hash32("0x" + bytes(value).hex())


class Utc(TypeDecorator[dt.datetime]):
    """TIMESTAMPTZ; a naive datetime is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is not None and value.tzinfo is None:
            raise Bug("a naive datetime has no place in the database")
        return value

    @override
    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        return None if value is None else value.astimezone(dt.UTC)


ChainNumber = BigInteger  # block numbers, log positions, positions on the spine


def _exact(value: bytes, length: int) -> bytes:
    if len(value) != length:
        raise Bug("wrong length of bytes", want=length, got=len(value))
    return value
