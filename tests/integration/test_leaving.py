"""The end of accounts against the running edge: merged, deleted, and what they take along."""

import asyncio
import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from eth_account.signers.local import LocalAccount

from api.v1.identity import MeOut
from api.v1.leaving import ExportOut, MergeOut
from node.kernel.hexes import parse_address
from node.kernel.money import Amount, native_asset
from node.services.catalog.models import Product
from node.services.order.access import Caller
from tests.edge import Edge, new_wallet
from tests.handset import PHONE, Handset, bearer, outcome, say
from tests.second_proof import with_totp
from tests.shop import EscrowTold, Shop
from wallet.ledger.commands import AccountId, Posting, Transfer

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]


@dataclass
class Somebody:
    edge: Edge
    wallet: LocalAccount
    headers: dict[str, str]
    account_id: uuid.UUID

    @property
    def token(self) -> str:
        return self.headers["Authorization"].removeprefix("Bearer ")

    @property
    def caller(self) -> Caller:
        return Caller(self.account_id, parse_address(self.wallet.address.lower()))

    async def preview(self, other: "Somebody") -> httpx.Response:
        body = {"access_token": other.token}
        return await self.edge.client.post("/v1/me/merges/preview", json=body, headers=self.headers)

    async def merge(self, other: "Somebody", confirm: str) -> httpx.Response:
        body = {"access_token": other.token, "confirm": confirm}
        return await self.edge.client.post("/v1/me/merges", json=body, headers=self.headers)

    async def me(self) -> MeOut:
        answer = await self.edge.client.get("/v1/me", headers=self.headers)
        return MeOut.model_validate_json(answer.content)

    async def delete(self) -> httpx.Response:
        return await self.edge.client.delete("/v1/me", headers=self.headers)


async def somebody(edge: Edge) -> Somebody:
    wallet = new_wallet()
    headers = await edge.sign_in(wallet)
    me = (await edge.client.get("/v1/me", headers=headers)).json()
    return Somebody(edge, wallet, headers, uuid.UUID(me["account_id"]))


def shop_of(edge: Edge, seller: Somebody, buyer: Somebody) -> tuple[Shop, Product]:
    shop = Shop(edge.services.database, clock=edge.clock, seller=seller.caller, buyer=buyer.caller)
    return shop, shop.add_product(stock=5)


def owners(connection: psycopg.Connection, table: str, column: str) -> list[uuid.UUID]:
    return [row[0] for row in connection.execute(f"SELECT {column} FROM {table}")]  # type: ignore[arg-type] # noqa: S608


# ------------------------------------------------------------------------------------------ merging


async def test_a_merge_moves_what_the_preview_showed(edge: Edge, connection: psycopg.Connection) -> None:
    mine, other, stranger = await somebody(edge), await somebody(edge), await somebody(edge)
    shop, product = shop_of(edge, other, stranger)
    shop.place(product)
    shown = MergeOut.model_validate_json((await mine.preview(other)).content)
    assert (shown.account_id, shown.into, shown.refused) == (other.account_id, mine.account_id, [])
    assert shown.moves == {"wallets": 1, "markets": 1, "parts in markets": 1, "orders sold": 1}
    assert shown.stays == {"sessions": 1, "audit log": 1}
    assert shown.ends == {"known devices": 1}
    assert owners(connection, "market.market", "owner_account_id") == [other.account_id]  # nothing yet
    done = await mine.merge(other, shown.confirm)
    assert done.status_code == 200, done.text
    assert MergeOut.model_validate_json(done.content) == shown
    assert {w.address for w in (await mine.me()).wallets} == {
        parse_address(one.wallet.address.lower()) for one in (mine, other)
    }
    assert owners(connection, "market.market", "owner_account_id") == [mine.account_id]
    assert owners(connection, "orders.shop_order", "seller_account_id") == [mine.account_id]
    assert owners(connection, "orders.shop_order", "buyer_account_id") == [stranger.account_id]
    again = await edge.client.get("/v1/me", headers=await edge.sign_in(other.wallet))
    assert again.json()["account_id"] == str(mine.account_id)
    row = connection.execute(
        "SELECT merged_into FROM identity.account WHERE closed_at IS NOT NULL"
    ).fetchall()
    assert row == [(mine.account_id,)]
    with edge.services.database.transaction() as tx:
        assert edge.services.devices.withdrawals_open_at(tx, mine.account_id) is not None


async def test_the_account_that_is_given_up_is_signed_out(edge: Edge) -> None:
    mine, other = await somebody(edge), await somebody(edge)
    confirm = (await mine.preview(other)).json()["confirm"]
    await mine.merge(other, confirm)
    for path in ("/v1/sessions", "/v1/me"):
        assert outcome(await edge.client.delete(path, headers=other.headers)) == (401, "session_ended")
    await edge.step_up(mine.headers, other.wallet)
    assert outcome(await mine.merge(other, confirm)) == (401, "session_ended")


async def test_a_merge_needs_the_proofs_of_both(edge: Edge) -> None:
    """Whoever stole one way into an account does not get all of it by merging it into their own."""
    thief, victim = await somebody(edge), await somebody(edge)
    body = await edge.signed(new_wallet(), "link")
    await edge.client.post("/v1/me/wallets", json=body, headers=victim.headers)
    assert outcome(await thief.preview(victim)) == (403, "step_up_needed")
    assert outcome(await thief.merge(victim, "0" * 64)) == (403, "step_up_needed")
    assert outcome(await victim.merge(thief, "0" * 64)) == (403, "step_up_needed")
    made_up = {"access_token": "made.up.token"}
    answer = await edge.client.post("/v1/me/merges/preview", json=made_up, headers=thief.headers)
    assert outcome(answer) == (401, "token_invalid")


async def test_what_changed_since_the_preview_is_not_merged(edge: Edge) -> None:
    mine, other, stranger = await somebody(edge), await somebody(edge), await somebody(edge)
    confirm = (await mine.preview(other)).json()["confirm"]
    shop_of(edge, other, stranger)
    assert outcome(await mine.merge(other, confirm)) == (409, "merge_moved")
    assert outcome(await mine.merge(other, "0" * 64)) == (409, "merge_moved")
    assert len((await mine.me()).wallets) == 1


async def test_an_account_does_not_merge_with_itself_nor_with_whom_it_trades(edge: Edge) -> None:
    mine, other = await somebody(edge), await somebody(edge)
    same = (await mine.preview(mine)).json()
    assert same["refused"] == ["it is the same account"]
    assert outcome(await mine.merge(mine, same["confirm"])) == (409, "merge_refused")
    shop, product = shop_of(edge, other, mine)
    order = shop.place(product)
    for one, two in ((mine, other), (other, mine)):
        refused = (await one.preview(two)).json()
        assert refused["refused"] == ["orders between the two accounts are not finished"]
        assert outcome(await one.merge(two, refused["confirm"])) == (409, "merge_refused")
    told = EscrowTold(order)
    shop.tell(told.funded(), told.shipped(), told.released())
    shown = (await mine.preview(other)).json()
    assert (await mine.merge(other, shown["confirm"])).status_code == 200


async def test_two_who_work_in_one_market_stay_two(edge: Edge, connection: psycopg.Connection) -> None:
    owner, staff = await somebody(edge), await somebody(edge)
    body = {"name": "Bazaar", "language": "en"}
    market = (await edge.client.post("/v1/markets", json=body, headers=owner.headers)).json()["id"]
    connection.execute(
        "INSERT INTO market.member (market_id, account_id, role, since) VALUES (%s, %s, 'staff', now())",
        (market, staff.account_id),
    )
    preview = MergeOut.model_validate_json((await owner.preview(staff)).content)
    assert "parts in markets" in preview.refused[0]
    assert (await owner.merge(staff, preview.confirm)).json()["code"] == "merge_refused"
    connection.execute("DELETE FROM market.member WHERE account_id = %s", (staff.account_id,))
    preview = MergeOut.model_validate_json((await staff.preview(owner)).content)
    assert (await staff.merge(owner, preview.confirm)).status_code == 200
    assert owners(connection, "market.member", "account_id") == [staff.account_id]


async def test_two_merges_the_other_way_round_end_in_one_account(
    edge: Edge, connection: psycopg.Connection
) -> None:
    mine, other = await somebody(edge), await somebody(edge)
    first, second = (await mine.preview(other)).json(), (await other.preview(mine)).json()
    answers = await asyncio.gather(mine.merge(other, first["confirm"]), other.merge(mine, second["confirm"]))
    assert sorted(answer.status_code for answer in answers) == [200, 401]
    assert len(set(owners(connection, "identity.wallet", "account_id"))) == 1


# ------------------------------------------------------------------------------------------ deleting


async def test_a_deleted_account_leaves_no_person_behind(
    edge: Edge, tmp_path: Path, connection: psycopg.Connection
) -> None:
    handset, seller = Handset(edge, tmp_path), await somebody(edge)
    session = await handset.sign_in()
    caller = bearer(session)
    await edge.client.patch("/v1/me", json={"country": "TR", "language": "tr"}, headers=caller)
    await with_totp(edge, caller)
    wallet = new_wallet()
    await edge.client.post("/v1/me/wallets", json=await edge.signed(wallet, "link"), headers=caller)
    buyer = Somebody(edge, wallet, caller, session.account_id)
    shop, product = shop_of(edge, seller, buyer)
    order = shop.place(product)
    connection.execute("UPDATE orders.shop_order SET note = 'Leave it at No. 12'")
    refused = await buyer.delete()
    assert outcome(refused) == (409, "closing_refused")
    assert refused.json()["reasons"] == "orders bought"
    told = EscrowTold(order)
    shop.tell(told.funded(), told.shipped(), told.released())
    assert (await buyer.delete()).status_code == 204
    for table in ("wallet", "phone", "session", "device", "totp", "recovery_code", "phone_challenge"):
        left = connection.execute(
            f"SELECT count(*) FROM identity.{table} AS t WHERE t::text LIKE %s",  # type: ignore[arg-type] # noqa: S608
            (f"%{session.account_id}%",),
        ).fetchone()
        assert left == (0,), table
    everything = connection.execute(
        "SELECT string_agg(t::text, ' ') FROM (SELECT row(a.*)::text AS t FROM identity.account AS a"
        " UNION ALL SELECT row(l.*)::text FROM identity.audit AS l"
        " UNION ALL SELECT row(e.*)::text FROM kernel.event AS e) AS all_rows"
    ).fetchone()
    assert everything is not None
    for personal in (PHONE, "TR", "Leave it"):
        assert personal not in everything[0]
    books = connection.execute("SELECT buyer_account_id, note, amount FROM orders.shop_order").fetchall()
    assert [(row[0], row[1], int(row[2])) for row in books] == [(session.account_id, "", order.amount)]
    assert outcome(await buyer.delete()) == (401, "session_ended")
    assert (await handset.sign_in()).account_id != session.account_id


async def test_a_market_that_still_sells_keeps_its_account(
    edge: Edge, connection: psycopg.Connection
) -> None:
    seller, stranger = await somebody(edge), await somebody(edge)
    shop_of(edge, seller, stranger)
    assert (await seller.delete()).json()["reasons"] == "markets"
    connection.execute("UPDATE catalog.product SET status = 'archived'")
    assert (await seller.delete()).status_code == 204


async def test_who_has_money_here_takes_it_out_first(edge: Edge) -> None:
    one, other = await somebody(edge), await somebody(edge)
    ledger, eth = edge.services.ledger, native_asset(31337)
    with edge.services.database.transaction() as tx:
        ledger.register(tx, eth)
        outside = ledger.account(tx, "chain:31337", "deposits", eth, floor=None)
        mine = ledger.account(tx, f"account:{one.account_id}", "main", eth)

    def move(key: str, source: AccountId, destination: AccountId) -> None:
        posting = Posting(source, destination, Amount(eth, 7))
        with edge.services.database.transaction() as tx:
            ledger.post(tx, Transfer(key=key, kind="test", postings=(posting,)))

    move("in", outside, mine)
    assert (await one.delete()).json()["reasons"] == "balances"
    shown = (await other.preview(one)).json()
    assert shown["refused"] == ["pay out first: balances"]
    assert outcome(await other.merge(one, shown["confirm"])) == (409, "merge_refused")
    move("out", mine, outside)
    assert (await one.delete()).status_code == 204


async def test_deleting_needs_a_second_proof_where_there_is_one(edge: Edge) -> None:
    one = await somebody(edge)
    app = await with_totp(edge, one.headers, stepped_up=False)
    assert outcome(await one.delete()) == (403, "step_up_needed")
    await app.step_up(one.headers, app.code(steps=1))
    assert (await one.delete()).status_code == 204


# ------------------------------------------------------------------------------------------ exporting


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else [str(value)]


async def test_an_export_holds_everything_of_the_person_and_nobody_elses(edge: Edge, tmp_path: Path) -> None:
    handset, stranger = Handset(edge, tmp_path), await somebody(edge)
    one = await somebody(edge)
    challenge = await handset.challenge("/v1/me/phones/challenges", **one.headers)
    await say(edge, challenge, handset.receive(challenge), "/v1/me/phones", **one.headers)
    challenge = await handset.challenge("/v1/me/step-up/phone/challenges", **one.headers)
    await say(edge, challenge, handset.receive(challenge), "/v1/me/step-up/phone", **one.headers)
    app = await with_totp(edge, one.headers)
    shop, product = shop_of(edge, stranger, one)
    order = shop.place(product)
    answer = await edge.client.get("/v1/me/export", headers=one.headers)
    assert answer.headers["cache-control"] == "no-store"
    export = ExportOut.model_validate_json(answer.content)
    held = export.holdings
    assert [phone["phone"] for phone in held["phones"]] == [PHONE]
    assert [wallet["address"] for wallet in held["wallets"]] == [one.wallet.address.lower()]
    assert [bought["amount"] for bought in held["orders bought"]] == [str(order.amount)]
    assert {entry["act"] for entry in held["audit log"]} >= {"signed_in", "linked", "stepped_up", "totp_on"}
    assert (len(held["recovery codes"]), len(held["sessions"]), export.truncated) == (10, 1, [])
    told = texts(json.loads(answer.content))
    for secret in (app.secret, *app.recovery_codes, *handset.codes()):
        assert secret not in told
    assert str(stranger.account_id) not in texts(held["wallets"])
    theirs = await edge.client.get("/v1/me/export", headers=stranger.headers)
    assert PHONE not in theirs.text
    assert one.wallet.address.lower() not in texts(theirs.json()["holdings"]["wallets"])
