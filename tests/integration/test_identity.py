"""Sign-In with Ethereum against the running edge: who gets in, and why the others do not."""

import pytest

from tests.edge import Edge, new_wallet

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.anyio]


async def offered(edge: Edge, address: str) -> str:
    answer = await edge.client.post("/v1/auth/nonces", json={"address": address})
    assert answer.status_code == 201
    message: str = answer.json()["message"]
    return message


async def test_a_wallet_signs_in_and_is_known_again(edge: Edge) -> None:
    wallet = new_wallet()
    first = await edge.client.get("/v1/me", headers=await edge.sign_in(wallet))
    second = await edge.client.get("/v1/me", headers=await edge.sign_in(wallet))
    assert first.status_code == 200
    assert first.json()["wallets"][0]["address"] == wallet.address.lower()
    assert first.json() == second.json()
