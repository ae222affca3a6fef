"""An act: people with phones send each other money, also to somebody who is not there yet."""

import httpx

from scripts.demo_acts.handset import Handset
from scripts.demo_acts.payment import LIRA, MONEY, Shopper, top_up
from scripts.demo_acts.stage import Stage

SENT, ASKED = 12_500, 7_500


def play(stage: Stage) -> None:
    if stage.outbox is None:
        stage.transcript.note("the node is somebody else's: nobody there gives play money")
        return
    giver, friend = (
        Shopper(stage.node, Handset(stage.node, stage.outbox).sign_in()[2]["access_token"]) for _ in "ab"
    )
    top_up(giver)
    _by_handle(stage, giver, friend)
    _by_link(stage, giver, friend)
    _by_phone(stage, giver, Handset(stage.node, stage.outbox))


def _by_handle(stage: Stage, giver: Shopper, friend: Shopper) -> None:
    t, handle = stage.transcript, f"friend_{stage.run.lower()}"
    friend.put("/v1/me/handle", {"handle": handle})
    wish = {"to": {"handle": f"@{handle}"}, "amount": {"asset": LIRA, "value": str(SENT)}, "note": "çay"}
    prepared = giver.post("/v1/me/transfers", wish)
    t.equal("nothing moves before it is confirmed", (prepared["state"], giver.has()), ("quoted", MONEY))
    for _ in range(2):
        giver.post(f"/v1/me/transfers/{prepared['id']}/confirm")
    t.equal("confirmed twice, it moved once", (giver.has(), friend.has()), (MONEY - SENT, SENT))


def _by_link(stage: Stage, giver: Shopper, friend: Shopper) -> None:
    t, had = stage.transcript, friend.has()
    asked = friend.post("/v1/me/money-requests", {"asset": LIRA, "amount": str(ASKED), "note": "simit"})
    picture = f"{stage.node.url}/v1/money-requests/{asked['code']}/qr.svg"
    t.check("the link is a picture too", ok="<svg" in httpx.get(picture, trust_env=False).text)
    paying = giver.post("/v1/me/transfers", {"to": {"request": asked["code"]}})
    giver.post(f"/v1/me/transfers/{paying['id']}/confirm")
    t.equal("whoever asked has it", friend.has() - had, ASKED)
    seen = stage.node.get(f"/v1/money-requests/{asked['code']}")
    t.equal("and the link is over", seen["state"], "paid")


def _by_phone(stage: Stage, giver: Shopper, stranger: Handset) -> None:
    """To a phone that nobody has proved yet: its money waits until somebody does."""
    t, had = stage.transcript, giver.has()
    wish = {"to": {"phone": stranger.number}, "amount": {"asset": LIRA, "value": str(SENT)}}
    sent = giver.post("/v1/me/transfers", wish)
    told = giver.post(f"/v1/me/transfers/{sent['id']}/confirm")
    t.equal(
        "the sender is told what he would be of a known phone",
        (told["state"], giver.has()),
        ("sent", had - SENT),
    )
    newcomer = Shopper(stage.node, stranger.sign_in()[2]["access_token"])
    has = stage.wait_for("the claimed money", newcomer.has, bool)
    t.equal("the money waited for whoever has the phone", has, SENT)
