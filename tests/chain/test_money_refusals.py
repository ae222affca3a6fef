"""Bad input about money: a clear refusal, and not a unit or a row of it changed.

A table over HTTP: every amount that a request can carry in every form that is none, wrong currencies, nothing
and dust, overflow, oneself, frozen and closed accounts, and what has lapsed; and one of the ledger's own
commands, for what the edge lets nobody say.
"""

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql

from node.bootstrap.models import METADATA
from node.kernel.clock import FixedClock
from node.kernel.db.unit_of_work import Database, Tx
from node.kernel.errors import Refused
from node.kernel.money import UINT256_MAX, Amount, Asset
from tests.chain.bazaar import NATIVE, running_bazaar
from tests.chain.rails import Rails
from tests.chain.suite import Suite
from tests.chain_money import ETH
from tests.edge import START
from tests.integration.test_market import open_market
from tests.purse import EUR, KWD, USD, Person, give, market_owner, person, refusal
from tests.second_proof import with_totp
from tests.stack import DatabaseUrls
from wallet.ledger import errors
from wallet.ledger.commands import AccountId, HoldId, Ledger, Posting, Transfer

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

# Whatever is not of people and sessions: all money, all orders, and every event.
APART: Final = frozenset({"identity", "edge"})
NO_AMOUNTS: Final = (
    *("-1", "1.5", "1e3", "01", "+1", " 1", "", "0x10", "NaN", "1_000", "١"),
    *(str(UINT256_MAX + 1), "9" * 500, 5, 1.5, True, None, ["1"]),
)
_HASH: Final = "SELECT {}, md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {} AS t"
Body = dict[str, Any]
Refusal = tuple[type[Refused], Callable[[Tx], object]]


@dataclass
class Scene:
    node: Rails
    people: dict[str, Person] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    async def ask(self, who: str, path: str, body: Body | None) -> tuple[int, str]:
        """`{name}` in a path is an id of the scene."""
        answer = await self.people[who].post(path.format(**self.ids), body)
        assert answer.status_code >= 400, (path, body, answer.text)
        return refusal(answer)


def contents(connection: psycopg.Connection) -> dict[str, str]:
    query = sql.SQL(" UNION ALL ").join(
        sql.SQL(
            "SELECT {}, md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {} AS t"
        ).format(sql.Literal(table.fullname), sql.Identifier(str(table.schema), table.name))
        for table in METADATA.sorted_tables
        if table.schema not in APART
    )
    return dict(connection.execute(query).fetchall())


@pytest.fixture
async def scene(
    fresh_suite: Suite, fresh_database: DatabaseUrls, redis_url: str, tmp_path: Path
) -> AsyncIterator[Scene]:
    more: dict[str, Any] = {
        "access_token_minutes": 24 * 60,
        "rate_sources": "file",
        "rate_options": {"file.path": str(tmp_path / "rates.json")},
    }
    async with running_bazaar(fresh_suite, fresh_database, redis_url, tmp_path, kind=Rails, **more) as node:
        at = node.edge.clock.now().isoformat()
        rates = {"base": "USD", "at": at, "rates": {"EUR": "0.9", "IRR": "600000"}}
        (tmp_path / "rates.json").write_text(json.dumps(rates))
        node.edge.services.rates_of_money.refresh(node.edge.services.database.transaction)
        found = Scene(node)
        await set_up(found)
        yield found


async def set_up(scene: Scene) -> None:
    """People, and what they prepared before they were frozen, or gone, or late."""
    edge, ids = scene.node.edge, scene.ids
    sara = await person(edge, Amount(EUR, 5_000), Amount(ETH, 10**18))
    omar = await (await person(edge, Amount(EUR, 1))).named("omar")
    rich = await (await person(edge, Amount(EUR, UINT256_MAX))).named("rich")
    cold = await (await person(edge, Amount(EUR, 5_000), Amount(ETH, 10**18))).named("cold")
    gone = await (await person(edge)).named("gone")
    seller = await person(edge)
    await sara.named("sara")
    scene.people |= {"sara": sara, "omar": omar, "rich": rich, "cold": cold, "seller": seller}
    for who in (sara, cold):
        await with_totp(edge, who.headers)
    market = await open_market(edge, seller.headers)
    give(edge, market_owner(market), Amount(EUR, 1_000))
    ids["market"] = market["id"]
    for name, asset in (("tea", EUR.id), ("coin", NATIVE)):
        body: Body = {"title": "Tea", "price": {"asset": asset, "amount": "500"}, "stock": 50}
        ids[name] = (await seller.post(f"/v1/markets/{market['id']}/products", body)).json()["id"]
    for name, who, rail in (
        *(("unpaid", sara, "hold"), ("cold_hold", cold, "hold"), ("cold_balance", cold, "balance")),
        *(("dear", omar, "balance"), ("paid", sara, "hold"), ("disputed", sara, "hold")),
        ("ended", sara, "balance"),
    ):
        body = {"product_id": ids["tea"], "quantity": 1, "rail": rail}
        ids[name] = (await who.post("/v1/orders", body)).json()["id"]
    for name in ("paid", "disputed", "ended"):
        assert (await sara.post(f"/v1/orders/{ids[name]}/pay")).status_code == 201
    await seller.post(f"/v1/orders/{ids['ended']}/ship", {"tracking": "x"})
    await sara.post(f"/v1/orders/{ids['ended']}/confirm")
    for name, who, to in (
        *(("to_gone", sara, "gone"), ("cold_sends", cold, "omar"), ("lapses", sara, "omar")),
        ("overflows", sara, "rich"),
    ):
        ids[name] = (await who.prepare({"handle": to}, 1)).json()["id"]
    for name, who in (("quote", sara), ("cold_quote", cold)):
        body = {"sell": EUR.id, "buy": USD.id, "sold": "100"}
        ids[name] = (await who.post("/v1/me/exchange-quotes", body)).json()["id"]
    wish = await omar.post("/v1/me/money-requests", {"asset": EUR.id, "amount": "7"})
    ids["wish"] = wish.json()["code"]
    over = (await omar.post("/v1/me/money-requests", {"asset": EUR.id, "amount": "7"})).json()["code"]
    await omar.post(f"/v1/me/money-requests/{over}/cancel")
    ids["over"] = over
    ids["sara"] = sara.wallet.address
    ids["deposit"] = scene.node.vault.address(sara.account_id)
    assert (await edge.client.delete("/v1/me", headers=gone.headers)).status_code == 204
    with edge.services.database.transaction() as tx:
        edge.services.balance.freeze(tx, cold.owner)


TO_OMAR: Final = {"to": {"handle": "omar"}}
ELSEWHERE: Final = "0x" + "ab" * 20
# Who sends which amount where.
AMOUNTS: Final[tuple[tuple[str, str, Callable[[object], Body]], ...]] = (
    ("sara", "/v1/me/transfers", lambda it: TO_OMAR | {"amount": {"asset": EUR.id, "value": it}}),
    ("sara", "/v1/me/exchange-quotes", lambda it: {"sell": EUR.id, "buy": USD.id, "sold": it}),
    ("sara", "/v1/me/exchange-quotes", lambda it: {"sell": EUR.id, "buy": USD.id, "bought": it}),
    ("sara", "/v1/me/withdrawals", lambda it: {"asset": NATIVE, "amount": it, "to": ELSEWHERE}),
    ("omar", "/v1/me/money-requests", lambda it: {"asset": EUR.id, "amount": it or ""}),
    ("seller", "/v1/orders/{ended}/refunds", lambda it: {"amount": it}),
    ("seller", "/v1/orders/{paid}/refund-part", lambda it: {"amount": it}),
    ("sara", "/v1/orders/{paid}/release-part", lambda it: {"amount": it}),
    ("seller", "/v1/markets/{market}/payouts", lambda it: {"asset": EUR.id, "amount": it or ""}),
    (
        "seller",
        "/v1/markets/{market}/transfers",
        lambda it: TO_OMAR | {"amount": {"asset": EUR.id, "value": it}},
    ),
    (
        "seller",
        "/v1/markets/{market}/products",
        lambda it: {"title": "Tea", "stock": 1, "price": {"asset": EUR.id, "amount": it}},
    ),
)


def sent(to: Mapping[str, str], value: object, asset: str = EUR.id) -> Body:
    return {"to": to, "amount": {"asset": asset, "value": str(value)}}


def price(value: object, asset: str = EUR.id) -> Body:
    return {"title": "Tea", "stock": 1, "price": {"asset": asset, "amount": str(value)}}


def change(sell: str, buy: str, sold: object) -> Body:
    return {"sell": sell, "buy": buy, "sold": str(sold)}


def out(value: object, asset: str = NATIVE, to: str = ELSEWHERE) -> Body:
    return {"asset": asset, "amount": str(value), "to": to}


def bought(product: str, quantity: int, rail: str) -> Body:
    return {"product_id": product, "quantity": quantity, "rail": rail}


TRANSFERS, QUOTES, AWAY = "/v1/me/transfers", "/v1/me/exchange-quotes", "/v1/me/withdrawals"
ORDERS, MARKET, REQUESTS = "/v1/orders", "/v1/markets/{market}", "/v1/me/money-requests"
OMAR: Final = {"handle": "omar"}
RIAL: Final = "iso4217:IRR"
NOBODYS: Final = "iso4217:XXX"
Case = tuple[str, str, Body | None, int, str]
WRONG_CURRENCY: Final[tuple[Case, ...]] = (
    ("sara", TRANSFERS, sent(OMAR, 1, NOBODYS), 422, "asset_unknown"),
    ("sara", TRANSFERS, sent(OMAR, 1, "EUR"), 422, "asset_unknown"),
    ("sara", TRANSFERS, sent(OMAR, 1, f"eip155:1/erc20:{ELSEWHERE}"), 422, "asset_unknown"),
    ("sara", TRANSFERS, sent({"request": "{wish}"}, 7, USD.id), 422, "money_request_fixed"),
    ("sara", QUOTES, change(EUR.id, KWD.id, 5), 404, "rate_unknown"),
    ("sara", QUOTES, change(NATIVE, EUR.id, 5), 404, "rate_unknown"),
    ("sara", AWAY, out(1, EUR.id), 404, "withdrawal_asset_unknown"),
    ("sara", AWAY, out(1, "eip155:1/slip44:60"), 404, "withdrawal_asset_unknown"),
    ("omar", REQUESTS, {"asset": NOBODYS, "amount": "5"}, 422, "asset_unknown"),
    ("sara", ORDERS, bought("{tea}", 1, "escrow"), 422, "rail_unfit"),
    ("sara", ORDERS, bought("{tea}", 1, "deposit"), 422, "rail_unfit"),
    ("sara", ORDERS, bought("{coin}", 1, "gateway"), 422, "rail_unfit"),
    ("seller", f"{MARKET}/products", price(5, NOBODYS), 422, "currency_unknown"),
    ("seller", f"{MARKET}/payouts", {"asset": KWD.id}, 422, "asset_unknown"),
    ("seller", f"{MARKET}/payouts", {"asset": NOBODYS}, 422, "asset_unknown"),
)
NOTHING_AND_DUST: Final[tuple[Case, ...]] = (
    ("sara", TRANSFERS, sent(OMAR, 0), 422, "amount_invalid"),
    ("sara", QUOTES, change(RIAL, EUR.id, 1), 422, "exchange_too_small"),
    ("sara", QUOTES, change(EUR.id, USD.id, 0), 422, "amount_invalid"),
    ("sara", AWAY, out(0), 422, "amount_invalid"),
    ("omar", REQUESTS, {"asset": EUR.id, "amount": "0"}, 422, "amount_invalid"),
    ("sara", ORDERS, bought("{tea}", 0, "hold"), 422, "invalid"),
    ("sara", ORDERS, bought("{tea}", -1, "hold"), 422, "invalid"),
    ("sara", f"{ORDERS}/{{paid}}/release-part", {"amount": "0"}, 422, "part_invalid"),
    ("seller", f"{ORDERS}/{{paid}}/refund-part", {"amount": "0"}, 422, "part_invalid"),
    ("seller", f"{ORDERS}/{{ended}}/refunds", {"amount": "0"}, 422, "part_invalid"),
    ("seller", f"{MARKET}/products", price(0), 422, "price_invalid"),
    ("seller", f"{MARKET}/payouts", {"asset": EUR.id, "amount": "0"}, 409, "nothing_to_pay"),
)
TOO_MUCH: Final[tuple[Case, ...]] = (
    # To somebody who has all that there can be; why he takes no more is nobody else's business.
    ("sara", f"{TRANSFERS}/{{overflows}}/confirm", None, 409, "receiver_gone"),
    ("sara", QUOTES, change(EUR.id, USD.id, UINT256_MAX), 422, "amount_invalid"),
    ("sara", QUOTES, change(EUR.id, RIAL, UINT256_MAX), 422, "amount_invalid"),
    ("sara", AWAY, out(10**18 + 1), 409, "insufficient_funds"),
    ("sara", AWAY, out(UINT256_MAX), 409, "insufficient_funds"),
    ("sara", ORDERS, bought("{tea}", 10**9, "hold"), 422, "invalid"),
    ("omar", f"{ORDERS}/{{dear}}/pay", None, 409, "insufficient_funds"),
    ("sara", f"{ORDERS}/{{paid}}/release-part", {"amount": "501"}, 422, "split_too_large"),
    ("seller", f"{ORDERS}/{{paid}}/refund-part", {"amount": str(UINT256_MAX)}, 422, "split_too_large"),
    ("seller", f"{ORDERS}/{{ended}}/refunds", {"amount": "501"}, 409, "part_too_large"),
    ("seller", f"{ORDERS}/{{ended}}/refunds", {"amount": str(UINT256_MAX)}, 409, "part_too_large"),
    ("seller", f"{MARKET}/products", price(UINT256_MAX), 422, "price_invalid"),
    ("seller", f"{MARKET}/payouts", {"asset": EUR.id, "amount": "2000"}, 409, "insufficient_funds"),
)
ONESELF_AND_OTHERS: Final[tuple[Case, ...]] = (
    ("sara", TRANSFERS, sent({"handle": "sara"}, 1), 422, "own_wallet"),
    ("sara", TRANSFERS, sent({"address": "{sara}"}, 1), 422, "own_wallet"),
    ("sara", QUOTES, change(EUR.id, EUR.id, 5), 422, "same_asset"),
    ("sara", AWAY, out(1, to="{deposit}"), 422, "withdrawal_address_refused"),
    ("sara", AWAY, out(1, to="0x" + "00" * 20), 422, "withdrawal_address_refused"),
    ("sara", AWAY, out(1, to="0xAb" + "ab" * 19), 422, "invalid"),
    ("seller", ORDERS, bought("{tea}", 1, "hold"), 409, "own_product"),
    ("omar", f"{TRANSFERS}/{{lapses}}/confirm", None, 404, "transfer_not_found"),
    ("omar", f"{QUOTES}/{{quote}}/execute", None, 404, "exchange_quote_unknown"),
    ("omar", f"{ORDERS}/{{unpaid}}/pay", None, 404, "order_unknown"),
    ("omar", AWAY, out(1), 403, "second_proof_missing"),
    ("sara", f"{ORDERS}/{{paid}}/pay", None, 409, "wrong_order_state"),
)
FROZEN_AND_CLOSED: Final[tuple[Case, ...]] = (
    ("cold", f"{TRANSFERS}/{{cold_sends}}/confirm", None, 403, "account_frozen"),
    ("cold", f"{QUOTES}/{{cold_quote}}/execute", None, 403, "account_frozen"),
    ("cold", AWAY, out(1), 403, "account_frozen"),
    ("cold", f"{ORDERS}/{{cold_hold}}/pay", None, 403, "account_frozen"),
    ("cold", f"{ORDERS}/{{cold_balance}}/pay", None, 403, "account_frozen"),
    ("sara", TRANSFERS, sent({"handle": "gone"}, 1), 404, "receiver_unknown"),
    ("sara", f"{TRANSFERS}/{{to_gone}}/confirm", None, 409, "receiver_gone"),
    ("sara", TRANSFERS, sent({"request": "{over}"}, 7), 409, "money_request_over"),
)
LAPSED: Final[tuple[Case, ...]] = (
    ("sara", f"{TRANSFERS}/{{lapses}}/confirm", None, 409, "transfer_lapsed"),
    ("sara", f"{QUOTES}/{{quote}}/execute", None, 409, "exchange_quote_lapsed"),
    ("sara", f"{ORDERS}/{{unpaid}}/pay", None, 409, "deadline_passed"),
)
TABLE: Final = (
    *(WRONG_CURRENCY, NOTHING_AND_DUST, TOO_MUCH),
    *(ONESELF_AND_OTHERS, FROZEN_AND_CLOSED, LAPSED),
)


def named(body: object, ids: Mapping[str, str]) -> Any:
    """With the scene's ids in the place of their names."""
    if isinstance(body, dict):
        return {key: named(value, ids) for key, value in body.items()}
    return body.format(**ids) if isinstance(body, str) else body


async def test_what_is_wrong_is_refused_and_changes_nothing(
    scene: Scene, connection: psycopg.Connection
) -> None:
    before = contents(connection)
    for who, path, body in AMOUNTS:
        for it in NO_AMOUNTS:
            assert await scene.ask(who, path, body(it)) == (422, "invalid"), (path, it)
    assert contents(connection) == before
    for cases in TABLE:
        if cases is LAPSED:
            scene.node.edge.clock.advance(dt.timedelta(minutes=40))
        for who, path, told, status, code in cases:
            assert await scene.ask(who, path, named(told, scene.ids)) == (status, code), (path, told)
            assert contents(connection) == before, (path, told)
    part = f"/v1/orders/{scene.ids['paid']}/release-part"  # what is right does change something
    assert (await scene.people["sara"].post(part, {"amount": "1"})).status_code == 200
    now = contents(connection)
    assert {name for name in now if now[name] != before[name]} >= {"payment.step", "ledger.posting"}


def refusals(ledger: Ledger, at: Mapping[str, AccountId], hold: HoldId) -> Iterator[Refusal]:
    """What the edge lets nobody say."""
    wrong_exponent = Asset(EUR.id, EUR.code, 3)
    later = START + dt.timedelta(days=1)

    def move(source: str, destination: str, amount: Amount) -> Callable[[Tx], object]:
        posting = Posting(at[source], at[destination], amount)
        return lambda tx: ledger.post(tx, Transfer("k", "test", (posting,)))

    def both(first: Posting, second: Posting) -> Callable[[Tx], object]:
        return lambda tx: ledger.post(tx, Transfer("k", "test", (first, second)))

    def hold_of(name: str, amount: Amount, *, until: dt.datetime = later) -> Callable[[Tx], object]:
        return lambda tx: ledger.hold(tx, "k", at[name], amount, expires_at=until)

    def capture(destination: str, cents: int) -> Callable[[Tx], object]:
        return lambda tx: ledger.capture(tx, "k", "test", hold, [(at[destination], Amount(EUR, cents))])

    yield errors.CurrencyMismatch, move("ada", "bo", Amount(USD, 1))
    yield errors.CurrencyMismatch, move("ada", "dollars", Amount(EUR, 1))
    yield errors.CurrencyMismatch, move("ada", "bo", Amount(wrong_exponent, 1))
    yield errors.CurrencyMismatch, hold_of("ada", Amount(USD, 1))
    yield errors.CurrencyMismatch, capture("dollars", 1)
    for value in (0, -1, UINT256_MAX + 1):
        yield errors.AmountInvalid, move("ada", "bo", Amount(EUR, value))
        yield errors.AmountInvalid, hold_of("ada", Amount(EUR, value))
        yield errors.AmountInvalid, capture("bo", value)
    yield errors.AmountOverflow, move("ada", "rich", Amount(EUR, 1))
    yield (
        errors.AmountOverflow,
        both(Posting(at["ada"], at["bo"], Amount(EUR, 1)), Posting(at["ada"], at["rich"], Amount(EUR, 1))),
    )
    yield (
        errors.InsufficientFunds,
        both(Posting(at["ada"], at["bo"], Amount(EUR, 60)), Posting(at["ada"], at["bo"], Amount(EUR, 60))),
    )
    yield errors.SelfTransfer, move("ada", "ada", Amount(EUR, 1))
    yield errors.AccountFrozen, move("cold", "ada", Amount(EUR, 1))
    yield errors.AccountFrozen, hold_of("cold", Amount(EUR, 1))
    yield errors.AccountClosed, move("ada", "closed", Amount(EUR, 1))
    yield errors.AccountClosed, move("closed", "ada", Amount(EUR, 1))
    yield errors.AccountClosed, lambda tx: ledger.unfreeze(tx, at["closed"])
    yield errors.AccountNotEmpty, lambda tx: ledger.close(tx, at["ada"])
    yield errors.HoldExpired, hold_of("ada", Amount(EUR, 1), until=START)
    yield errors.HoldExceeded, capture("bo", 11)
    yield errors.LedgerAccountUnknown, lambda tx: ledger.close(tx, AccountId(10**15))


def test_the_ledger_refuses_and_changes_nothing(
    fresh_database: DatabaseUrls, connection: psycopg.Connection
) -> None:
    database, ledger = Database(fresh_database.app, pool_size=1), Ledger(FixedClock(START))
    with database.transaction() as tx:
        at = {"bank": ledger.account(tx, "bank", "test", registered(tx, ledger, EUR), floor=None)}
        for name in ("ada", "bo", "rich", "cold", "closed"):
            at[name] = ledger.account(tx, name, "test", EUR)
        at["dollars"] = ledger.account(tx, "ada", "test", registered(tx, ledger, USD))
        for name, value in (("ada", 110), ("cold", 5), ("rich", UINT256_MAX)):
            posting = Posting(at["bank"], at[name], Amount(EUR, value))
            ledger.post(tx, Transfer(name, "test", (posting,)))
        hold = ledger.hold(tx, "held", at["ada"], Amount(EUR, 10), expires_at=START + dt.timedelta(days=9))
        ledger.freeze(tx, at["cold"])
        ledger.close(tx, at["closed"])
    before = contents(connection)
    for number, (kind, do) in enumerate(refusals(ledger, at, hold)):
        with pytest.raises(Refused) as refused, database.transaction() as tx:
            do(tx)
        assert type(refused.value) is kind, number
        assert contents(connection) == before, number
    database.dispose()


def registered(tx: Tx, ledger: Ledger, asset: Asset) -> Asset:
    ledger.register(tx, asset)
    return asset
