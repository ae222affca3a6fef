"""Rates from a file and over HTTP, and exchanges at a price that holds for a while."""

import asyncio
import datetime as dt
import json
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from api.v1.exchange import ExchangeQuoteOut, RatesOut
from node.kernel.money import Amount
from node.services.rate.adapter import Options, read_sheet
from node.services.rate.errors import RateSourceUnreadable
from node.services.rate.service import open_sources
from tests.edge import START, Edge, edge_settings, running_edge
from tests.purse import EUR, KWD, USD, Json, Person, person, refusal
from tests.stack import DatabaseUrls
from wallet.ledger.verify import verify

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]


class Source:
    """A server of rates that says what it is told to say."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        self.asked: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.headers["Authorization"])
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(outer.body)

            @override
            def log_message(self, format: str, *args: object) -> None:
                """Not to the tests' output."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/latest"

    def say(self, at: dt.datetime, **rates: str) -> None:
        document = {"base": "USD", "timestamp": int(at.timestamp()), "rates": rates}
        self.body = json.dumps(document).encode()


@pytest.fixture
def source() -> Iterator[Source]:
    found = Source()
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


@pytest.fixture
async def edge(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path, source: Source
) -> AsyncIterator[Edge]:
    options = {
        "file.path": str(tmp_path / "rates.json"),
        "http.url": source.url,
        "http.authorization": "Bearer x",
    }
    settings = edge_settings(
        tmp_path,
        database_url=fresh_database.app,
        redis_url=redis_url,
        rpc_url=anvil,
        rate_sources="file, http",
        rate_options=options,
        exchange_short_max={KWD.id: 20_000},
    )
    async with running_edge(settings) as running:
        yield running


def refresh(edge: Edge) -> int:
    return edge.services.rates_of_money.refresh(edge.services.database.transaction)


async def quote(who: Person, **body: str) -> Json:
    answer = await who.post("/v1/me/exchange-quotes", body)
    assert answer.status_code == 201, answer.text
    ExchangeQuoteOut.model_validate_json(answer.content)
    found: Json = answer.json()
    return found


async def test_rates_come_from_all_sources_and_the_newest_counts(
    edge: Edge, source: Source, tmp_path: Path
) -> None:
    older = START - dt.timedelta(minutes=30)
    (tmp_path / "rates.json").write_text(
        f'{{"base": "USD", "at": "{older.isoformat()}", "rates": {{"EUR": 0.9, "KWD": "0.307", "XYZ": 1}}}}'
    )
    source.say(START, EUR="0.92", USD="1")
    assert (refresh(edge), refresh(edge), source.asked) == (3, 0, ["Bearer x"] * 2)
    found = RatesOut.model_validate_json((await edge.client.get("/v1/rates")).content)
    assert {item.asset: (item.per_reference, item.source) for item in found.items} == {
        EUR.id: ("0.92", "http"),
        KWD.id: ("0.307", "file"),
    }
    edge.clock.advance(dt.timedelta(minutes=30))
    source.status = 500  # keeps nothing of the file's
    (tmp_path / "rates.json").write_text('{"base": "USD", "timestamp": 1767270600, "rates": {"KWD": "0.3"}}')
    assert refresh(edge) == 1
    found = RatesOut.model_validate_json((await edge.client.get("/v1/rates")).content)
    assert [(item.per_reference, item.stale) for item in found.items] == [("0.92", False), ("0.3", False)]


async def test_a_quote_holds_and_is_executed_once(edge: Edge, source: Source) -> None:
    source.say(START, EUR="0.92", KWD="0.307")
    refresh(edge)
    sara = await person(edge, Amount(EUR, 10_000))
    made = await quote(sara, sell=EUR.id, buy=KWD.id, sold="5000")
    # 50 EUR / 0.92 * 0.307 * 0.99 = 16.517…
    assert (made["sold"]["value"], made["bought"]["value"], made["state"]) == ("5000", "16517", "open")
    source.say(START + dt.timedelta(seconds=5), EUR="9", KWD="9")
    edge.clock.advance(dt.timedelta(seconds=10))
    refresh(edge)
    path = f"/v1/me/exchange-quotes/{made['id']}/execute"
    answers = await asyncio.gather(*(sara.post(path) for _ in range(4)))
    assert [answer.json()["state"] for answer in answers] == ["executed"] * 4
    assert (await sara.has(), await sara.has(KWD)) == (5_000, 16_517)
    entries = (await sara.get("/v1/me/statement", asset=KWD.id))["items"]
    assert [(e["counterparty"], e["kind"], e["reference"]) for e in entries] == [
        ("node", "exchange", f"exchange:{made['id']}")
    ]
    with edge.services.database.transaction() as tx:
        verify(tx)


async def test_what_cannot_be_exchanged_is_refused(edge: Edge, source: Source) -> None:
    source.say(START, EUR="0.92", KWD="0.307", IRR="1000000")
    refresh(edge)
    sara, omar = await person(edge, Amount(EUR, 100)), await person(edge)

    async def asked(**body: str) -> tuple[int, str]:
        return refusal(await sara.post("/v1/me/exchange-quotes", body))

    assert await asked(sell=EUR.id, buy=EUR.id, sold="1") == (422, "same_asset")
    assert await asked(sell=EUR.id, buy="iso4217:TRY", sold="1") == (404, "rate_unknown")
    assert await asked(sell=EUR.id, buy="iso4217:XYZ", sold="1") == (422, "asset_unknown")
    assert await asked(sell="iso4217:IRR", buy=EUR.id, sold="1") == (422, "exchange_too_small")
    assert await asked(sell=EUR.id, buy=USD.id, sold="0") == (422, "amount_invalid")
    assert await asked(sell=EUR.id, buy="iso4217:IRR", sold=str(2**256 - 1)) == (422, "amount_invalid")
    answer = await sara.post("/v1/me/exchange-quotes", {"sell": EUR.id, "buy": USD.id})
    assert answer.status_code == 422
    large = await quote(sara, sell=EUR.id, buy=USD.id, bought="9999")
    path = f"/v1/me/exchange-quotes/{large['id']}/execute"
    assert refusal(await sara.post(path)) == (409, "insufficient_funds")
    assert refusal(await omar.post(path)) == (404, "exchange_quote_unknown")
    late = await quote(sara, sell=EUR.id, buy=USD.id, sold="100")
    edge.clock.advance(dt.timedelta(minutes=1))
    assert refusal(await sara.post(f"/v1/me/exchange-quotes/{late['id']}/execute")) == (
        409,
        "exchange_quote_lapsed",
    )
    edge.clock.advance(dt.timedelta(minutes=59))
    await sara.renew()
    assert await asked(sell=EUR.id, buy=USD.id, sold="1") == (409, "rate_stale")
    assert (await sara.has(), await sara.has(USD)) == (100, 0)


async def test_the_node_goes_no_further_than_its_operator_lets_it(edge: Edge, source: Source) -> None:
    """Also when many ask at once: of four times 9 dinars, two are within 20."""
    source.say(START, EUR="0.92", KWD="0.307")
    refresh(edge)
    people = [await person(edge, Amount(EUR, 10_000)) for _ in range(4)]
    quotes = [await quote(who, sell=EUR.id, buy=KWD.id, bought="9000") for who in people]
    answers = await asyncio.gather(
        *(
            who.post(f"/v1/me/exchange-quotes/{made['id']}/execute")
            for who, made in zip(people, quotes, strict=True)
        )
    )
    refused = [refusal(answer) for answer in answers if answer.status_code != 200]
    assert refused == [(409, "liquidity_short")] * 2
    made, left_over = (
        next(n for n, answer in enumerate(answers) if (answer.status_code == 200) is done)
        for done in (True, False)
    )
    assert await people[made].has(KWD) == 9_000
    back = await quote(people[made], sell=KWD.id, buy=EUR.id, sold="9000")
    for who, which in ((people[made], back), (people[left_over], quotes[left_over])):
        answer = await who.post(f"/v1/me/exchange-quotes/{which['id']}/execute")
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b'{"base": "EUR", "timestamp": 1, "rates": {}}',
        b'{"base": "USD", "rates": {"EUR": 1}}',
        b'{"base": "USD", "at": "2026-01-01", "rates": {"EUR": 1}}',
        b'{"base": "USD", "timestamp": 1893456000, "rates": {"EUR": 1}}',
        b'{"base": "USD", "timestamp": 1, "rates": {"EUR": 0}}',
        b'{"base": "USD", "timestamp": 1, "rates": {"EUR": -1}}',
        b'{"base": "USD", "timestamp": 1, "rates": {"EUR": NaN}}',
        b'{"base": "USD", "timestamp": 1, "rates": {"EUR": "0x1"}}',
        b'{"base": "USD", "timestamp": 1, "rates": {"EUR": null}}',
        b'{"base": "USD", "timestamp": 1e400, "rates": {}}',
    ],
)
def test_nonsense_is_no_sheet(document: bytes) -> None:
    with pytest.raises(RateSourceUnreadable):
        read_sheet(document, reference="USD", now=START)


def test_a_source_without_a_file_is_a_mistake_at_the_start() -> None:
    with pytest.raises(Exception, match="no such source"):
        open_sources(["oracle"], Options({}))
