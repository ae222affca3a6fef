"""Act 3: a picture is auctioned; a bid is topped and paid back, and a stranger to it settles."""

from scripts.demo_acts.chain import NATIVE
from scripts.demo_acts.nft import PRICE, ROYALTY_BPS, Goods, mint, owned
from scripts.demo_acts.stage import Stage

DURATION_S = 8
TOP = PRICE * 2


def play(stage: Stage) -> None:
    t, merchant, buyer, member = stage.transcript, stage.merchant, stage.buyer, stage.member
    goods: Goods = stage.facts["goods"]
    token = mint(stage, goods)
    wish = {
        "collection": goods.collection,
        "token_id": str(token),
        "reserve": str(PRICE),
        "duration_s": DURATION_S,
        "extension_s": 1,
    }
    stage.refused(
        "nobody else auctions it", "auction_token_not_owned", lambda: buyer.post("/v1/auctions", wish)
    )
    auction = f"/v1/auctions/{merchant.do('/v1/auctions', wish)['auction_id']}"
    t.equal("the auction is open", stage.node.get(auction)["state"], "open")
    stage.refused(
        "a bid below the reserve is refused",
        "bid_too_low",
        lambda: buyer.post(f"{auction}/bids", {"amount": str(PRICE - 1)}),
    )
    buyer.do(f"{auction}/bids", {"amount": str(PRICE)})
    house = stage.node.get(auction)["house"]
    holder = stage.chain.read(goods.collection, "ownerOf(uint256)", ["address"], token)
    t.equal("the first bid brought the token to the auction house", holder, house)
    before = stage.chain.balance(buyer.address)
    member.do(f"{auction}/bids", {"amount": str(TOP)})
    t.equal("who is topped is paid back on the chain", stage.chain.balance(buyer.address) - before, PRICE)
    stage.wait_for(
        "an auction that is over", lambda: stage.node.get(auction), lambda seen: seen["state"] == "ended"
    )
    before = stage.chain.balance(merchant.address, NATIVE)
    buyer.do(f"{auction}/settle")
    shown = stage.node.get(auction)
    t.equal("anybody settles it", (shown["state"], shown["bidder"]), ("settled", member.address))
    owned(stage, goods, token, member)
    parts = TOP * shown["fee_bps"] // 10_000, TOP * ROYALTY_BPS // 10_000
    got = stage.chain.balance(merchant.address, NATIVE) - before
    t.equal("the seller got the bid less fee and royalty on the chain", got, TOP - sum(parts))
    (sale,) = stage.node.items(f"/v1/sales?collection={goods.collection}&token_id={token}")
    t.equal("the API tells of the sale", (sale["kind"], sale["price"]["value"]), ("auction", str(TOP)))
