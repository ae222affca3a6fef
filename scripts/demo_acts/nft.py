"""Act 2: a market opens; pictures are minted, listed, sold for coin and for a token, and taken back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scripts.demo_acts.chain import NATIVE
from scripts.demo_acts.person import Person, stranger
from scripts.demo_acts.picture import cid_of, png
from scripts.demo_acts.stage import Stage

PRICE = 10**16  # a hundredth of a coin
TOKEN_PRICE = 25 * 10**6  # 25 dollars of a token with 6 decimals
ROYALTY_BPS = 500


@dataclass(frozen=True)
class Goods:
    """What this act sells from."""

    collection: str
    artist: str
    metadata_uri: str


def play(stage: Stage) -> None:
    _open_market(stage)
    goods = _create_collection(stage, _store_picture(stage))
    stage.facts["goods"] = goods
    sold = mint(stage, goods)
    _sell_for_coin(stage, goods, sold)
    _sell_for_token(stage, goods, mint(stage, goods))
    _take_back(stage, goods, mint(stage, goods))
    _take_offers(stage, goods, mint(stage, goods), mint(stage, goods))


def _open_market(stage: Stage) -> None:
    t, merchant = stage.transcript, stage.merchant
    body = {"name": f"Carpets {stage.run}", "language": "en"}
    key = f"market {stage.run}"
    first = merchant.send("/v1/markets", body, key=key)
    market = first.json
    t.check("the merchant opens a market", ok=first.status == 201)  # noqa: PLR2004 - created
    again = merchant.send("/v1/markets", body, key=key)
    t.check(
        "a repeated request gives the same market",
        ok=again.json == market and again.headers.get("idempotent-replayed") == "true",
    )
    t.equal(
        "the market is found by its slug", stage.node.get(f"/v1/markets/{market['slug']}")["id"], market["id"]
    )
    stage.refused(
        "an unknown field is refused",
        "invalid",
        lambda: merchant.post("/v1/markets", {**body, "surprise": 1}),
    )
    stage.facts["market"] = market


def _store_picture(stage: Stage) -> str:
    """Returns the URI of the metadata."""
    t, merchant = stage.transcript, stage.merchant
    picture = png(int(stage.run, 16))
    stored = merchant.upload("carpet.png", picture, "image/png")
    t.equal("the picture's CID is the one of IPFS", stored["cid"], cid_of(picture))
    served = stage.node.send("GET", f"/ipfs/{stored['cid']}")
    t.check("the picture is served as it was drawn", ok=served.body == picture)
    headers = {
        name: served.headers.get(name)
        for name in ("content-type", "x-content-type-options", "content-security-policy")
    }
    t.equal(
        "it is served as a picture and nothing else",
        headers,
        {
            "content-type": "image/png",
            "x-content-type-options": "nosniff",
            "content-security-policy": "sandbox",
        },
    )
    caching = served.headers.get("cache-control", "")
    t.check("it may be kept for ever", ok="immutable" in caching, detail=caching)
    stage.refused(
        "a page dressed up as a picture is refused",
        "media_type_mismatch",
        lambda: merchant.upload("carpet.png", b"<html><script>1</script></html>", "image/png"),
    )
    body = {
        "name": f"Carpet {stage.run}",
        "description": "Wool and numbers",
        "image": stored["uri"],
        "attributes": [{"trait_type": "run", "value": stage.run}],
    }
    metadata = merchant.post("/v1/metadata", body)
    page = stage.node.send("GET", f"/ipfs/{metadata['cid']}")
    t.equal("the metadata names the picture", page.json["image"], stored["uri"])
    disposition = page.headers.get("content-disposition", "")
    t.check("what is no picture is a download", ok=disposition.startswith("attachment"), detail=disposition)
    return str(metadata["uri"])


def _create_collection(stage: Stage, metadata_uri: str) -> Goods:
    t, merchant = stage.transcript, stage.merchant
    artist = stranger().address.lower()  # has nothing yet, so what it gets is the royalty
    body = {
        "name": f"Carpets {stage.run}",
        "symbol": "CRP",
        "royalty_bps": ROYALTY_BPS,
        "royalty_receiver": artist,
        "max_supply": "10",
        "market_id": stage.facts["market"]["id"],
    }
    planned = merchant.do("/v1/collections", body)
    address = str(planned["address"])
    found = stage.node.get(f"/v1/collections/{address}")
    t.equal(
        "the collection is where it was foretold",
        (found["name"], found["owner"]),
        (body["name"], merchant.address),
    )
    owner = stage.chain.read(address, "owner()", ["address"])
    t.equal("the merchant owns it on the chain", owner, merchant.address)
    stage.refused(
        "nobody else mints there",
        "not_collection_owner",
        lambda: stage.buyer.post(
            f"/v1/collections/{address}/mint", {"to": stage.buyer.address, "uri": metadata_uri}
        ),
    )
    return Goods(address, artist, metadata_uri)


def mint(stage: Stage, goods: Goods) -> int:
    t, merchant = stage.transcript, stage.merchant
    planned = merchant.do(
        f"/v1/collections/{goods.collection}/mint", {"to": merchant.address, "uri": goods.metadata_uri}
    )
    token = int(planned["token_id"])
    path = f"/v1/collections/{goods.collection}/tokens/{token}"
    shown = stage.wait_for(
        "a token's metadata", lambda: stage.node.get(path), lambda seen: seen["metadata"] is not None
    )
    t.equal(
        f"token {token} is minted and shown",
        (shown["owner"], shown["metadata"]["name"]),
        (merchant.address, f"Carpet {stage.run}"),
    )
    owned(stage, goods, token, merchant)
    uri = stage.chain.read(goods.collection, "tokenURI(uint256)", ["string"], token)
    t.equal(f"token {token} has its metadata on the chain", uri, goods.metadata_uri)
    return token


def _sell_for_coin(stage: Stage, goods: Goods, token: int) -> None:
    t, buyer = stage.transcript, stage.buyer
    listing, parts = _list(stage, goods, token, NATIVE, PRICE)
    exchange = listing["exchange"]
    stage.refused(
        "the seller cannot buy its own",
        "own_listing",
        lambda: stage.merchant.post(f"/v1/listings/{listing['digest']}/buy"),
    )
    before = _Purses.of(stage, goods, NATIVE)
    collected = _collected(stage, exchange)
    buyer.do(f"/v1/listings/{listing['digest']}/buy")
    after = _Purses.of(stage, goods, NATIVE)
    owned(stage, goods, token, buyer)
    t.equal("the seller got the proceeds on the chain", after.seller - before.seller, parts["proceeds"])
    t.equal("the artist got the royalty on the chain", after.artist - before.artist, parts["royalty"])
    t.equal("the exchange keeps the fee on the chain", _collected(stage, exchange) - collected, parts["fee"])
    _told(stage, goods, token, listing, parts)
    stage.refused(
        "what was sold is not sold again",
        "listing_not_active",
        lambda: stage.stranger.post(f"/v1/listings/{listing['digest']}/buy"),
    )
    stage.facts |= {"exchange": exchange, "bought": (goods.collection, token)}


def _sell_for_token(stage: Stage, goods: Goods, token: int) -> None:
    t, buyer = stage.transcript, stage.buyer
    currency = stage.chain.allowed_currency(stage.facts["exchange"])
    stage.facts["currency"] = currency
    listing, parts = _list(stage, goods, token, currency, TOKEN_PRICE)
    before = _Purses.of(stage, goods, currency)
    buyer.do(f"/v1/listings/{listing['digest']}/buy")
    after = _Purses.of(stage, goods, currency)
    owned(stage, goods, token, buyer)
    paid = [mine - theirs for mine, theirs in zip(after.all(), before.all(), strict=True)]
    t.equal(
        "seller, artist, treasury and buyer: each token unit is where it belongs",
        paid,
        [parts["proceeds"], parts["royalty"], parts["fee"], -TOKEN_PRICE],
    )
    _told(stage, goods, token, listing, parts)


def _take_back(stage: Stage, goods: Goods, token: int) -> None:
    t = stage.transcript
    listing, _ = _list(stage, goods, token, NATIVE, PRICE)
    path = f"/v1/listings/{listing['digest']}"
    stage.refused("nobody else cancels a listing", "not_seller", lambda: stage.buyer.post(f"{path}/cancel"))
    stage.merchant.do(f"{path}/cancel")
    t.equal("the seller takes a listing back", stage.node.get(path)["state"], "cancelled")
    nonce = int(listing["terms"]["nonce"])
    used = stage.chain.read(
        stage.facts["exchange"], "nonceUsed(address,uint256)", ["bool"], stage.merchant.address, nonce
    )
    t.check("its nonce is void on the chain", ok=used)
    stage.refused(
        "what was taken back is not sold", "listing_not_active", lambda: stage.buyer.post(f"{path}/buy")
    )
    owned(stage, goods, token, stage.merchant)


def _take_offers(stage: Stage, goods: Goods, token: int, other: int) -> None:
    """One offer for any token of the collection is taken, one for a trait finds another token, and dies."""
    t, merchant, buyer = stage.transcript, stage.merchant, stage.buyer
    wish = {"side": "buy", "collection": goods.collection, "currency": stage.facts["currency"]}
    for_any = _quote(stage, {**wish, "scope": "collection", "price": str(TOKEN_PRICE)})
    trait = {"scope": "trait", "token_ids": [str(other), "1000000"], "price": str(TOKEN_PRICE)}
    for_some = _quote(stage, {**wish, **trait, "group": str(int(stage.run, 16) + 1)})
    query = f"/v1/quotes?collection={goods.collection}&token_id={token}&state=active"
    t.equal(
        "offers that fit the token are found",
        [item["digest"] for item in stage.node.items(query)],
        [for_any["digest"]],
    )
    stage.refused(
        "an offer for a trait does not take any token",
        "token_not_wanted",
        lambda: merchant.post(f"/v1/quotes/{for_some['digest']}/take", {"token_id": str(token)}),
    )
    before = stage.chain.balance(merchant.address, wish["currency"])
    plan = merchant.do(f"/v1/quotes/{for_any['digest']}/take", {"token_id": str(token)})
    owned(stage, goods, token, buyer)
    got = stage.chain.balance(merchant.address, wish["currency"]) - before
    t.equal("the seller got what was foretold on the chain", got, int(plan["limit"]))
    shown = stage.node.get(f"/v1/quotes/{for_any['digest']}")
    t.equal("the offer is filled", (shown["state"], shown["left"]), ("filled", "0"))
    buyer.do("/v1/quotes/cancel-group", {"group": for_some["terms"]["group"]})
    shown = stage.node.get(f"/v1/quotes/{for_some['digest']}")
    t.equal("the other one was taken back with its group", shown["state"], "cancelled")


def _quote(stage: Stage, wish: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """The buyer's, as the node shows it."""
    prepared = stage.buyer.post("/v1/quotes/prepare", wish)
    along = {name: prepared[name] for name in ("quote", "items", "token_ids")}
    made = stage.buyer.follow(prepared, **along)
    stage.transcript.equal(f"an offer of scope {wish['scope']} stands", made["state"], "active")
    return made


def _list(stage: Stage, goods: Goods, token: int, currency: str, price: int) -> tuple[Any, Mapping[str, int]]:
    """Returns the listing as the node shows it, and where its price would go."""
    t, merchant = stage.transcript, stage.merchant
    wish = {"collection": goods.collection, "token_id": str(token), "currency": currency, "price": str(price)}
    stage.refused(
        f"nobody else lists token {token}",
        "not_token_owner",
        lambda: stage.buyer.post("/v1/listings/prepare", wish),
    )
    prepared = merchant.post("/v1/listings/prepare", wish)
    parts = {name: int(prepared["breakdown"][name]["value"]) for name in ("fee", "royalty", "proceeds")}
    t.check(
        f"the price of token {token} is split to the last unit",
        ok=sum(parts.values()) == price and parts["royalty"] == price * ROYALTY_BPS // 10_000,
        detail=str(parts),
    )
    _forged(stage, prepared)
    listing = merchant.follow(prepared, listing=prepared["listing"])
    t.equal(f"token {token} is listed", (listing["state"], listing["price"]["value"]), ("active", str(price)))
    shown = stage.node.items(f"/v1/listings?collection={goods.collection}&state=active")
    t.check(
        f"buyers see token {token} on the list", ok=listing["digest"] in [item["digest"] for item in shown]
    )
    return listing, parts


def _forged(stage: Stage, prepared: Mapping[str, Any]) -> None:
    typed = next(step["signature"]["typed_data"] for step in prepared["steps"] if step["kind"] == "signature")
    forged = {"listing": prepared["listing"], "signature": stage.buyer.sign_typed(typed)}
    stage.refused(
        "a listing signed by somebody else is refused",
        "listing_signature_invalid",
        lambda: stage.merchant.post("/v1/listings", forged),
    )


def owned(stage: Stage, goods: Goods, token: int, owner: Person) -> None:
    t = stage.transcript
    on_chain = stage.chain.read(goods.collection, "ownerOf(uint256)", ["address"], token)
    shown = stage.node.get(f"/v1/collections/{goods.collection}/tokens/{token}")["owner"]
    t.equal(
        f"the {owner.name} owns token {token}, by chain and API",
        (on_chain, shown),
        (owner.address, owner.address),
    )


def _told(
    stage: Stage, goods: Goods, token: int, listing: Mapping[str, Any], parts: Mapping[str, int]
) -> None:
    """What the node's views say of a sale."""
    t, buyer = stage.transcript, stage.buyer
    (sale,) = stage.node.items(f"/v1/sales?collection={goods.collection}&token_id={token}")
    amounts = {name: int(sale[name]["value"]) for name in parts}
    t.equal(f"the API tells of the sale of token {token}, unit by unit", amounts, dict(parts))
    state = stage.node.get(f"/v1/listings/{listing['digest']}")["state"]
    t.equal(f"the listing of token {token} is sold", state, "sold")
    mine = stage.node.items(f"/v1/wallets/{buyer.address}/tokens")
    held = {(item["collection"]["address"], int(item["token_id"])) for item in mine}
    t.check(f"token {token} is in the buyer's portfolio", ok=(goods.collection, token) in held)


def _collected(stage: Stage, exchange: str) -> int:
    return int(stage.chain.read(exchange, "collectableFees()", ["uint256"]))


@dataclass(frozen=True)
class _Purses:
    seller: int
    artist: int
    treasury: int
    buyer: int

    @classmethod
    def of(cls, stage: Stage, goods: Goods, asset: str) -> "_Purses":
        treasury = stage.node.get("/v1/governance")["timelock"]
        accounts = (stage.merchant.address, goods.artist, treasury, stage.buyer.address)
        return cls(*(stage.chain.balance(account, asset) for account in accounts))

    def all(self) -> tuple[int, int, int, int]:
        return self.seller, self.artist, self.treasury, self.buyer
