"""The money of a market: seen by those who keep its books, sent by its owner alone."""

import csv
import io
import json
import uuid

import pytest

from api.schemas import Page
from api.v1.balance import EntryOut
from api.v1.market_wallet import MarketBalanceOut
from node.kernel.money import Amount
from node.services.market.models import MemberRole
from tests.edge import Edge
from tests.integration.test_market import open_market
from tests.purse import EUR, Json, Person, give, market_owner, person, react, refusal

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

PHONE = "+905551112233"


async def hired(edge: Edge, market: Json, role: MemberRole) -> Person:
    found = await person(edge)
    with edge.services.database.transaction() as tx:
        edge.services.members.add(tx, uuid.UUID(market["id"]), found.account_id, role)
    return found


async def test_an_accountant_prepares_and_the_owner_confirms(edge: Edge) -> None:
    owner, omar = await person(edge), await (await person(edge)).named("omar")
    market = await open_market(edge, owner.headers)
    clerk = await hired(edge, market, MemberRole.ACCOUNTANT)
    staff = await hired(edge, market, MemberRole.STAFF)
    give(edge, market_owner(market), Amount(EUR, 900))
    path = f"/v1/markets/{market['id']}"
    body = {"to": {"handle": "omar"}, "amount": {"asset": EUR.id, "value": "300"}, "note": "Rent"}
    assert refusal(await staff.post(f"{path}/transfers", body)) == (403, "role_needed")
    prepared = await clerk.post(f"{path}/transfers", body)
    assert prepared.status_code == 201, prepared.text
    confirm = f"{path}/transfers/{prepared.json()['id']}/confirm"
    assert refusal(await clerk.post(confirm)) == (403, "role_needed")
    own = f"/v1/me/transfers/{prepared.json()['id']}/confirm"
    assert refusal(await clerk.post(own)) == (404, "transfer_not_found")
    assert [(await owner.post(confirm)).json()["state"] for _ in range(2)] == ["delivered"] * 2
    assert await omar.has() == 300
    [came] = (await omar.get("/v1/me/transfers", direction="in"))["items"]
    assert came["counterparty"] == market["name"]
    [entry] = Page[EntryOut].model_validate(await omar.get("/v1/me/statement", asset=EUR.id)).items
    assert entry.counterparty == market["name"]
    for reader in (owner, clerk):
        [item] = (await reader.get(f"{path}/balances"))["items"]
        found = MarketBalanceOut.model_validate_json(json.dumps(item))
        assert (found.purpose, found.available, found.owes) == ("wallet", 600, 0)
        assert len((await reader.get(f"{path}/transfers"))["items"]) == 1
    answer = await edge.client.get(f"{path}/statement.csv", params={"asset": EUR.id}, headers=clerk.headers)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["delta"], row["counterparty"]) for row in rows] == [("-300", "'@omar"), ("900", "node")]
    assert refusal(await edge.client.get(f"{path}/balances", headers=staff.headers)) == (403, "role_needed")


async def test_no_other_market_confirms_it_and_no_transit_is_shown(edge: Edge) -> None:
    owner, thief = await person(edge), await person(edge)
    market, other = await open_market(edge, owner.headers), await open_market(edge, thief.headers)
    give(edge, market_owner(market), Amount(EUR, 900))
    path = f"/v1/markets/{market['id']}"
    body = {"to": {"phone": PHONE}, "amount": {"asset": EUR.id, "value": "300"}}
    prepared = (await owner.post(f"{path}/transfers", body)).json()["id"]
    foreign = f"/v1/markets/{other['id']}/transfers/{prepared}/confirm"
    assert refusal(await thief.post(foreign)) == (404, "transfer_not_found")
    assert (await owner.post(f"{path}/transfers/{prepared}/confirm")).status_code == 200
    react(edge)
    items = (await owner.get(f"{path}/balances"))["items"]
    assert [(item["purpose"], item["posted"]) for item in items] == [("wallet", "600")]
