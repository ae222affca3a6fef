"""Markets through the edge: opened, found, changed by their owner alone."""

from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from api.schemas import Page
from api.v1.market import MarketOut
from tests.edge import Edge, new_wallet
from wallet.custody.dev import DEV_MNEMONIC

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.anyio]

Account.enable_unaudited_hdwallet_features()
NATIVE = "eip155:31337/slip44:60"
DEV_ARBITER = "0xa0ee7a142d267c1f36714e4a8f75612f20a79720"


async def open_market(edge: Edge, headers: dict[str, str], **fields: Any) -> dict[str, Any]:
    body = {"name": "Çiçek Sepeti", "language": "TR-tr", **fields}
    answer = await edge.client.post("/v1/markets", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    MarketOut.model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/markets/{found['id']}"
    return found


async def test_a_market_opens_with_defaults_and_is_found(edge: Edge) -> None:
    wallet = new_wallet()
    headers = await edge.sign_in(wallet)
    market = await open_market(edge, headers)
    assert market["slug"] == "çiçek-sepeti"
    assert market["language"] == "tr-TR"
    assert market["payout_address"] == wallet.address.lower()
    assert market["arbiter"] == DEV_ARBITER
    for reference in (market["id"], "çiçek-sepeti", "ÇİÇEK SEPETİ"):
        answer = await edge.client.get(f"/v1/markets/{reference}")
        assert answer.json() == market
        MarketOut.model_validate_json(answer.content)
    me = (await edge.client.get("/v1/me", headers=headers)).json()
    mine = await edge.client.get(f"/v1/markets?owner={me['account_id']}")
    assert mine.json()["items"] == [market]


async def test_slugs_are_unique_and_made_up_when_not_asked_for(edge: Edge) -> None:
    headers = await edge.sign_in()
    first = await open_market(edge, headers, name="فروشگاه گل")
    second = await open_market(edge, headers, name="فروشگاه گل")
    assert first["slug"] == "فروشگاه-گل"
    assert second["slug"].startswith("فروشگاه-گل-")
    answer = await edge.client.post(
        "/v1/markets", json={"name": "x", "language": "fa", "slug": "فروشگاهِ گل"}, headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "slug_taken")
    answer = await edge.client.patch(
        f"/v1/markets/{second['id']}", json={"slug": first["slug"]}, headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "slug_taken")


async def test_pages_go_through_all_markets_once(edge: Edge) -> None:
    headers = await edge.sign_in()
    opened = [(await open_market(edge, headers))["id"] for _ in range(5)]
    found: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        query = "/v1/markets?limit=2" + (f"&cursor={cursor}" if cursor else "")
        answer = await edge.client.get(query)
        page = Page[MarketOut].model_validate_json(answer.content)
        found += [str(item.id) for item in page.items]
        cursor = page.next
    assert cursor is None
    assert found == opened[::-1]


async def test_its_owner_changes_it_and_nobody_else(edge: Edge) -> None:
    owner, stranger = await edge.sign_in(), await edge.sign_in()
    market = await open_market(edge, owner)
    path = f"/v1/markets/{market['id']}"
    foreign = await edge.client.patch(path, json={"name": "mine now"}, headers=stranger)
    assert (foreign.status_code, foreign.json()["code"]) == (403, "not_market_owner")
    anonymous = await edge.client.patch(path, json={"name": "mine now"})
    assert anonymous.status_code == 401
    assert (await edge.client.get(path)).json() == market

    read = await edge.client.get(path)
    edge.clock.at = edge.clock.at.replace(minute=1)
    change = {"name": "Gül", "policy": {"inspection_s": 60}}
    changed = await edge.client.patch(path, json=change, headers={**owner, "If-Match": read.headers["etag"]})
    assert changed.status_code == 200, changed.text
    assert changed.json() == market | {
        "name": "Gül",
        "policy": market["policy"] | {"inspection_s": 60},
        "changed_at": "2026-01-01T12:01:00.000000Z",
    }
    assert changed.headers["etag"] == (await edge.client.get(path)).headers["etag"]
    late = await edge.client.patch(
        path, json={"name": "late"}, headers={**owner, "If-Match": read.headers["etag"]}
    )
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ({"name": " "}, "text_invalid"),
        ({"name": "x" * 121}, "text_invalid"),
        ({"name": 5}, "invalid"),
        ({"slug": "!!!"}, "slug_invalid"),
        ({"language": "turkish, please"}, "language_invalid"),
        ({"payout_address": "0x12"}, "invalid"),
        ({"payout_address": "0x" + "00" * 20}, "policy_invalid"),
        ({"payout_address": DEV_ARBITER, "arbiter": DEV_ARBITER}, "arbiter_unknown"),
        ({"arbiter": "0x" + "11" * 20}, "arbiter_unknown"),
        ({"policy": {"inspection_s": 0}}, "policy_invalid"),
        ({"policy": {"inspection_s": "60"}}, "invalid"),
        ({"policy": {"silence_seller_bps": 10_001}}, "policy_invalid"),
        ({"policy": {"owner_account_id": 1}}, "invalid"),
        ({"owner_account_id": "x"}, "invalid"),
    ],
)
async def test_bad_input_opens_and_changes_nothing(edge: Edge, field: dict[str, Any], code: str) -> None:
    headers = await edge.sign_in()
    market = await open_market(edge, headers)
    body = {"name": "x", "language": "en", **field}
    opened = await edge.client.post("/v1/markets", json=body, headers=headers)
    changed = await edge.client.patch(f"/v1/markets/{market['id']}", json=field, headers=headers)
    for answer in (opened, changed):
        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await edge.client.get("/v1/markets")).json()["items"] == [market]


async def test_half_a_surrogate_pair_is_no_text(edge: Edge) -> None:
    headers = {**await edge.sign_in(), "Content-Type": "application/json"}
    body = rb'{"name": "a\ud800", "language": "en"}'
    answer = await edge.client.post("/v1/markets", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert (await edge.client.get("/v1/markets")).json()["items"] == []


async def test_an_arbiter_keeps_no_shop_that_it_judges(edge: Edge) -> None:
    arbiter: LocalAccount = Account.from_mnemonic(DEV_MNEMONIC, account_path="m/44'/60'/0'/0/9")
    assert arbiter.address.lower() == DEV_ARBITER
    headers = await edge.sign_in(arbiter)
    body = {"name": "x", "language": "en", "payout_address": "0x" + "12" * 20}
    answer = await edge.client.post("/v1/markets", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "arbiter_unknown")


@pytest.mark.parametrize("reference", ["nothing-here", "0198c1f2-a4e2-7b0c-8a3f-5d1e6b7c9d00", "!!!"])
async def test_unknown_markets(edge: Edge, reference: str) -> None:
    answer = await edge.client.get(f"/v1/markets/{reference}")
    assert (answer.status_code, answer.json()["code"]) == (404, "market_unknown")
