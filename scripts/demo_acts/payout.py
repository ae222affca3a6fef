"""An act: a market is paid out to its owner's balance, another one to an address, and the books are even."""

import os
import subprocess
from typing import Any

from scripts.demo_acts.chain_money import CAME, pay_dollars, prove_twice
from scripts.demo_acts.node import Refusal
from scripts.demo_acts.payment import LIRA
from scripts.demo_acts.person import Person, stranger
from scripts.demo_acts.stage import REPO, Stage


def play(stage: Stage) -> None:
    if stage.outbox is None:
        stage.transcript.note("the node is somebody else's: no market earned money on it")
        return
    _to_the_balance(stage)
    _to_an_address(stage)
    _reconcile(stage)


def _to_the_balance(stage: Stage) -> None:
    """What Act 10 brought, less what stays for refunds."""
    t, merchant = stage.transcript, stage.merchant
    path = f"/v1/markets/{stage.facts['tea house']['id']}"
    found, before = _payable(merchant, path, LIRA), _has(merchant, LIRA)
    t.check("a part of what was earned stays for refunds", ok=int(found["reserve"]) > 0)
    paid = merchant.post(f"{path}/payouts", {"asset": LIRA})
    t.equal("the rest is paid", (paid["state"], paid["amount"]["value"]), ("paid", found["payable"]))
    t.equal("to the owner's balance", _has(merchant, LIRA) - before, int(found["payable"]))
    stage.refused("and no more", "nothing_to_pay", lambda: merchant.post(f"{path}/payouts", {"asset": LIRA}))


def _to_an_address(stage: Stage) -> None:
    """By the batch contract, out of the treasury."""
    t, owner = stage.transcript, Person(stage.node, stranger(), "shopkeeper")
    owner.sign_in()
    path = f"/v1/markets/{owner.post('/v1/markets', {'name': f'Tea {stage.run}', 'language': 'en'})['id']}"
    try:
        address = owner.post(f"{path}/deposit-addresses")["address"]
    except Refusal as refusal:
        if refusal.code != "treasury_missing":
            raise
        t.note("this node keeps no money on its chain, so it pays no addresses")
        return
    [item] = owner.get(f"{path}/deposit-addresses")["items"]
    payment = next(one for one in item["payments"] if one["asset"]["code"] == "DUSD")
    dollar, token = payment["asset"]["id"], payment["token"]
    pay_dollars(stage, token, address)
    found = stage.wait_for(
        "the market's money", lambda: _payable(owner, path, dollar), lambda seen: seen is not None
    )
    t.equal("all that came is there", int(found["payable"]) + int(found["reserve"]), CAME)
    prove_twice(owner)
    terms = {"schedule": "never", "rail": "address"}
    stage.refused(
        "not to a contract of the node",
        "payout_address_refused",
        lambda: owner.put(f"{path}/payout-terms", {**terms, "address": token}),
    )
    owner.put(f"{path}/payout-terms", {**terms, "address": stranger().address.lower()})
    stage.refused(
        "a new address waits",
        "payout_address_new",
        lambda: owner.post(f"{path}/payouts", {"asset": dollar}),
    )
    owner.put(f"{path}/payout-terms", {**terms, "address": owner.address})
    asked = owner.post(f"{path}/payouts", {"asset": dollar})
    t.equal("a wallet of the owner does not", asked["state"], "queued")
    done = stage.wait_for("the payout", lambda: _ended(owner, path, asked["id"]), bool)
    t.equal("it is final on the chain", done["state"], "paid")
    t.equal("and arrived there once", stage.chain.balance(owner.address, token), int(found["payable"]))
    t.equal(
        "the reserve is left", int(_payable(owner, path, dollar)["reserve"]), CAME - int(found["payable"])
    )


def _ended(owner: Person, path: str, payout: str) -> Any:  # noqa: ANN401 - any JSON
    """None as long as it is on its way."""
    items = owner.get(f"{path}/payouts")["items"]
    return next((one for one in items if one["id"] == payout and one["state"] in ("paid", "failed")), None)


def _payable(owner: Person, path: str, asset: str) -> Any:  # noqa: ANN401 - any JSON
    """None where the market never had any of it."""
    items = owner.get(f"{path}/payout-terms")["payable"]
    return next((one for one in items if one["asset"] == asset), None)


def _has(person: Person, asset: str) -> int:
    items = person.get("/v1/me/balances")["items"]
    return sum(int(item["available"]) for item in items if item["asset"]["id"] == asset)


def _reconcile(stage: Stage) -> None:
    said = stage.wait_for("even books", _books, lambda seen: seen.endswith("0 differences"))
    stage.transcript.check("ledger, chain, gateways and payments agree", ok=said.endswith("\n0 differences"))


def _books() -> str:
    """What the operator's command says. While the book catches up with the chain it compares nothing."""
    run = subprocess.run(
        [str(REPO / "scripts/asoud"), "reconcile"],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return run.stdout.strip() if run.returncode == 0 else f"{run.stdout}{run.stderr}"
