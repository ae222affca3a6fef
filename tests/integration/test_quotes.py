"""Offers, bundles, private sales and falling prices: signed, taken and voided over HTTP on a real chain."""

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.schemas import Page
from api.v1.quote import PreparedQuoteOut, QuoteItemOut, QuoteOut, SweepOut
from node.chain.artifacts import load_artifact
from node.kernel.hexes import Address
from tests.stack import DatabaseUrls
from tests.trade import Trader, TradingNode, trading_node

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

DOLLARS = 10**6


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def node(
    module_database: DatabaseUrls,
    module_redis_url: str,
    anvil: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[TradingNode]:
    """One for all: each test has a collection of its own."""
    folder = tmp_path_factory.mktemp("node")
    async with trading_node(folder, module_database, redis_url=module_redis_url, rpc_url=anvil) as running:
        yield running


@pytest.fixture
async def seller(node: TradingNode) -> Trader:
    return await node.trader(1)


@pytest.fixture
async def buyer(node: TradingNode) -> Trader:
    return await node.trader(2)


async def quoted(maker: Trader, **wish: Any) -> Any:
    """Prepared, approved, signed and posted."""
    prepared = await maker.post("/v1/quotes/prepare", wish, status=200)
    PreparedQuoteOut.model_validate(prepared)
    signature = await maker.do(prepared["steps"])
    body = {name: prepared[name] for name in ("quote", "items", "token_ids")} | {"signature": signature}
    made = await maker.post("/v1/quotes", body, status=201)
    assert (made["digest"], made["state"]) == (prepared["digest"], "active")
    assert made == await maker.post("/v1/quotes", body, status=201)
    return made


async def offered(node: TradingNode, maker: Trader, **wish: Any) -> Any:
    assert node.deployment.dev_dollar is not None
    currency = node.deployment.dev_dollar.address
    return await quoted(maker, side="buy", currency=currency, **wish)


async def taken(taker: Trader, quote: Any, **body: Any) -> Any:
    plan = await taker.post(f"/v1/quotes/{quote['digest']}/take", body, status=200)
    await taker.do(plan["steps"])
    return await shown(taker.node, quote)


async def shown(node: TradingNode, quote: Any) -> Any:
    answer = await node.raw(f"/v1/quotes/{quote['digest']}")
    QuoteOut.model_validate_json(answer.content)
    return answer.json()


async def listed(node: TradingNode, **filters: str) -> list[str]:
    page = await node.raw("/v1/quotes", **filters)
    return [item.digest for item in Page[QuoteItemOut].model_validate_json(page.content).items]


def owner_of(node: TradingNode, collection: Address, token_id: str) -> Address:
    asked = node.edge.services.chain.read(load_artifact("Collection"), collection, "ownerOf", int(token_id))
    return Address(asked)


async def test_offers_for_one_any_and_some_tokens(node: TradingNode, seller: Trader, buyer: Trader) -> None:
    collection = await seller.collection()
    one, two, three, four = [await seller.mint(collection) for _ in range(4)]
    for_one = await offered(
        node, buyer, scope="token", collection=collection, token_id=one, price=str(9 * DOLLARS)
    )
    for_two_of_any = await offered(
        node, buyer, scope="collection", collection=collection, quantity="2", price=str(5 * DOLLARS)
    )
    for_some = await offered(
        node, buyer, scope="trait", collection=collection, token_ids=[two, four], price=str(7 * DOLLARS)
    )
    fitting = {
        token: set(await listed(node, collection=collection, token_id=token, side="buy"))
        for token in (one, four)
    }
    assert fitting == {
        one: {for_one["digest"], for_two_of_any["digest"]},
        four: {for_two_of_any["digest"], for_some["digest"]},
    }
    path = f"/v1/quotes/{for_some['digest']}/take"
    assert await seller.refused(path, {"token_id": three}, status=422) == "token_not_wanted"
    assert await seller.refused(path, {}, status=422) == "quote_invalid"
    assert await buyer.refused(path, {"token_id": four}, status=403) == "own_quote"
    stranger = await node.trader(3)
    assert await stranger.refused(path, {"token_id": four}, status=403) == "not_token_owner"

    got = await taken(seller, for_one)
    assert (got["state"], got["left"], owner_of(node, collection, one)) == ("filled", "0", buyer.address)
    assert got["sales"][0]["price"]["value"] == str(9 * DOLLARS)
    got = await taken(seller, for_some, token_id=four)
    assert (got["state"], owner_of(node, collection, four)) == ("filled", buyer.address)
    half = await taken(seller, for_two_of_any, token_id=two)
    assert (half["state"], half["left"]) == ("active", "1")
    whole = await taken(seller, for_two_of_any, token_id=three)
    assert (whole["state"], whole["left"], len(whole["sales"])) == ("filled", "0", 2)
    gone = await seller.refused(f"/v1/quotes/{for_one['digest']}/take", {}, status=409)
    assert gone == "quote_not_active"
    assert await listed(node, state="active", collection=collection) == []
    assert set(await listed(node, state="filled", collection=collection, maker=buyer.address)) == {
        quote["digest"] for quote in (for_one, for_two_of_any, for_some)
    }


async def test_a_price_falls_by_the_clock(node: TradingNode, seller: Trader, buyer: Trader) -> None:
    collection = await seller.collection()
    token_id = await seller.mint(collection)
    now = int(node.edge.clock.now().timestamp())
    wish = {"side": "sell", "scope": "token", "collection": collection, "token_id": token_id}
    falling = await quoted(
        seller, **wish, price="1000000", end_price="100000", start=now - 1_000, end=now + 9_000
    )
    assert 800_000 < int(falling["price"]["value"]) <= 910_000
    node.edge.clock.advance(dt.timedelta(seconds=4_000))
    later = await shown(node, falling)
    assert int(later["price"]["value"]) == int(falling["price"]["value"]) - 360_000
    node.edge.clock.advance(dt.timedelta(seconds=-4_000))
    cheap = await buyer.refused(f"/v1/quotes/{falling['digest']}/take", {"limit": "100000"}, status=409)
    assert cheap == "execution_reverted"
    got = await taken(buyer, falling)
    assert (got["state"], owner_of(node, collection, token_id)) == ("filled", buyer.address)
    assert 100_000 < int(got["sales"][0]["price"]["value"]) <= 910_000


async def test_a_bundle_is_sold_to_one_wallet_alone(node: TradingNode, seller: Trader, buyer: Trader) -> None:
    collection = await seller.collection()
    tokens = [await seller.mint(collection) for _ in range(3)]
    items = [{"collection": collection, "token_id": token_id} for token_id in tokens[:2]]
    bundle = await quoted(
        seller, side="sell", scope="bundle", items=items, price="100001", taker=buyer.address
    )
    assert [item["token_id"] for item in bundle["items"]] == tokens[:2]
    assert await listed(node, collection=collection, token_id=tokens[1]) == [bundle["digest"]]
    assert await listed(node, collection=collection, token_id=tokens[2]) == []
    stranger = await node.trader(3)
    path = f"/v1/quotes/{bundle['digest']}/take"
    assert await stranger.refused(path, {}, status=403) == "quote_for_another"
    got = await taken(buyer, bundle)
    assert (got["state"], len(got["sales"])) == ("filled", 2)
    assert {owner_of(node, collection, token_id) for token_id in tokens[:2]} == {buyer.address}
    assert sum(int(sale["price"]["value"]) for sale in got["sales"]) == 100_001


async def test_offers_die_in_sight(node: TradingNode, seller: Trader, buyer: Trader) -> None:
    collection = await seller.collection()
    one, two = [await seller.mint(collection) for _ in range(2)]
    wish = {"scope": "collection", "collection": collection, "price": str(DOLLARS)}
    alone = await offered(node, buyer, **wish)
    grouped = [await offered(node, buyer, **wish, group="7") for _ in range(2)]
    short = await offered(node, buyer, **wish, end=int(node.edge.clock.now().timestamp()) + 60)
    rest = await offered(node, buyer, **wish)
    sale = {"side": "sell", "scope": "token", "collection": collection, "price": "1000"}
    moved = await quoted(seller, **sale, token_id=one)
    items = [{"collection": collection, "token_id": token_id} for token_id in (one, two)]
    bundle = await quoted(seller, side="sell", scope="bundle", items=items, price="1000")

    async def stands(quote: Any) -> tuple[str, str | None]:
        found = await shown(node, quote)
        return found["state"], found["reason"]

    path = f"/v1/quotes/{alone['digest']}/cancel"
    assert await seller.refused(path, status=403) == "not_maker"
    await buyer.do((await buyer.post(path, status=200))["steps"])
    assert await stands(alone) == ("cancelled", None)
    assert await buyer.refused(path, status=409) == "quote_not_active"
    assert await buyer.refused("/v1/quotes/cancel-group", {"group": "0"}, status=422) == "quote_invalid"
    await buyer.do((await buyer.post("/v1/quotes/cancel-group", {"group": "7"}, status=200))["steps"])
    assert {await stands(quote) for quote in grouped} == {("cancelled", None)}
    assert set(await listed(node, group="7")) == {quote["digest"] for quote in grouped}
    node.edge.clock.advance(dt.timedelta(seconds=61))
    assert await stands(short) == ("expired", None)
    assert await stands(rest) == ("active", None)
    await buyer.do((await buyer.post("/v1/listings/cancel-all", status=200))["steps"])
    assert await stands(rest) == ("invalid", "epoch_moved")

    await taken(buyer, moved)
    assert await stands(bundle) == ("invalid", "owner_changed")
    mine = {"maker": seller.address, "collection": collection}
    assert await listed(node, state="invalid", **mine) == [bundle["digest"]]
    assert await listed(node, state="active", collection=collection) == []
    node.edge.clock.advance(dt.timedelta(seconds=-61))


async def test_only_quotes_that_would_settle_are_taken_in(
    node: TradingNode, seller: Trader, buyer: Trader
) -> None:
    collection = await seller.collection()
    token_id = await seller.mint(collection)
    sale = {"side": "sell", "scope": "token", "collection": collection, "token_id": token_id, "price": "9"}

    async def unprepared(who: Trader, status: int, **changes: Any) -> str:
        return await who.refused("/v1/quotes/prepare", {**sale, **changes}, status=status)

    assert await unprepared(buyer, 403) == "not_token_owner"
    assert await unprepared(buyer, 422, side="buy") == "quote_invalid"  # coin cannot be pulled
    assert await unprepared(seller, 422, price="0") == "quote_invalid"
    assert await unprepared(seller, 422, scope="collection", token_id=None) == "quote_invalid"
    assert await unprepared(seller, 422, scope="bundle") == "quote_invalid"
    assert await unprepared(seller, 422, token_id=None) == "quote_invalid"
    assert await unprepared(seller, 422, quantity="2") == "quote_invalid"
    assert await unprepared(seller, 422, taker=seller.address) == "quote_invalid"
    assert await unprepared(seller, 422, min_proceeds="10") == "quote_invalid"
    assert await unprepared(seller, 422, end=1) == "quote_invalid"
    assert await unprepared(seller, 404, collection=buyer.address) == "listing_collection_unknown"
    assert await unprepared(seller, 422, currency=buyer.address) == "listing_currency_refused"

    prepared = await seller.post("/v1/quotes/prepare", sale, status=200)
    signature = await seller.do(prepared["steps"])

    async def refused(who: Trader, status: int, *, signature: Any = signature, **changes: Any) -> str:
        body = {"quote": {**prepared["quote"], **changes}, "signature": signature}
        return await who.refused("/v1/quotes", body, status=status)

    assert await refused(seller, 422, start_price="10") == "quote_signature_invalid"
    forged = buyer.sign_typed(prepared["steps"][-1])
    assert await refused(seller, 422, signature=forged) == "quote_signature_invalid"
    assert await refused(buyer, 403) == "not_maker"
    assert await refused(seller, 409, epoch="1") == "listing_epoch_moved"
    assert await refused(seller, 422, scope="trait") == "quote_invalid"
    assert await listed(node, collection=collection) == []


async def test_a_sweep_buys_what_is_there_and_tells_the_rest(
    node: TradingNode, seller: Trader, buyer: Trader
) -> None:
    collection = await seller.collection()
    tokens = [await seller.mint(collection) for _ in range(4)]
    one, two, dear = [
        await seller.offer(collection, token_id, price=price)
        for token_id, price in zip(tokens[:3], ("1000", "2000", "900000"), strict=True)
    ]
    sale = {"side": "sell", "scope": "token", "collection": collection, "price": "3000"}
    quote = await quoted(seller, **sale, token_id=tokens[3])
    missing = "0x" + "ab" * 32
    digests = [item["digest"] for item in (one, two, quote)]

    async def plan(status: int = 200, **body: Any) -> Any:
        return await buyer.post("/v1/sweeps", body, status=status)

    over = await plan(409, digests=[*digests, dear["digest"]], max_total="6000")
    assert (over["code"], over["total"]) == ("nothing_to_sweep", "906000")
    few = await plan(409, digests=[missing], at_least=1)
    assert few["code"] == "nothing_to_sweep"
    planned = await plan(digests=[*digests, missing], max_total="6000", at_least=1)
    SweepOut.model_validate(planned)
    assert (planned["total"], [item["code"] for item in planned["left_out"]]) == ("6000", ["quote_unknown"])
    # One is gone between plan and transaction: the other is bought, and its coin comes back.
    await (await node.trader(3)).buy(one["digest"])
    sweep, take = planned["steps"]
    sent = await buyer.post("/v1/transactions", {"raw": buyer.sign(sweep)}, status=202)
    await node.mined(buyer, sent["hash"])
    await buyer.do([take])
    page = await node.get("/v1/sales", tx_hash=sent["hash"])
    assert [item["digest"] for item in page["items"]] == [two["digest"]]
    owners = [owner_of(node, collection, token_id) for token_id in tokens]
    assert owners[1:] == [buyer.address, seller.address, buyer.address]
    again = await plan(409, digests=digests, at_least=1)
    assert again["code"] == "nothing_to_sweep"


async def test_a_sweep_in_dollars_approves_the_sum(node: TradingNode, seller: Trader) -> None:
    buyer = await node.trader(8)  # who has approved nothing before
    assert node.deployment.dev_dollar is not None
    dollar = node.deployment.dev_dollar.address
    collection = await seller.collection()
    tokens = [await seller.mint(collection) for _ in range(2)]
    listings = [await seller.offer(collection, token, currency=dollar, price="700") for token in tokens]
    digests = [listing["digest"] for listing in listings]
    plan = await buyer.post("/v1/sweeps", {"digests": digests, "at_least": 2}, status=200)
    assert [step["action"] for step in plan["steps"]] == ["approve_token", "sweep"]
    await buyer.do(plan["steps"])
    assert {owner_of(node, collection, token) for token in tokens} == {buyer.address}
    erc20 = load_artifact("IERC20Metadata")
    exchange = node.deployment.exchange.address
    assert node.edge.services.chain.read(erc20, dollar, "allowance", buyer.address, exchange) == 0
