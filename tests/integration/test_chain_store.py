"""Rows come back as they were written, whichever way they went."""

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any, cast

import pytest
from sqlalchemy import ARRAY, Boolean, Integer, LargeBinary, Numeric, Table, Text

from indexer.codec import COPIED_FROM, Model, Row, codec, copied
from indexer.models import BlockRow
from indexer.store import Store
from indexer.tables import FACTS, STATES
from indexer.workset import Ref
from node.kernel.db.types import AddressColumn, Hash32Column, Uint256, Utc
from node.kernel.errors import Bug
from node.kernel.money import UINT256_MAX
from tests.stack import DatabaseUrls

pytestmark = pytest.mark.pg

CHAIN_ID = 31337
ROWS = COPIED_FROM + 6
TEXTS = (
    "",
    "NULL",
    "\\N",
    "\\.",
    'a "quoted" {list}, with\ttabs',
    "two\nlines\r\n",
    "C:\\new",
    "نقش جهان",
    "é" * 300,
)


VALUES: tuple[tuple[type | tuple[type, ...], Callable[[int], Any]], ...] = (
    (AddressColumn, lambda n: f"0x{n:040x}"),
    (Hash32Column, lambda n: f"0x{n:064x}"),
    (Uint256, lambda n: UINT256_MAX - n if n % 2 else n),
    (Utc, lambda n: dt.datetime(2026, 1, 1, 12, 0, n % 3, tzinfo=dt.UTC)),
    (LargeBinary, lambda n: bytes(range(n))),
    (Boolean, lambda n: n % 2 == 0),
    ((Integer, Numeric), lambda n: n),
    (Text, lambda n: TEXTS[n % len(TEXTS)]),
)


def value(kind: object, n: int) -> Any:
    """The n-th value of a column of that type."""
    if isinstance(kind, ARRAY):
        return [value(kind.item_type, n), value(kind.item_type, n + 1)]
    return next(make(n) for types, make in VALUES if isinstance(kind, types))


def row_of(model: Model, n: int) -> Row:
    table = cast("Table", model.__table__)
    row = {column.name: value(column.type, n) for column in table.columns}
    if n % 2:
        row |= {column.name: None for column in table.columns if column.nullable}
    row["chain_id"] = CHAIN_ID
    return row


async def written(
    database: DatabaseUrls, model: Model, rows: list[Row], *, upsert: bool
) -> dict[Any, Row | None]:
    async with Store.connect(database.app, CHAIN_ID) as store:
        await store.make_partition(0, ROWS)
        async with store.transaction():
            await (store.upsert if upsert else store.insert)({model: rows})
        await store.renew_statistics()
        form = codec(model)
        return await store.load([Ref(model, form.key_of(row)) for row in rows])


@pytest.mark.parametrize("upsert", [False, True], ids=["insert", "upsert"])
@pytest.mark.parametrize("model", [*STATES, *FACTS, BlockRow], ids=lambda model: model.__tablename__)
@pytest.mark.parametrize("count", [3, ROWS])
def test_rows_come_back(fresh_database: DatabaseUrls, model: Model, count: int, *, upsert: bool) -> None:
    rows = [row_of(model, n) for n in range(count)]
    found = asyncio.run(written(fresh_database, model, rows, upsert=upsert))
    assert found == {Ref(model, codec(model).key_of(row)): row for row in rows}


def test_a_patch_of_what_is_not_there_is_a_bug(fresh_database: DatabaseUrls) -> None:
    model = next(model for model in STATES if codec(model).name == "token")
    columns = (*codec(model).key, "uri")
    rows = [{name: row_of(model, n)[name] for name in columns} for n in (1, 2)]

    async def patch() -> dict[Ref, Row | None]:
        async with Store.connect(fresh_database.app, CHAIN_ID) as store, store.transaction():
            await store.insert({model: [row_of(model, 1) | {"uri": "before"}]})
            await store.patch(model, columns, rows[:1])
            with pytest.raises(Bug, match="never made"):
                await store.patch(model, columns, rows)
            return await store.load([Ref(model, codec(model).key_of(rows[0]))])

    (found,) = asyncio.run(patch()).values()
    assert found == row_of(model, 1)


def test_rows_that_are_there_already_are_changed_and_not_copied(fresh_database: DatabaseUrls) -> None:
    model = next(model for model in STATES if codec(model).name == "token")
    before = [row_of(model, n) for n in range(ROWS)]
    after = [row_of(model, n) | {"uri": "after"} for n in range(ROWS // 2, ROWS // 2 + ROWS)]

    async def added() -> dict[Ref, Row | None]:
        async with Store.connect(fresh_database.app, CHAIN_ID) as store, store.transaction():
            await store.add(model, copied(model, before))
            await store.add(model, copied(model, after))
            return await store.load([Ref(model, codec(model).key_of(row)) for row in [*before, *after]])

    expected = {Ref(model, codec(model).key_of(row)): row for row in [*before, *after]}
    assert asyncio.run(added()) == expected
