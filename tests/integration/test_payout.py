"""What markets earn is paid out, less a reserve, to the owner's wallet or by the bank."""

import asyncio
import csv
import datetime as dt
import io
import uuid

import pytest
from click.testing import CliRunner

from api.v1.payout import PayoutTermsOut
from node.cli.payout import payout as command
from node.kernel.money import Amount
from node.services.payout.bank import normalise_iban
from node.services.payout.errors import IbanInvalid
from node.services.payout.models import Schedule
from node.services.payout.service import following
from tests.edge import Edge
from tests.integration.test_market import open_market
from tests.purse import EUR, KWD, Json, Person, give, market_owner, person, refusal
from tests.second_proof import with_totp
from tests.stack import DatabaseUrls
from wallet.ledger.commands import Posting, Transfer
from wallet.ledger.verify import verify

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

IBAN = "TR330006100519786457841326"


async def shop(edge: Edge, *earned: Amount) -> tuple[Person, Json, str]:
    owner = await person(edge)
    market = await open_market(edge, owner.headers)
    give(edge, market_owner(market), *earned)
    return owner, market, f"/v1/markets/{market['id']}"


async def payable(owner: Person, path: str) -> tuple[int, int, int]:
    """Of the first currency: payable, reserve, owed."""
    answer = await owner.edge.client.get(f"{path}/payout-terms", headers=owner.headers)
    [found, *_] = PayoutTermsOut.model_validate_json(answer.content).payable
    return found.payable, found.reserve, found.owes


async def set_terms(owner: Person, path: str, **terms: str) -> None:
    body = {"schedule": "never", "rail": "bank", "iban": IBAN, "beneficiary": "=Sara", **terms}
    answer = await owner.put(f"{path}/payout-terms", body)
    assert answer.status_code == 200, answer.text


async def test_all_but_the_reserve_is_paid_and_the_reserve_later(edge: Edge) -> None:
    owner, _, path = await shop(edge, Amount(EUR, 1_005))
    assert await payable(owner, path) == (904, 101, 0)
    body = {"asset": EUR.id}
    first = await owner.post(f"{path}/payouts", body)
    assert (first.status_code, first.json()["state"], first.json()["amount"]["value"]) == (201, "paid", "904")
    assert refusal(await owner.post(f"{path}/payouts", body)) == (409, "nothing_to_pay")
    assert refusal(await owner.post(f"{path}/payouts", body | {"amount": "1"})) == (409, "reserve_needed")
    await (await person(edge)).named("omar")
    to = {"to": {"handle": "omar"}, "amount": {"asset": EUR.id, "value": "1"}}
    prepared = (await owner.post(f"{path}/transfers", to)).json()["id"]
    confirm = f"{path}/transfers/{prepared}/confirm"
    assert refusal(await owner.post(confirm)) == (409, "reserve_needed")
    assert await owner.has() == 904
    edge.clock.advance(dt.timedelta(days=14, seconds=1))
    await owner.renew()
    assert await payable(owner, path) == (101, 0, 0)
    assert (await owner.post(f"{path}/payouts", body)).status_code == 201
    assert await owner.has() == 1_005
    assert [item["scheduled"] for item in (await owner.get(f"{path}/payouts"))["items"]] == [False, False]


async def test_many_at_once_leave_the_reserve(edge: Edge) -> None:
    owner, _, path = await shop(edge, Amount(EUR, 1_000))
    await (await person(edge)).named("omar")
    to = {"to": {"handle": "omar"}, "amount": {"asset": EUR.id, "value": "130"}}
    prepared = [(await owner.post(f"{path}/transfers", to)).json()["id"] for _ in range(6)]
    answers = await asyncio.gather(
        *(owner.post(f"{path}/transfers/{one}/confirm") for one in prepared),
        *(owner.post(f"{path}/payouts", {"asset": EUR.id, "amount": "170"}) for _ in range(6)),
    )
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    left, reserve, _ = await payable(owner, path)
    assert (reserve, left < 170) == (100, True)
    [balance] = (await owner.get(f"{path}/balances"))["items"]
    assert int(balance["posted"]) == left + 100
    with edge.services.database.transaction() as tx:
        verify(tx)


async def test_a_market_that_owes_is_paid_nothing_until_it_has_settled(edge: Edge) -> None:
    owner, market, path = await shop(edge, Amount(EUR, 100))
    services = edge.services
    with services.database.transaction() as tx:  # a refund that the market has not got any more
        services.payouts.set_reserve(tx, uuid.UUID(market["id"]), bps=0, days=None)
        wallet = services.balance.wallet(tx, market_owner(market), EUR)
        buyer = services.balance.wallet(tx, owner.owner, EUR)
        services.ledger.set_floor(tx, wallet, -150)
        services.ledger.post(tx, Transfer("refund:1", "refund", (Posting(wallet, buyer, Amount(EUR, 250)),)))
    assert await payable(owner, path) == (0, 0, 150)
    assert refusal(await owner.post(f"{path}/payouts", {"asset": EUR.id})) == (409, "nothing_to_pay")
    [item] = (await owner.get(f"{path}/balances"))["items"]
    assert (item["owes"], item["available"]) == ("150", "0")
    give(edge, market_owner(market), Amount(EUR, 120))
    assert await payable(owner, path) == (0, 0, 30)
    give(edge, market_owner(market), Amount(EUR, 50))
    assert await payable(owner, path) == (20, 0, 0)
    answer = await owner.post(f"{path}/payouts", {"asset": EUR.id, "amount": "21"})
    assert refusal(answer) == (409, "reserve_needed")  # the floor would let it, and it would be a debt
    answer = await edge.client.delete("/v1/me", headers=owner.headers)
    assert "markets" in answer.json()["reasons"]


async def test_the_bank_pays_by_file_and_may_send_it_back(
    edge: Edge, fresh_database: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, _, path = await shop(edge, Amount(EUR, 1_000), Amount(KWD, 10_000))
    refused = await owner.put(f"{path}/payout-terms", {"schedule": "never", "rail": "wallet"})
    assert refusal(refused) == (403, "second_proof_missing")
    await with_totp(edge, owner.headers)
    bank = {"schedule": "never", "rail": "bank", "beneficiary": "Sara"}
    assert refusal(await owner.put(f"{path}/payout-terms", bank)) == (422, "payout_rail_unfit")
    wrong = bank | {"iban": IBAN.replace("33", "34", 1)}
    assert refusal(await owner.put(f"{path}/payout-terms", wrong)) == (422, "iban_invalid")
    await set_terms(owner, path)
    ids = []
    for amount in ("300", "200"):
        made = await owner.post(f"{path}/payouts", {"asset": EUR.id, "amount": amount})
        assert made.json()["state"] == "waiting"
        ids.append(made.json()["id"])
    assert (await owner.post(f"{path}/payouts", {"asset": KWD.id})).json()["amount"]["value"] == "9000"
    assert await payable(owner, path) == (400, 100, 0)
    monkeypatch.setenv("ASOUD_DATABASE_URL", fresh_database.app)
    run = CliRunner().invoke
    file = run(command, ["file", "EUR"]).output.strip()
    assert "nothing waits" in run(command, ["file", "EUR"]).output
    written = run(command, ["show", file]).output
    rows = list(csv.DictReader(io.StringIO(written)))
    assert [
        (row["payout"], row["amount"], row["currency"], row["beneficiary"], row["iban"]) for row in rows
    ] == [
        (ids[0], "3.00", "EUR", "'=Sara", IBAN),
        (ids[1], "2.00", "EUR", "'=Sara", IBAN),
    ]
    assert run(command, ["show", file]).output == written
    assert [run(command, ["paid", ids[0]]).exit_code for _ in range(2)] == [0, 0]
    for _ in range(2):
        assert run(command, ["failed", ids[1], "--reason", "account closed"]).exit_code == 0
    assert run(command, ["paid", ids[1]]).exit_code == 1
    found = (await owner.get(f"{path}/payouts"))["items"]
    assert {item["id"]: (item["state"], item["reason"]) for item in found if item["id"] in ids} == {
        ids[0]: ("paid", ""),
        ids[1]: ("failed", "account closed"),
    }
    assert await payable(owner, path) == (
        600,
        100,
        0,
    )  # what came back is no new sale: the reserve is as it was
    assert run(command, ["failed", ids[0], "--reason", "sent back"]).exit_code == 0
    assert await payable(owner, path) == (900, 100, 0)


async def test_the_schedule_pays_each_market_once_and_the_frozen_one_later(edge: Edge) -> None:
    shops = [await shop(edge, Amount(EUR, 100 * (n + 1)), Amount(KWD, 50)) for n in range(3)]
    for owner, _, path in shops:
        await with_totp(edge, owner.headers)
        await set_terms(owner, path, schedule="weekly", rail="wallet")
    with edge.services.database.transaction() as tx:
        edge.services.balance.freeze(tx, market_owner(shops[1][1]))
        assert edge.services.payouts.run_due(tx, limit=10) == 0
    edge.clock.at = dt.datetime(2026, 1, 5, 0, 1, tzinfo=dt.UTC)  # a Monday

    def run() -> int:
        with edge.services.database.transaction() as tx:
            return edge.services.payouts.run_due(tx, limit=2)

    assert [await asyncio.to_thread(run) for _ in range(3)] == [2, 1, 0]
    for owner, _, _ in shops:
        await owner.renew()
    assert [await owner.has() for owner, _, _ in shops] == [90, 0, 270]
    assert [await owner.has(KWD) for owner, _, _ in shops] == [45, 0, 45]
    with edge.services.database.transaction() as tx:
        edge.services.balance.unfreeze(tx, market_owner(shops[1][1]))
    edge.clock.advance(dt.timedelta(days=7))
    assert run() == 2
    await shops[1][0].renew()
    assert await shops[1][0].has() == 180


def test_the_next_time_is_a_midnight_of_the_kind_that_was_asked_for() -> None:
    at = dt.datetime(2026, 1, 31, 23, 59, tzinfo=dt.UTC)  # a Saturday
    found = [following(at, schedule) for schedule in Schedule]
    assert [when and when.strftime("%d.%m. %H:%M %a") for when in found] == [
        None,
        "01.02. 00:00 Sun",
        "02.02. 00:00 Mon",
        "01.02. 00:00 Sun",
    ]


def test_an_iban_has_one_spelling() -> None:
    assert normalise_iban("tr33 0006 1005 1978 6457 8413 26") == IBAN
    assert normalise_iban("IR06 2960 0000 0010 0324 2000 01") == "IR062960000000100324200001"
    for raw in ("", "TR33", IBAN + "0", IBAN[:-1] + "7", "TR3300061005197864578413٢6", "1" * 24):
        with pytest.raises(IbanInvalid):
            normalise_iban(raw)
