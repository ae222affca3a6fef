"""What was lost is taken away by one proof alone, after a time in which all others can object."""

import datetime as dt
import json
import uuid
from pathlib import Path

import httpx
import psycopg
import pytest
from eth_account.signers.local import LocalAccount

from api.v1.identity import MeOut
from api.v1.session import SignedInOut
from node.services.identity.words import WORDS
from tests.edge import Edge, new_wallet
from tests.handset import PHONE, Handset, bearer, outcome, say
from tests.second_proof import with_totp

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

DELAY = dt.timedelta(hours=72)
SECOND = dt.timedelta(seconds=1)


class Home:
    """An account with a wallet and a phone."""

    def __init__(self, edge: Edge, data_dir: Path) -> None:
        self.edge = edge
        self.wallet: LocalAccount = new_wallet()
        self.handset = Handset(edge, data_dir)

    async def furnish(self) -> "Home":
        caller = await self.by_wallet()
        challenge = await self.handset.challenge("/v1/me/phones/challenges", **caller)
        code = self.handset.receive(challenge)
        assert (await say(self.edge, challenge, code, "/v1/me/phones", **caller)).status_code == 200
        return self

    async def by_wallet(self) -> dict[str, str]:
        return await self.edge.sign_in(self.wallet)

    async def by_phone(self) -> SignedInOut:
        return await self.handset.sign_in()

    async def ask(self, caller: dict[str, str], **lost: object) -> httpx.Response:
        return await self.edge.client.post("/v1/me/recoveries", json=lost, headers=caller)

    async def complete(self, caller: dict[str, str], recovery: object) -> httpx.Response:
        return await self.edge.client.post(f"/v1/me/recoveries/{recovery}/complete", headers=caller)

    async def cancel(self, caller: dict[str, str], recovery: object) -> httpx.Response:
        return await self.edge.client.delete(f"/v1/me/recoveries/{recovery}", headers=caller)


@pytest.fixture
async def home(edge: Edge, tmp_path: Path) -> Home:
    return await Home(edge, tmp_path).furnish()


def begun(answer: httpx.Response) -> uuid.UUID:
    assert answer.status_code == 201, answer.text
    recovery = MeOut.model_validate_json(answer.content).recovery
    assert recovery is not None
    return recovery.id


async def test_a_lost_phone_is_taken_away_after_the_time_to_object(
    edge: Edge, home: Home, connection: psycopg.Connection
) -> None:
    lost = await home.by_phone()
    answer = await home.ask(await home.by_wallet(), phone=PHONE)
    recovery = begun(answer)
    assert answer.json()["recovery"]["phone"] == PHONE
    edge.clock.advance(DELAY - SECOND)
    early = await home.complete(await home.by_wallet(), recovery)
    assert outcome(early) == (409, "recovery_not_ripe")
    assert early.headers["retry-after"] == "2"
    edge.clock.advance(SECOND)
    answer = await home.complete(await home.by_wallet(), recovery)
    me = MeOut.model_validate_json(answer.content)
    assert (me.phones, me.recovery) == ([], None)
    refused = await edge.client.post("/v1/auth/refresh", json={"refresh_token": lost.refresh_token})
    assert outcome(refused) == (401, "session_ended")
    assert (await home.by_phone()).account_id != lost.account_id
    with edge.services.database.transaction() as tx:
        open_at = edge.services.devices.withdrawals_open_at(tx, me.account_id)
    assert open_at == edge.clock.now() + dt.timedelta(days=1)
    acts = connection.execute("SELECT act FROM identity.audit WHERE act LIKE 'recovery%' ORDER BY id")
    assert [row[0] for row in acts] == ["recovery_asked", "recovery_done"]


async def test_every_phone_is_told_and_each_identity_can_object(
    edge: Edge, home: Home, tmp_path: Path, connection: psycopg.Connection
) -> None:
    """A thief of the wallet does not get rid of the owner's phone unnoticed."""
    recovery = begun(await home.ask(await home.by_wallet(), phone=PHONE))
    (event,) = connection.execute(
        "SELECT payload FROM kernel.event WHERE type_name = 'account.recovery_asked'"
    ).fetchall()
    assert event[0]["recovery_id"] == str(recovery)
    for _ in range(2):  # a task that runs twice tells once
        edge.services.recoveries.tell(edge.services.database.transaction, recovery)
    lines = (tmp_path / "outbox" / "sms.jsonl").read_text(encoding="utf-8").splitlines()
    told = [line for line in map(json.loads, lines) if line["text"] == WORDS["tr"].recovery]
    assert [line["to"] for line in told] == [PHONE]
    by_phone = bearer(await home.by_phone())
    seen = MeOut.model_validate_json((await edge.client.get("/v1/me", headers=by_phone)).content)
    assert seen.recovery is not None
    assert seen.recovery.id == recovery
    assert (await home.cancel(by_phone, recovery)).status_code == 204
    edge.clock.advance(DELAY)
    assert outcome(await home.complete(await home.by_wallet(), recovery)) == (404, "recovery_unknown")
    assert outcome(await home.cancel(by_phone, recovery)) in (
        (404, "recovery_unknown"),
        (401, "token_expired"),
    )


async def test_what_one_signed_in_with_is_not_lost(edge: Edge, home: Home) -> None:
    caller = await home.by_wallet()
    assert outcome(await home.ask(caller, wallet=home.wallet.address)) == (403, "signed_in_by_it")
    recovery = begun(await home.ask(caller, phone=PHONE))
    edge.clock.advance(DELAY)
    assert outcome(await home.complete(bearer(await home.by_phone()), recovery)) == (403, "signed_in_by_it")


async def test_a_recovery_needs_a_new_sign_in_both_times(edge: Edge, home: Home) -> None:
    caller = await home.by_wallet()
    edge.clock.advance(dt.timedelta(minutes=16))
    assert outcome(await home.ask(caller, phone=PHONE)) == (403, "sign_in_too_old")
    recovery = begun(await home.ask(await home.by_wallet(), phone=PHONE))
    edge.clock.advance(DELAY - dt.timedelta(minutes=20))
    caller = await home.by_wallet()
    edge.clock.advance(dt.timedelta(minutes=20))
    assert outcome(await home.complete(caller, recovery)) == (403, "sign_in_too_old")


async def test_what_is_not_the_accounts_or_the_last_is_no_loss(edge: Edge, home: Home) -> None:
    caller, alone = await home.by_wallet(), await edge.sign_in()
    assert outcome(await home.ask(caller, phone="+905551119999")) == (404, "identity_unknown")
    assert outcome(await home.ask(caller, wallet=new_wallet().address)) == (404, "identity_unknown")
    assert outcome(await home.ask(caller, totp=True)) == (404, "totp_off")
    assert outcome(await home.ask(alone, phone=PHONE)) == (404, "identity_unknown")
    for nothing in ({}, {"phone": PHONE, "totp": True}, {"totp": False}):
        assert outcome(await home.ask(caller, **nothing)) == (422, "invalid")


async def test_nobody_completes_or_cancels_for_somebody_else(edge: Edge, home: Home) -> None:
    recovery = begun(await home.ask(await home.by_wallet(), phone=PHONE))
    edge.clock.advance(DELAY)
    stranger = await edge.sign_in()
    assert outcome(await home.complete(stranger, recovery)) == (404, "recovery_unknown")
    assert outcome(await home.cancel(stranger, recovery)) == (404, "recovery_unknown")


async def test_one_at_a_time_and_three_a_month(home: Home) -> None:
    caller = await home.by_wallet()
    for n in range(3):
        recovery = begun(await home.ask(caller, phone=PHONE))
        assert outcome(await home.ask(caller, phone=PHONE)) == (409, "recovery_open"), n
        await home.cancel(caller, recovery)
    assert outcome(await home.ask(caller, phone=PHONE)) == (429, "recovery_limit_reached")


async def test_a_lost_app_is_taken_away_with_its_recovery_codes(
    edge: Edge, connection: psycopg.Connection
) -> None:
    wallet = new_wallet()
    caller = await edge.sign_in(wallet)
    await with_totp(edge, caller)
    answer = await edge.client.post("/v1/me/recoveries", json={"totp": True}, headers=caller)
    recovery = begun(answer)
    edge.clock.advance(DELAY)
    caller = await edge.sign_in(wallet)
    done = await edge.client.post(f"/v1/me/recoveries/{recovery}/complete", headers=caller)
    assert done.status_code == 200
    for table in ("totp", "recovery_code"):
        assert connection.execute(f"SELECT count(*) FROM identity.{table}").fetchone() == (0,)  # type: ignore[arg-type] # noqa: S608
    state = await edge.client.get("/v1/me/step-up", headers=caller)
    assert state.json()["proofs"] == []
