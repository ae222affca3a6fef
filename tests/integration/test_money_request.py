"""Asking for money by a link: whoever has it may pay, as often as it says."""

import asyncio
import datetime as dt

import pytest

from api.v1.money_request import MoneyRequestOut
from node.kernel.money import Amount
from tests.edge import Edge
from tests.purse import EUR, KWD, Json, Person, person, refusal

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]


async def ask(who: Person, **body: object) -> MoneyRequestOut:
    answer = await who.post("/v1/me/money-requests", body)
    assert answer.status_code == 201, answer.text
    return MoneyRequestOut.model_validate_json(answer.content)


async def seen(edge: Edge, code: str) -> Json:
    answer = await edge.client.get(f"/v1/money-requests/{code}")
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def test_a_fixed_request_is_paid_once_whoever_comes(edge: Edge) -> None:
    sara = await (await person(edge)).named("sara")
    payers = [await person(edge, Amount(EUR, 500)) for _ in range(4)]
    wish = await ask(sara, asset=EUR.id, amount="300", note="Lunch")
    assert wish.link == f"http://asoud.test:8000/v1/money-requests/{wish.code}"
    public = await seen(edge, wish.code)
    assert (public["maker"], public["amount"], public["state"]) == ("@sara", "300", "open")
    assert str(sara.account_id) not in str(public)
    to = {"request": wish.code}
    assert refusal(await payers[0].prepare(to, 299)) == (422, "money_request_fixed")
    assert refusal(await payers[0].prepare(to, 300, KWD)) == (422, "money_request_fixed")
    assert refusal(await sara.prepare(to, None)) == (422, "own_wallet")
    prepared = [(await one.prepare(to, None)).json()["id"] for one in payers]
    confirmed = zip(payers, prepared, strict=True)
    answers = await asyncio.gather(*(one.post(f"/v1/me/transfers/{each}/confirm") for one, each in confirmed))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert await sara.has() == 300
    assert (await seen(edge, wish.code))["state"] == "paid"
    assert refusal(await payers[0].prepare(to, None)) == (409, "money_request_over")
    assert refusal(await sara.post(f"/v1/me/money-requests/{wish.code}/cancel")) == (
        409,
        "money_request_over",
    )
    winner = payers[[answer.status_code for answer in answers].index(200)]
    paid = await winner.get("/v1/me/money-requests", side="paid")
    assert [item["code"] for item in paid["items"]] == [wish.code]
    made = await sara.get("/v1/me/money-requests")
    assert [item["state"] for item in made["items"]] == ["paid"]
    assert (await winner.get("/v1/me/transfers"))["items"][0]["counterparty"] == "@sara"


async def test_an_open_request_is_paid_several_times_until_it_is_taken_back(edge: Edge) -> None:
    sara = await person(edge)
    omar = await person(edge, Amount(EUR, 500), Amount(KWD, 9))
    wish = await ask(sara, once=False)
    to = {"request": wish.code}
    assert (wish.asset, wish.amount) == (None, None)
    assert refusal(await omar.prepare(to, None)) == (422, "amount_missing")
    assert [
        (await omar.pay(to, value, asset)).status_code for value, asset in ((2, EUR), (3, EUR), (9, KWD))
    ] == [200] * 3
    assert (await sara.has(), await sara.has(KWD)) == (5, 9)
    prepared = (await omar.prepare(to, 7)).json()["id"]
    cancel = f"/v1/me/money-requests/{wish.code}/cancel"
    assert refusal(await omar.post(cancel)) == (404, "money_request_unknown")
    assert [(await sara.post(cancel)).json()["state"] for _ in range(2)] == ["cancelled"] * 2
    assert refusal(await omar.post(f"/v1/me/transfers/{prepared}/confirm")) == (409, "money_request_over")
    late = await ask(sara, asset=EUR.id, expires_in_s=60)
    edge.clock.advance(dt.timedelta(seconds=60))
    assert (await seen(edge, late.code))["state"] == "expired"
    assert refusal(await omar.prepare({"request": late.code}, 1)) == (409, "money_request_over")


async def test_the_qr_code_says_the_link(edge: Edge) -> None:
    sara = await person(edge)
    wish, other = await ask(sara), await ask(sara)
    drawn = [await edge.client.get(f"/v1/money-requests/{one.code}/qr.svg") for one in (wish, wish, other)]
    assert {answer.headers["content-type"].partition(";")[0] for answer in drawn} == {"image/svg+xml"}
    assert drawn[0].content == drawn[1].content != drawn[2].content
    assert b"<svg" in drawn[0].content
    assert b"<script" not in drawn[0].content
    answer = await edge.client.get(f"/v1/money-requests/{'A' * 16}/qr.svg")
    assert refusal(answer) == (404, "money_request_unknown")


async def test_a_wish_that_makes_no_sense_is_refused(edge: Edge) -> None:
    sara = await person(edge)
    for body, wanted in (
        ({"amount": "5"}, (422, "amount_missing")),
        ({"asset": EUR.id, "amount": "0"}, (422, "amount_invalid")),
        ({"asset": "iso4217:XXX"}, (422, "asset_unknown")),
    ):
        assert refusal(await sara.post("/v1/me/money-requests", body)) == wanted
