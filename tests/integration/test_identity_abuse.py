"""Who asks about somebody else learns nothing: neither from the answer nor from how much work it took.

Work is counted (statements that Postgres gets, keyed hashes), because clocks lie on a busy machine.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import event

from node.services.identity.keys import Pepper
from tests.edge import Edge, new_wallet, signature
from tests.handset import PHONE, Handset, outcome, say

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

UNKNOWN = "+905551119999"
PAUSE = dt.timedelta(minutes=20)


@contextmanager
def work(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Counts statements by their words, and keyed hashes. What is counted still runs."""
    done: Counter[str] = Counter()
    digest = Pepper.digest

    def count_digest(pepper: Pepper, *parts: str) -> bytes:
        done["digest"] += 1
        return digest(pepper, *parts)

    def count_statement(*arguments: Any) -> None:
        done[" ".join(arguments[2].split())] += 1

    event.listen(edge.services.database.engine, "before_cursor_execute", count_statement)
    monkeypatch.setattr(Pepper, "digest", count_digest)
    try:
        yield done
    finally:
        monkeypatch.setattr(Pepper, "digest", digest)
        event.remove(edge.services.database.engine, "before_cursor_execute", count_statement)


def shape(answer: httpx.Response) -> tuple[int, object, object]:
    body = {name: value for name, value in answer.json().items() if name not in ("challenge", "request_id")}
    return answer.status_code, body, sorted(set(answer.headers) - {"x-request-id"})


async def test_asking_for_a_code_is_the_same_work_for_a_known_phone(
    edge: Edge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Handset(edge, tmp_path)
    await known.sign_in()
    assert (await Handset(edge, tmp_path, "+905551110000").ask()).status_code == 201  # connections are made
    seen = []
    for handset in (known, Handset(edge, tmp_path, UNKNOWN)):
        with work(edge, monkeypatch) as done:
            asked = await handset.ask()
            tried = await say(edge, asked.json()["challenge"], "000000")
        seen.append((shape(asked), outcome(tried), done))
    assert sum(seen[0][2].values()) > 10
    assert seen[0] == seen[1]


async def test_a_forged_sign_in_is_the_same_work_for_a_known_wallet(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, thief = new_wallet(), new_wallet()
    await edge.sign_in(known)
    seen = []
    for wallet in (known, new_wallet()):
        body = await edge.signed(wallet, "sign_in")
        with work(edge, monkeypatch) as done:
            forged = {"message": body["message"], "signature": signature(thief, body["message"])}
            answer = await edge.client.post("/v1/auth/wallet", json=forged)
        seen.append((shape(answer), done))
    assert seen[0][0][0] == 401
    assert seen[0] == seen[1]


@pytest.mark.parametrize("path", ["/v1/me/step-up/phone/challenges", "/v1/me/recoveries"])
async def test_a_session_does_not_ask_about_the_phones_of_others(
    edge: Edge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    await Handset(edge, tmp_path).sign_in()
    caller = await edge.sign_in()
    seen = []
    for phone in (UNKNOWN, PHONE, UNKNOWN):
        with work(edge, monkeypatch) as done:
            answer = await edge.client.post(path, json={"phone": phone}, headers=caller)
        seen.append((shape(answer), done))
    assert outcome(answer) == (404, "identity_unknown")
    assert seen[1] == seen[2]


async def test_codes_are_guessed_neither_in_turn_nor_at_random(
    edge: Edge, tmp_path: Path, connection: psycopg.Connection
) -> None:
    """Whatever is sent, a phone takes twenty tries a day; then the right code is refused as well."""
    handset = Handset(edge, tmp_path)
    tried = 0
    for _ in range(6):
        challenge = await handset.challenge()
        code = handset.receive(challenge)
        guesses = [f"{guess:06}" for guess in range(8) if f"{guess:06}" != code]
        codes = [(await say(edge, challenge, guess)).json()["code"] for guess in guesses]
        tried += codes.count("code_wrong")
        edge.clock.advance(PAUSE)
    assert tried == 20
    challenge = await handset.challenge()
    assert outcome(await say(edge, challenge, handset.receive(challenge))) == (429, "phone_limit_reached")
    counted = connection.execute("SELECT sum(tries) FROM identity.phone_challenge").fetchone()
    assert counted == (20,)


ODD_PHONES = [
    "+٩٠٥٥٥١١١٢٢٣٣",
    "＋905551112233",
    "+90 555 111 22 33",
    "+905551112233;ext=1",
    "tel:+905551112233",
    "+905551112233\u200e",
    "\u202e+905551112233",
    "+9055511122\u200b33",
    "+905551112233\r\nX-Injected: 1",
    "00905551112233",
    "+0905551112233",
    "+90555111223" + "3" * 50,
    "+90555111223𝟑",
]


@pytest.mark.parametrize("phone", ODD_PHONES)
async def test_a_phone_has_one_spelling(edge: Edge, connection: psycopg.Connection, phone: str) -> None:
    answer = await edge.client.post("/v1/auth/phone/challenges", json={"phone": phone})
    assert outcome(answer) == (422, "invalid")
    assert connection.execute("SELECT count(*) FROM identity.counter").fetchone() == (0,)


ODD_MESSAGES: Mapping[str, Callable[[str], str]] = {
    "a second nonce": lambda text: text.replace("\nIssued At", "\nNonce: aaaaaaaaaaaaaaaa\nIssued At"),
    "carriage returns": lambda text: text.replace("\n", "\r\n"),
    "an ideographic domain": lambda text: text.replace("asoud.test", "asoud。test"),
    "a domain with a letter of another script": lambda text: text.replace("asoud.test", "аsoud.test"),
    "a user in the domain": lambda text: text.replace(
        "asoud.test:8000 wants", "asoud.test:8000@evil.example wants"
    ),
    "a scheme before the domain": lambda text: "javascript://" + text,
    "digits of another script": lambda text: text.replace("Chain ID: 31337", "Chain ID: ٣١٣٣٧"),
    "a chain id with a sign": lambda text: text.replace("Chain ID: 31337", "Chain ID: +31337"),
    "a hidden mark": lambda text: text.replace("Nonce: ", "Nonce: \u200b"),
    "a line separator": lambda text: text.replace("\n\nURI", "\u2028\nURI"),
    "a lower-case address": lambda text: "\n".join(
        line.lower() if line.startswith("0x") else line for line in text.split("\n")
    ),
    "something behind the end": lambda text: text + "\n",
    "a statement of two lines": lambda text: text.replace("Sign in to ASOUD.", "Sign in\nto ASOUD."),
}


async def test_the_sites_own_scheme_before_the_domain_is_fine(edge: Edge) -> None:
    wallet = new_wallet()
    message = "http://" + (await edge.signed(wallet, "sign_in"))["message"]
    body = {"message": message, "signature": signature(wallet, message)}
    assert (await edge.client.post("/v1/auth/wallet", json=body)).status_code == 200


@pytest.mark.parametrize("trick", ODD_MESSAGES)
async def test_a_message_has_one_reading(edge: Edge, trick: str) -> None:
    """Each is signed by the right key: it is the text that is odd."""
    wallet = new_wallet()
    message = ODD_MESSAGES[trick]((await edge.signed(wallet, "sign_in"))["message"])
    body = {"message": message, "signature": signature(wallet, message)}
    answer = await edge.client.post("/v1/auth/wallet", json=body)
    assert answer.status_code in (401, 422), answer.text
    assert answer.json()["code"].startswith(("siwe_", "invalid"))


@pytest.mark.parametrize(
    "value",
    [
        b"Bearer",
        b"Bearer  ",
        b"bearer \xff\xfe",
        b"Bearer a b",
        b"Bearer " + b"A" * 5_000,
        b"Bearer \xc3\xa9.x.y",
    ],
)
async def test_an_odd_header_is_nobody(edge: Edge, value: bytes) -> None:
    answer = await edge.client.get("/v1/me", headers={b"Authorization": value})
    assert answer.status_code == 401


async def test_an_attacker_locks_nobody_out(edge: Edge, tmp_path: Path) -> None:
    """Forged sign-ins, codes for the victim's phone and made-up tokens leave the victim's own ways open."""
    victim, thief = new_wallet(), new_wallet()
    caller = await edge.sign_in(victim)
    handset = Handset(edge, tmp_path)
    challenge = await handset.challenge("/v1/me/phones/challenges", **caller)
    await say(edge, challenge, handset.receive(challenge), "/v1/me/phones", **caller)
    for _ in range(30):
        message = (await edge.signed(victim, "sign_in"))["message"]
        forged = {"message": message, "signature": signature(thief, message)}
        assert (await edge.client.post("/v1/auth/wallet", json=forged)).status_code == 401
        assert (await handset.ask()).status_code in (201, 429)
        made_up = {"refresh_token": "asoud_rt_" + "A" * 43}
        assert (await edge.client.post("/v1/auth/refresh", json=made_up)).status_code == 401
    assert (await edge.client.get("/v1/me", headers=caller)).status_code == 200
    await edge.sign_in(victim)
