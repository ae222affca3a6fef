"""Sessions against the running edge: refresh tokens, devices, signing out, and what forged tokens come to."""

import asyncio
import base64
import datetime as dt
import json
from pathlib import Path
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_account.signers.local import LocalAccount

from api.schemas import Page
from api.v1.session import KeySetOut, SessionOut, SignedInOut
from tests.edge import PUBLIC_URL, Edge, edge_settings, new_wallet, running_edge, signature
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

REFRESH_LIFE = dt.timedelta(days=30)
SESSION_LIFE = dt.timedelta(days=180)


async def signed_in(edge: Edge, wallet: LocalAccount | None = None, device: str = "a phone") -> SignedInOut:
    wallet = wallet or new_wallet()
    offer = await edge.client.post("/v1/auth/nonces", json={"address": wallet.address})
    message = offer.json()["message"]
    answer = await edge.client.post(
        "/v1/auth/wallet",
        json={"message": message, "signature": signature(wallet, message)},
        headers={b"User-Agent": device.encode()},
    )
    assert answer.status_code == 200
    return SignedInOut.model_validate_json(answer.content)


async def refresh(edge: Edge, token: str) -> httpx.Response:
    return await edge.client.post("/v1/auth/refresh", json={"refresh_token": token})


def bearer(session: SignedInOut) -> dict[str, str]:
    return {"Authorization": f"Bearer {session.access_token}"}


def outcome(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def audited(connection: psycopg.Connection, act: str) -> list[Any]:
    return connection.execute(
        "SELECT subject, origin, request_id FROM identity.audit WHERE act = %s ORDER BY at, id", (act,)
    ).fetchall()


async def test_a_refresh_gives_a_new_pair_of_the_same_session(edge: Edge) -> None:
    first = await signed_in(edge)
    edge.clock.advance(dt.timedelta(hours=2))
    assert (await edge.client.get("/v1/me", headers=bearer(first))).status_code == 401
    answer = await refresh(edge, first.refresh_token)
    second = SignedInOut.model_validate_json(answer.content)
    assert (second.session_id, second.account_id, second.address) == (
        first.session_id,
        first.account_id,
        first.address,
    )
    assert second.refresh_token != first.refresh_token
    assert (await edge.client.get("/v1/me", headers=bearer(second))).status_code == 200


async def test_a_refresh_token_that_comes_again_ends_the_session(
    edge: Edge, connection: psycopg.Connection
) -> None:
    """Whoever holds the new token, thief or owner, is signed out; the refusal does not undo that."""
    first = await signed_in(edge)
    second = SignedInOut.model_validate_json((await refresh(edge, first.refresh_token)).content)
    assert outcome(await refresh(edge, first.refresh_token)) == (401, "refresh_reused")
    assert outcome(await refresh(edge, second.refresh_token)) == (401, "session_ended")
    (noted,) = audited(connection, "refresh_reused")
    assert noted[0] == f"session:{first.session_id}"
    assert noted[1:] == ("127.0.0.1", noted[2])
    assert noted[2]


async def test_of_many_uses_at_once_one_counts(edge: Edge) -> None:
    first = await signed_in(edge)
    answers = await asyncio.gather(*(refresh(edge, first.refresh_token) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    codes = {answer.json()["code"] for answer in answers if answer.status_code == 401}
    assert codes == {"refresh_reused"}


async def test_another_session_of_the_account_is_not_touched_by_reuse(edge: Edge) -> None:
    wallet = new_wallet()
    stolen, other = await signed_in(edge, wallet), await signed_in(edge, wallet)
    await refresh(edge, stolen.refresh_token)
    assert (await refresh(edge, stolen.refresh_token)).status_code == 401
    assert (await refresh(edge, other.refresh_token)).status_code == 200


async def test_a_refresh_token_runs_out(edge: Edge) -> None:
    first = await signed_in(edge)
    edge.clock.advance(REFRESH_LIFE - dt.timedelta(seconds=1))
    second = SignedInOut.model_validate_json((await refresh(edge, first.refresh_token)).content)
    edge.clock.advance(REFRESH_LIFE)
    assert outcome(await refresh(edge, second.refresh_token)) == (401, "refresh_expired")


async def test_a_session_ends_however_often_it_is_refreshed(edge: Edge) -> None:
    session = await signed_in(edge)
    began = edge.clock.now()
    while edge.clock.now() < began + SESSION_LIFE - dt.timedelta(days=20):
        edge.clock.advance(dt.timedelta(days=20))
        session = SignedInOut.model_validate_json((await refresh(edge, session.refresh_token)).content)
    assert session.refresh_expires_at == began + SESSION_LIFE
    edge.clock.advance(dt.timedelta(days=20))
    assert outcome(await refresh(edge, session.refresh_token)) == (401, "refresh_expired")


@pytest.mark.parametrize("token", ["x", "asoud_rt_" + "A" * 43, "ا" * 20, "é"])
async def test_a_made_up_refresh_token_is_refused(edge: Edge, token: str) -> None:
    assert outcome(await refresh(edge, token)) == (401, "refresh_invalid")


async def test_an_access_token_is_no_refresh_token(edge: Edge) -> None:
    session = await signed_in(edge)
    assert (await refresh(edge, session.access_token)).status_code == 422
    header = {"Authorization": f"Bearer {session.refresh_token}"}
    assert outcome(await edge.client.get("/v1/me", headers=header)) == (401, "token_invalid")


async def test_the_database_holds_no_refresh_token(edge: Edge, connection: psycopg.Connection) -> None:
    session = await signed_in(edge)
    rows = connection.execute("SELECT t::text FROM identity.refresh_token AS t").fetchall()
    assert len(rows) == 1
    assert session.refresh_token.encode().hex() not in rows[0][0]
    assert session.refresh_token not in rows[0][0]


async def test_devices_are_listed_and_signed_out(edge: Edge) -> None:
    wallet = new_wallet()
    here, there = await signed_in(edge, wallet, "laptop"), await signed_in(edge, wallet, "téléphone")
    await signed_in(edge)  # somebody else
    answer = await edge.client.get("/v1/sessions", headers=bearer(here))
    listed = Page[SessionOut].model_validate_json(answer.content).items
    assert {(item.id, item.device, item.current) for item in listed} == {
        (here.session_id, "laptop", True),
        (there.session_id, "t??l??phone", False),
    }
    gone = await edge.client.delete(f"/v1/sessions/{there.session_id}", headers=bearer(here))
    assert (gone.status_code, gone.content) == (204, b"")
    assert outcome(await refresh(edge, there.refresh_token)) == (401, "session_ended")
    again = await edge.client.delete(f"/v1/sessions/{there.session_id}", headers=bearer(here))
    assert outcome(again) == (404, "session_unknown")
    listed = (await edge.client.get("/v1/sessions", headers=bearer(here))).json()["items"]
    assert [item["id"] for item in listed] == [str(here.session_id)]


async def test_nobody_signs_out_somebody_else(edge: Edge) -> None:
    mine, theirs = await signed_in(edge), await signed_in(edge)
    answer = await edge.client.delete(f"/v1/sessions/{theirs.session_id}", headers=bearer(mine))
    assert outcome(answer) == (404, "session_unknown")
    assert (await refresh(edge, theirs.refresh_token)).status_code == 200


async def test_signing_out_everywhere_ends_every_session(edge: Edge, connection: psycopg.Connection) -> None:
    wallet = new_wallet()
    sessions = [await signed_in(edge, wallet) for _ in range(3)]
    other = await signed_in(edge)
    assert (await edge.client.delete("/v1/sessions", headers=bearer(sessions[0]))).status_code == 204
    for session in sessions:
        assert outcome(await refresh(edge, session.refresh_token)) == (401, "session_ended")
    assert (await refresh(edge, other.refresh_token)).status_code == 200
    assert len(audited(connection, "signed_out")) == 1


async def test_an_ended_session_signs_nobody_out(edge: Edge) -> None:
    """A stolen access token outlives its session for minutes; it must not be good for this."""
    wallet = new_wallet()
    ended, other = await signed_in(edge, wallet), await signed_in(edge, wallet)
    await edge.client.delete(f"/v1/sessions/{ended.session_id}", headers=bearer(other))
    for path in ("/v1/sessions", f"/v1/sessions/{other.session_id}"):
        answer = await edge.client.delete(path, headers=bearer(ended))
        assert outcome(answer) == (401, "session_ended")
    assert (await refresh(edge, other.refresh_token)).status_code == 200


async def test_sessions_long_over_are_forgotten(edge: Edge, connection: psycopg.Connection) -> None:
    await signed_in(edge)
    edge.clock.advance(SESSION_LIFE + dt.timedelta(days=8))
    await signed_in(edge)
    with edge.services.database.transaction() as tx:
        assert edge.services.sessions.prune(tx) == 1
    for table in ("session", "refresh_token"):
        row = connection.execute(f"SELECT count(*) FROM identity.{table}").fetchone()  # noqa: S608 - ours
        assert row == (1,)


async def test_the_app_cannot_change_the_audit_log(edge: Edge, fresh_database: DatabaseUrls) -> None:
    await signed_in(edge)
    with psycopg.connect(fresh_database.app, autocommit=True) as app:
        for statement in ("DELETE FROM identity.audit", "UPDATE identity.audit SET act = 'x'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)


# ------------------------------------------------------------------------------------------ keys


async def key_set(edge: Edge) -> KeySetOut:
    return KeySetOut.model_validate_json((await edge.client.get("/.well-known/jwks.json")).content)


async def test_another_program_verifies_a_token_by_the_published_keys(edge: Edge) -> None:
    session = await signed_in(edge)
    kid = jwt.get_unverified_header(session.access_token)["kid"]
    published = {key.kid: key for key in (await key_set(edge)).keys}
    public = jwt.PyJWK(published[kid].model_dump())
    claims = jwt.decode(
        session.access_token,
        public,
        algorithms=["EdDSA"],
        audience="asoud-api",
        issuer=PUBLIC_URL,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["sub"], claims["sid"]) == (str(session.account_id), str(session.session_id))
    assert "d" not in json.loads((await edge.client.get("/.well-known/jwks.json")).content)["keys"][0]


async def test_keys_rotate_and_a_token_outlives_its_key(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path
) -> None:
    settings = edge_settings(
        tmp_path, database_url=fresh_database.app, redis_url=redis_url, rpc_url=anvil, token_key_days=2
    )
    async with running_edge(settings) as edge:
        until = dt.timedelta(days=2) - dt.timedelta(seconds=int(edge.clock.now().timestamp()) % (2 * 86_400))
        edge.clock.advance(until - dt.timedelta(seconds=1))
        session = await signed_in(edge)
        before = {key.kid for key in (await key_set(edge)).keys}
        edge.clock.advance(dt.timedelta(seconds=1))
        after = await signed_in(edge)
        kids = [jwt.get_unverified_header(s.access_token)["kid"] for s in (session, after)]
        assert kids[0] != kids[1]
        assert set(kids) <= before  # the next key was known before it signed
        assert (await edge.client.get("/v1/me", headers=bearer(session))).status_code == 200


async def test_after_the_secret_was_changed_older_tokens_are_read_as_long_as_it_is_named(
    fresh_database: DatabaseUrls, redis_url: str, anvil: str, tmp_path: Path
) -> None:
    def settings(**secrets: str) -> Any:
        return edge_settings(
            tmp_path, database_url=fresh_database.app, redis_url=redis_url, rpc_url=anvil, **secrets
        )

    async with running_edge(settings(token_secret="o" * 40)) as edge:
        session = await signed_in(edge)
    async with running_edge(settings(token_secret="n" * 40, token_secret_before="o" * 40)) as edge:
        assert (await edge.client.get("/v1/me", headers=bearer(session))).status_code == 200
    async with running_edge(settings(token_secret="n" * 40)) as edge:
        answer = await edge.client.get("/v1/me", headers=bearer(session))
        assert outcome(answer) == (401, "token_invalid")
        assert (await refresh(edge, session.refresh_token)).status_code == 200


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def test_tricks_with_alg_and_kid_come_to_nothing(edge: Edge) -> None:
    session = await signed_in(edge)
    header = jwt.get_unverified_header(session.access_token)
    claims = jwt.decode(session.access_token, options={"verify_signature": False})
    _, body, signed = session.access_token.split(".")
    keys = (await key_set(edge)).keys
    other = next(key.kid for key in keys if key.kid != header["kid"])
    mine = Ed25519PrivateKey.generate()
    my_jwk = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(mine.public_key()))

    def with_header(changed: dict[str, object], tail: str = signed) -> str:
        return f"{b64(json.dumps(header | changed).encode())}.{body}.{tail}"

    def hmac_by(secret: bytes) -> str:
        signer = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        head = b64(json.dumps(header | {"alg": "HS256"}).encode())
        return f"{head}.{body}.{b64(signer.sign(f'{head}.{body}'.encode(), secret))}"

    forged = {
        "no algorithm": with_header({"alg": "none"}, ""),
        "none in capitals": with_header({"alg": "NONE"}, ""),
        "the public key as a MAC's key": hmac_by(base64.urlsafe_b64decode(keys[0].x + "=")),
        "the text of the public key as a MAC's key": hmac_by(keys[0].x.encode()),
        "another key of ours named": with_header({"kid": other}),
        "no key named": with_header({"kid": None}),
        "a path as the key's name": with_header({"kid": "../../../dev/null"}),
        "a statement as the key's name": with_header({"kid": "' OR 1=1 --"}),
        "a list as the key's name": with_header({"kid": [header["kid"]]}),
        "the thief's key in the header": jwt.encode(
            claims, mine, algorithm="EdDSA", headers=header | {"jwk": my_jwk}
        ),
        "the thief's address of keys": jwt.encode(
            claims, mine, algorithm="EdDSA", headers=header | {"jku": "https://evil.example/jwks.json"}
        ),
        "another type of token": with_header({"typ": "JWT"}),
        "another account": f"{session.access_token.split('.')[0]}."
        f"{b64(json.dumps(claims | {'sub': '0' * 32}).encode())}.{signed}",
        "critical extensions": with_header({"crit": ["b64"], "b64": False}),
    }
    for trick, token in forged.items():
        answer = await edge.client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert outcome(answer) == (401, "token_invalid"), trick
    assert (await edge.client.get("/v1/me", headers=bearer(session))).status_code == 200
