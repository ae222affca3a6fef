"""Act 1: people sign in with their wallets or a phone, and who may not is told why."""

import re

from scripts.demo_acts.handset import Handset
from scripts.demo_acts.stage import Stage


def play(stage: Stage) -> None:
    check, refused = stage.transcript.check, stage.refused
    arbiter = stage.arbiter()
    stage.facts["arbiter"] = arbiter
    for person in (stage.merchant, stage.buyer, arbiter, stage.member, stage.stranger):
        person.sign_in()
        me = person.get("/v1/me")
        known = [wallet["address"] for wallet in me["wallets"]]
        check(f"the {person.name} signs in with a wallet", ok=person.address in known, detail=str(me))
    _bad_messages(stage)
    _by_phone(stage)
    _refresh(stage)
    refused("without a token there is no account", "token_missing", lambda: stage.node.get("/v1/me"))
    refused(
        "a made-up token is refused",
        "token_invalid",
        lambda: stage.node.get("/v1/me", token="made.up.token"),  # noqa: S106
    )


def _bad_messages(stage: Stage) -> None:
    person, refused = stage.stranger, stage.refused

    def changed(pattern: str, words: str) -> None:
        message, count = re.subn(pattern, words, person.message(), count=1, flags=re.MULTILINE)
        assert count == 1, "the message has another form"
        person.present(message, person.signed(message))

    refused(
        "another chain id is refused", "siwe_wrong_chain", lambda: changed(r"^Chain ID: \d+", "Chain ID: 1")
    )
    refused(
        "another site's message is refused",
        "siwe_wrong_domain",
        lambda: changed(r"^\S+ wants", "evil.example wants"),
    )
    refused(
        "another site's URI is refused",
        "siwe_wrong_uri",
        lambda: changed(r"^URI: \S+", "URI: https://evil.example"),
    )
    refused(
        "an expired message is refused",
        "siwe_message_expired",
        lambda: changed(
            r"^Issued At: \S+\nExpiration Time: \S+",
            "Issued At: 2020-01-01T00:00:00.000Z\nExpiration Time: 2020-01-01T00:05:00.000Z",
        ),
    )
    refused(
        "a nonce that was never given out is refused",
        "siwe_nonce_unknown",
        lambda: changed(r"^Nonce: \S+", "Nonce: " + "0" * 32),
    )

    used = person.message()
    person.present(used, person.signed(used))
    refused(
        "a replayed nonce is refused", "siwe_nonce_used", lambda: person.present(used, person.signed(used))
    )
    theirs = stage.buyer.message()
    refused(
        "somebody else's signature is refused",
        "siwe_bad_signature",
        lambda: person.present(theirs, person.signed(theirs)),
    )


def _by_phone(stage: Stage) -> None:
    check, refused, note = stage.transcript.check, stage.refused, stage.transcript.note
    if stage.outbox is None:
        note("the node is somebody else's: its text messages are not to be read here")
        return
    handset = Handset(stage.node, stage.outbox)
    challenge, code, session = handset.sign_in()
    token = session["access_token"]
    phones = [phone["phone"] for phone in stage.node.get("/v1/me", token=token)["phones"]]
    check("a phone signs in by the code that it was sent", ok=phones == [handset.number], detail=str(phones))
    refused("the code serves once", "code_used", lambda: handset.say(challenge, code))
    again = handset.sign_in()[2]
    check("the phone is known again", ok=again["account_id"] == session["account_id"])
    before = len(handset.codes())
    other = handset.challenge()
    wrong = f"{(int(handset.receive(before=before)) + 1) % 10**6:06}"
    refused("a wrong code is refused", "code_wrong", lambda: handset.say(other, wrong))


def _refresh(stage: Stage) -> None:
    person, refused = stage.stranger, stage.refused
    message = person.message()
    first = person.present(message, person.signed(message))["refresh_token"]

    def refresh(token: str) -> str:
        answer = stage.node.send("POST", "/v1/auth/refresh", body={"refresh_token": token})
        return str(answer.json["refresh_token"])

    second = refresh(first)
    stage.transcript.check("a refresh token gives the next one", ok=second != first)
    refused("a refresh token serves once", "refresh_reused", lambda: refresh(first))
    refused("and then its session has ended", "session_ended", lambda: refresh(second))
