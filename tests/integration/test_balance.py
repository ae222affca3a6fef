"""What one has on the node, as the edge tells it, and what an operator does to it."""

import csv
import io
import uuid

import httpx
import psycopg
import pytest
from click.testing import CliRunner

from api.schemas import Page
from api.v1.balance import BalanceOut, EntryOut
from node.cli.wallet import wallet
from node.kernel.currencies import fiat_asset
from node.kernel.money import Amount
from node.services.balance.errors import FaucetClosed
from node.services.balance.service import BalanceService
from tests.edge import Edge
from tests.stack import DatabaseUrls
from wallet.ledger.commands import Posting, Transfer
from wallet.ledger.errors import AccountFrozen
from wallet.owners import owner_of_account

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

KWD, EUR = fiat_asset("KWD"), fiat_asset("EUR")


async def somebody(edge: Edge) -> tuple[dict[str, str], str]:
    """A signed-in caller and the name of its money."""
    headers = await edge.sign_in()
    me = await edge.client.get("/v1/me", headers=headers)
    return headers, owner_of_account(uuid.UUID(me.json()["account_id"]))


def give(edge: Edge, owner: str, *amounts: Amount) -> None:
    for amount in amounts:
        with edge.services.database.transaction() as tx:
            edge.services.balance.top_up(tx, owner, amount)


def pay(edge: Edge, source: str, destination: str, amount: Amount, key: str) -> None:
    with edge.services.database.transaction() as tx:
        sides = [edge.services.balance.wallet(tx, owner, amount.asset) for owner in (source, destination)]
        edge.services.ledger.post(tx, Transfer(key, "gift", (Posting(sides[0], sides[1], amount),)))


async def statement(edge: Edge, headers: dict[str, str], **params: str) -> Page[EntryOut]:
    answer = await edge.client.get("/v1/me/statement", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return Page[EntryOut].model_validate_json(answer.content)


async def balances(edge: Edge, headers: dict[str, str]) -> list[BalanceOut]:
    answer: httpx.Response = await edge.client.get("/v1/me/balances", headers=headers)
    assert answer.status_code == 200, answer.text
    return Page[BalanceOut].model_validate_json(answer.content).items


async def test_balances_in_several_currencies(edge: Edge) -> None:
    headers, me = await somebody(edge)
    assert await balances(edge, headers) == []
    give(edge, me, Amount(KWD, 12_345), Amount(EUR, 999))
    with edge.services.database.transaction() as tx:
        own = edge.services.balance.wallet(tx, me, KWD)
        later = edge.clock.at.replace(year=edge.clock.at.year + 1)
        edge.services.ledger.hold(tx, "promised", own, Amount(KWD, 345), expires_at=later)
    found = {item.asset.code: item for item in await balances(edge, headers)}
    assert (found["KWD"].asset.exponent, found["EUR"].asset.exponent) == (3, 2)
    assert (found["KWD"].posted, found["KWD"].held, found["KWD"].available) == ("12345", 345, 12_000)
    assert (found["EUR"].posted, found["EUR"].available, found["EUR"].frozen) == ("999", 999, False)


async def test_a_statement_goes_back_page_by_page(edge: Edge) -> None:
    headers, me = await somebody(edge)
    give(edge, me, Amount(EUR, 100))
    _, other = await somebody(edge)
    for number in range(1, 5):
        pay(edge, me, other, Amount(EUR, number), f"gift:{number}")
    first = await statement(edge, headers, asset=EUR.id, limit="3")
    assert [(entry.delta, entry.balance) for entry in first.items] == [
        ("-4", "90"),
        ("-3", "94"),
        ("-2", "97"),
    ]
    assert {entry.counterparty for entry in first.items} == {f"…{other[-4:]}"}
    assert {entry.reference for entry in first.items} == {"gift:4", "gift:3", "gift:2"}
    assert first.next is not None
    rest = await statement(edge, headers, asset=EUR.id, limit="3", cursor=first.next)
    assert [(entry.delta, entry.kind) for entry in rest.items] == [("-1", "gift"), ("100", "top_up")]
    assert not rest.has_more
    assert (await statement(edge, headers, asset=KWD.id)).items == []


async def test_a_statement_as_csv(edge: Edge) -> None:
    headers, me = await somebody(edge)
    give(edge, me, Amount(EUR, 100), Amount(EUR, 1))
    answer = await edge.client.get("/v1/me/statement.csv", params={"asset": EUR.id}, headers=headers)
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["delta"], row["balance"], row["kind"]) for row in rows] == [
        ("1", "101", "top_up"),
        ("100", "100", "top_up"),
    ]


async def test_nobody_sees_another_ones_money(edge: Edge) -> None:
    _, rich = await somebody(edge)
    give(edge, rich, Amount(EUR, 100))
    headers, _ = await somebody(edge)
    assert await balances(edge, headers) == []
    assert (await statement(edge, headers, asset=EUR.id)).items == []
    for path in ("/v1/me/balances", "/v1/me/statement?asset=iso4217:EUR", "/v1/me/statement.csv?asset=x:y"):
        answer = await edge.client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")


async def test_an_operator_tops_up_and_freezes(
    edge: Edge, fresh_database: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASOUD_DATABASE_URL", fresh_database.app)
    headers, me = await somebody(edge)
    account, runner = me.partition(":")[2], CliRunner()
    assert runner.invoke(wallet, ["top-up", account, "EUR", "500"]).exit_code == 0
    assert runner.invoke(wallet, ["top-up", account, "XXX", "500"]).exit_code == 2
    assert "1 balances frozen" in runner.invoke(wallet, ["freeze", account]).output
    assert [(item.posted, item.frozen) for item in await balances(edge, headers)] == [("500", True)]
    with pytest.raises(AccountFrozen):
        pay(edge, me, owner_of_account(uuid.uuid4()), Amount(EUR, 1), "gift:frozen")
    assert "1 balances open" in runner.invoke(wallet, ["unfreeze", account]).output
    pay(edge, me, owner_of_account(uuid.uuid4()), Amount(EUR, 1), "gift:thawed")
    assert [item.posted for item in await balances(edge, headers)] == ["499"]


async def test_no_play_money_on_a_real_chain(edge: Edge, connection: psycopg.Connection) -> None:
    real = BalanceService(edge.services.ledger, money_is_play=False)
    with pytest.raises(FaucetClosed), edge.services.database.transaction() as tx:
        real.top_up(tx, owner_of_account(uuid.uuid4()), Amount(EUR, 1))
    assert connection.execute("SELECT count(*) FROM ledger.transfer").fetchone() == (0,)
