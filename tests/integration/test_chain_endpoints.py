"""What the indexer tells of a chain's servers, and who reads it."""

import asyncio
import datetime as dt

import psycopg
import pytest
from sqlalchemy import text

from indexer.endpoints import tell_endpoints
from indexer.store import Store
from node.bootstrap.verdicts import FRESH_S, IndexerVerdicts
from node.chain.peers import Standing
from node.chain.pool import EndpointReport
from node.kernel.clock import SystemClock
from node.kernel.db.unit_of_work import Database
from node.kernel.errors import AsoudError
from tests.stack import DatabaseUrls

pytestmark = pytest.mark.pg

CHAIN = 31337
SECOND = dt.timedelta(seconds=1)


def report(name: str, standing: Standing) -> EndpointReport:
    return EndpointReport(name, standing, in_use=False, head=7, latency_ms=3, error_percent=0)


def tell(database: DatabaseUrls, *reports: EndpointReport, now: dt.datetime) -> None:
    async def told() -> None:
        async with Store.connect(database.app, CHAIN) as store:
            await tell_endpoints(store, reports, now=now)

    asyncio.run(told())


def test_each_telling_replaces_the_one_before(
    fresh_database: DatabaseUrls, connection: psycopg.Connection
) -> None:
    start = SystemClock().now()
    tell(
        fresh_database,
        *(report(name, Standing.GOOD) for name in ("rpc1", "rpc2", "rpc3")),
        now=start,
    )
    tell(fresh_database, report("rpc1", Standing.GOOD), report("rpc2", Standing.AWAY), now=start + 5 * SECOND)
    rows = connection.execute(
        "SELECT name, state, since, seen_at FROM chain.endpoint ORDER BY name"
    ).fetchall()
    assert rows == [
        ("rpc1", "good", start, start + 5 * SECOND),
        ("rpc2", "away", start + 5 * SECOND, start + 5 * SECOND),
    ]


def test_the_processes_of_the_api_hear_of_it(
    fresh_database: DatabaseUrls, connection: psycopg.Connection
) -> None:
    at = [0.0]
    database = Database(fresh_database.app, pool_size=1, application_name="asoud-tests")
    verdicts = IndexerVerdicts(database, CHAIN, now=lambda: at[0])
    try:
        assert set(verdicts()) == set()
        standings = list(Standing)
        reports = [report(f"rpc{place}", standing) for place, standing in enumerate(standings)]
        tell(fresh_database, *reports, now=SystemClock().now())
        assert set(verdicts()) == set()  # for a few seconds the last answer stands
        at[0] += FRESH_S + 1
        told = {standings[int(name.removeprefix("rpc"))] for name in verdicts()}
        assert told == {Standing.LAGGING, Standing.FORKED, Standing.WRONG_CHAIN}
        connection.execute("UPDATE chain.endpoint SET seen_at = seen_at - interval '2 minutes'")
        at[0] += FRESH_S + 1
        assert set(verdicts()) == set()  # of an indexer that is gone
    finally:
        database.dispose()


def test_while_the_database_is_away_the_last_answer_stands(
    fresh_database: DatabaseUrls, connection: psycopg.Connection
) -> None:
    at = [0.0]
    database = Database(fresh_database.app, pool_size=1, application_name="asoud-tests")
    tell(fresh_database, report("rpc1", Standing.LAGGING), now=SystemClock().now())
    verdicts = IndexerVerdicts(database, CHAIN, now=lambda: at[0])
    try:
        assert set(verdicts()) == {"rpc1"}
        connection.execute("REVOKE SELECT ON chain.endpoint FROM asoud_app")
        with pytest.raises(AsoudError), database.transaction() as tx:
            tx.scalars(text("SELECT name FROM chain.endpoint")).all()
        at[0] += FRESH_S + 1
        assert set(verdicts()) == {"rpc1"}
    finally:
        database.dispose()
