"""Keyset pages on a real Postgres: every row once, in order, whatever the types of the key."""

import base64
import json
from collections.abc import AsyncIterator

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.schemas import Output, Page, UintOut
from node.kernel.db.keyset import PAGE_MAX, CursorInvalid, Keyset
from node.kernel.db.query_pool import QueryPool
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.pg, pytest.mark.anyio]

ROWS = """
    CREATE TABLE public.row AS
    SELECT n AS id, n / 3 AS height,
        ('2026-01-01T00:00:00Z'::timestamptz + n * interval '1 microsecond') AS at,
        ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS name,
        (2::numeric ^ 200 + n)::numeric(78, 0) AS amount, decode(lpad(to_hex(n), 40, '0'), 'hex') AS address,
        chr(1600 + n) || '+/=%' AS word
    FROM generate_series(0, 24) AS n;
    GRANT SELECT ON public.row TO PUBLIC;
"""
ITEM = "json_build_object('id', r.id, 'amount', r.amount::text)"


def keyset(*key: tuple[str, str], descending: bool = True) -> Keyset:
    return Keyset(
        name="rows",
        item=ITEM,
        source="FROM public.row AS r WHERE r.id >= %(least)s",
        key=key,
        descending=descending,
    )


class RowOut(Output):
    id: int
    amount: UintOut


@pytest.fixture
async def queries(fresh_database: DatabaseUrls) -> AsyncIterator[QueryPool]:
    with psycopg.connect(fresh_database.owner, autocommit=True) as connection:
        connection.execute(ROWS)
    async with QueryPool(fresh_database.app, size=2) as pool:
        yield pool


async def walk(queries: QueryPool, listing: Keyset, *, limit: int, least: int = 0) -> list[list[int]]:
    pages, cursor = [], None
    while True:
        sql, values = listing.statement({"least": least}, limit=limit, cursor=cursor)
        page = Page[RowOut].model_validate_json(await queries.json(sql, values) or b"")
        pages.append([item.id for item in page.items])
        assert page.has_more is (page.next is not None)
        if page.next is None:
            return pages
        cursor = page.next


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize(
    "key",
    [
        (("r.id", "bigint"),),
        (("r.height", "bigint"), ("r.id", "bigint")),
        (("r.at", "timestamptz"),),
        (("r.name", "uuid"),),
        (("r.amount", "numeric"), ("r.name", "uuid")),
        (("r.address", "bytea"),),
        (("r.word", "text"),),
    ],
)
async def test_pages_hold_every_row_once_and_in_order(
    queries: QueryPool, key: tuple[tuple[str, str], ...], *, descending: bool
) -> None:
    pages = await walk(queries, keyset(*key, descending=descending), limit=7)
    assert [len(page) for page in pages] == [7, 7, 7, 4]
    assert [row for page in pages for row in page] == sorted(range(25), reverse=descending)


async def test_a_last_page_that_is_full_is_the_last(queries: QueryPool) -> None:
    assert [len(page) for page in await walk(queries, keyset(("r.id", "bigint")), limit=5)] == [5] * 5


async def test_an_empty_list_is_a_page_too(queries: QueryPool) -> None:
    assert await walk(queries, keyset(("r.id", "bigint")), limit=5, least=100) == [[]]


async def test_a_page_has_a_largest_size() -> None:
    listing = keyset(("r.id", "bigint"))
    assert f"LIMIT {PAGE_MAX} + 1" in listing.statement({}, limit=10_000, cursor=None)[0]


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "é",
        "x" * 2_000,
        encoded({}),
        encoded([]),
        encoded(["rows"]),
        encoded(["rows", 1]),
        encoded(["rows", "1", "2"]),
        encoded(["others", "1"]),
        encoded(["rows", "one"]),
        encoded(["rows", str(2**63)]),
        encoded(["rows", "1; DROP TABLE row"]),
    ],
)
async def test_a_cursor_of_elsewhere_is_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        keyset(("r.id", "bigint")).statement({}, limit=1, cursor=cursor)


COLUMNS = {
    "bigint": "r.id",
    "numeric": "r.amount",
    "uuid": "r.name",
    "text": "r.word",
    "bytea": "r.address",
    "timestamptz": "r.at",
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(COLUMNS)),
    text=st.one_of(
        st.text(max_size=40),
        st.integers(-(2**70), 2**70).map(str),
        st.uuids().map(str),
        st.datetimes(timezones=st.just(None)).map(lambda at: at.isoformat()),
        st.datetimes().map(lambda at: f"{at.isoformat()}+00"),
        st.binary(max_size=20).map(lambda raw: "\\x" + raw.hex()),
    ),
)
async def test_no_cursor_that_passes_upsets_postgres(queries: QueryPool, kind: str, text: str) -> None:
    """What the reader lets through, Postgres takes.

    All is drawn beforehand: a draw that stops in the midst of the coroutine takes the event loop along.
    """
    listing = keyset((COLUMNS[kind], kind))
    raw = msgspec.json.encode(["rows", text.encode("utf-8", "replace").decode()])
    cursor = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    try:
        sql, values = listing.statement({"least": 0}, limit=3, cursor=cursor)
    except CursorInvalid:
        return
    assert await queries.json(sql, values) is not None
