"""Accounts against the running edge: linking and unlinking wallets, and the profile."""

import asyncio
import datetime as dt
from typing import Any

import httpx
import psycopg
import pytest
from eth_account.signers.local import LocalAccount

from api.v1.identity import MeOut
from tests.edge import Edge, new_wallet, signature
from tests.second_proof import with_totp

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

FRESH = dt.timedelta(minutes=15)


async def link(edge: Edge, caller: dict[str, str], wallet: LocalAccount) -> httpx.Response:
    body = await edge.signed(wallet, "link")
    return await edge.client.post("/v1/me/wallets", json=body, headers=caller)


async def unlink(edge: Edge, caller: dict[str, str], wallet: LocalAccount) -> httpx.Response:
    return await edge.client.delete(f"/v1/me/wallets/{wallet.address}", headers=caller)


async def wallets(edge: Edge, caller: dict[str, str]) -> set[str]:
    me = MeOut.model_validate_json((await edge.client.get("/v1/me", headers=caller)).content)
    return {str(wallet.address) for wallet in me.wallets}


def outcome(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def lower(*accounts: LocalAccount) -> set[str]:
    return {account.address.lower() for account in accounts}


async def test_a_linked_wallet_signs_in_to_the_same_account(
    edge: Edge, connection: psycopg.Connection
) -> None:
    first, second = new_wallet(), new_wallet()
    caller = await edge.sign_in(first)
    answer = await link(edge, caller, second)
    assert answer.status_code == 200
    assert answer.content == (await edge.client.get("/v1/me", headers=caller)).content
    assert await wallets(edge, await edge.sign_in(second)) == lower(first, second)
    told = connection.execute("SELECT type_name FROM kernel.event ORDER BY version").fetchall()
    assert told == [("account.opened",), ("account.wallet_linked",)]


async def test_linking_needs_the_signature_of_the_new_wallet(edge: Edge) -> None:
    caller, victim, thief = await edge.sign_in(), new_wallet(), new_wallet()
    body = await edge.signed(victim, "link")
    answer = await edge.client.post(
        "/v1/me/wallets", json=body | {"signature": signature(thief, body["message"])}, headers=caller
    )
    assert outcome(answer) == (401, "siwe_bad_signature")
    assert victim.address.lower() not in await wallets(edge, caller)


async def test_linking_needs_a_new_sign_in(edge: Edge) -> None:
    wallet, second = new_wallet(), new_wallet()
    caller = await edge.sign_in(wallet)
    edge.clock.advance(FRESH + dt.timedelta(seconds=1))
    assert outcome(await link(edge, caller, second)) == (403, "sign_in_too_old")
    assert (await link(edge, await edge.sign_in(wallet), second)).status_code == 200


async def test_a_wallet_of_another_account_is_not_taken(edge: Edge) -> None:
    theirs = new_wallet()
    them = await edge.sign_in(theirs)
    caller = await edge.sign_in()
    assert outcome(await link(edge, caller, theirs)) == (409, "identity_taken")
    assert theirs.address.lower() in await wallets(edge, them)


async def test_linking_again_changes_nothing(edge: Edge) -> None:
    wallet = new_wallet()
    caller = await edge.sign_in(wallet)
    before = await edge.client.get("/v1/me", headers=caller)
    assert (await link(edge, caller, wallet)).content == before.content


async def test_of_two_accounts_that_link_one_wallet_at_once_one_gets_it(edge: Edge) -> None:
    wanted = new_wallet()
    callers = [await edge.sign_in() for _ in range(4)]
    answers = await asyncio.gather(*(link(edge, caller, wanted) for caller in callers))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_an_unlinked_wallet_is_somebody_else(edge: Edge) -> None:
    stays, goes = new_wallet(), new_wallet()
    caller = await edge.sign_in(stays)
    await link(edge, caller, goes)
    assert outcome(await unlink(edge, caller, goes)) == (403, "step_up_needed")
    await edge.step_up(caller, goes)
    assert (await unlink(edge, caller, goes)).status_code == 204
    assert await wallets(edge, caller) == lower(stays)
    assert await wallets(edge, await edge.sign_in(goes)) == lower(goes)


async def test_unlinking_signs_out_the_devices_that_came_in_by_it(edge: Edge) -> None:
    stays, goes = new_wallet(), new_wallet()
    caller = await edge.sign_in(stays)
    await link(edge, caller, goes)
    await edge.step_up(caller, goes)
    body = await edge.signed(goes, "sign_in")
    theirs = (await edge.client.post("/v1/auth/wallet", json=body)).json()["refresh_token"]
    await unlink(edge, caller, goes)
    answer = await edge.client.post("/v1/auth/refresh", json={"refresh_token": theirs})
    assert outcome(answer) == (401, "session_ended")


async def test_the_last_wallet_stays(edge: Edge) -> None:
    wallet = new_wallet()
    caller = await edge.sign_in(wallet)
    assert outcome(await unlink(edge, caller, wallet)) == (403, "second_proof_missing")
    await with_totp(edge, caller)
    assert outcome(await unlink(edge, caller, wallet)) == (409, "last_identity")


async def test_nobody_takes_away_what_they_signed_in_with(edge: Edge) -> None:
    """Otherwise a thief of one wallet shuts the owner out with the other one."""
    first, second = new_wallet(), new_wallet()
    caller = await edge.sign_in(first)
    await link(edge, caller, second)
    await edge.step_up(caller, second)
    assert outcome(await unlink(edge, caller, first)) == (403, "signed_in_by_it")
    edge.clock.advance(FRESH)
    assert outcome(await unlink(edge, caller, second)) == (403, "step_up_needed")


async def test_two_that_unlink_each_other_at_once_leave_one(edge: Edge) -> None:
    for _ in range(5):
        first, second = new_wallet(), new_wallet()
        by_first = await edge.sign_in(first)
        await link(edge, by_first, second)
        by_second = await edge.sign_in(second)
        await edge.step_up(by_first, second)
        await edge.step_up(by_second, first)
        answers = await asyncio.gather(unlink(edge, by_first, second), unlink(edge, by_second, first))
        assert sorted(answer.status_code for answer in answers) in ([204, 401], [204, 409])
        assert len(await wallets(edge, by_first)) == 1


async def test_another_accounts_wallet_is_not_unlinked(edge: Edge) -> None:
    theirs, second = new_wallet(), new_wallet()
    them, caller = await edge.sign_in(theirs), await edge.sign_in()
    await link(edge, caller, second)
    await edge.step_up(caller, second)
    assert outcome(await unlink(edge, caller, theirs)) == (404, "identity_unknown")
    assert await wallets(edge, them) == lower(theirs)


async def test_an_ended_session_links_nothing(edge: Edge) -> None:
    wallet = new_wallet()
    caller, other = await edge.sign_in(wallet), await edge.sign_in(wallet)
    await edge.client.delete("/v1/sessions", headers=other)
    assert outcome(await link(edge, caller, new_wallet())) == (401, "session_ended")


async def test_links_have_an_end(edge: Edge) -> None:
    caller, second = await edge.sign_in(), new_wallet()
    assert (await link(edge, caller, second)).status_code == 200
    await edge.step_up(caller, second)
    for _ in range(18):
        assert (await link(edge, caller, new_wallet())).status_code == 200
    assert outcome(await link(edge, caller, new_wallet())) == (409, "too_many_identities")


# ------------------------------------------------------------------------------------------ profile


async def change(edge: Edge, caller: dict[str, str], body: dict[str, Any], **headers: str) -> httpx.Response:
    return await edge.client.patch("/v1/me", json=body, headers=caller | headers)


async def test_a_profile_is_set_field_by_field_and_cleared(edge: Edge) -> None:
    caller = await edge.sign_in()
    answer = await change(edge, caller, {"language": "FA-arab-ir", "currency": "IRR", "country": "IR"})
    assert answer.status_code == 200
    answer = await change(edge, caller, {"time_zone": "Asia/Tehran", "country": None})
    read = await edge.client.get("/v1/me", headers=caller)
    assert answer.content == read.content
    assert answer.headers["etag"] == read.headers["etag"]
    assert MeOut.model_validate_json(read.content).profile.model_dump() == {
        "language": "fa-Arab-IR",
        "currency": "IRR",
        "country": None,
        "time_zone": "Asia/Tehran",
    }


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("language", "english please", "language_invalid"),
        ("currency", "TRL", "money_unknown"),  # left circulation in 2005
        ("currency", "try", "money_unknown"),
        ("country", "XX", "country_unknown"),
        ("country", "tr", "country_unknown"),
        ("time_zone", "Europe/Ankara", "time_zone_unknown"),
        ("time_zone", "../../etc/passwd", "time_zone_unknown"),
    ],
)
async def test_what_no_list_knows_is_refused(edge: Edge, field: str, value: str, code: str) -> None:
    caller = await edge.sign_in()
    await change(edge, caller, {"language": "tr", "currency": "TRY", "country": "TR"})
    before = (await edge.client.get("/v1/me", headers=caller)).content
    assert outcome(await change(edge, caller, {"language": "en", field: value})) == (422, code)
    assert (await edge.client.get("/v1/me", headers=caller)).content == before


async def test_a_change_of_what_has_moved_on_is_refused(edge: Edge) -> None:
    caller = await edge.sign_in()
    tag = (await edge.client.get("/v1/me", headers=caller)).headers["etag"]
    assert (await change(edge, caller, {"country": "TR"}, **{"If-Match": tag})).status_code == 200
    answer = await change(edge, caller, {"country": "IQ"}, **{"If-Match": tag})
    assert outcome(answer) == (412, "precondition_failed")
