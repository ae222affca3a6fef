"""Orders beyond paid, shipped, confirmed: parts, signatures, settlements, appeals, money that waits."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.schemas import Page
from api.v1.credit import CreditOut
from api.v1.order_step import PermitOut
from tests.chain.bazaar import PRICE, Bazaar, Person, dev_wallet, running_bazaar
from tests.chain.suite import deployed
from tests.chain_life import Chain
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def bazaar(
    anvil: str,
    module_database: DatabaseUrls,
    module_redis_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Bazaar]:
    """One for all: each test has orders of its own."""
    folder = tmp_path_factory.mktemp("bazaar")
    with deployed(anvil, folder) as suite:
        async with running_bazaar(suite, module_database, module_redis_url, folder) as running:
            yield running


async def test_the_parties_settle_on_a_split(bazaar: Bazaar) -> None:
    seller, buyer = bazaar.seller, bazaar.buyer
    order_id = await bazaar.order()
    await bazaar.step(buyer, order_id, "fund")
    path = f"/v1/orders/{order_id}"
    await bazaar.step(seller, order_id, "offer-settlement", {"to_seller": "9000"})
    await bazaar.step(seller, order_id, "withdraw-settlement")
    gone = await bazaar.post(buyer, f"{path}/accept-settlement", {"to_seller": "9000"}, 409)
    assert gone["code"] == "execution_reverted"
    too_much = await bazaar.post(seller, f"{path}/offer-settlement", {"to_seller": "10001"}, 422)
    assert (too_much["code"], too_much["held"]) == ("split_too_large", "10000")
    not_theirs = await bazaar.post(bazaar.arbiter, f"{path}/offer-settlement", {"to_seller": "1"}, 403)
    assert not_theirs["code"] == "not_that_party"
    await bazaar.step(seller, order_id, "offer-settlement", {"to_seller": "4000"})
    offer = {"by": seller.address, "to_seller": "4000", "to_buyer": "6000"}
    assert (await bazaar.read(buyer, order_id))["escrow"]["on_chain"]["settlements"] == [offer]
    other = await bazaar.post(buyer, f"{path}/accept-settlement", {"to_seller": "3999"}, 409)
    assert other["code"] == "execution_reverted"
    await bazaar.step(buyer, order_id, "accept-settlement", {"to_seller": "4000"})
    settled = await bazaar.read(seller, order_id)
    assert (settled["state"], settled["to_seller"], settled["fee"], settled["to_buyer"]) == (
        "settled", "3900", "100", "6000"
    )  # fmt: skip


async def test_parts_go_both_ways(bazaar: Bazaar) -> None:
    order_id = await bazaar.order()
    await bazaar.step(bazaar.buyer, order_id, "fund")
    await bazaar.step(bazaar.buyer, order_id, "release-part", {"amount": "4000"})
    await bazaar.step(bazaar.seller, order_id, "refund-part", {"amount": "1000"})
    left = await bazaar.read(bazaar.buyer, order_id)
    assert (left["state"], left["to_seller"], left["fee"], left["to_buyer"]) == (
        "paid", "3900", "100", "1000"
    )  # fmt: skip
    path = f"/v1/orders/{order_id}"
    refused = await bazaar.post(bazaar.buyer, f"{path}/release-part", {"amount": "5001"}, 422)
    assert refused["code"] == "split_too_large"
    swapped = await bazaar.post(bazaar.seller, f"{path}/release-part", {"amount": "1"}, 403)
    assert swapped["code"] == "not_that_party"
    await bazaar.step(bazaar.buyer, order_id, "release-part", {"amount": "5000"})
    assert (await bazaar.read(bazaar.buyer, order_id))["state"] == "completed"


async def signed_release(bazaar: Bazaar, order_id: str, **wish: object) -> dict[str, Any]:
    """The newest release of the order, after the buyer signed and posted it."""
    path = f"/v1/orders/{order_id}/releases"
    prepared = await bazaar.post(bazaar.buyer, f"{path}/prepare", wish)
    body = {**prepared["release"], "signature": bazaar.buyer.sign(prepared)}
    posted = await bazaar.post(bazaar.buyer, path, body, 201)
    assert posted == await bazaar.post(bazaar.buyer, path, body, 201)
    assert posted == await bazaar.read(bazaar.buyer, order_id)
    (found,) = [item for item in posted["releases"] if item["digest"] == prepared["digest"]]
    return dict(found)


async def test_a_buyer_signs_and_the_seller_sends(bazaar: Bazaar) -> None:
    order_id = await bazaar.order()
    path = f"/v1/orders/{order_id}/releases"
    await bazaar.step(bazaar.buyer, order_id, "fund")
    part = await signed_release(bazaar, order_id, amount="4000")
    assert (part["state"], part["amount"]) == ("open", "4000")
    unused = await bazaar.post(bazaar.buyer, f"{path}/prepare", {"amount": "4000"})
    assert int(unused["release"]["nonce"]) == int(part["nonce"]) + 1
    before = bazaar.balance(bazaar.buyer.address)
    await bazaar.step(bazaar.seller, order_id, f"releases/{part['digest']}/relay")
    assert bazaar.balance(bazaar.buyer.address) == before  # not even gas
    found = await bazaar.read(bazaar.seller, order_id)
    assert (found["state"], found["to_seller"], found["fee"]) == ("paid", "3900", "100")
    assert [item["state"] for item in found["releases"]] == ["used"]
    again = await bazaar.post(bazaar.seller, f"{path}/{part['digest']}/relay", None, 409)
    assert again["code"] == "release_spent"

    voided = await signed_release(bazaar, order_id)
    assert voided["amount"] == "6000"
    await bazaar.step(bazaar.buyer, order_id, f"releases/{voided['digest']}/void")
    rest = await signed_release(bazaar, order_id)
    states = {
        item["digest"]: item["state"] for item in (await bazaar.read(bazaar.seller, order_id))["releases"]
    }
    assert states == {part["digest"]: "used", voided["digest"]: "voided", rest["digest"]: "open"}
    await bazaar.step(bazaar.arbiter, order_id, f"releases/{rest['digest']}/relay")  # anybody may
    assert (await bazaar.read(bazaar.buyer, order_id))["state"] == "completed"


async def test_only_releases_that_the_escrow_takes_are_kept(bazaar: Bazaar) -> None:
    order_id = await bazaar.order()
    path = f"/v1/orders/{order_id}/releases"
    early = await bazaar.post(bazaar.buyer, f"{path}/prepare", {}, 409)
    assert early["code"] == "wrong_order_state"
    await bazaar.step(bazaar.buyer, order_id, "fund")
    prepared = await bazaar.post(bazaar.buyer, f"{path}/prepare", {})
    release, signature = prepared["release"], bazaar.buyer.sign(prepared)

    async def refused(status: int, who: Person = bazaar.buyer, **changes: object) -> str:
        body = {**release, "signature": signature, **changes}
        return str((await bazaar.post(who, path, body, status))["code"])

    assert await refused(422, amount="9999") == "release_signature_invalid"
    assert await refused(422, signature=bazaar.seller.sign(prepared)) == "release_signature_invalid"
    assert await refused(422, amount="0") == "release_invalid"
    assert await refused(422, deadline=release["deadline"] + 400 * 86_400) == "release_invalid"
    assert await refused(403, bazaar.seller) == "not_that_party"
    assert (await bazaar.read(bazaar.buyer, order_id))["releases"] == []
    kept = await signed_release(bazaar, order_id, deadline=int(bazaar.edge.clock.now().timestamp()) + 60)
    unknown = await bazaar.post(bazaar.seller, f"{path}/0x{'ab' * 32}/relay", None, 404)
    assert unknown["code"] == "release_unknown"
    bazaar.pass_time(61)
    (found,) = (await bazaar.read(bazaar.buyer, order_id))["releases"]
    assert (found["digest"], found["state"]) == (kept["digest"], "expired")
    late = await bazaar.post(bazaar.seller, f"{path}/{kept['digest']}/relay", None, 422)
    assert late["code"] == "release_invalid"


async def test_a_permit_takes_the_place_of_an_approval(bazaar: Bazaar) -> None:
    dollar = bazaar.suite.dollar
    order_id = await bazaar.order(asset=f"eip155:31337/erc20:{dollar}")
    path = f"/v1/orders/{order_id}"
    asked = await bazaar.post(bazaar.buyer, f"{path}/fund-permit")
    deadline = PermitOut.model_validate(asked).deadline
    forged = {"deadline": deadline, "signature": bazaar.seller.sign(asked)}
    refused = await bazaar.post(bazaar.buyer, f"{path}/fund", forged, 409)
    assert refused["code"] == "execution_reverted"
    odd = await bazaar.post(bazaar.buyer, f"{path}/fund", {**forged, "signature": "0x1234"}, 422)
    assert odd["code"] == "permit_invalid"
    permit = {"deadline": deadline, "signature": bazaar.buyer.sign(asked)}
    answer = await bazaar.step(bazaar.buyer, order_id, "fund", permit)
    assert [step["action"] for step in answer["steps"]] == ["fund"]
    assert (await bazaar.read(bazaar.buyer, order_id))["state"] == "paid"
    assert bazaar.balance(bazaar.suite.deployment.escrow.address, dollar) == PRICE
    native = await bazaar.order()
    nothing = await bazaar.post(bazaar.buyer, f"/v1/orders/{native}/fund-permit", None, 409)
    assert nothing["code"] == "permit_unsupported"


async def proposed_ruling(bazaar: Bazaar) -> str:
    """An order that allows an appeal, after the arbiter gave the seller 8,000 of 10,000."""
    order_id = await bazaar.order(appeal=True)
    await bazaar.step(bazaar.buyer, order_id, "fund")
    await bazaar.step(bazaar.seller, order_id, "ship", {"tracking": "parcel"})
    await bazaar.step(bazaar.buyer, order_id, "dispute", {"evidence": "It is broken"})
    await bazaar.step(bazaar.arbiter, order_id, "rule", {"to_seller": "8000", "reason": "It was not"})
    found = await bazaar.read(bazaar.buyer, order_id)
    assert found["state"] == "proposed"
    agreed = found["escrow"]["appeal"]
    assert found["escrow"]["on_chain"]["appeal"] == {**agreed, "proposed_to_seller": "8000"}
    conditions = (await bazaar.edge.client.get("/v1/escrow-conditions")).json()
    assert agreed["court"] == conditions["court"] == bazaar.suite.deployment.timelock.address
    return order_id


async def test_the_dao_judges_an_appeal(bazaar: Bazaar) -> None:
    order_id = await proposed_ruling(bazaar)
    early = await bazaar.post(bazaar.seller, f"/v1/orders/{order_id}/finish-ruling", None, 409)
    assert early["code"] == "deadline_not_reached"
    member = Person(dev_wallet(5), await bazaar.edge.sign_in(dev_wallet(5)))
    escrow_id = (await bazaar.read(bazaar.buyer, order_id))["escrow"]["escrow_id"]
    verdict = {"kind": "rule_appeal", "escrow_id": escrow_id, "to_seller": "2000"}
    proposal = {"title": "It was broken", "actions": [verdict]}
    await bazaar.do(member, "/v1/delegations", {"delegatee": member.address})
    await pass_blocks(bazaar, 1)  # votes count from the second after
    none = await bazaar.post(member, "/v1/proposals", proposal, 422)
    assert none["code"] == "action_invalid"

    await bazaar.step(bazaar.buyer, order_id, "appeal", {"evidence": "The court shall look"})
    appealed = await bazaar.read(bazaar.seller, order_id)
    assert appealed["state"] == "appealed"
    assert [item["text"] for item in appealed["statements"]][-1] == "The court shall look"
    planned = await bazaar.do(member, "/v1/proposals", proposal)
    assert planned["warnings"] == []
    assert "2000 to the seller" in planned["actions"][0]["words"]
    path = f"/v1/proposals/{planned['proposal_id']}"
    await pass_blocks(bazaar, 2)
    await bazaar.do(member, f"{path}/votes", {"support": "for"})
    await pass_blocks(bazaar, 9)
    await bazaar.do(member, f"{path}/queue")
    await pass_blocks(bazaar, 2)
    await bazaar.do(member, f"{path}/execute")
    ruled = await bazaar.read(bazaar.buyer, order_id)
    assert (ruled["state"], ruled["to_seller"], ruled["fee"], ruled["to_buyer"]) == (
        "ruled", "1950", "50", "8000"
    )  # fmt: skip


async def pass_blocks(bazaar: Bazaar, seconds: int) -> None:
    bazaar.pass_time(seconds)
    Chain(bazaar.suite.rpc_url).mine()
    await bazaar.catch_up()


async def test_a_ruling_that_nobody_appeals_is_carried_out(bazaar: Bazaar) -> None:
    order_id = await proposed_ruling(bazaar)
    bazaar.pass_time(bazaar.settings.appeal_window_s + 60)
    late = await bazaar.post(bazaar.buyer, f"/v1/orders/{order_id}/appeal", {"evidence": "x"}, 409)
    assert late["code"] == "deadline_passed"
    stranger = await bazaar.edge.sign_in(dev_wallet(7))
    hidden = await bazaar.post(
        Person(dev_wallet(7), stranger), f"/v1/orders/{order_id}/finish-ruling", None, 404
    )
    assert hidden["code"] == "order_unknown"
    await bazaar.step(bazaar.seller, order_id, "finish-ruling")
    ruled = await bazaar.read(bazaar.seller, order_id)
    assert (ruled["state"], ruled["to_seller"], ruled["to_buyer"]) == ("ruled", "7800", "2000")


async def test_what_a_seller_refused_waits_to_be_taken(bazaar: Bazaar) -> None:
    chain, seller = Chain(bazaar.suite.rpc_url), bazaar.seller
    order_id = await bazaar.order()
    await bazaar.step(bazaar.buyer, order_id, "fund")
    path = f"/v1/wallets/{seller.address}/credits"
    assert (await bazaar.edge.client.get(path)).json()["items"] == []
    chain.rpc("anvil_setCode", seller.address, "0xfe")
    await bazaar.step(bazaar.buyer, order_id, "confirm")
    chain.rpc("anvil_setCode", seller.address, "0x")
    answer = await bazaar.edge.client.get(path)
    (credit,) = Page[CreditOut].model_validate_json(answer.content).items
    escrow = bazaar.suite.deployment.escrow.address
    assert (credit.contract, credit.amount.value, credit.amount.asset.code) == (escrow, 9_750, "ETH")
    elsewhere = {"contract": seller.address, "asset": credit.asset}
    assert (await bazaar.post(seller, "/v1/credits/withdraw", elsewhere, 422))["code"] == "no_payouts"
    receiver = dev_wallet(8).address.lower()
    before = chain.rpc("eth_getBalance", receiver, "latest")
    body = {"contract": escrow, "asset": credit.asset, "to": receiver}
    await bazaar.do(seller, "/v1/credits/withdraw", body)
    assert int(chain.rpc("eth_getBalance", receiver, "latest"), 16) - int(before, 16) == 9_750
    assert (await bazaar.edge.client.get(path)).json()["items"] == []
    empty = await bazaar.post(seller, "/v1/credits/withdraw", {**body, "to": None}, 409)
    assert empty["code"] == "execution_reverted"
