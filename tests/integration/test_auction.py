"""Auctions over HTTP on a real chain: bids top each other, late ones extend, anybody settles."""

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.schemas import Page
from api.v1.auction import AuctionItemOut, AuctionOut, BidOut, PlannedAuctionOut
from node.chain.artifacts import load_artifact
from node.chain.auction import least_bid
from node.kernel.hexes import Address
from tests.chain_life import Chain
from tests.stack import DatabaseUrls
from tests.trade import Trader, TradingNode, trading_node

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

DAY = 86_400


@pytest.fixture
async def node(
    fresh_database: DatabaseUrls, redis_url: str, fresh_anvil: str, tmp_path: Path
) -> AsyncIterator[TradingNode]:
    async with trading_node(tmp_path, fresh_database, redis_url=redis_url, rpc_url=fresh_anvil) as running:
        yield running


def pass_time(node: TradingNode, rpc_url: str, seconds: int) -> None:
    Chain(rpc_url).pass_time(seconds)
    node.edge.clock.advance(dt.timedelta(seconds=seconds))


async def auctioned(seller: Trader, collection: Address, token_id: str, **more: Any) -> str:
    body = {"collection": collection, "token_id": token_id, "reserve": "1000", **more}
    planned = await seller.post("/v1/auctions", body, status=200)
    PlannedAuctionOut.model_validate(planned)
    await seller.do(planned["steps"])
    found = await shown(seller.node, planned["auction_id"])
    assert (found["terms"], found["state"]) == (planned["terms"], "open")
    return str(planned["auction_id"])


async def shown(node: TradingNode, auction_id: str) -> Any:
    answer = await node.raw(f"/v1/auctions/{auction_id}")
    AuctionOut.model_validate_json(answer.content)
    return answer.json()


async def bid(bidder: Trader, auction_id: str, amount: str) -> None:
    plan = await bidder.post(f"/v1/auctions/{auction_id}/bids", {"amount": amount}, status=200)
    await bidder.do(plan["steps"])


async def test_bids_top_each_other_and_anybody_settles(node: TradingNode, fresh_anvil: str) -> None:
    seller, one, two, stranger = [await node.trader(number) for number in (1, 2, 3, 4)]
    collection = await seller.collection()
    token_id = await seller.mint(collection)
    sale = {"collection": collection, "token_id": token_id, "reserve": "1000"}
    assert await one.refused("/v1/auctions", sale, status=403) == "auction_token_not_owned"
    assert await seller.refused("/v1/auctions", {**sale, "reserve": "0"}, status=422) == "auction_invalid"
    auction_id = await auctioned(seller, collection, token_id)
    path = f"/v1/auctions/{auction_id}"
    assert await one.refused(f"{path}/bids", {"amount": "999"}, status=409) == "bid_too_low"
    assert await seller.refused(f"{path}/bids", {"amount": "1000"}, status=403) == "own_auction"
    assert await one.refused(f"{path}/cancel", status=403) == "not_auction_seller"
    assert await one.refused(f"{path}/settle", status=409) == "wrong_auction_state"
    await bid(one, auction_id, "1000")
    found = await shown(node, auction_id)
    assert (found["state"], found["bidder"], found["highest"]["value"]) == ("live", one.address, "1000")
    assert found["least_bid"]["value"] == "1050" == str(least_bid(reserve=1, highest=1000, increment_bps=500))
    assert await two.refused(f"{path}/bids", {"amount": "1049"}, status=409) == "bid_too_low"
    assert await seller.refused(f"{path}/cancel", status=409) == "wrong_auction_state"
    pass_time(node, fresh_anvil, DAY - 300)
    seller, one, two, stranger = [await node.trader(number) for number in (1, 2, 3, 4)]
    await bid(two, auction_id, "2000")
    extended = await shown(node, auction_id)
    assert extended["ends_at"] > found["ends_at"]
    page = await node.raw(f"{path}/bids")
    bids = Page[BidOut].model_validate_json(page.content).items
    assert [(item.bidder, item.amount.value) for item in bids] == [(two.address, 2000), (one.address, 1000)]
    pass_time(node, fresh_anvil, 700)
    ended = await node.raw("/v1/auctions", state="ended", bidder=two.address)
    (over,) = Page[AuctionItemOut].model_validate_json(ended.content).items
    assert over.auction_id == auction_id
    assert await one.refused(f"{path}/bids", {"amount": "3000"}, status=409) == "wrong_auction_state"
    await stranger.do((await stranger.post(f"{path}/settle", status=200))["steps"])
    done = await shown(node, auction_id)
    assert (done["state"], done["least_bid"]) == ("settled", None)
    owner = node.edge.services.chain.read(load_artifact("Collection"), collection, "ownerOf", int(token_id))
    assert owner == two.address
    (sale_made,) = (await node.get("/v1/sales", collection=collection))["items"]
    assert (sale_made["kind"], sale_made["price"]["value"]) == ("auction", "2000")


async def test_an_auction_is_taken_back_or_waits_for_its_start(node: TradingNode, fresh_anvil: str) -> None:
    seller, buyer = [await node.trader(number) for number in (1, 2)]
    collection = await seller.collection()
    one, two = [await seller.mint(collection) for _ in range(2)]
    taken_back = await auctioned(seller, collection, one)
    await seller.do((await seller.post(f"/v1/auctions/{taken_back}/cancel", status=200))["steps"])
    assert (await shown(node, taken_back))["state"] == "cancelled"
    assert node.deployment.dev_dollar is not None
    dollar = node.deployment.dev_dollar.address
    later = int(node.edge.clock.now().timestamp()) + 600
    sale = {"collection": collection, "token_id": two, "reserve": "1000", "currency": dollar, "start": later}
    planned = await seller.post("/v1/auctions", sale, status=200)
    await seller.do(planned["steps"])
    path = f"/v1/auctions/{planned['auction_id']}"
    assert (await shown(node, planned["auction_id"]))["state"] == "scheduled"
    assert await buyer.refused(f"{path}/bids", {"amount": "1000"}, status=409) == "wrong_auction_state"
    pass_time(node, fresh_anvil, 601)
    plan = await buyer.post(f"{path}/bids", {"amount": "1000"}, status=200)
    assert [step["action"] for step in plan["steps"]] == ["approve_token", "bid"]
    await buyer.do(plan["steps"])
    assert (await shown(node, planned["auction_id"]))["bidder"] == buyer.address
    listed = await node.get("/v1/auctions", collection=collection, token_id=two)
    assert [item["state"] for item in listed["items"]] == ["live"]
    unknown = await node.get(f"/v1/auctions/0x{'ab' * 32}", status=404)
    assert unknown["code"] == "auction_unknown"
