"""Working in a market: invited by its owner, accepted by whom it was for, and over at once when it ends."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from api.schemas import Page
from api.v1.member import InvitationOut, InvitedOut, MemberOut, RolesOut
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import Address, to_bytes
from node.services.identity.errors import AccountFrozen
from node.services.identity.models import PlatformRole
from node.services.identity.proof import WalletProof
from node.services.identity.sessions import Client
from tests.edge import Edge, new_wallet, signature
from tests.integration.test_market import open_market
from tests.integration.test_product import NATIVE, add_product

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

Headers = dict[str, str]


async def invite(edge: Edge, owner: Headers, market: str, **body: Any) -> dict[str, Any]:
    answer = await edge.client.post(
        f"/v1/markets/{market}/invitations", json={"role": "staff", **body}, headers=owner
    )
    assert answer.status_code == 201, answer.text
    InvitedOut.model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    return found


async def accept(edge: Edge, who: Headers, invitation: str, **body: Any) -> tuple[int, str]:
    answer = await edge.client.post(f"/v1/invitations/{invitation}/accept", json=body, headers=who)
    return answer.status_code, answer.json().get("code", "")


async def roles(edge: Edge, who: Headers) -> RolesOut:
    answer = await edge.client.get("/v1/me/roles", headers=who)
    return RolesOut.model_validate_json(answer.content)


async def test_a_link_makes_one_member_once(edge: Edge, connection: psycopg.Connection) -> None:
    owner, guest, late = await edge.sign_in(), await edge.sign_in(), await edge.sign_in()
    market = (await open_market(edge, owner))["id"]
    invited = await invite(edge, owner, market)
    token = invited["token"]
    assert token.startswith("asoud_in_")
    stored = connection.execute("SELECT invitation::text FROM market.invitation AS invitation").fetchall()
    assert token.removeprefix("asoud_in_") not in str(stored)
    assert await accept(edge, guest, invited["id"]) == (404, "invitation_unknown")
    assert await accept(edge, guest, invited["id"], token=token + "x") == (404, "invitation_unknown")
    assert (await accept(edge, guest, invited["id"], token=token))[0] == 200
    assert [(str(m.market_id), m.role) for m in (await roles(edge, guest)).markets] == [(market, "staff")]
    assert await accept(edge, late, invited["id"], token=token) == (409, "invitation_over")
    listed = await edge.client.get(f"/v1/markets/{market}/members", headers=owner)
    members = Page[MemberOut].model_validate_json(listed.content).items
    assert [member.role for member in members] == ["owner", "staff"]
    told = connection.execute(
        "SELECT payload ->> 'role' FROM kernel.event WHERE type_name = 'market.member_joined'"
    )
    assert sorted(told.fetchall()) == [("owner",), ("staff",)]
    acts = connection.execute(
        "SELECT act FROM identity.audit WHERE act LIKE '%invit%' ORDER BY id"
    ).fetchall()
    assert acts == [("member_invited",), ("invitation_accepted",)]


async def test_a_wallets_invitation_is_seen_and_accepted_by_its_holder_alone(edge: Edge) -> None:
    wallet = new_wallet()
    owner, guest, stranger = await edge.sign_in(), await edge.sign_in(wallet), await edge.sign_in()
    market = (await open_market(edge, owner))["id"]
    invited = await invite(edge, owner, market, role="manager", wallet=wallet.address.lower())
    assert invited["token"] is None
    assert (await edge.client.get("/v1/invitations", headers=stranger)).json()["items"] == []
    mine = await edge.client.get("/v1/invitations", headers=guest)
    assert [i.role for i in Page[InvitationOut].model_validate_json(mine.content).items] == ["manager"]
    assert await accept(edge, stranger, invited["id"]) == (404, "invitation_unknown")
    assert (await accept(edge, guest, invited["id"]))[0] == 200
    assert (await edge.client.get("/v1/invitations", headers=guest)).json()["items"] == []


async def test_a_phones_invitation_waits_for_the_phone(edge: Edge, connection: psycopg.Connection) -> None:
    owner, guest = await edge.sign_in(), await edge.sign_in()
    market = (await open_market(edge, owner))["id"]
    invited = await invite(edge, owner, market, phone="+905551112233")
    assert await accept(edge, guest, invited["id"]) == (404, "invitation_unknown")
    me = (await edge.client.get("/v1/me", headers=guest)).json()["account_id"]
    connection.execute(
        "INSERT INTO identity.phone (phone, account_id, linked_at) VALUES ('+905551112233', %s, now())", (me,)
    )
    assert (await accept(edge, guest, invited["id"]))[0] == 200


async def test_an_invitation_ends(edge: Edge) -> None:
    owner = await edge.sign_in()
    market = (await open_market(edge, owner))["id"]
    revoked = await invite(edge, owner, market)
    path = f"/v1/markets/{market}/invitations/{revoked['id']}"
    assert (await edge.client.delete(path, headers=owner)).status_code == 204
    assert (await edge.client.delete(path, headers=owner)).json()["code"] == "invitation_over"
    guest = await edge.sign_in()
    assert await accept(edge, guest, revoked["id"], token=revoked["token"]) == (409, "invitation_over")
    expired = await invite(edge, owner, market, expires_in_s=60)
    edge.clock.advance(dt.timedelta(seconds=60))
    assert await accept(edge, guest, expired["id"], token=expired["token"]) == (409, "invitation_over")
    listed = await edge.client.get(f"/v1/markets/{market}/invitations", headers=owner)
    assert [bool(item["revoked_at"]) for item in listed.json()["items"]] == [False, True]


@pytest.mark.parametrize(
    "body",
    [
        {"role": "owner"},
        {"role": "staff", "phone": "+905551112233", "wallet": "0x" + "ab" * 20},
        {"role": "staff", "expires_in_s": 31 * 24 * 3600},
        {"role": "staff", "phone": "+90 555 111 22 33"},
    ],
)
async def test_an_invitation_that_makes_no_sense_is_refused(edge: Edge, body: dict[str, Any]) -> None:
    owner = await edge.sign_in()
    market = (await open_market(edge, owner))["id"]
    answer = await edge.client.post(f"/v1/markets/{market}/invitations", json=body, headers=owner)
    assert answer.status_code == 422


async def test_what_a_member_may_ends_with_the_role(edge: Edge) -> None:
    owner, guest = await edge.sign_in(), await edge.sign_in()
    market = (await open_market(edge, owner))["id"]
    invited = await invite(edge, owner, market)
    assert (await accept(edge, guest, invited["id"], token=invited["token"]))[0] == 200
    product = await add_product(edge, guest, market, status="draft")
    read = f"/v1/products/{product['id']}"
    assert (await edge.client.get(read, headers=guest)).status_code == 200
    again = await invite(edge, owner, market, role="manager")
    assert await accept(edge, guest, again["id"], token=again["token"]) == (409, "already_member")
    me = (await edge.client.get("/v1/me", headers=guest)).json()["account_id"]
    members = f"/v1/markets/{market}/members"
    assert (await edge.client.delete(f"{members}/{me}", headers=owner)).status_code == 204
    body = {"title": "x", "price": {"asset": NATIVE, "amount": "1"}, "stock": 1}
    answer = await edge.client.post(f"/v1/markets/{market}/products", json=body, headers=guest)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_market_owner")
    assert (await edge.client.get(read, headers=guest)).status_code == 404
    own = (await edge.client.get("/v1/me", headers=owner)).json()["account_id"]
    stays = await edge.client.delete(f"{members}/{own}", headers=owner)
    assert (stays.status_code, stays.json()["code"]) == (409, "owner_stays")


async def test_two_who_accept_one_link_at_once_are_one_member(edge: Edge) -> None:
    owner, *guests = [await edge.sign_in() for _ in range(4)]
    market = (await open_market(edge, owner))["id"]
    invited = await invite(edge, owner, market)
    answers = await asyncio.gather(
        *(accept(edge, guest, invited["id"], token=invited["token"]) for guest in guests)
    )
    assert sorted(status for status, _ in answers) == [200, 409, 409]
    assert len((await edge.client.get(f"/v1/markets/{market}/members", headers=owner)).json()["items"]) == 2


async def test_a_frozen_account_is_shut_out_at_once(edge: Edge, connection: psycopg.Connection) -> None:
    wallet = new_wallet()
    caller = await edge.sign_in(wallet)
    account = uuid.UUID((await edge.client.get("/v1/me", headers=caller)).json()["account_id"])
    with edge.services.database.transaction() as tx:
        assert edge.services.roles.find(tx, wallet.address.lower()) == account
        assert edge.services.roles.freeze(tx, account, by="cli:test")
        assert not edge.services.roles.freeze(tx, account, by="cli:test")
    changed = await edge.client.patch("/v1/me", json={"language": "tr"}, headers=caller)
    assert (changed.status_code, changed.json()["code"]) == (401, "session_ended")
    nonce = await edge.client.post("/v1/auth/nonces", json={"address": wallet.address.lower()})
    message = nonce.json()["message"]
    body = {"message": message, "signature": signature(wallet, message)}
    shut = await edge.client.post("/v1/auth/wallet", json=body)
    assert (shut.status_code, shut.json()["code"]) == (403, "account_shut_out")
    with edge.services.database.transaction() as tx:
        assert edge.services.roles.unfreeze(tx, account, by="cli:test")
    assert (await edge.client.get("/v1/me", headers=await edge.sign_in(wallet))).status_code == 200
    acts = connection.execute("SELECT act, origin FROM identity.audit WHERE origin LIKE 'cli:%' ORDER BY id")
    assert acts.fetchall() == [("account_frozen", "cli:test"), ("account_unfrozen", "cli:test")]


async def test_a_frozen_account_changes_nothing_of_itself_though_a_session_were_open(
    edge: Edge, connection: psycopg.Connection
) -> None:
    """The services judge too, not the edge alone, and not by the sessions alone that a freeze ends."""
    services = edge.services
    caller = await edge.sign_in()
    other = await edge.signed(new_wallet(), "link")
    linked = await edge.client.post("/v1/me/wallets", json=other, headers=caller)
    mine, lost = [WalletProof(wallet["address"]) for wallet in linked.json()["wallets"]]
    principal = services.sessions.principal(caller["Authorization"].removeprefix("Bearer "))
    connection.execute("UPDATE identity.account SET frozen_at = now()")
    new = WalletProof(Address(new_wallet().address.lower()))
    acts: list[Callable[[Tx], object]] = [
        lambda tx: services.accounts.link(tx, principal, new, Client()),
        lambda tx: services.accounts.unlink(tx, principal, lost, Client()),
        lambda tx: services.recoveries.ask(tx, principal, lost, Client()),
        lambda tx: services.recoveries.cancel(tx, principal, uuid.uuid4(), Client()),
        lambda tx: services.recoveries.complete(tx, principal, uuid.uuid4(), Client()),
        lambda tx: services.leaving.delete(tx, principal, Client()),
        lambda tx: services.leaving.preview(tx, principal, principal),
    ]
    for act in acts:
        with pytest.raises(AccountFrozen), services.database.transaction() as tx:
            act(tx)
    wallets = connection.execute("SELECT address FROM identity.wallet").fetchall()
    assert {bytes(address) for (address,) in wallets} == {to_bytes(one.address) for one in (mine, lost)}


async def test_a_role_of_the_node_counts_at_once_and_no_longer(edge: Edge) -> None:
    caller = await edge.sign_in()
    account = uuid.UUID((await edge.client.get("/v1/me", headers=caller)).json()["account_id"])
    assert (await edge.client.get("/v1/disputes", headers=caller)).json()["code"] == "role_needed"
    with edge.services.database.transaction() as tx:
        assert edge.services.roles.grant(tx, account, PlatformRole.ARBITER, by="cli:test")
        assert not edge.services.roles.grant(tx, account, PlatformRole.ARBITER, by="cli:test")
    assert (await edge.client.get("/v1/disputes", headers=caller)).json()["items"] == []
    assert (await roles(edge, caller)).node == [PlatformRole.ARBITER]
    with edge.services.database.transaction() as tx:
        assert edge.services.roles.revoke(tx, account, PlatformRole.ARBITER, by="cli:test")
    assert (await edge.client.get("/v1/disputes", headers=caller)).status_code == 403
