"""An act: dollars come by the chain, and a part of them leaves again."""

import datetime as dt

import pyotp
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from scripts.demo_acts.node import Refusal
from scripts.demo_acts.person import ACCOUNTS, Person, dev_account, stranger
from scripts.demo_acts.stage import Stage

COIN = 10**18
CAME, WENT = 25_000_000, 10_000_000  # of a dollar with 6 decimals
TREASURY = ACCOUNTS  # the account behind those that everybody knows


def play(stage: Stage) -> None:
    check, equal = stage.transcript.check, stage.transcript.equal
    person = Person(stage.node, stranger(), "depositor")
    person.sign_in()
    address = person.post("/v1/me/deposit-addresses")["address"]
    equal("a deposit address stays the same", person.post("/v1/me/deposit-addresses")["address"], address)
    item = person.get("/v1/me/deposit-addresses")["items"][0]
    payment = next(one for one in item["payments"] if one["asset"]["code"] == "DUSD")
    link = f"ethereum:{payment['token']}@{item['chain_id']}/transfer?address={address}"
    equal("a wallet finds its way by the link", payment["uri"], link)
    check("nothing stands there", ok=stage.chain.ask("eth_getCode", address, "latest") == "0x")
    pay_dollars(stage, payment["token"], address)
    deposits = stage.wait_for(
        "the deposit", lambda: person.get("/v1/me/deposits")["items"], lambda seen: len(seen) == 1
    )
    equal("what came is credited when it is final", deposits[0]["amount"]["value"], str(CAME))
    _withdraw(stage, person, payment)


def pay_dollars(stage: Stage, token: str, address: str) -> None:
    """From outside the node; and coin for the treasury's gas."""
    payer = stage.member.address
    data = keccak(text="transfer(address,uint256)")[:4] + encode(["address", "uint256"], [address, CAME])
    stage.chain.ask("eth_sendTransaction", {"from": payer, "to": token, "data": "0x" + data.hex()})
    treasury = dev_account(TREASURY).address.lower()
    if stage.chain.balance(treasury) < COIN:
        coin = {"from": payer, "to": treasury, "value": hex(COIN)}
        stage.chain.ask("eth_sendTransaction", coin)


def _withdraw(stage: Stage, person: Person, payment: dict[str, dict[str, str]]) -> None:
    to = stranger().address.lower()
    body = {"asset": payment["asset"]["id"], "amount": str(WENT), "to": to}
    stage.refused(
        "without a second proof nothing leaves",
        "second_proof_missing",
        lambda: person.post("/v1/me/withdrawals", body),
    )
    prove_twice(person)
    stage.refused(
        "nor to a contract of the node",
        "withdrawal_address_refused",
        lambda: person.post("/v1/me/withdrawals", {**body, "to": payment["token"]}),
    )
    asked = person.post("/v1/me/withdrawals", body)
    available = _available(person)
    stage.transcript.equal("what is asked for is set aside", available, CAME - WENT)
    done = stage.wait_for(
        "the withdrawal",
        lambda: person.get(f"/v1/me/withdrawals/{asked['id']}"),
        lambda seen: seen["state"] not in ("waiting", "sending"),
    )
    stage.transcript.equal("it is final on the chain", done["state"], "done")
    token = str(payment["token"])
    stage.transcript.equal("and arrived there once", stage.chain.balance(to, token), WENT)
    stage.transcript.equal("the rest is left", _available(person), CAME - WENT)


def _available(person: Person) -> int:
    items = person.get("/v1/me/balances")["items"]
    return next(int(one["available"]) for one in items if one["asset"]["code"] == "DUSD")


def prove_twice(person: Person) -> None:
    """An authenticator app: one code to make it known, the next one as the proof."""
    app = pyotp.TOTP(person.post("/v1/me/totp")["secret"])
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - an app goes by the time of day
    person.post("/v1/me/totp/confirm", {"code": app.at(now)})
    try:
        person.post("/v1/me/step-up/totp", {"code": app.at(now, counter_offset=1)})
    except Refusal as refusal:  # an answer was lost, and the code with it
        if refusal.code != "code_used":
            raise
