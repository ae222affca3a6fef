"""Money from wallet to wallet: shown, confirmed once, and to phones without telling who is known."""

import asyncio
import datetime as dt
import json
import re
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, update

from api.schemas import Page
from api.v1.balance import EntryOut
from api.v1.transfer import TransferOut
from node.events.account import PhoneLinked
from node.kernel.clock import SystemClock
from node.kernel.money import Amount
from node.services.identity.models import Phone, Session
from tests.edge import Edge, edge_settings, new_wallet, running_edge
from tests.handset import Handset, bearer
from tests.purse import EUR, KWD, Json, Person, person, react, refusal
from tests.second_proof import with_totp
from tests.stack import DatabaseUrls
from wallet.ledger.verify import verify

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

KNOWN, UNKNOWN = "+905551112233", "+905551114455"
WEEKS = dt.timedelta(days=15)


async def listed(who: Person, direction: str = "out") -> list[TransferOut]:
    found = await who.get("/v1/me/transfers", direction=direction)
    return Page[TransferOut].model_validate(found | {"items": found["items"]}).items


async def entries(who: Person) -> list[EntryOut]:
    return Page[EntryOut].model_validate(await who.get("/v1/me/statement", asset=EUR.id)).items


async def test_a_transfer_to_a_handle_is_shown_and_then_made_once(edge: Edge) -> None:
    sara, omar = await person(edge, Amount(EUR, 1_000)), await person(edge)
    await sara.named("@Sara"), await omar.named("omar_k")
    shown = await sara.prepare({"handle": "@Omar_K"}, 250, note="Dinner")
    assert shown.status_code == 201, shown.text
    prepared = TransferOut.model_validate_json(shown.content)
    assert (prepared.counterparty, prepared.state, prepared.amount.value) == ("@omar_k", "quoted", 250)
    assert await sara.has() == 1_000
    path = f"/v1/me/transfers/{prepared.id}/confirm"
    first, again = await asyncio.gather(sara.post(path), sara.post(path))
    assert [answer.json()["state"] for answer in (first, again)] == ["delivered"] * 2
    assert (await sara.has(), await omar.has()) == (750, 250)
    [came] = await listed(omar, "in")
    assert (came.counterparty, came.note, came.fee, came.to) == ("@sara", "Dinner", None, "omar_k")
    assert [(e.counterparty, e.delta, e.reference) for e in (await entries(omar))] == [
        ("@sara", "250", f"transfer:{prepared.id}")
    ]
    assert (await entries(sara))[0].counterparty == "@omar_k"
    assert str(sara.account_id) not in json.dumps(await omar.get("/v1/me/statement", asset=EUR.id))


async def test_what_cannot_be_is_refused_and_moves_nothing(edge: Edge) -> None:
    sara = await person(edge, Amount(EUR, 100))
    omar = await (await person(edge)).named("omar")
    await sara.named("sara")
    for to, value, wanted in (
        ({"handle": "sara"}, 1, (422, "own_wallet")),
        ({"address": sara.wallet.address}, 1, (422, "own_wallet")),
        ({"handle": "nobody"}, 1, (404, "receiver_unknown")),
        ({"address": new_wallet().address}, 1, (404, "receiver_unknown")),
        ({"phone": "+12025550123"}, 1, (422, "validation_failed")),
        ({"phone": "+491511234567"}, 1, (422, "validation_failed")),
        ({"handle": "omar", "phone": KNOWN}, 1, (422, "validation_failed")),
        ({}, 1, (422, "validation_failed")),
        ({"request": "A" * 16}, 1, (404, "money_request_unknown")),
        ({"handle": "omar"}, 0, (422, "amount_invalid")),
        ({"handle": "omar"}, None, (422, "amount_missing")),
    ):
        answer = await sara.prepare(to, value)
        assert answer.status_code == wanted[0], (to, answer.text)
        if wanted[1] != "validation_failed":
            assert answer.json()["code"] == wanted[1], to
    assert refusal(await sara.prepare({"handle": "omar"}, 1, asset=KWD)) == (422, "asset_unknown")
    assert refusal(await sara.pay({"handle": "omar"}, 101)) == (409, "insufficient_funds")
    late = (await sara.prepare({"handle": "omar"}, 1)).json()["id"]
    assert refusal(await omar.post(f"/v1/me/transfers/{late}/confirm")) == (404, "transfer_not_found")
    with edge.services.database.transaction() as tx:
        edge.services.balance.freeze(tx, sara.owner)
    assert refusal(await sara.post(f"/v1/me/transfers/{late}/confirm")) == (403, "account_frozen")
    with edge.services.database.transaction() as tx:
        edge.services.balance.unfreeze(tx, sara.owner)
    edge.clock.advance(dt.timedelta(minutes=15))
    assert refusal(await sara.post(f"/v1/me/transfers/{late}/confirm")) == (409, "transfer_lapsed")
    assert [t.state for t in await listed(sara)].count("lapsed") == 2
    assert (await sara.has(), await omar.has()) == (100, 0)


async def test_nothing_goes_to_an_account_that_has_ended(edge: Edge) -> None:
    sara, omar = await person(edge, Amount(EUR, 100)), await person(edge)
    await omar.named("omar")
    prepared = (await sara.prepare({"handle": "omar"}, 1)).json()["id"]
    answer = await edge.client.delete("/v1/me", headers=omar.headers)
    assert answer.status_code == 204, answer.text
    assert refusal(await sara.post(f"/v1/me/transfers/{prepared}/confirm")) == (409, "receiver_gone")
    assert refusal(await sara.prepare({"handle": "omar"}, 1)) == (404, "receiver_unknown")
    other = await person(edge)
    assert refusal(await other.put("/v1/me/handle", {"handle": "omar"})) == (409, "handle_taken")


async def test_a_handle_is_claimed_once_and_changed_rarely(edge: Edge) -> None:
    sara, omar = await person(edge), await person(edge)
    for raw in ("no", "9lives", "a__b", "a-b", "Ωmega", "x" * 31, "_a_b"):
        assert refusal(await sara.put("/v1/me/handle", {"handle": raw})) == (422, "handle_invalid"), raw
    assert refusal(await sara.put("/v1/me/handle", {"handle": "Support"})) == (409, "handle_taken")
    both = await asyncio.gather(*(one.put("/v1/me/handle", {"handle": "sara"}) for one in (sara, omar)))
    assert sorted(answer.status_code for answer in both) == [200, 409]
    winner, loser = (sara, omar) if both[0].status_code == 200 else (omar, sara)
    assert refusal(await winner.put("/v1/me/handle", {"handle": "sarah"})) == (409, "handle_too_soon")
    edge.clock.advance(dt.timedelta(days=90))
    await winner.renew()
    assert (await winner.put("/v1/me/handle", {"handle": "sarah"})).json()["handle"] == "sarah"
    await loser.renew()
    assert refusal(await loser.put("/v1/me/handle", {"handle": "sara"})) == (409, "handle_taken")


# To phones


@contextmanager
def statements(edge: Edge) -> Any:
    """Every statement that the command path sends, without its parameters."""
    sent: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(edge.services.database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(edge.services.database.engine, "before_cursor_execute", note)


def plain(value: object, phone: str) -> str:
    """Without what differs between any two transfers: ids, times and the phone itself."""
    text = json.dumps(value).replace(phone, "PHONE").replace(phone[-4:], "TAIL")
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", text)
    return re.sub(r"0x[0-9a-f]{40}", "WALLET", text)


async def all_that_a_sender_sees(sara: Person, transfer_id: str) -> Json:
    export = await sara.get("/v1/me/export")
    shown = {name: export["holdings"][name] for name in ("transfers sent", "transfers received")}
    deletion = await sara.edge.client.delete("/v1/me", headers=sara.headers)
    return {
        "one": await sara.get(f"/v1/me/transfers/{transfer_id}"),
        "list": await sara.get("/v1/me/transfers"),
        "balances": await sara.get("/v1/me/balances"),
        "statement": await sara.get("/v1/me/statement", asset=EUR.id),
        "limits": await sara.get("/v1/me/spending-limits"),
        "export": shown,
        "deletion": (deletion.status_code, deletion.json()["code"], deletion.json().get("reasons")),
    }


async def test_a_sender_learns_nothing_of_who_has_the_phone(edge: Edge, tmp_path: Path) -> None:
    edge.clock.at = SystemClock().now()  # the database has no other clock to judge by what is finished
    await Handset(edge, tmp_path, KNOWN).sign_in()
    seen: list[list[str]] = []
    for phone in (KNOWN, UNKNOWN):
        sara = await person(edge, Amount(EUR, 100))
        with statements(edge) as sent:
            prepared = await sara.prepare({"phone": phone}, 100, note="for you")
            answer = await sara.post(f"/v1/me/transfers/{prepared.json()['id']}/confirm")
        answers = [(a.status_code, sorted(set(a.headers) - {"etag"}), a.json()) for a in (prepared, answer)]
        react(edge)
        later = await all_that_a_sender_sees(sara, prepared.json()["id"])
        seen.append([plain(part, phone) for part in (answers, sent, later)])
    assert seen[0] == seen[1]
    assert "TAIL" in seen[0][0]
    assert '"state": "sent"' in seen[0][2]
    assert '"transfers sent"]' in seen[0][2]


async def test_money_to_a_phone_reaches_whoever_has_it_or_signs_in_by_it(edge: Edge, tmp_path: Path) -> None:
    omar = await person(edge, headers=bearer(await Handset(edge, tmp_path, KNOWN).sign_in()))
    sara = await (await person(edge, Amount(EUR, 1_000), Amount(KWD, 5_000))).named("sara")
    for phone in (KNOWN, UNKNOWN):
        assert (await sara.pay({"phone": phone}, 100)).status_code == 200
        assert (await sara.pay({"phone": phone}, 1_234, KWD)).status_code == 200
    react(edge)
    assert (await omar.has(), await omar.has(KWD), await sara.has()) == (100, 1_234, 800)
    newcomer = Handset(edge, tmp_path, UNKNOWN)
    lena = await person(edge, headers=bearer(await newcomer.sign_in()))
    assert await lena.has() == 0
    react(edge)
    react(edge)
    assert (await lena.has(), await lena.has(KWD)) == (100, 1_234)
    assert {t.counterparty for t in await listed(lena, "in")} == {"@sara"}
    assert {t.state for t in await listed(sara)} == {"sent"}
    outbox = [json.loads(line) for line in (tmp_path / "outbox" / "sms.jsonl").read_text().splitlines()]
    told = [line["text"] for line in outbox if line["to"] == UNKNOWN and "@sara" in line["text"]]
    assert sorted(re.findall(r"1\.234 KWD|1 EUR", " ".join(told))) == ["1 EUR", "1.234 KWD"]


async def test_a_phone_that_is_linked_later_brings_what_waited(edge: Edge) -> None:
    sara = await person(edge, Amount(EUR, 100))
    omar = await person(edge)
    await sara.pay({"phone": UNKNOWN}, 40)
    react(edge)
    with edge.services.database.transaction() as tx:
        tx.add(Phone(phone=UNKNOWN, account_id=omar.account_id, linked_at=edge.clock.now()))
        linked = PhoneLinked(account_id=str(omar.account_id))
        edge.services.events.record(tx, f"account:{omar.account_id}", linked)
    react(edge)
    assert await omar.has() == 40
    assert refusal(await omar.prepare({"phone": UNKNOWN}, 1)) == (422, "own_wallet")


async def test_what_nobody_came_for_goes_back_with_its_fee(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path
) -> None:
    settings = edge_settings(
        tmp_path,
        database_url=fresh_database.app,
        redis_url=redis_url,
        rpc_url=anvil,
        transfer_fee_bps=150,
    )
    async with running_edge(settings) as edge:
        sara = await person(edge, Amount(EUR, 1_000))
        omar = await (await person(edge)).named("omar")
        assert (await sara.pay({"handle": "omar"}, 101)).json()["fee"]["value"] == "2"
        sent = await sara.pay({"phone": UNKNOWN}, 100)
        assert await sara.has() == 1_000 - 103 - 102
        react(edge)
        edge.clock.advance(WEEKS)
        services = edge.services
        with services.database.transaction() as tx:
            services.ledger.expire_holds(tx, limit=100)
        with services.database.transaction() as tx:
            assert services.transfers.return_due(tx, limit=100) == 1
            assert services.transfers.return_due(tx, limit=100) == 0
        late = Handset(edge, tmp_path, UNKNOWN)
        lena = await person(edge, headers=bearer(await late.sign_in()))
        react(edge)
        for one in (sara, omar):
            await one.renew()
        assert (await sara.has(), await lena.has(), await omar.has()) == (1_000 - 103, 0, 101)
        found = await sara.get(f"/v1/me/transfers/{sent.json()['id']}")
        assert found["state"] == "returned"
        assert [e.delta for e in (await entries(sara))[:2]] == ["2", "100"]
        with services.database.transaction() as tx:
            verify(tx)


async def test_a_large_amount_needs_a_second_proof(edge: Edge) -> None:
    sara = await person(edge, Amount(EUR, 1_000_000))
    await (await person(edge)).named("omar")
    assert (await sara.pay({"handle": "omar"}, 100_000)).status_code == 200
    assert refusal(await sara.pay({"handle": "omar"}, 100_001)) == (403, "second_proof_missing")
    await with_totp(edge, sara.headers)
    assert (await sara.pay({"handle": "omar"}, 100_001)).status_code == 200
    assert await sara.has() == 1_000_000 - 200_001


async def test_a_session_that_ended_and_a_frozen_person_confirm_nothing(edge: Edge) -> None:
    sara, omar = await person(edge, Amount(EUR, 100)), await (await person(edge)).named("omar")
    prepared = (await sara.prepare({"handle": "omar"}, 1)).json()["id"]
    path = f"/v1/me/transfers/{prepared}/confirm"
    with edge.services.database.transaction() as tx:
        edge.services.roles.freeze(tx, sara.account_id, by="test")
    assert refusal(await sara.post(path)) == (401, "session_ended")  # freezing signs out
    with edge.services.database.transaction() as tx:
        tx.execute(update(Session).where(Session.account_id == sara.account_id).values(ended_at=None))
    assert refusal(await sara.post(path)) == (403, "account_shut_out")
    assert refusal(await edge.client.post(path)) == (401, "token_missing")
    assert await omar.has() == 0
    with edge.services.database.transaction() as tx:
        edge.services.roles.unfreeze(tx, sara.account_id, by="test")
    assert (await sara.post(path)).status_code == 200


async def test_a_confirmation_whose_connection_broke_is_made_once(
    edge: Edge, fresh_database: DatabaseUrls
) -> None:
    sara, omar = await person(edge, Amount(EUR, 100)), await (await person(edge)).named("omar")
    prepared = [(await sara.prepare({"handle": "omar"}, 10)).json()["id"] for _ in range(6)]
    with psycopg.connect(fresh_database.app, autocommit=True) as connection:
        for one in prepared:
            confirming = asyncio.create_task(sara.post(f"/v1/me/transfers/{one}/confirm"))
            await asyncio.sleep(0)
            await asyncio.to_thread(
                connection.execute,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'asoud-statement' AND datname = current_database()",
            )
            assert (await confirming).status_code == 200
        sent = "SELECT count(*) FROM kernel.event WHERE type_name = 'transfer.sent'"
        assert connection.execute(sent).fetchone() == (6,)
    assert (await sara.has(), await omar.has()) == (40, 60)


async def test_many_at_once_to_each_other_lose_nothing(edge: Edge) -> None:
    people = [await (await person(edge, Amount(EUR, 500))).named(f"one{n}") for n in range(3)]
    prepared = []
    for turn in range(18):
        sender, to = people[turn % 3], (turn + 1 + turn % 2) % 3
        if people[to] is sender:
            to = (to + 1) % 3
        answer = await sender.prepare({"handle": f"one{to}"}, 70 + turn)
        prepared.append((sender, answer.json()["id"]))
    answers = await asyncio.gather(
        *(who.post(f"/v1/me/transfers/{one}/confirm") for who, one in prepared * 2)
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert sum([await one.has() for one in people]) == 1_500
    assert all([await one.has() >= 0 for one in people])
