"""Second proofs against the running edge: who is asked for one, what counts, and what abuse comes to."""

import asyncio
import datetime as dt
import uuid
from pathlib import Path

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from api.permissions import Permission, Who
from api.routing import edge_router
from api.step_up import STEP_UP
from api.v1.session import SignedInOut
from api.v1.step_up import StepUpOut
from tests.edge import Edge, edge_settings, new_wallet, running_edge
from tests.handset import Handset, bearer, outcome, say
from tests.second_proof import STEP_S, App, with_totp
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

STEP = dt.timedelta(seconds=STEP_S)
HOLDS = dt.timedelta(minutes=15)
DAY = dt.timedelta(days=1)


async def state(edge: Edge, caller: dict[str, str]) -> StepUpOut:
    answer = await edge.client.get("/v1/me/step-up", headers=caller)
    return StepUpOut.model_validate_json(answer.content)


async def renew(edge: Edge, caller: dict[str, str]) -> httpx.Response:
    """Something that needs a second proof."""
    return await edge.client.post("/v1/me/totp/recovery-codes", headers=caller)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def acts(connection: psycopg.Connection, *which: str) -> list[str]:
    rows = connection.execute(
        "SELECT act FROM identity.audit WHERE act = ANY(%s) ORDER BY at, id", (list(which),)
    )
    return [row[0] for row in rows]


async def test_an_app_is_a_second_proof_for_its_session_and_for_a_while(edge: Edge) -> None:
    wallet = new_wallet()
    caller, other = await edge.sign_in(wallet), await edge.sign_in(wallet)
    app = await with_totp(edge, caller, stepped_up=False)
    edge.clock.advance(STEP)
    refusal = await renew(edge, caller)
    assert outcome(refusal) == (403, "step_up_needed")
    assert refusal.json()["proofs"] == "totp,recovery_code"
    answer = await app.step_up(caller)
    held = StepUpOut.model_validate_json(answer.content)
    assert held.until == edge.clock.now() + HOLDS
    assert held == await state(edge, caller)
    assert (await renew(edge, caller)).status_code == 200
    assert outcome(await renew(edge, other)) == (403, "step_up_needed")
    edge.clock.advance(HOLDS)
    assert (await state(edge, caller)).until is None
    assert outcome(await renew(edge, caller)) == (403, "step_up_needed")


async def test_an_account_without_a_second_proof_is_told_so(edge: Edge) -> None:
    caller = await edge.sign_in()
    assert await state(edge, caller) == StepUpOut(until=None, proofs=[], recovery_codes_left=0)
    assert outcome(await renew(edge, caller)) == (403, "second_proof_missing")
    edge.clock.advance(HOLDS + STEP)
    assert outcome(await edge.client.post("/v1/me/totp", headers=caller)) == (403, "sign_in_too_old")


async def test_whoever_has_one_proof_alone_adds_no_other(edge: Edge, tmp_path: Path) -> None:
    """A thief of the phone gets neither an app nor a wallet of their own into the account."""
    wallet, handset = new_wallet(), Handset(edge, tmp_path)
    caller = await edge.sign_in(wallet)
    challenge = await handset.challenge("/v1/me/phones/challenges", **caller)
    await say(edge, challenge, handset.receive(challenge), "/v1/me/phones", **caller)
    thief = bearer(await handset.sign_in())
    assert (await state(edge, thief)).proofs == ["wallet"]
    assert outcome(await edge.client.post("/v1/me/totp", headers=thief)) == (403, "step_up_needed")
    body = await edge.signed(new_wallet(), "link")
    answer = await edge.client.post("/v1/me/wallets", json=body, headers=thief)
    assert outcome(answer) == (403, "step_up_needed")
    handset.number = "+905551112244"
    assert outcome(await handset.ask("/v1/me/phones/challenges", **thief)) == (403, "step_up_needed")


async def test_the_identity_that_opened_the_session_is_no_second_proof(edge: Edge, tmp_path: Path) -> None:
    wallet = new_wallet()
    caller = await edge.sign_in(wallet)
    body = await edge.signed(wallet, "step_up")
    answer = await edge.client.post("/v1/me/step-up/wallet", json=body, headers=caller)
    assert outcome(answer) == (403, "same_proof")
    body = await edge.signed(new_wallet(), "step_up")
    answer = await edge.client.post("/v1/me/step-up/wallet", json=body, headers=caller)
    assert outcome(answer) == (404, "identity_unknown")
    handset = Handset(edge, tmp_path)
    by_phone = bearer(await handset.sign_in())
    for asker, code in ((by_phone, (403, "same_proof")), (caller, (404, "identity_unknown"))):
        assert outcome(await handset.ask("/v1/me/step-up/phone/challenges", **asker)) == code


async def test_a_message_or_code_for_something_else_is_no_second_proof(edge: Edge, tmp_path: Path) -> None:
    first, second, handset = new_wallet(), new_wallet(), Handset(edge, tmp_path)
    caller = await edge.sign_in(first)
    await edge.client.post("/v1/me/wallets", json=await edge.signed(second, "link"), headers=caller)
    body = await edge.signed(second, "sign_in")
    answer = await edge.client.post("/v1/me/step-up/wallet", json=body, headers=caller)
    assert outcome(answer) == (401, "siwe_nonce_for_other")
    body = await edge.signed(second, "step_up")
    assert outcome(await edge.client.post("/v1/auth/wallet", json=body)) == (401, "siwe_nonce_for_other")
    challenge = await handset.challenge()
    answer = await say(edge, challenge, handset.receive(challenge), "/v1/me/step-up/phone", **caller)
    assert outcome(answer) == (404, "challenge_unknown")


async def test_a_proof_by_what_is_taken_away_holds_no_longer(edge: Edge) -> None:
    stays, goes = new_wallet(), new_wallet()
    caller, other = await edge.sign_in(stays), await edge.sign_in(stays)
    await edge.client.post("/v1/me/wallets", json=await edge.signed(goes, "link"), headers=caller)
    await edge.step_up(caller, goes)
    await edge.step_up(other, goes)
    assert (await edge.client.delete(f"/v1/me/wallets/{goes.address}", headers=caller)).status_code == 204
    assert (await state(edge, other)).until is None
    assert (await state(edge, caller)).until is not None


async def test_the_dependency_of_other_routes_asks_for_a_second_proof(edge: Edge) -> None:
    probe = FastAPI()
    probe.state.services, probe.state.options = edge.app.state.services, edge.app.state.options
    probe.state.permissions = {"POST /keys": Permission(frozenset({Who.ACCOUNT}), None)}
    router = edge_router("probe")

    @router.post("/keys", status_code=204, dependencies=[STEP_UP])
    def make_key() -> None:
        """Needs a second proof."""

    probe.include_router(router)
    probe.exception_handlers.update(edge.app.exception_handlers)
    caller = await edge.sign_in()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=probe), base_url="http://probe") as client:
        assert outcome(await client.post("/keys")) == (401, "token_missing")
        assert outcome(await client.post("/keys", headers=caller)) == (403, "second_proof_missing")
        await with_totp(edge, caller)
        assert (await client.post("/keys", headers=caller)).status_code == 204


# ------------------------------------------------------------------------------------------ codes


async def test_a_code_serves_once_also_at_once_and_none_before_it(edge: Edge) -> None:
    caller = await edge.sign_in()
    app = await with_totp(edge, caller, stepped_up=False)
    edge.clock.advance(3 * STEP)
    code, before = app.code(), app.code(steps=-1)
    answers = await asyncio.gather(*(app.step_up(caller, code) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200] + [403] * 4
    assert outcome(await app.step_up(caller, code)) == (403, "totp_used")
    assert outcome(await app.step_up(caller, before)) == (403, "totp_used")
    edge.clock.advance(STEP)
    assert (await app.step_up(caller)).status_code == 200


@pytest.mark.parametrize(("steps", "status"), [(-2, 403), (-1, 200), (1, 200), (2, 403)])
async def test_a_clock_may_be_half_a_minute_off(edge: Edge, steps: int, status: int) -> None:
    caller = await edge.sign_in()
    app = await with_totp(edge, caller, stepped_up=False)
    edge.clock.advance(10 * STEP)
    shown = {app.code(steps=off) for off in (-1, 0, 1)}
    code = app.code(steps=steps)
    assert (await app.step_up(caller, code)).status_code == (200 if code in shown else status)


async def test_the_code_that_confirmed_is_no_second_proof(edge: Edge) -> None:
    caller = await edge.sign_in()
    app = await with_totp(edge, caller, stepped_up=False)
    assert outcome(await app.step_up(caller)) == (403, "totp_used")


async def test_an_app_that_was_not_confirmed_proves_nothing(edge: Edge) -> None:
    caller = await edge.sign_in()
    secret = (await edge.client.post("/v1/me/totp", headers=caller)).json()["secret"]
    app = App(edge, secret, [])
    assert outcome(await app.step_up(caller)) == (404, "totp_off")
    assert (await state(edge, caller)).proofs == []
    answer = await edge.client.post("/v1/me/totp/confirm", json={"code": wrong(app.code())}, headers=caller)
    assert outcome(answer) == (403, "totp_wrong")
    again = (await edge.client.post("/v1/me/totp", headers=caller)).json()["secret"]
    assert again != secret


async def test_tries_are_counted_and_a_thief_leaves_the_owner_theirs(
    edge: Edge, connection: psycopg.Connection
) -> None:
    """A stolen session uses up its own tries, not those of the account; right codes cost nothing."""
    wallet = new_wallet()
    thief, owner = await edge.sign_in(wallet), await edge.sign_in(wallet)
    app = await with_totp(edge, owner, stepped_up=False)
    for _ in range(12):
        edge.clock.advance(STEP)
        assert (await app.step_up(owner)).status_code == 200
    edge.clock.advance(STEP)
    bad = wrong(app.code())
    answers = await asyncio.gather(*(app.step_up(thief, bad) for _ in range(14)))
    codes = sorted(answer.json()["code"] for answer in answers)
    assert codes == ["step_up_limit_reached"] * 4 + ["totp_wrong"] * 10
    refused = await app.step_up(thief)
    assert outcome(refused) == (429, "step_up_limit_reached")
    assert 0 < int(refused.headers["retry-after"]) <= DAY.total_seconds()
    assert (await app.step_up(owner)).status_code == 200
    assert len(acts(connection, "step_up_refused")) == 15


async def test_a_recovery_code_serves_once_and_new_ones_end_the_old(edge: Edge) -> None:
    caller = await edge.sign_in()
    app = await with_totp(edge, caller, stepped_up=False)
    assert len(set(app.recovery_codes)) == 10

    async def give(code: str) -> httpx.Response:
        body = {"code": code}
        return await edge.client.post("/v1/me/step-up/recovery-code", json=body, headers=caller)

    first, second, *_ = app.recovery_codes
    answers = await asyncio.gather(*(give(first) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403]
    assert (await give(second.lower().replace("-", " "))).status_code == 200
    assert (await state(edge, caller)).recovery_codes_left == 8
    renewed = (await renew(edge, caller)).json()["recovery_codes"]
    assert not set(renewed) & set(app.recovery_codes)
    assert outcome(await give(app.recovery_codes[2])) == (403, "recovery_code_wrong")
    assert (await give(renewed[0])).status_code == 200


async def test_recovery_codes_are_those_of_their_account(edge: Edge) -> None:
    mine, theirs = await edge.sign_in(), await edge.sign_in()
    app = await with_totp(edge, mine)
    await with_totp(edge, theirs)
    body = {"code": app.recovery_codes[0]}
    answer = await edge.client.post("/v1/me/step-up/recovery-code", json=body, headers=theirs)
    assert outcome(answer) == (403, "recovery_code_wrong")


async def test_an_app_is_taken_away_by_a_second_proof_alone(
    edge: Edge, connection: psycopg.Connection
) -> None:
    caller = await edge.sign_in()
    app = await with_totp(edge, caller, stepped_up=False)
    assert outcome(await edge.client.delete("/v1/me/totp", headers=caller)) == (403, "step_up_needed")
    assert outcome(await edge.client.post("/v1/me/totp", headers=caller)) == (403, "step_up_needed")
    edge.clock.advance(STEP)
    await app.step_up(caller)
    assert outcome(await edge.client.post("/v1/me/totp", headers=caller)) == (409, "totp_on")
    assert (await edge.client.delete("/v1/me/totp", headers=caller)).status_code == 204
    assert await state(edge, caller) == StepUpOut(
        until=edge.clock.now() + HOLDS, proofs=[], recovery_codes_left=0
    )
    assert acts(connection, "totp_on", "totp_off") == ["totp_on", "totp_off"]


async def test_the_database_and_the_log_hold_no_secret(
    edge: Edge, connection: psycopg.Connection, capfd: pytest.CaptureFixture[str]
) -> None:
    caller = await edge.sign_in()
    app = await with_totp(edge, caller)
    rows = connection.execute(
        "SELECT string_agg(t::text, ' ') FROM (SELECT row(c.*)::text AS t FROM identity.totp AS c"
        " UNION ALL SELECT row(r.*)::text FROM identity.recovery_code AS r) AS all_rows"
    ).fetchone()
    assert rows is not None
    logged = "".join(capfd.readouterr())
    assert "/v1/me/totp" in logged
    for secret in (app.secret, *app.recovery_codes):
        assert secret not in logged
        for form in (secret, secret.encode().hex()):
            assert form not in rows[0]


async def test_a_sealed_secret_opens_in_its_own_account_alone(
    edge: Edge, connection: psycopg.Connection
) -> None:
    """Whoever can write rows, and has no key, does not give an account the app of another."""
    mine, theirs = await edge.sign_in(), await edge.sign_in()
    app = await with_totp(edge, mine)
    await with_totp(edge, theirs)
    connection.execute("UPDATE identity.totp SET sealed = (SELECT sealed FROM identity.totp LIMIT 1)")
    edge.clock.advance(3 * STEP)
    answers = [(await app.step_up(caller)).status_code for caller in (mine, theirs)]
    assert sorted(answers) == [200, 500]


async def test_apps_outlive_a_change_of_the_nodes_secret(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path
) -> None:
    wallet = new_wallet()
    urls = {"database_url": fresh_database.app, "redis_url": redis_url, "rpc_url": anvil}
    async with running_edge(edge_settings(tmp_path, **urls, token_secret="o" * 40)) as edge:
        app = await with_totp(edge, await edge.sign_in(wallet), stepped_up=False)
    changed = edge_settings(tmp_path, **urls, token_secret="n" * 40, data_secret="o" * 40)
    async with running_edge(changed) as edge:
        app.edge = edge
        edge.clock.advance(STEP)
        assert (await app.step_up(await edge.sign_in(wallet))).status_code == 200


# ------------------------------------------------------------------------------------------ devices


async def signed_in(edge: Edge, body: dict[str, str], token: str | None = None) -> SignedInOut:
    headers = {} if token is None else {"Device-Token": token}
    answer = await edge.client.post("/v1/auth/wallet", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return SignedInOut.model_validate_json(answer.content)


def open_at(edge: Edge, account_id: uuid.UUID) -> dt.datetime | None:
    with edge.services.database.transaction() as tx:
        return edge.services.devices.withdrawals_open_at(tx, account_id)


async def test_withdrawals_wait_a_day_after_a_device_that_is_not_known(edge: Edge) -> None:
    wallet = new_wallet()
    first = await signed_in(edge, await edge.signed(wallet, "sign_in"))
    assert open_at(edge, first.account_id) is None  # a new account has nothing to lose
    again = await signed_in(edge, await edge.signed(wallet, "sign_in"), first.device_token)
    assert again.device_token == first.device_token
    assert open_at(edge, first.account_id) is None
    for token in (None, "asoud_dt_" + "A" * 43):
        new = await signed_in(edge, await edge.signed(wallet, "sign_in"), token)
        assert new.device_token not in {first.device_token, token}
        assert open_at(edge, first.account_id) == edge.clock.now() + DAY
        edge.clock.advance(DAY)
        assert open_at(edge, first.account_id) is None


async def test_a_device_is_known_to_its_own_account_alone(edge: Edge) -> None:
    mine, theirs = new_wallet(), new_wallet()
    known = await signed_in(edge, await edge.signed(mine, "sign_in"))
    victim = await signed_in(edge, await edge.signed(theirs, "sign_in"))
    await signed_in(edge, await edge.signed(theirs, "sign_in"), known.device_token)
    assert open_at(edge, victim.account_id) == edge.clock.now() + DAY


async def test_a_device_that_was_signed_out_from_elsewhere_is_new_again(edge: Edge) -> None:
    wallet = new_wallet()
    here = await signed_in(edge, await edge.signed(wallet, "sign_in"))
    there = await signed_in(edge, await edge.signed(wallet, "sign_in"))
    await edge.client.delete(f"/v1/sessions/{there.session_id}", headers=bearer(here))
    assert open_at(edge, here.account_id) == edge.clock.now() + DAY  # signing it out ends nothing
    edge.clock.advance(2 * DAY)
    await signed_in(edge, await edge.signed(wallet, "sign_in"), here.device_token)
    assert open_at(edge, here.account_id) is None
    await signed_in(edge, await edge.signed(wallet, "sign_in"), there.device_token)
    assert open_at(edge, here.account_id) == edge.clock.now() + DAY


async def test_withdrawals_wait_a_day_after_a_new_phone(edge: Edge, tmp_path: Path) -> None:
    handset = Handset(edge, tmp_path)
    session = await signed_in(edge, await edge.signed(new_wallet(), "sign_in"))
    challenge = await handset.challenge("/v1/me/phones/challenges", **bearer(session))
    await say(edge, challenge, handset.receive(challenge), "/v1/me/phones", **bearer(session))
    assert open_at(edge, session.account_id) == edge.clock.now() + DAY


async def test_devices_long_away_are_forgotten(edge: Edge, connection: psycopg.Connection) -> None:
    wallet = new_wallet()
    first = await signed_in(edge, await edge.signed(wallet, "sign_in"))
    edge.clock.advance(dt.timedelta(days=401))
    with edge.services.database.transaction() as tx:
        edge.services.sessions.prune(tx)
    assert connection.execute("SELECT count(*) FROM identity.device").fetchone() == (0,)
    await signed_in(edge, await edge.signed(wallet, "sign_in"), first.device_token)
    assert open_at(edge, first.account_id) == edge.clock.now() + DAY
