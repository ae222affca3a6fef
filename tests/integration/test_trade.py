"""An NFT from its picture to its second owner, over HTTP, with real signatures on a real chain."""

import dataclasses
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from api.schemas import Page
from api.v1.collection import CollectionOut, PlannedCollectionOut, PlannedMintOut
from api.v1.currency import CurrencyOut
from api.v1.listing import ListingItemOut, ListingOut, PreparedOut
from api.v1.media import StoredOut
from api.v1.sale import SaleOut
from api.v1.token import TokenItemOut, TokenOut, TransferOut
from api.v1.transaction import TransactionStateOut
from node.chain.artifacts import load_artifact
from node.kernel.hexes import ZERO_ADDRESS, Address
from node.kernel.spine.event import StoredEvent
from node.services.listing.models import ListingRow
from tests.chain_life import Chain
from tests.edge import new_wallet
from tests.integration.test_identity import ALWAYS_MAGIC
from tests.integration.test_market import open_market
from tests.stack import DatabaseUrls
from tests.trade import PNG, Trader, TradingNode, trading_node

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

ETH = {"id": "eip155:31337/slip44:60", "code": "ETH", "exponent": 18}


@pytest.fixture
async def node(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path
) -> AsyncIterator[TradingNode]:
    async with trading_node(tmp_path, fresh_database, redis_url=redis_url, rpc_url=anvil) as running:
        yield running


@pytest.fixture
async def seller(node: TradingNode) -> Trader:
    return await node.trader(1)


@pytest.fixture
async def buyer(node: TradingNode) -> Trader:
    return await node.trader(2)


async def test_from_a_picture_to_a_second_owner(node: TradingNode, seller: Trader, buyer: Trader) -> None:
    uri = await stored_metadata(node, seller)
    collection = await collection_in_market(node, seller, royalty_receiver=buyer.address)
    await mint_first(node, seller, collection, uri=uri)
    listing = await offered(node, seller, collection)
    await buyer.buy(listing["digest"])
    await see_the_sale(node, collection, listing["digest"], buyer)


async def stored_metadata(node: TradingNode, seller: Trader) -> str:
    answer = await node.edge.client.post(
        "/v1/media", files={"file": ("rug.png", PNG, "image/png")}, headers=dict(seller.headers)
    )
    assert answer.status_code == 201, answer.text
    picture = StoredOut.model_validate_json(answer.content)
    assert (picture.size, picture.media_type) == (len(PNG), "image/png")
    attributes = [{"trait_type": "city", "value": "Tabriz"}, {"value": 1930}]
    metadata = {"name": "Carpet 1", "image": picture.uri, "attributes": attributes}
    stored = await seller.post("/v1/metadata", metadata, status=201)
    return str(stored["uri"])


async def collection_in_market(node: TradingNode, seller: Trader, *, royalty_receiver: Address) -> Address:
    market = await open_market(node.edge, dict(seller.headers))
    body = {
        "name": "Carpets",
        "symbol": "CRP",
        "royalty_receiver": royalty_receiver,
        "royalty_bps": 500,
        "max_supply": "2",
        "market_id": market["id"],
    }
    plan = await seller.post("/v1/collections", body, status=200)
    collection = PlannedCollectionOut.model_validate(plan).address
    await seller.do(plan["steps"])
    page = await node.raw("/v1/collections", market_id=market["id"])
    (found,) = Page[CollectionOut].model_validate_json(page.content).items
    assert (found.address, found.owner, found.max_supply) == (collection, seller.address, 2)
    detail = await node.raw(f"/v1/collections/{collection}")
    assert CollectionOut.model_validate_json(detail.content) == found
    return collection


async def mint_first(node: TradingNode, seller: Trader, collection: Address, *, uri: str) -> None:
    body = {"to": seller.address, "uri": uri}
    mint = await seller.post(f"/v1/collections/{collection}/mint", body, status=200)
    planned = PlannedMintOut.model_validate(mint)
    assert (planned.token_id, planned.metadata_state) == (1, "ok")
    await seller.do(mint["steps"])
    token = await node.get(f"/v1/collections/{collection}/tokens/1")
    assert token["owner"] == seller.address
    assert token["metadata"]["name"] == "Carpet 1"
    assert token["metadata"]["attributes"] == [{"trait_type": "city", "value": "Tabriz"}, {"value": 1930}]


async def offered(node: TradingNode, seller: Trader, collection: Address) -> Any:
    prepared, signature = await seller.prepare(collection, "1", price="10001")
    breakdown = PreparedOut.model_validate(prepared).breakdown
    assert (breakdown.fee.value, breakdown.royalty.value, breakdown.proceeds.value) == (250, 500, 9251)
    assert prepared["listing"]["min_proceeds"] == "9251"
    body = {"listing": prepared["listing"], "signature": signature}
    listing = await seller.post("/v1/listings", body, status=201)
    assert (listing["digest"], listing["state"]) == (prepared["digest"], "active")
    assert listing["price"] == {"value": "10001", "asset": ETH}
    page = await node.raw("/v1/listings", state="active")
    listed = Page[ListingItemOut].model_validate_json(page.content).items
    assert [item.digest for item in listed] == [listing["digest"]]
    page = await node.raw(f"/v1/wallets/{seller.address}/tokens")
    (owned,) = Page[TokenItemOut].model_validate_json(page.content).items
    assert owned.listing is not None
    assert owned.listing.digest == listing["digest"]
    return listing


async def see_the_sale(node: TradingNode, collection: Address, digest: str, buyer: Trader) -> None:
    """In the contract and in every view."""
    owner = node.edge.services.chain.read(load_artifact("Collection"), collection, "ownerOf", 1)
    assert owner == buyer.address
    path = f"/v1/collections/{collection}/tokens/1"
    token = TokenOut.model_validate_json((await node.raw(path)).content)
    assert (token.owner, token.listings) == (buyer.address, [])
    assert [step.kind for step in token.provenance] == ["sold", "minted"]
    moves = Page[TransferOut].model_validate_json((await node.raw(f"{path}/transfers")).content)
    assert moves.items == token.provenance
    listing = ListingOut.model_validate_json((await node.raw(f"/v1/listings/{digest}")).content)
    assert listing.state == "sold"
    assert listing.sale is not None
    assert listing.sale.buyer == buyer.address
    page = await node.raw("/v1/sales", wallet=buyer.address)
    (sale,) = Page[SaleOut].model_validate_json(page.content).items
    assert (sale.price.value, sale.fee.value, sale.proceeds.value) == (10001, 250, 9251)
    assert (sale.royalty.value, sale.royalty_receiver) == (500, buyer.address)
    assert token.last_sale == sale


async def test_a_token_in_dollars_is_bought_with_an_exact_approval(
    node: TradingNode, seller: Trader, buyer: Trader
) -> None:
    collection = await seller.collection()
    token_id = await seller.mint(collection)
    assert node.deployment.dev_dollar is not None
    dollar = node.deployment.dev_dollar.address
    listing = await seller.offer(collection, token_id, currency=dollar, price="2500000")
    assert listing["price"]["asset"]["exponent"] == 6
    plan = await buyer.post(f"/v1/listings/{listing['digest']}/buy", status=200)
    assert [step["action"] for step in plan["steps"]] == ["approve_token", "buy"]
    await buyer.do(plan["steps"])
    erc20 = load_artifact("IERC20Metadata")
    exchange = node.deployment.exchange.address
    assert node.edge.services.chain.read(erc20, dollar, "allowance", buyer.address, exchange) == 0
    assert (await node.get(f"/v1/listings/{listing['digest']}"))["state"] == "sold"


async def test_what_was_cancelled_or_moved_cannot_be_bought(
    node: TradingNode, seller: Trader, buyer: Trader
) -> None:
    collection = await seller.collection()
    token_id = await seller.mint(collection)
    one, other = [await seller.offer(collection, token_id) for _ in range(2)]
    assert int(other["terms"]["nonce"]) == int(one["terms"]["nonce"]) + 1
    path = f"/v1/listings/{one['digest']}"
    assert await buyer.refused(f"{path}/cancel", status=403) == "not_seller"
    assert await seller.refused(f"{path}/buy", status=403) == "own_listing"
    await seller.do((await seller.post(f"{path}/cancel", status=200))["steps"])
    assert await buyer.refused(f"{path}/buy", status=409) == "listing_not_active"
    assert await seller.refused(f"{path}/cancel", status=409) == "listing_not_active"
    assert (await node.get(path))["state"] == "cancelled"
    assert (await node.get(f"/v1/listings/{other['digest']}"))["state"] == "active"
    await seller.do((await seller.post("/v1/listings/cancel-all", status=200))["steps"])
    moved = await node.get(f"/v1/listings/{other['digest']}")
    assert (moved["state"], moved["reason"]) == ("invalid", "epoch_moved")
    third = await seller.offer(collection, token_id)
    assert third["terms"]["epoch"] == "1"
    await buyer.buy(third["digest"])


async def test_final_events_take_dead_listings_out_of_the_way(
    node: TradingNode, seller: Trader, buyer: Trader
) -> None:
    collection = await seller.collection()
    token_id = await seller.mint(collection)
    cancelled, bought = [await seller.offer(collection, token_id) for _ in range(2)]
    await seller.do((await seller.post(f"/v1/listings/{cancelled['digest']}/cancel", status=200))["steps"])
    assert settled(node) == {cancelled["digest"]}
    await buyer.buy(bought["digest"])
    assert settled(node) == {cancelled["digest"], bought["digest"]}
    await buyer.offer(collection, token_id)
    left = await buyer.offer(collection, token_id, end=int(node.edge.clock.now().timestamp()) + 60)
    native = {"currency": ZERO_ADDRESS, "sort": "price"}
    cheapest = await node.get("/v1/listings", **native)
    assert {item["seller"] for item in cheapest["items"]} == {buyer.address}
    assert len(cheapest["items"]) == 2
    services = node.edge.services
    for days, expected in ((0, 0), (2, 1)):
        node.edge.clock.advance(dt.timedelta(days=days))
        with services.database.transaction() as tx:
            assert services.listing.settle_expired(tx) == expected
    assert left["digest"] in settled(node)
    await buyer_signs_in_again_and_cancels_all(node)
    assert len(settled(node)) == 4


async def test_a_quote_that_is_sold_in_part_leaves_listings_of_its_nonce_alone(
    node: TradingNode, seller: Trader, buyer: Trader
) -> None:
    collection = await seller.collection()
    token_id = await seller.mint(collection)
    sold, listed = [await seller.offer(collection, token_id) for _ in range(2)]
    await buyer.buy(sold["digest"])
    services, name = node.edge.services, f"token:31337:{collection}:{token_id}"
    (sale,) = [event for event in events_of(node, name) if event.type_name == "token.sold"]
    with services.database.transaction() as tx:
        nonce = tx.execute(select(ListingRow.nonce).where(ListingRow.digest == listed["digest"])).scalar_one()
    other = {"digest": "0x" + "77" * 32, "nonce": str(nonce)}
    for more, expected in (
        (other, {sold["digest"]}),  # of something else, and the chain has not used up the nonce
        (other | {"digest": listed["digest"]}, {sold["digest"], listed["digest"]}),
    ):
        with services.database.transaction() as tx:
            services.listing.on_exchange_event(tx, dataclasses.replace(sale, payload=sale.payload | more))
        assert settled(node) == expected


async def buyer_signs_in_again_and_cancels_all(node: TradingNode) -> None:
    """The clock moved: access tokens of before have run out."""
    buyer = await node.trader(2)
    await buyer.do((await buyer.post("/v1/listings/cancel-all", status=200))["steps"])


def settled(node: TradingNode) -> set[str]:
    with node.edge.services.database.transaction() as tx:
        rows = tx.execute(select(ListingRow.digest).where(ListingRow.settled_at.is_not(None)))
        return set(rows.scalars())


async def test_a_private_listing_is_for_one_wallet(node: TradingNode, seller: Trader, buyer: Trader) -> None:
    collection = await seller.collection()
    token_id = await seller.mint(collection)
    listing = await seller.offer(collection, token_id, buyer=buyer.address)
    stranger = await node.trader(3)
    path = f"/v1/listings/{listing['digest']}/buy"
    assert await stranger.refused(path, status=403) == "listing_for_another"
    await buyer.buy(listing["digest"])


async def test_a_contract_wallet_sells(node: TradingNode, seller: Trader, buyer: Trader, anvil: str) -> None:
    """ERC-1271: it has no key, so the exchange asks the wallet itself, and so do we."""
    wallet = new_wallet()
    chain = Chain(anvil)
    chain.rpc("anvil_setCode", wallet.address, ALWAYS_MAGIC)
    chain.rpc("anvil_setBalance", wallet.address, hex(10**18))
    contract = Trader(node, wallet, await node.edge.sign_in(wallet))
    collection = await seller.collection()
    token_id = await seller.mint(collection, to=contract.address)
    body = {"collection": collection, "token_id": token_id, "price": "1000"}
    prepared = await contract.post("/v1/listings/prepare", body, status=200)
    approve, _ = prepared["steps"]
    chain.rpc("anvil_impersonateAccount", wallet.address)
    chain.send(contract.address, collection, approve["transaction"]["data"])
    signed = {"listing": prepared["listing"], "signature": "0xc0ffee"}
    listing = await contract.post("/v1/listings", signed, status=201)
    await buyer.buy(listing["digest"])
    assert (await node.get(f"/v1/listings/{listing['digest']}"))["state"] == "sold"


async def test_only_listings_that_would_settle_are_taken(
    node: TradingNode, seller: Trader, buyer: Trader
) -> None:
    collection = await seller.collection()
    token_id = await seller.mint(collection)
    prepared, signature = await seller.prepare(collection, token_id)
    terms = prepared["listing"]
    await refused_listing(
        seller, terms, buyer.sign_typed(prepared["steps"][-1]), "listing_signature_invalid", 422
    )
    await refused_listing(seller, {**terms, "price": "2000"}, signature, "listing_signature_invalid", 422)
    await refused_listing(buyer, terms, signature, "not_seller", 403)
    await refused_listing(seller, {**terms, "price": "0"}, signature, "listing_invalid", 422)
    await refused_listing(seller, {**terms, "end": terms["start"] - 1}, signature, "listing_invalid", 422)
    await refused_listing(seller, {**terms, "end": 2**52}, signature, "listing_invalid", 422)
    await refused_listing(seller, {**terms, "min_proceeds": "999"}, signature, "proceeds_too_low", 422)
    await refused_listing(seller, {**terms, "min_proceeds": "1001"}, signature, "listing_invalid", 422)
    await refused_listing(
        seller, {**terms, "currency": buyer.address}, signature, "listing_currency_refused", 422
    )
    await refused_listing(seller, {**terms, "token_id": "9"}, signature, "listing_token_unknown", 404)
    await refused_listing(
        seller, {**terms, "collection": buyer.address}, signature, "listing_collection_unknown", 404
    )
    await refused_listing(seller, {**terms, "epoch": "1"}, signature, "listing_epoch_moved", 409)
    assert (await node.get("/v1/listings"))["items"] == []

    body = {"listing": terms, "signature": signature}
    first = await seller.post("/v1/listings", body, status=201)
    assert await seller.post("/v1/listings", body, status=201) == first
    assert [event.type_name for event in events_of(node, f"listing:{first['digest']}")] == ["listing.created"]
    await seller.do((await seller.post(f"/v1/listings/{first['digest']}/cancel", status=200))["steps"])
    late = {**terms, "price": "1001"}
    await refused_listing(seller, late, signature, "listing_nonce_used", 409)


async def refused_listing(trader: Trader, terms: object, signature: str, code: str, status: int) -> None:
    body = {"listing": terms, "signature": signature}
    assert await trader.refused("/v1/listings", body, status=status) == code


def events_of(node: TradingNode, stream: str) -> list[StoredEvent]:
    columns = "id, position, stream, version, type_name, schema_version, payload, occurred_at"
    with node.edge.services.database.transaction() as tx:
        rows = tx.execute(
            text(f"SELECT {columns} FROM kernel.event WHERE stream = :stream ORDER BY version"),  # noqa: S608
            {"stream": stream},
        )
        return [StoredEvent(**row) for row in rows.mappings()]


async def test_who_may_prepare_and_mint(node: TradingNode, seller: Trader, buyer: Trader) -> None:
    collection = await seller.collection(max_supply="1")
    mint = f"/v1/collections/{collection}/mint"
    body = {"to": buyer.address, "uri": "https://example.org/1"}
    assert await buyer.refused(mint, body, status=403) == "not_collection_owner"
    assert await seller.refused(mint, {**body, "to": ZERO_ADDRESS}, status=422) == "mint_invalid"
    nowhere = f"/v1/collections/{buyer.address}/mint"
    assert await seller.refused(nowhere, body, status=404) == "collection_unknown"
    plan = await seller.post(mint, body, status=200)
    assert plan["metadata_state"] == "missing"
    await seller.do(plan["steps"])
    assert await seller.refused(mint, body, status=409) == "supply_exhausted"
    assert (await node.get(f"/v1/collections/{collection}/tokens/1"))["metadata"]["state"] == "missing"
    wish = {"collection": collection, "token_id": "1", "price": "5000"}
    assert await seller.refused("/v1/listings/prepare", wish, status=403) == "not_token_owner"
    greedy = {**wish, "min_proceeds": "5000"}
    assert await buyer.refused("/v1/listings/prepare", greedy, status=422) == "proceeds_too_low"
    free = {**wish, "price": "0"}
    assert await buyer.refused("/v1/listings/prepare", free, status=422) == "listing_invalid"


async def test_a_salt_makes_one_collection_and_terms_are_checked(seller: Trader, buyer: Trader) -> None:
    salt = "0x" + "5a" * 32
    body = {"name": "Lamps", "symbol": "LMP", "salt": salt}
    plan = await seller.post("/v1/collections", body, status=200)
    assert (await buyer.post("/v1/collections", body, status=200))["address"] != plan["address"]
    await seller.do(plan["steps"])
    assert await seller.refused("/v1/collections", body, status=409) == "salt_taken"
    for wrong, code in (
        ({"name": "  "}, "text_invalid"),
        ({"royalty_receiver": buyer.address}, "collection_terms_invalid"),
        ({"royalty_bps": 1001}, "invalid"),
        ({"max_supply": str(2**64)}, "collection_terms_invalid"),
        ({"surprise": 1}, "invalid"),
    ):
        assert await seller.refused("/v1/collections", {**body, **wrong}, status=422) == code
    foreign = {**body, "market_id": "0198c1f2-a4e2-7b0c-8a3f-5d1e6b7c9d00"}
    assert await seller.refused("/v1/collections", foreign, status=404) == "market_unknown"


async def test_relayed_transactions_are_followed_to_the_index(node: TradingNode, seller: Trader) -> None:
    plan = await seller.post("/v1/collections", {"name": "A", "symbol": "A"}, status=200)
    raw = seller.sign(plan["steps"][0])
    sent = await seller.post("/v1/transactions", {"raw": raw}, status=202)
    await node.mined(seller, sent["hash"])
    path = f"/v1/transactions/{sent['hash']}"
    answer = await node.edge.client.get(path, headers=dict(seller.headers))
    state = TransactionStateOut.model_validate_json(answer.content)
    assert (state.state, state.succeeded, state.indexed) == ("mined", True, False)
    await node.index()
    answer = await node.edge.client.get(path, headers=dict(seller.headers))
    assert answer.json()["indexed"] is True
    again = await seller.post("/v1/transactions", {"raw": raw}, status=202)
    assert again == answer.json()
    assert (await node.edge.client.get(path)).status_code == 401
    unknown = await node.edge.client.get("/v1/transactions/0x" + "ee" * 32, headers=dict(seller.headers))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "transaction_unknown")


async def test_the_currencies_are_the_native_coin_and_the_allow_list(node: TradingNode) -> None:
    await node.index()
    assert node.deployment.dev_dollar is not None
    answer = await node.raw("/v1/currencies")
    page = Page[CurrencyOut].model_validate_json(answer.content)
    native, dollar = page.items
    assert (native.address, native.asset.exponent) == (ZERO_ADDRESS, 18)
    assert native.asset.id == ETH["id"]
    assert dollar.address == node.deployment.dev_dollar.address
    assert dollar.asset.id == f"eip155:31337/erc20:{dollar.address}"
