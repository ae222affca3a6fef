"""Sign-In with Ethereum against the running edge: who gets in, and why the others do not."""

import asyncio
import datetime as dt
import re
import socket
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import jwt
import pytest
from eth_account.signers.local import LocalAccount
from sqlalchemy import text

from api.v1.identity import MeOut
from node.chain.signatures import personal_digest
from node.kernel.hexes import parse_address
from node.services.identity.service import NONCE_KEPT
from node.services.identity.tokens import Principal
from tests.counterfactual import Counterfactual
from tests.edge import PUBLIC_URL, Edge, edge_settings, new_wallet, running_edge, signature
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

HALF_ORDER_TWICE = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


async def offered(edge: Edge, wallet: LocalAccount) -> str:
    answer = await edge.client.post("/v1/auth/nonces", json={"address": wallet.address})
    assert answer.status_code == 201
    message: str = answer.json()["message"]
    return message


async def present(edge: Edge, message: str, signed: str, **headers: str) -> httpx.Response:
    body = {"message": message, "signature": signed}
    return await edge.client.post("/v1/auth/wallet", json=body, headers=headers)


def count(edge: Edge, table: str) -> int:
    with edge.services.database.transaction() as tx:
        return int(tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - ours


async def test_a_wallet_signs_in_and_is_known_again(edge: Edge) -> None:
    wallet = new_wallet()
    first = await edge.client.get("/v1/me", headers=await edge.sign_in(wallet))
    second = await edge.client.get("/v1/me", headers=await edge.sign_in(wallet))
    me = MeOut.model_validate_json(first.content)
    assert [known.address for known in me.wallets] == [wallet.address.lower()]
    assert first.content == second.content
    assert count(edge, "identity.account") == 1


async def test_the_first_sign_in_is_told_on_the_spine(edge: Edge) -> None:
    wallet = new_wallet()
    await edge.sign_in(wallet)
    await edge.sign_in(wallet)
    with edge.services.database.transaction() as tx:
        rows = tx.execute(text("SELECT stream, type_name, payload, request_id FROM kernel.event")).all()
    assert [(row.type_name, row.payload["address"]) for row in rows] == [
        ("account.opened", wallet.address.lower())
    ]
    assert rows[0].stream == f"account:{rows[0].payload['account_id']}"
    assert rows[0].request_id


async def test_two_first_sign_ins_at_once_open_one_account(edge: Edge) -> None:
    wallet = new_wallet()
    await asyncio.gather(*(edge.sign_in(wallet) for _ in range(8)))
    assert count(edge, "identity.account") == 1
    assert count(edge, "kernel.event") == 1


async def test_the_offer_names_what_settings_say(edge: Edge) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    answer = await edge.client.post("/v1/auth/nonces", json={}, headers=headers)
    offer = answer.json()
    assert (offer["domain"], offer["uri"], offer["chain_id"]) == ("asoud.test:8000", PUBLIC_URL, 31337)
    assert offer["message"] is None
    assert "evil" not in answer.text


REFUSED: dict[str, Callable[[str], str]] = {
    "siwe_wrong_domain": lambda text: text.replace("asoud.test:8000 wants", "evil.example wants"),
    "siwe_wrong_uri": lambda text: text.replace("URI: http://asoud.test:8000", "URI: http://evil.example"),
    "siwe_wrong_chain": lambda text: text.replace("Chain ID: 31337", "Chain ID: 1"),
    "siwe_nonce_unknown": lambda text: text.replace("Nonce: ", "Nonce: ff"),
    "siwe_message_expired": lambda text: text.replace("Expiration Time: 2026", "Expiration Time: 2025"),
    "siwe_message_not_yet_valid": lambda text: text + "\nNot Before: 2026-01-01T12:05:00Z",
    "siwe_malformed": lambda text: text.replace("Version: 1", "Version: 2"),
}


@pytest.mark.parametrize("code", REFUSED)
async def test_a_message_for_another_place_or_time_is_refused(edge: Edge, code: str) -> None:
    """Each is signed by the right key: it is the message that is wrong."""
    wallet = new_wallet()
    message = REFUSED[code](await offered(edge, wallet))
    answer = await present(edge, message, signature(wallet, message))
    assert answer.json()["code"] == code
    assert answer.status_code == (422 if code == "siwe_malformed" else 401)
    assert count(edge, "identity.account") == 0


@pytest.mark.parametrize(
    "uri",
    [
        "http://asoud.test:8000@evil.example",
        "http://asoud.test",
        "https://asoud.test:8000",
        "http://asoud.test.evil.example:8000",
        "http://user@asoud.test:8000",
    ],
)
async def test_a_uri_that_only_looks_like_ours_is_refused(edge: Edge, uri: str) -> None:
    wallet = new_wallet()
    message = (await offered(edge, wallet)).replace(f"URI: {PUBLIC_URL}", f"URI: {uri}")
    answer = await present(edge, message, signature(wallet, message))
    assert answer.json()["code"] == "siwe_wrong_uri"


async def test_a_path_on_our_own_site_is_fine(edge: Edge) -> None:
    wallet = new_wallet()
    message = (await offered(edge, wallet)).replace(f"URI: {PUBLIC_URL}", f"URI: {PUBLIC_URL}/shop?a=b")
    assert (await present(edge, message, signature(wallet, message))).status_code == 200


async def test_the_host_header_does_not_make_another_domain_right(edge: Edge) -> None:
    wallet = new_wallet()
    message = (await offered(edge, wallet)).replace("asoud.test:8000", "evil.example")
    answer = await present(edge, message, signature(wallet, message), Host="evil.example")
    assert answer.json()["code"] == "siwe_wrong_domain"
    assert answer.json()["expected"] == "asoud.test:8000"


async def test_a_nonce_serves_once(edge: Edge) -> None:
    wallet = new_wallet()
    message = await offered(edge, wallet)
    signed = signature(wallet, message)
    assert (await present(edge, message, signed)).status_code == 200
    again = await present(edge, message, signed)
    assert (again.status_code, again.json()["code"]) == (401, "siwe_nonce_used")


async def test_a_nonce_serves_one_of_many_at_once(edge: Edge) -> None:
    wallet = new_wallet()
    message = await offered(edge, wallet)
    signed = signature(wallet, message)
    answers = await asyncio.gather(*(present(edge, message, signed) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9


async def test_the_twin_of_a_signature_does_not_revive_a_nonce(edge: Edge) -> None:
    """(r, n - s) is valid mathematics over the same digest."""
    wallet = new_wallet()
    message = await offered(edge, wallet)
    signed = bytes.fromhex(signature(wallet, message)[2:])
    assert (await present(edge, message, "0x" + signed.hex())).status_code == 200
    s = HALF_ORDER_TWICE - int.from_bytes(signed[32:64])
    twin = signed[:32] + s.to_bytes(32) + bytes([55 - signed[64]])
    assert (await present(edge, message, "0x" + twin.hex())).json()["code"] == "siwe_nonce_used"


async def test_a_refusal_spends_the_nonce(edge: Edge) -> None:
    wallet = new_wallet()
    message = await offered(edge, wallet)
    refused = await present(edge, message, signature(new_wallet(), message))
    assert (refused.status_code, refused.json()["code"]) == (401, "siwe_bad_signature")
    assert refused.headers["www-authenticate"] == "Bearer"
    again = await present(edge, message, signature(wallet, message))
    assert again.json()["code"] == "siwe_nonce_used"
    assert count(edge, "identity.account") == 0


@pytest.mark.parametrize("signed", ["0x", "0x00", "0x" + "00" * 65, "0x" + "ff" * 65, "0x" + "11" * 64])
async def test_nonsense_is_nobodys_signature(edge: Edge, signed: str) -> None:
    message = await offered(edge, new_wallet())
    answer = await present(edge, message, signed)
    assert answer.json()["code"] == "siwe_bad_signature"


async def test_a_signature_over_another_message_is_refused(edge: Edge) -> None:
    wallet = new_wallet()
    message = await offered(edge, wallet)
    other = await offered(edge, wallet)
    assert (await present(edge, message, signature(wallet, other))).json()["code"] == "siwe_bad_signature"


async def test_an_old_nonce_is_refused(edge: Edge) -> None:
    wallet = new_wallet()
    message = await offered(edge, wallet)
    edge.clock.advance(dt.timedelta(minutes=10))
    answer = await present(edge, message, signature(wallet, message))
    assert answer.json()["code"] == "siwe_nonce_expired"


async def test_nonces_long_expired_are_forgotten(edge: Edge) -> None:
    await offered(edge, new_wallet())
    edge.clock.advance(dt.timedelta(minutes=10) + NONCE_KEPT)
    await offered(edge, new_wallet())
    with edge.services.database.transaction() as tx:
        assert edge.services.identity.prune_nonces(tx) == 1
    assert count(edge, "identity.nonce") == 1


async def test_without_a_token_nobody_is_known(edge: Edge) -> None:
    answer = await edge.client.get("/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_runs_out(edge: Edge) -> None:
    caller = await edge.sign_in()
    edge.clock.advance(dt.timedelta(minutes=60) - dt.timedelta(seconds=1))
    assert (await edge.client.get("/v1/me", headers=caller)).status_code == 200
    edge.clock.advance(dt.timedelta(seconds=1))
    answer = await edge.client.get("/v1/me", headers=caller)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")


async def test_a_token_that_we_did_not_sign_is_refused(edge: Edge) -> None:
    caller = await edge.sign_in()
    token = caller["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    head, body, mac = token.split(".")
    forged = [
        jwt.encode(claims, "k" * 32, algorithm="HS256"),
        jwt.encode(claims, None, algorithm="none"),
        f"{head}.{body}.{'A' * len(mac)}",
        f"{head}.{body}.",
        "not.a.token",
        "x" * 5_000,
    ]
    for value in forged:
        answer = await edge.client.get("/v1/me", headers={"Authorization": f"Bearer {value}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid"), value


async def test_the_token_of_an_account_that_is_gone_finds_nothing(edge: Edge) -> None:
    stranger = Principal(uuid.uuid4(), parse_address(new_wallet().address), uuid.uuid4())
    token = edge.services.sessions._tokens.issue(stranger).value
    answer = await edge.client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (404, "account_unknown")


async def test_an_unchanged_read_is_a_304(edge: Edge) -> None:
    caller = await edge.sign_in()
    first = await edge.client.get("/v1/me", headers=caller)
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Authorization, Cookie"
    for tag in (first.headers["etag"], f'"other", W/{first.headers["etag"]}', "*"):
        again = await edge.client.get("/v1/me", headers=caller | {"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    changed = await edge.client.get("/v1/me", headers=caller | {"If-None-Match": '"other"'})
    assert changed.status_code == 200


async def test_a_contract_wallet_signs_in(edge: Edge, anvil: str) -> None:
    """ERC-1271: the contract at the address says whether it signed, whatever the bytes look like."""
    wallet = new_wallet()
    await set_code(anvil, wallet.address, ALWAYS_MAGIC)
    message = await offered(edge, wallet)
    answer = await present(edge, message, "0x1234")
    assert answer.status_code == 200
    assert answer.json()["address"] == wallet.address.lower()


async def test_a_contract_that_says_no_does_not_sign_in(edge: Edge, anvil: str) -> None:
    wallet = new_wallet()
    await set_code(anvil, wallet.address, ALWAYS_REVERTS)
    answer = await present(edge, await offered(edge, wallet), "0x1234")
    assert answer.json()["code"] == "siwe_bad_signature"


async def test_a_key_signs_in_while_the_chain_is_away_and_a_contract_has_to_wait(
    fresh_database: DatabaseUrls, redis_url: str, tmp_path: Path
) -> None:
    with socket.socket() as nobody:  # bound and not listening: the port answers with a refusal
        nobody.bind(("127.0.0.1", 0))
        rpc_url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        settings = edge_settings(
            tmp_path, database_url=fresh_database.app, redis_url=redis_url, rpc_url=rpc_url
        )
        async with running_edge(settings) as edge:
            await edge.sign_in()
            answer = await present(edge, await offered(edge, new_wallet()), "0x1234")
    assert (answer.status_code, answer.json()["code"]) == (503, "chain_away")
    assert answer.headers["retry-after"]
    assert rpc_url not in answer.text


ALWAYS_MAGIC = "0x7f1626ba7e" + "00" * 28 + "60005260206000f3"  # PUSH32 magic, MSTORE, RETURN one word
ALWAYS_REVERTS = "0x60006000fd"


async def set_code(rpc_url: str, address: str, code: str) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "anvil_setCode", "params": [address, code]}
    async with httpx.AsyncClient() as client:
        answer = await client.post(rpc_url, json=body)
    assert "error" not in answer.json()


async def test_a_wallet_that_is_not_deployed_yet_signs_in(edge: Edge) -> None:
    """ERC-6492, on the chain of the node; afterwards there is still no code at its address."""
    wallet = Counterfactual(new_wallet(), salt=1)
    answer = await edge.client.post("/v1/auth/nonces", json={"address": wallet.address})
    message = answer.json()["message"]
    signed = wallet.sign(personal_digest(message))
    answer = await present(edge, message, "0x" + signed.hex())
    assert (answer.status_code, answer.json()["address"]) == (200, wallet.address)
    assert edge.services.chain.code(wallet.address) == b""
    thief = Counterfactual(new_wallet(), salt=1)
    message = (await edge.client.post("/v1/auth/nonces", json={"address": wallet.address})).json()["message"]
    answer = await present(edge, message, "0x" + thief.sign(personal_digest(message)).hex())
    assert answer.json()["code"] == "siwe_bad_signature"


async def test_a_refused_attempt_is_in_the_audit_log_and_the_refusal_does_not_undo_it(edge: Edge) -> None:
    wallet, thief = new_wallet(), new_wallet()
    message = await offered(edge, wallet)
    await present(edge, message, signature(thief, message))
    await present(edge, message, signature(wallet, message))
    other = (await offered(edge, wallet)).replace("Chain ID: 31337", "Chain ID: 1")
    await present(edge, other, signature(wallet, other))
    with edge.services.database.transaction() as tx:
        rows = tx.execute(
            text("SELECT act, subject, origin, request_id FROM identity.audit ORDER BY id")
        ).all()
    whom = f"wallet:{wallet.address.lower()}"
    assert [(row.act, row.subject) for row in rows] == [
        ("sign_in_refused", f"{whom} {reason}") for reason in ("BadSignature", "NonceUsed", "WrongChain")
    ]
    assert all((row.origin, bool(row.request_id)) == ("127.0.0.1", True) for row in rows)


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("\nResources:", 422),
        ("\nResources:\n- https://asoud.test/terms", 200),
        ("\nResources:\n- ipfs://bafy/x\n- urn:asoud:terms:3", 200),
        ("\nResources:\n- not a uri", 422),
        ("\nResources:\n- https://asoud.test/terms\nRequest ID: 7", 422),
        ("\nRequest ID: 7\nResources:\n- https://asoud.test/terms", 200),
        ("\nNot Before: 2026-01-01T12:00:00Z", 200),
        ("\nNot Before: 2026-01-01T12:00:00", 422),
        ("\nNot Before: 2026-01-01T15:30:00+03:30", 200),
        ("\nNot Before: 2026-01-01T12:00:00.001Z", 401),
        ("\nNot Before: 2026-13-01T12:00:00Z", 422),
    ],
)
async def test_the_optional_fields_of_a_message(edge: Edge, lines: str, status: int) -> None:
    wallet = new_wallet()
    message = await offered(edge, wallet) + lines
    assert (await present(edge, message, signature(wallet, message))).status_code == status


async def test_a_message_runs_out_at_its_very_moment(edge: Edge) -> None:
    wallet = new_wallet()
    for moment, status in (("12:00:00Z", 401), ("12:00:00.001Z", 200)):
        message = re.sub(
            "Expiration Time: .*", f"Expiration Time: 2026-01-01T{moment}", await offered(edge, wallet)
        )
        assert (await present(edge, message, signature(wallet, message))).status_code == status
