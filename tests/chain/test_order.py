"""Orders on a real chain, over HTTP and with wallet keys, from the order to the money in somebody's hands."""

from collections.abc import Callable
from typing import Any

import pytest

from api.v1.escrow import EscrowOut
from node.chain.artifacts import load_artifact
from node.chain.permit import NO_PERMIT
from tests.chain.bazaar import PRICE, Bazaar, dev_wallet
from tests.chain_life import Chain

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]


async def test_paid_shipped_confirmed(bazaar: Bazaar) -> None:
    order_id = await bazaar.order()
    await bazaar.step(bazaar.buyer, order_id, "fund")
    paid = await bazaar.read(bazaar.seller, order_id)
    assert (paid["state"], paid["received"]) == ("paid", str(PRICE))
    on_chain = paid["escrow"]["on_chain"]
    assert (on_chain["state"], on_chain["held"], on_chain["provisional"]) == ("funded", str(PRICE), False)

    steps = await bazaar.step(bazaar.seller, order_id, "ship", {"tracking": "parcel 17"})
    shipped = await bazaar.read(bazaar.buyer, order_id)
    (statement,) = shipped["statements"]
    assert (statement["text"], statement["on_chain"]) == ("parcel 17", True)
    assert statement["digest"] == steps["reference"]
    assert steps["reference"] in [entry["reference"] for entry in shipped["timeline"]]

    before = bazaar.balance(bazaar.seller.address)
    await bazaar.step(bazaar.buyer, order_id, "confirm")
    done = await bazaar.read(bazaar.buyer, order_id)
    assert (done["state"], done["to_seller"], done["fee"]) == ("completed", "9750", "250")
    assert bazaar.balance(bazaar.seller.address) - before == 9_750
    assert bazaar.balance(bazaar.suite.deployment.timelock.address) == 250
    kinds = [entry["kind"] for entry in done["timeline"]]
    on_chain = {"escrow.funded", "escrow.shipped", "escrow.released"}
    assert set(kinds) == on_chain | {"order.placed", "order.paid", "order.shipped", "order.completed"}
    assert len(kinds) == 7
    assert not any(entry["provisional"] for entry in done["timeline"])
    answer = await bazaar.edge.client.get(f"/v1/escrows/{done['escrow']['escrow_id']}")
    public = EscrowOut.model_validate_json(answer.content)
    assert (public.state, public.provisional, public.to_seller) == ("released", False, 9_750)


async def test_a_token_is_approved_for_exactly_the_amount(bazaar: Bazaar) -> None:
    dollar = bazaar.suite.dollar
    order_id = await bazaar.order(asset=f"eip155:31337/erc20:{dollar}")
    order = await bazaar.read(bazaar.buyer, order_id)
    assert order["amount"]["asset"]["code"] == "DUSD"
    assert order["amount"]["asset"]["exponent"] == 6
    steps = await bazaar.step(bazaar.buyer, order_id, "fund")
    assert [step["action"] for step in steps["steps"]] == ["approve_token", "fund"]
    escrow = bazaar.suite.deployment.escrow.address
    assert bazaar.balance(escrow, dollar) == PRICE
    left = bazaar.suite.client.read(
        load_artifact("DevDollar"), dollar, "allowance", bazaar.buyer.address, escrow
    )
    assert left == 0
    await bazaar.step(bazaar.seller, order_id, "refund")
    assert (await bazaar.read(bazaar.buyer, order_id))["state"] == "refunded"
    assert bazaar.balance(escrow, dollar) == 0


async def test_a_dispute_is_ruled(bazaar: Bazaar) -> None:
    order_id = await bazaar.order()
    await bazaar.step(bazaar.buyer, order_id, "fund")
    await bazaar.step(bazaar.seller, order_id, "ship", {"tracking": "parcel"})
    await bazaar.step(bazaar.buyer, order_id, "dispute", {"evidence": "It is broken"})
    await bazaar.step(bazaar.seller, order_id, "evidence", {"evidence": "It was not"})
    seen = await bazaar.read(bazaar.arbiter, order_id)
    assert (seen["state"], seen["roles"]) == ("disputed", ["arbiter"])
    assert [item["text"] for item in seen["statements"]] == ["parcel", "It is broken", "It was not"]
    assert all(item["on_chain"] for item in seen["statements"])
    answer = await bazaar.edge.client.get("/v1/orders?role=arbiter", headers=bazaar.arbiter.headers)
    assert [item["id"] for item in answer.json()["items"]] == [order_id]
    await bazaar.step(bazaar.arbiter, order_id, "rule", {"to_seller": "4000", "reason": "Half and half"})
    ruled = await bazaar.read(bazaar.buyer, order_id)
    assert ruled["state"] == "ruled"
    assert (ruled["to_seller"], ruled["fee"], ruled["to_buyer"]) == ("3900", "100", "6000")


@pytest.mark.parametrize(
    ("reach", "step", "window", "state"),
    [
        ((), "refund-expired", "ship_within_s", "refunded"),
        (("ship",), "release-expired", "inspection_s", "completed"),
        (("ship", "dispute"), "rule-expired", "ruling_s", "ruled"),
    ],
)
async def test_when_nobody_acts_the_deadline_decides(
    bazaar: Bazaar, reach: tuple[str, ...], step: str, window: str, state: str
) -> None:
    windows = {"ship_within_s": 60, "inspection_s": 600, "ruling_s": 300}
    order_id = await bazaar.order(policy=windows)
    await bazaar.step(bazaar.buyer, order_id, "fund")
    bodies: dict[str, Callable[[], Any]] = {
        "ship": lambda: bazaar.step(bazaar.seller, order_id, "ship", {"tracking": "parcel"}),
        "dispute": lambda: bazaar.step(bazaar.buyer, order_id, "dispute", {"evidence": "broken"}),
    }
    for name in reach:
        await bodies[name]()
    early = await bazaar.edge.client.post(f"/v1/orders/{order_id}/{step}", headers=bazaar.buyer.headers)
    assert (early.status_code, early.json()["code"]) == (409, "deadline_not_reached")
    bazaar.pass_time(windows[window] + 1_900)
    await bazaar.step(bazaar.buyer, order_id, step)
    assert (await bazaar.read(bazaar.seller, order_id))["state"] == state


async def test_parts_and_a_settlement_made_without_the_node_are_followed(bazaar: Bazaar) -> None:
    order_id = await bazaar.order()
    await bazaar.step(bazaar.buyer, order_id, "fund")
    part = await bazaar.directly(bazaar.buyer, order_id, "releasePart", 4_000)
    assert (part["state"], part["to_seller"], part["fee"], part["to_buyer"]) == ("paid", "3900", "100", "0")
    assert part["escrow"]["on_chain"]["held"] == "6000"
    back = await bazaar.directly(bazaar.seller, order_id, "refundPart", 1_000)
    assert (back["to_seller"], back["to_buyer"]) == ("3900", "1000")
    offered = await bazaar.directly(bazaar.seller, order_id, "offerSettlement", 2_000)
    offer = {"by": bazaar.seller.address, "to_seller": "2000", "to_buyer": "3000"}
    assert offered["escrow"]["on_chain"]["settlements"] == [offer]
    settled = await bazaar.directly(bazaar.buyer, order_id, "acceptSettlement", 2_000)
    assert (settled["state"], settled["deadline"]) == ("settled", None)
    assert (settled["to_seller"], settled["fee"], settled["to_buyer"]) == ("5850", "150", "4000")
    assert settled["escrow"]["on_chain"]["settlements"] == []
    shown = {entry["kind"]: (entry["to_seller"], entry["held"]) for entry in settled["timeline"]}
    assert shown["escrow.part_released"] == shown["order.part_released"] == ("3900", "6000")
    assert shown["escrow.settlement_offered"] == ("2000", "5000")
    assert "order.settled" in shown
    answer = await bazaar.edge.client.get("/v1/orders?state=settled", headers=bazaar.buyer.headers)
    assert [item["id"] for item in answer.json()["items"]] == [order_id]


async def test_a_court_that_only_the_buyer_named(bazaar: Bazaar) -> None:
    """The node prepares no shipment; where the seller ships nevertheless, all is followed to its end."""
    order_id, court = await bazaar.order(), dev_wallet(7).address.lower()
    appeal = {"court": court, "window": 600, "courtTime": 600}
    paid = await bazaar.directly(bazaar.buyer, order_id, "fundWith", appeal, NO_PERMIT, value=PRICE)
    assert paid["state"] == "paid"
    assert paid["escrow"]["on_chain"]["appeal"]["court"] == court
    path = f"/v1/orders/{order_id}/ship"
    refused = await bazaar.post(bazaar.seller, path, {"tracking": "parcel"}, 409)
    assert (refused["code"], refused["court"]) == ("appeal_not_agreed", court)
    await bazaar.directly(bazaar.seller, order_id, "ship", b"\0" * 32)
    await bazaar.step(bazaar.buyer, order_id, "dispute", {"evidence": "It is broken"})
    await bazaar.step(bazaar.arbiter, order_id, "rule", {"to_seller": "8000", "reason": "It was not"})
    proposed = await bazaar.read(bazaar.buyer, order_id)
    assert (proposed["state"], proposed["to_seller"]) == ("proposed", None)
    assert proposed["escrow"]["on_chain"]["appeal"]["proposed_to_seller"] == "8000"
    appealed = await bazaar.directly(bazaar.buyer, order_id, "appeal", b"\1" * 32)
    assert appealed["state"] == "appealed"
    await bazaar.step(bazaar.seller, order_id, "evidence", {"evidence": "A photo"})
    bazaar.pass_time(700)
    ruled = await bazaar.directly(bazaar.seller, order_id, "finishRuling")
    assert (ruled["state"], ruled["to_seller"], ruled["to_buyer"]) == ("ruled", "7800", "2000")
    public = await bazaar.edge.client.get(f"/v1/escrows/{ruled['escrow']['escrow_id']}")
    escrow = EscrowOut.model_validate_json(public.content)
    assert (escrow.court, escrow.proposed_to_seller, escrow.held) == (court, 8_000, 0)


async def test_what_is_not_final_is_shown_as_provisional(bazaar: Bazaar) -> None:
    slow = bazaar.settings.model_copy(update={"confirmations": 3})
    bazaar.settings = slow
    order_id = await bazaar.order()
    await bazaar.step(bazaar.buyer, order_id, "fund")
    waiting = await bazaar.read(bazaar.buyer, order_id)
    assert waiting["state"] == "placed"
    assert waiting["escrow"]["on_chain"]["provisional"] is True
    assert [entry["provisional"] for entry in waiting["timeline"] if entry["source"] == "chain"] == [True]
    refused = await bazaar.edge.client.post(f"/v1/orders/{order_id}/cancel", headers=bazaar.buyer.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "payment_seen")
    twice = await bazaar.edge.client.post(f"/v1/orders/{order_id}/fund", headers=bazaar.buyer.headers)
    assert twice.status_code == 409
    assert twice.json()["code"] == "execution_reverted"
    Chain(bazaar.suite.rpc_url).mine(3)
    await bazaar.catch_up()
    assert (await bazaar.read(bazaar.buyer, order_id))["state"] == "paid"
