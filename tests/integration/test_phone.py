"""Signing in by phone against the running edge: codes, their bounds, and what abuse comes to."""

import asyncio
import datetime as dt
import hmac
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import text

from api.v1.identity import MeOut
from node.services.identity.proof import Purpose
from node.services.identity.words import WORDS
from tests.carrier import running_carrier
from tests.edge import Edge, edge_settings, new_wallet, running_edge
from tests.handset import PHONE, Handset, bearer, outcome, say
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def handset(edge: Edge, tmp_path: Path) -> Handset:
    return Handset(edge, tmp_path)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def acts(connection: psycopg.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT act FROM identity.audit ORDER BY at, id")]


@asynccontextmanager
async def bounded(
    database: DatabaseUrls, redis_url: str, rpc_url: str, data_dir: Path, **settings: Any
) -> AsyncIterator[Edge]:
    chosen = edge_settings(
        data_dir, database_url=database.app, redis_url=redis_url, rpc_url=rpc_url, **settings
    )
    async with running_edge(chosen) as edge:
        yield edge


# ------------------------------------------------------------------------------------------ signing in


async def test_a_phone_signs_in_and_is_known_again(edge: Edge, handset: Handset) -> None:
    first = await handset.sign_in()
    assert first.address is None
    second = await handset.sign_in()
    assert second.account_id == first.account_id
    me = MeOut.model_validate_json((await edge.client.get("/v1/me", headers=bearer(first))).content)
    assert ([known.phone for known in me.phones], me.wallets) == ([PHONE], [])


async def test_what_needs_a_wallet_says_so(edge: Edge, handset: Handset) -> None:
    session = await handset.sign_in()
    market = {"name": "Bakır", "language": "tr"}
    answer = await edge.client.post("/v1/markets", json=market, headers=bearer(session))
    assert outcome(answer) == (403, "wallet_needed")


async def test_the_message_says_what_it_is_for_and_where(handset: Handset, tmp_path: Path) -> None:
    challenge = await handset.challenge(**{"Accept-Language": "en-GB"})
    code = handset.receive(challenge)
    sent = json.loads((tmp_path / "outbox" / "sms.jsonl").read_text())["text"]
    assert sent.startswith(f"Code to sign in to ASOUD: {code}.")
    assert sent.endswith(f"\n\n@asoud.test #{code}")


@pytest.mark.parametrize(
    ("number", "accepted", "begins"),
    [
        (PHONE, "", "Giriş kodunuz"),
        (PHONE, "ar-SA,en;q=0.5", "رمز الدخول"),
        (PHONE, "xx, de;q=0.9, ru;q=0.3, uz;q=0.8", "Kirish kodi"),
        (PHONE, "kk;q=0, fa", "کد ورود"),
        (PHONE, "*;q=x,,;;" + "a" * 5_000, "Giriş kodunuz"),
        (PHONE, "kk", "Кіру коды"),
        ("+966501234567", "", "رمز الدخول"),
        ("+4915112345678", "", "Code to sign in"),
    ],
)
async def test_the_message_is_in_the_language_of_the_device_or_the_country(
    edge: Edge, tmp_path: Path, number: str, accepted: str, begins: str
) -> None:
    handset = Handset(edge, tmp_path, number)
    handset.receive(await handset.challenge(**{"Accept-Language": accepted}))
    sent = json.loads((tmp_path / "outbox" / "sms.jsonl").read_text(encoding="utf-8"))["text"]
    assert sent.startswith(begins)


async def test_a_message_to_sign_in_does_not_tell_the_profile_of_the_phones_account(
    edge: Edge, handset: Handset, tmp_path: Path
) -> None:
    """Whoever sees it would learn that the node knows the phone. An account gets its own language."""
    caller = bearer(await handset.sign_in())
    await edge.client.patch("/v1/me", json={"language": "ar"}, headers=caller)
    handset.receive(await handset.challenge())
    other = Handset(edge, tmp_path, "+905551112244")
    other.receive(await other.challenge("/v1/me/phones/challenges", **caller))
    lines = (tmp_path / "outbox" / "sms.jsonl").read_text(encoding="utf-8").splitlines()
    to_sign_in, to_link = (json.loads(line)["text"] for line in lines[-2:])
    assert to_sign_in.startswith("Giriş kodunuz")
    assert to_link.startswith("رمز إضافة")


def test_every_language_says_everything_in_few_characters() -> None:
    assert set(WORDS) >= {"ar", "en", "fa", "kk", "ru", "tr", "uz"}
    for language, words in WORDS.items():
        for purpose in Purpose:
            message = words.code(purpose, "123456", domain="asoud.test")
            assert ": 123456. " in message
            assert message.endswith("\n\n@asoud.test #123456")
            assert len(message) <= 3 * 67, (language, purpose)  # parts of a message that is not Latin
        assert "ASOUD" in words.recovery


async def test_a_code_that_one_carrier_did_not_deliver_goes_by_the_next(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    """A gateway takes the message and reports that it failed; the spine asks again; a file takes it."""
    with running_carrier() as carrier:
        carrier.status, carrier.body = 200, {"id": "m-1"}
        chosen = {"http.url": SecretStr(carrier.url), "http.report_secret": SecretStr("reports")}
        async with bounded(
            fresh_database, redis_url, anvil, tmp_path, sms_adapters="http,console", sms_options=chosen
        ) as edge:
            handset = Handset(edge, tmp_path)
            challenge = uuid.UUID(await handset.challenge())
            deliver = edge.services.phones.deliver
            deliver(edge.services.database.transaction, challenge)
            deliver(edge.services.database.transaction, challenge)
            assert (len(carrier.asked), handset.codes()) == (1, [])

            async def report(status: str, secret: bytes = b"reports") -> httpx.Response:
                body = json.dumps({"id": "m-1", "status": status}).encode()
                signed = f"sha256={hmac.new(secret, body, 'sha256').hexdigest()}"
                return await edge.client.post(
                    "/v1/sms/reports/http", content=body, headers={"X-Signature": signed}
                )

            assert outcome(await report("failed", b"guess")) == (403, "report_forged")
            assert outcome(await edge.client.post("/v1/sms/reports/console")) == (404, "carrier_unknown")
            for _ in range(2):
                assert (await report("failed")).status_code == 204
            told = connection.execute(
                "SELECT payload FROM kernel.event WHERE type_name = 'phone.code_undelivered'"
            ).fetchall()
            assert told == [({"challenge_id": str(challenge)},)]
            deliver(edge.services.database.transaction, challenge)
            (code,) = handset.codes()
            assert (await report("delivered")).status_code == 204  # late, of the carrier before
            row = connection.execute(
                "SELECT sealed, sent_as, delivery, tried FROM identity.phone_challenge"
            ).fetchone()
            assert row == (None, "console:", None, ["http", "console"])
            assert (await say(edge, str(challenge), code)).status_code == 200


async def test_the_metrics_count_codes_that_were_asked_for_and_used(handset: Handset) -> None:
    def counted(kind: str) -> float:
        return (
            REGISTRY.get_sample_value("asoud_phone_codes_total", {"prefix": "+90555", "outcome": kind}) or 0
        )

    before = counted("asked"), counted("used")
    await handset.sign_in()
    await handset.challenge()
    assert (counted("asked"), counted("used")) == (before[0] + 2, before[1] + 1)


async def test_a_code_is_sent_once_however_often_the_task_runs(handset: Handset) -> None:
    challenge = await handset.challenge()
    code = handset.receive(challenge)
    assert handset.receive(challenge) == code
    assert handset.codes() == [code]


async def test_a_code_that_ran_out_is_not_sent(edge: Edge, handset: Handset) -> None:
    challenge = await handset.challenge()
    edge.clock.advance(5 * MINUTE)
    edge.services.phones.deliver(edge.services.database.transaction, uuid.UUID(challenge))
    assert handset.codes() == []


async def test_the_spine_asks_for_the_message_and_carries_neither_code_nor_number(
    handset: Handset, connection: psycopg.Connection
) -> None:
    challenge = await handset.challenge()
    rows = connection.execute("SELECT stream, type_name, payload FROM kernel.event").fetchall()
    assert rows == [(f"phone_challenge:{challenge}", "phone.code_requested", {"challenge_id": challenge})]


async def test_the_database_holds_no_code(handset: Handset, connection: psycopg.Connection) -> None:
    challenge = await handset.challenge()
    (before,) = connection.execute("SELECT t::text FROM identity.phone_challenge AS t").fetchall()
    code = handset.receive(challenge)
    row = connection.execute("SELECT sealed, sent_as, t::text FROM identity.phone_challenge AS t").fetchone()
    assert row is not None
    assert row[:2] == (None, "console:")
    for text_of_row in (before[0], row[2]):
        assert code not in text_of_row
        assert code.encode().hex() not in text_of_row


async def test_no_log_holds_a_code_or_a_refresh_token(
    handset: Handset, capfd: pytest.CaptureFixture[str]
) -> None:
    session = await handset.sign_in()
    logged = "".join(capfd.readouterr())
    assert "/v1/auth/phone" in logged
    for secret in (handset.codes()[0], session.refresh_token, session.access_token, PHONE):
        assert secret not in logged


async def test_two_first_sign_ins_of_one_phone_open_one_account(
    edge: Edge, handset: Handset, connection: psycopg.Connection
) -> None:
    codes = []
    for _ in range(3):
        challenge = await handset.challenge()
        codes.append((challenge, handset.receive(challenge)))
        edge.clock.advance(dt.timedelta(seconds=65))
    answers = await asyncio.gather(*(say(edge, *code) for code in codes))
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.json()["account_id"] for answer in answers}) == 1
    assert connection.execute("SELECT count(*) FROM identity.account").fetchone() == (1,)


# ------------------------------------------------------------------------------------------ codes


async def test_a_code_serves_once_also_at_once(edge: Edge, handset: Handset) -> None:
    challenge = await handset.challenge()
    code = handset.receive(challenge)
    answers = await asyncio.gather(*(say(edge, challenge, code) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 5
    assert outcome(await say(edge, challenge, code)) == (401, "code_used")


async def test_a_code_runs_out_after_five_minutes(edge: Edge, handset: Handset) -> None:
    challenge = await handset.challenge()
    code = handset.receive(challenge)
    edge.clock.advance(5 * MINUTE)
    assert outcome(await say(edge, challenge, code)) == (401, "code_expired")


async def test_a_code_is_bound_to_its_challenge(edge: Edge, handset: Handset, tmp_path: Path) -> None:
    mine = await handset.challenge()
    other = Handset(edge, tmp_path, "+905551112244")
    theirs = await other.challenge()
    code = handset.receive(mine)
    if other.receive(theirs) != code:
        assert outcome(await say(edge, theirs, code)) == (401, "code_wrong")
    assert outcome(await say(edge, str(uuid.uuid4()), code)) == (404, "challenge_unknown")
    assert (await say(edge, mine, code)).status_code == 200


async def test_after_five_wrong_tries_the_right_code_is_refused_too(
    edge: Edge, handset: Handset, connection: psycopg.Connection
) -> None:
    """The tries are counted although each of them was refused."""
    challenge = await handset.challenge()
    code = handset.receive(challenge)
    left = [(await say(edge, challenge, wrong(code))).json()["tries_left"] for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    assert outcome(await say(edge, challenge, code)) == (401, "code_tries_used_up")
    assert acts(connection) == ["code_requested"] + ["code_wrong"] * 6
    assert connection.execute("SELECT tries FROM identity.phone_challenge").fetchone() == (5,)
    assert connection.execute("SELECT count FROM identity.counter WHERE kind = 'phone_tries'").fetchone() == (
        5,
    )


async def test_tries_at_once_are_counted_one_by_one(edge: Edge, handset: Handset) -> None:
    challenge = await handset.challenge()
    code = handset.receive(challenge)
    answers = await asyncio.gather(*(say(edge, challenge, wrong(code)) for _ in range(12)))
    codes = sorted(answer.json()["code"] for answer in answers)
    assert codes == ["code_tries_used_up"] * 7 + ["code_wrong"] * 5


async def test_a_phone_has_twenty_tries_a_day(edge: Edge, handset: Handset) -> None:
    for _ in range(4):
        challenge = await handset.challenge()
        code = handset.receive(challenge)
        for _ in range(5):
            assert outcome(await say(edge, challenge, wrong(code))) == (401, "code_wrong")
        edge.clock.advance(20 * MINUTE)
    challenge = await handset.challenge()
    code = handset.receive(challenge)
    answer = await say(edge, challenge, code)
    assert outcome(answer) == (429, "phone_limit_reached")
    assert 0 < int(answer.headers["retry-after"]) <= 86_400
    edge.clock.advance(dt.timedelta(days=1))
    await handset.sign_in()


async def test_who_locks_a_phone_out_locks_nobody_out_of_the_account(edge: Edge, handset: Handset) -> None:
    """The wallet still signs in, and devices stay signed in."""
    wallet = new_wallet()
    caller = await edge.sign_in(wallet)
    challenge = await handset.challenge("/v1/me/phones/challenges", **caller)
    linked = await say(edge, challenge, handset.receive(challenge), "/v1/me/phones", **caller)
    assert linked.status_code == 200
    session = await handset.sign_in()
    for _ in range(4):
        challenge = await handset.challenge()
        code = handset.receive(challenge)
        for _ in range(5):
            await say(edge, challenge, wrong(code))
        edge.clock.advance(20 * MINUTE)
    challenge = await handset.challenge()
    assert (await say(edge, challenge, "000000")).status_code == 429
    assert await edge.sign_in(wallet)
    body = {"refresh_token": session.refresh_token}
    assert (await edge.client.post("/v1/auth/refresh", json=body)).status_code == 200


@pytest.mark.parametrize(
    "code", ["١٢٣٤٥٦", "12345", "1234567", "123456\n", " 123456", "12345a", "", "１２３４５６"]
)
async def test_a_code_of_another_form_is_no_try(
    edge: Edge, handset: Handset, connection: psycopg.Connection, code: str
) -> None:
    challenge = await handset.challenge()
    assert outcome(await say(edge, challenge, code)) == (422, "invalid")
    assert connection.execute("SELECT tries FROM identity.phone_challenge").fetchone() == (0,)


# ------------------------------------------------------------------------------------------ asking for codes


async def test_the_answer_is_the_same_whether_the_phone_is_known(
    edge: Edge, handset: Handset, tmp_path: Path
) -> None:
    await handset.sign_in()
    known = await handset.ask()
    unknown = await Handset(edge, tmp_path, "+905551119999").ask()

    def shape(answer: httpx.Response) -> tuple[int, Any, Any]:
        body = answer.json()
        del body["challenge"]
        names = {name for name in answer.headers if name != "x-request-id"}
        return answer.status_code, body, names

    assert shape(known) == shape(unknown)
    for answer in (known, unknown):
        assert outcome(await say(edge, answer.json()["challenge"], "000000"))[0] == 401


async def test_another_code_takes_longer_and_longer(edge: Edge, handset: Handset) -> None:
    for wait_s in (30, 60, 120, 240):
        answer = await handset.ask()
        assert answer.status_code == 201
        resend_at = dt.datetime.fromisoformat(answer.json()["resend_at"])
        assert resend_at - edge.clock.now() == dt.timedelta(seconds=wait_s)
        edge.clock.advance(dt.timedelta(seconds=wait_s - 1))
        early = await handset.ask()
        assert outcome(early) == (429, "code_too_soon")
        assert early.headers["retry-after"] == "2"
        edge.clock.advance(dt.timedelta(seconds=1))


async def test_after_a_sign_in_the_next_code_comes_at_once(handset: Handset) -> None:
    for _ in range(3):
        await handset.sign_in()


async def test_of_many_requests_at_once_one_is_sent(handset: Handset) -> None:
    answers = await asyncio.gather(*(handset.ask() for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [429] * 5


async def test_a_phone_gets_ten_codes_a_day(edge: Edge, handset: Handset) -> None:
    for _ in range(10):
        await handset.sign_in()
    assert outcome(await handset.ask()) == (429, "phone_limit_reached")
    edge.clock.advance(dt.timedelta(days=1))
    await handset.sign_in()


@pytest.mark.parametrize("phone", ["+12025550123", "+22890112233"])
async def test_a_country_that_is_not_allowed_gets_no_code(
    edge: Edge, connection: psycopg.Connection, phone: str
) -> None:
    answer = await edge.client.post("/v1/auth/phone/challenges", json={"phone": phone})
    assert outcome(answer) == (422, "phone_country_refused")
    assert connection.execute("SELECT count(*) FROM identity.counter").fetchone() == (0,)


async def test_a_household_that_pumps_messages_is_stopped_and_takes_nothing_from_others(
    fresh_database: DatabaseUrls,
    redis_url: str,
    anvil: str,
    tmp_path: Path,
    connection: psycopg.Connection,
) -> None:
    async with bounded(fresh_database, redis_url, anvil, tmp_path, phone_codes_per_address_hour=3) as edge:
        handsets = [Handset(edge, tmp_path, f"+90555{n}112233") for n in range(5)]
        answers = [await handset.ask() for handset in handsets]
    assert [answer.status_code for answer in answers] == [201] * 3 + [429] * 2
    assert acts(connection) == ["code_requested"] * 3 + ["code_refused"] * 2
    counted = connection.execute(
        "SELECT count(*) FROM identity.counter WHERE kind = 'codes_phone'"
    ).fetchone()
    assert counted == (3,)  # the refused ones cost the phones' owners nothing


async def test_a_range_of_numbers_is_bounded(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path
) -> None:
    async with bounded(fresh_database, redis_url, anvil, tmp_path, phone_codes_per_range_hour=2) as edge:
        inside = [await Handset(edge, tmp_path, f"+90555111223{n}").ask() for n in range(3)]
        outside = await Handset(edge, tmp_path, "+905559992233").ask()
    assert [answer.status_code for answer in inside] == [201, 201, 429]
    assert outside.status_code == 201


async def test_money_is_spent_up_to_the_ceiling(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path
) -> None:
    async with bounded(fresh_database, redis_url, anvil, tmp_path, sms_price=4, sms_spend_per_day=10) as edge:
        answers = [await Handset(edge, tmp_path, f"+90555{n}112233").ask() for n in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 503]
        assert outcome(answers[2]) == (503, "sms_ceiling_reached")
        edge.clock.advance(dt.timedelta(days=1))
        assert (await Handset(edge, tmp_path, "+905552112233").ask()).status_code == 201


async def test_without_a_carrier_phones_do_not_sign_in(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path
) -> None:
    async with bounded(fresh_database, redis_url, anvil, tmp_path, chain_id=1) as edge:
        answer = await Handset(edge, tmp_path).ask()
    assert outcome(answer) == (403, "phone_sign_in_off")


async def test_codes_that_nobody_uses_are_noticed(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path
) -> None:
    async with bounded(fresh_database, redis_url, anvil, tmp_path, phone_codes_per_range_hour=100) as edge:
        for n in range(4):
            await Handset(edge, tmp_path, f"+90555111990{n}").sign_in()
        for n in range(20):
            await Handset(edge, tmp_path, f"+9055511122{n:02}").ask()
        for n in range(5):
            await Handset(edge, tmp_path, f"+9053211122{n:02}").ask()
        with edge.services.database.transaction() as tx:
            assert edge.services.phones.unused(tx) == []  # they may still be used
        edge.clock.advance(5 * MINUTE)
        with edge.services.database.transaction() as tx:
            found = edge.services.phones.unused(tx)
    assert [(entry.prefix, entry.asked, entry.used) for entry in found] == [("+90555", 24, 4)]


async def test_old_codes_and_counts_are_forgotten(
    edge: Edge, handset: Handset, connection: psycopg.Connection
) -> None:
    await handset.sign_in()
    edge.clock.advance(dt.timedelta(days=3))
    with edge.services.database.transaction() as tx:
        assert edge.services.phones.prune(tx) > 0
        assert tx.execute(text("SELECT count(*) FROM identity.phone_challenge")).scalar_one() == 0
        assert tx.execute(text("SELECT count(*) FROM identity.counter")).scalar_one() == 0
    assert "signed_in" in acts(connection)


# ------------------------------------------------------------------------------------------ linking


async def link(handset: Handset, caller: dict[str, str]) -> httpx.Response:
    challenge = await handset.challenge("/v1/me/phones/challenges", **caller)
    return await say(handset.edge, challenge, handset.receive(challenge), "/v1/me/phones", **caller)


async def step_up(handset: Handset, caller: dict[str, str]) -> httpx.Response:
    challenge = await handset.challenge("/v1/me/step-up/phone/challenges", **caller)
    return await say(handset.edge, challenge, handset.receive(challenge), "/v1/me/step-up/phone", **caller)


async def test_a_linked_phone_signs_in_to_the_wallets_account(edge: Edge, handset: Handset) -> None:
    wallet = new_wallet()
    caller = await edge.sign_in(wallet)
    answer = await link(handset, caller)
    assert [phone.phone for phone in MeOut.model_validate_json(answer.content).phones] == [PHONE]
    session = await handset.sign_in()
    assert session.address == wallet.address.lower()
    assert (await edge.client.get("/v1/me", headers=bearer(session))).content == answer.content


async def test_a_code_to_sign_in_links_nothing_and_the_other_way_round(edge: Edge, handset: Handset) -> None:
    """Whoever is talked into telling a code "to sign in" does not give their phone away with it."""
    caller, other = await edge.sign_in(), await edge.sign_in()
    to_sign_in = await handset.challenge()
    code = handset.receive(to_sign_in)
    assert outcome(await say(edge, to_sign_in, code, "/v1/me/phones", **caller)) == (404, "challenge_unknown")
    edge.clock.advance(MINUTE)
    to_link = await handset.challenge("/v1/me/phones/challenges", **caller)
    code = handset.receive(to_link)
    assert outcome(await say(edge, to_link, code)) == (404, "challenge_unknown")
    assert outcome(await say(edge, to_link, code, "/v1/me/phones", **other)) == (404, "challenge_unknown")
    assert (await say(edge, to_link, code, "/v1/me/phones", **caller)).status_code == 200


async def test_a_phone_of_another_account_is_not_taken(edge: Edge, handset: Handset) -> None:
    await handset.sign_in()
    assert outcome(await link(handset, await edge.sign_in())) == (409, "identity_taken")


async def test_linking_a_phone_needs_a_new_sign_in(edge: Edge, handset: Handset) -> None:
    caller = await edge.sign_in()
    edge.clock.advance(16 * MINUTE)
    assert outcome(await handset.ask("/v1/me/phones/challenges", **caller)) == (403, "sign_in_too_old")


async def test_a_phone_is_unlinked_by_the_wallet_and_its_devices_are_signed_out(
    edge: Edge, handset: Handset, connection: psycopg.Connection
) -> None:
    wallet = new_wallet()
    caller = await edge.sign_in(wallet)
    await link(handset, caller)
    session = await handset.sign_in()
    await edge.step_up(bearer(session), wallet)
    itself = await edge.client.delete(f"/v1/me/phones/{PHONE}", headers=bearer(session))
    assert outcome(itself) == (403, "signed_in_by_it")
    assert (await step_up(handset, caller)).status_code == 200
    assert (await edge.client.delete(f"/v1/me/phones/{PHONE}", headers=caller)).status_code == 204
    body = {"refresh_token": session.refresh_token}
    assert outcome(await edge.client.post("/v1/auth/refresh", json=body)) == (401, "session_ended")
    assert (await edge.client.get("/v1/me", headers=caller)).json()["phones"] == []
    whole_log = connection.execute("SELECT string_agg(t::text, ' ') FROM identity.audit AS t").fetchone()
    assert whole_log is not None
    assert PHONE not in whole_log[0]


async def test_the_last_phone_stays_and_a_wallet_can_replace_it(edge: Edge, handset: Handset) -> None:
    session = await handset.sign_in()
    last = await edge.client.delete(f"/v1/me/phones/{PHONE}", headers=bearer(session))
    assert outcome(last) == (403, "second_proof_missing")
    wallet = new_wallet()
    body = await edge.signed(wallet, "link")
    linked = await edge.client.post("/v1/me/wallets", json=body, headers=bearer(session))
    assert linked.status_code == 200
    caller = await edge.sign_in(wallet)
    assert (await step_up(handset, caller)).status_code == 200
    assert (await edge.client.delete(f"/v1/me/phones/{PHONE}", headers=caller)).status_code == 204
