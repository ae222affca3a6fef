"""Confirmations that come at once: made in one transaction where nothing is in the way, else as if alone."""

import asyncio
import datetime as dt
import uuid
from pathlib import Path

import httpx
import psycopg
import pytest

from node.kernel.money import Amount
from tests.edge import edge_settings, running_edge
from tests.purse import EUR, Json, Person, person, react, refusal
from tests.stack import DatabaseUrls
from wallet.ledger.verify import verify

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

OMAR: Json = {"handle": "omar"}
LAPSES = dt.timedelta(minutes=15)
SIZES = """
    SELECT count(*) FROM transfer.transfer WHERE state <> 'quoted' GROUP BY xmin ORDER BY count(*) DESC
"""  # rows of one transaction have one xmin


async def test_what_comes_at_once_ends_as_if_each_had_come_alone(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path
) -> None:
    urls = {"database_url": fresh_database.app, "redis_url": redis_url, "rpc_url": anvil}
    async with running_edge(edge_settings(tmp_path, transfer_fee_bps=100, **urls)) as edge:
        omar = await (await person(edge)).named("omar")
        rich = [await person(edge, Amount(EUR, 1_000)) for _ in range(6)]
        late, gone, frozen, large, kind, poor = [await person(edge, Amount(EUR, 200_000)) for _ in range(6)]

        async def prepared(who: Person, value: int, to: Json = OMAR) -> str:
            answer = await who.prepare(to, value)
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

        async def at_once(*asked: tuple[Person, str]) -> list[httpx.Response]:
            paths = [(who, f"/v1/me/transfers/{one}/confirm") for who, one in asked]
            return await asyncio.gather(*(who.post(path) for who, path in paths))

        lapsed = await prepared(late, 1)
        edge.clock.advance(LAPSES)
        wish = (await omar.post("/v1/me/money-requests", {"asset": EUR.id, "amount": "7"})).json()
        plain = [(one, await prepared(one, 100 + n)) for n, one in enumerate(rich)]
        by_phone = (kind, await prepared(kind, 5, {"phone": "+905551112233"}))
        by_request = (kind, await prepared(kind, 7, {"request": wish["code"]}))
        bad = [
            ((late, lapsed), (409, "transfer_lapsed")),
            ((rich[0], plain[1][1]), (404, "transfer_not_found")),
            ((rich[0], str(uuid.uuid4())), (404, "transfer_not_found")),
            ((large, await prepared(large, 100_001)), (403, "second_proof_missing")),
            ((gone, await prepared(gone, 1)), (401, "session_ended")),
            ((frozen, await prepared(frozen, 1)), (401, "session_ended")),
        ]
        assert (await edge.client.delete("/v1/sessions", headers=gone.headers)).status_code == 204
        with edge.services.database.transaction() as tx:
            edge.services.roles.freeze(tx, frozen.account_id, by="test")

        good = [*plain, by_phone, by_request, *plain]
        told = await at_once(*good, *(asked for asked, _ in bad))
        assert [answer.status_code for answer in told[: len(good)]] == [200] * len(good)
        assert [refusal(answer) for answer in told[len(good) :]] == [wanted for _, wanted in bad]
        for (_, transfer), answer in zip(good, told, strict=False):
            assert answer.json()["id"] == transfer
        with psycopg.connect(fresh_database.app) as connection:
            assert connection.execute(SIZES).fetchone() > (1,)
        assert [await one.has() for one in rich] == [1_000 - 100 - n - 2 + (n == 0) for n in range(6)]
        assert await omar.has() == sum(range(100, 106)) + 7

        # One that the ledger refuses takes nobody with it.
        short = [(poor, await prepared(poor, 100_000)) for _ in range(2)]
        again = [(one, await prepared(one, 1)) for one in rich]
        answers = await at_once(*short, *again)
        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [409]
        assert await omar.has() == sum(range(100, 106)) + 7 + 100_000 + 6
        with psycopg.connect(fresh_database.app) as connection:
            sent = "SELECT count(*) FROM kernel.event WHERE type_name = 'transfer.sent'"
            assert connection.execute(sent).fetchone() == (8 + 7,)
        react(edge)
        with edge.services.database.transaction() as tx:
            verify(tx)
