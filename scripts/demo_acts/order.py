"""Acts 4 to 6: orders through escrow; one goes well, one is settled, one goes to the arbiter."""

from typing import Any

from scripts.demo_acts.chain import NATIVE
from scripts.demo_acts.person import Person
from scripts.demo_acts.stage import Stage

PRICE = 2 * 10**16
TOKEN_PRICE = 40_000_001  # odd, so that splitting leaves dust
STOCK = 5
# IEscrow.State, by number.
ESCROW_STATES = (
    *("none", "funded", "shipped", "disputed", "released", "refunded", "ruled"),
    *("proposed", "appealed", "settled"),
)
BPS = 10_000
SELLER_PERCENT = 60


def play_release(stage: Stage) -> None:
    t, merchant, buyer = stage.transcript, stage.merchant, stage.buyer
    product = offer_product(stage, f"Copper pot {stage.run}", NATIVE, PRICE)
    order = place_order(stage, product, quantity=2)
    _private(stage, order)
    buyer.do(f"{path_of(order)}/fund")
    reached(stage, order, "paid", "funded")
    t.equal("the escrow holds the price", held(stage, order), 2 * PRICE)
    left = stage.node.get(f"/v1/products/{product['id']}")["stock"]
    t.equal("what is ordered is off the shelf", left, STOCK - 2)
    stage.refused(
        "only the seller ships",
        "not_that_party",
        lambda: buyer.post(f"{path_of(order)}/ship", {"tracking": "x"}),
    )
    merchant.do(f"{path_of(order)}/ship", {"tracking": f"Parcel {stage.run}"})
    reached(stage, order, "shipped", "shipped")
    said = buyer.get(path_of(order))["statements"]
    t.check(
        "the buyer reads where the parcel is", ok=[one["text"] for one in said] == [f"Parcel {stage.run}"]
    )
    conditions = stage.node.get("/v1/escrow-conditions")
    fee = 2 * PRICE * conditions["fee_bps"] // BPS
    before = stage.chain.balance(merchant.address), stage.chain.balance(conditions["fee_receiver"])
    buyer.do(f"{path_of(order)}/confirm")
    shown = reached(stage, order, "completed", "released")
    after = stage.chain.balance(merchant.address), stage.chain.balance(conditions["fee_receiver"])
    t.equal("the seller got the price less the fee on the chain", after[0] - before[0], 2 * PRICE - fee)
    t.equal("the treasury got the fee on the chain", after[1] - before[1], fee)
    t.equal(
        "the API tells of the release, unit by unit",
        (shown["to_seller"], shown["fee"]),
        (str(2 * PRICE - fee), str(fee)),
    )
    t.equal("nothing is held any more", held(stage, order), 0)
    kinds = [entry["kind"] for entry in shown["timeline"]]
    t.check(
        "the timeline tells every step",
        ok=all(any(word in kind for kind in kinds) for word in ("placed", "paid", "shipped", "completed")),
        detail=str(kinds),
    )
    stage.refused(
        "a finished order is not refunded",
        "wrong_order_state",
        lambda: merchant.post(f"{path_of(order)}/refund"),
    )


def play_dispute(stage: Stage) -> None:
    t, merchant, buyer = stage.transcript, stage.merchant, stage.buyer
    arbiter: Person = stage.facts["arbiter"]
    currency = stage.facts["currency"]
    product = offer_product(stage, f"Silk scarf {stage.run}", currency, TOKEN_PRICE)
    order = place_order(stage, product, quantity=1)
    buyer.do(f"{path_of(order)}/fund")
    reached(stage, order, "paid", "funded")
    merchant.do(f"{path_of(order)}/ship", {"tracking": "by hand"})
    reached(stage, order, "shipped", "shipped")
    buyer.do(f"{path_of(order)}/dispute", {"evidence": f"It has a hole, see {stage.run}"})
    reached(stage, order, "disputed", "disputed")
    read = arbiter.get(path_of(order))
    t.check("the arbiter reads the evidence", ok=any("hole" in one["text"] for one in read["statements"]))
    ruling = {"to_seller": str(TOKEN_PRICE * SELLER_PERCENT // 100), "reason": "A small hole"}
    stage.refused(
        "the seller does not judge its own case",
        "not_that_party",
        lambda: merchant.post(f"{path_of(order)}/rule", ruling),
    )
    people = (merchant.address, buyer.address)
    before = [stage.chain.balance(person, currency) for person in people]
    arbiter.do(f"{path_of(order)}/rule", ruling)
    shown = reached(stage, order, "ruled", "ruled")
    after = [stage.chain.balance(person, currency) for person in people]
    gross = int(ruling["to_seller"])
    fee = gross * stage.node.get("/v1/escrow-conditions")["fee_bps"] // BPS
    t.equal("the seller got its part less the fee on the chain", after[0] - before[0], gross - fee)
    t.equal("the buyer got the rest on the chain", after[1] - before[1], TOKEN_PRICE - gross)
    told = [int(shown[name]) for name in ("to_seller", "to_buyer", "fee")]
    t.equal(
        "the API tells of the ruling, and no unit is lost",
        (told, sum(told)),
        ([gross - fee, TOKEN_PRICE - gross, fee], TOKEN_PRICE),
    )
    escrow = stage.node.get(f"/v1/escrows/{order['escrow']['escrow_id']}")
    t.equal("anybody sees the escrow's end", escrow["state"], "ruled")


def play_settlement(stage: Stage) -> None:
    """Paid by permit; a part is released by signature, the rest is split as the parties agree."""
    t, merchant, buyer = stage.transcript, stage.merchant, stage.buyer
    currency = stage.facts["currency"]
    product = offer_product(stage, f"Tea set {stage.run}", currency, TOKEN_PRICE)
    order = place_order(stage, product, quantity=1)
    asked = buyer.post(f"{path_of(order)}/fund-permit")
    paid = buyer.follow(asked, deadline=asked["deadline"])
    t.equal("a permit takes the place of an approval", [step["action"] for step in paid["steps"]], ["fund"])
    buyer.follow(paid)
    reached(stage, order, "paid", "funded")
    part = TOKEN_PRICE // 2
    prepared = buyer.post(f"{path_of(order)}/releases/prepare", {"amount": str(part)})
    signed = buyer.follow(prepared, **prepared["release"])
    t.equal("the buyer signs a part over", [one["state"] for one in signed["releases"]], ["open"])
    merchant.do(f"{path_of(order)}/releases/{prepared['digest']}/relay")
    t.equal("the seller brought the signature to the chain", held(stage, order), TOKEN_PRICE - part)
    rest = TOKEN_PRICE - part
    merchant.do(f"{path_of(order)}/offer-settlement", {"to_seller": str(rest // 4)})
    (offer,) = buyer.get(path_of(order))["escrow"]["on_chain"]["settlements"]
    t.equal("the buyer sees the offered split", offer["to_buyer"], str(rest - rest // 4))
    before = stage.chain.balance(buyer.address, currency)
    buyer.do(f"{path_of(order)}/accept-settlement", {"to_seller": offer["to_seller"]})
    shown = reached(stage, order, "settled", "settled")
    after = stage.chain.balance(buyer.address, currency)
    t.equal("the buyer got its part on the chain", after - before, rest - rest // 4)
    told = [int(shown[name]) for name in ("to_seller", "to_buyer", "fee")]
    t.equal("no unit is lost over parts and split", sum(told), TOKEN_PRICE)


def offer_product(stage: Stage, title: str, asset: str, price: int) -> Any:  # noqa: ANN401 - any JSON
    """A product in the merchant's market."""
    chain_id = stage.node.get("/v1/governance")["chain_id"]
    kind = "slip44:60" if asset == NATIVE else f"erc20:{asset}"
    body = {
        "title": title,
        "price": {"asset": f"eip155:{chain_id}/{kind}", "amount": str(price)},
        "stock": STOCK,
    }
    product = stage.merchant.post(f"/v1/markets/{stage.facts['market']['id']}/products", body)
    stage.transcript.equal(
        "a product is for sale", stage.node.get(f"/v1/products/{product['id']}")["stock"], STOCK
    )
    return product


def place_order(stage: Stage, product: Any, *, quantity: int, appeal: bool = False) -> Any:  # noqa: ANN401 - any JSON
    body = {"product_id": product["id"], "quantity": quantity, "appeal": appeal}
    order = stage.buyer.post("/v1/orders", body)
    stage.transcript.equal(
        "the buyer places an order",
        (order["state"], order["amount"]["value"]),
        (
            "placed",
            str(
                quantity
                * int(
                    product["price"]["amount"] if "amount" in product["price"] else product["price"]["value"]
                )
            ),
        ),
    )
    return order


def _private(stage: Stage, order: Any) -> None:  # noqa: ANN401 - any JSON
    stage.refused(
        "a stranger cannot read the order", "order_unknown", lambda: stage.stranger.get(path_of(order))
    )
    stage.refused(
        "a stranger cannot act on the order",
        "order_unknown",
        lambda: stage.stranger.post(f"{path_of(order)}/confirm"),
    )
    stage.refused(
        "nobody reads it without signing in", "token_missing", lambda: stage.node.get(path_of(order))
    )


def reached(stage: Stage, order: Any, state: str, on_chain: str) -> Any:  # noqa: ANN401 - any JSON
    """Waits for the order, which follows the chain when that is final; returns it."""
    shown = stage.wait_for(
        f"an order that is {state}",
        lambda: stage.buyer.get(path_of(order)),
        lambda seen: seen["state"] == state,
    )
    stage.transcript.equal(
        f"the order is {state}, the escrow {on_chain}", ESCROW_STATES[_escrow(stage, order)[0]], on_chain
    )
    return shown


def held(stage: Stage, order: Any) -> int:  # noqa: ANN401 - any JSON
    return int(_escrow(stage, order)[2])


def _escrow(stage: Stage, order: Any) -> Any:  # noqa: ANN401 - any JSON
    """State, deadline and held amount, by the contract."""
    escrow = order["escrow"]
    identity = bytes.fromhex(escrow["escrow_id"][2:])
    return stage.chain.read(escrow["contract"], "escrow(bytes32)", ["uint8", "uint64", "uint256"], identity)


def path_of(order: Any) -> str:  # noqa: ANN401 - any JSON
    return f"/v1/orders/{order['id']}"
