"""Act 9: transactions that the node does not pass on."""

from scripts.demo_acts.stage import Stage


def play(stage: Stage) -> None:
    buyer, member = stage.buyer, stage.member
    step = stage.stranger.address  # somebody new to delegate to, so that there is a step
    planned = buyer.post("/v1/delegations", {"delegatee": step})["steps"][0]["transaction"]
    raw = buyer.raw(planned)
    stage.refused(
        "another's transaction is not passed on",
        "not_sender",
        lambda: member.post("/v1/transactions", {"raw": raw}),
    )
    elsewhere = buyer.raw({**planned, "chain_id": 1})
    stage.refused(
        "a transaction for another chain is not passed on",
        "not_relayed",
        lambda: buyer.post("/v1/transactions", {"raw": elsewhere}),
    )
    payment = buyer.raw({**planned, "to": step, "data": "0x", "value": "1"})
    stage.refused(
        "a payment to anybody is not passed on",
        "not_relayed",
        lambda: buyer.post("/v1/transactions", {"raw": payment}),
    )
    stage.refused(
        "a damaged transaction is refused",
        "invalid",
        lambda: buyer.post("/v1/transactions", {"raw": raw[:-8]}),
    )
