"""Act 7: the DAO changes the exchange's fee and pays out of its treasury."""

import time
from typing import Any

from scripts.demo_acts.node import PAUSE_S, Refusal
from scripts.demo_acts.person import stranger
from scripts.demo_acts.stage import Stage

FEES_BPS = (250, 200)  # it is the other one after each run
GIFT = 1_000  # wei; the treasury earned more in the acts before
EXECUTED = 7  # OpenZeppelin's IGovernor.ProposalState
PATIENCE_S = 10.0


def play(stage: Stage) -> None:
    t, member = stage.transcript, stage.member
    rules = stage.node.get("/v1/governance")
    _gather_votes(stage)
    before = stage.chain.read(stage.facts["exchange"], "fee()", ["address", "uint16"])[1]
    bps = next(fee for fee in FEES_BPS if fee != before)
    friend = stranger().address.lower()
    planned = _propose(stage, bps, friend)
    proposal = f"/v1/proposals/{planned['proposal_id']}"
    shown = stage.node.get(proposal)
    t.equal("the proposal has the id that was foretold", shown["id"], planned["proposal_id"])
    t.check(
        "its calls are said in words",
        ok=f"fee to {bps / 100:g} %" in shown["actions"][0]["words"],
        detail=str(shown["actions"]),
    )
    stage.refused(
        "it is not queued before the vote", "wrong_proposal_state", lambda: member.post(f"{proposal}/queue")
    )
    in_state(stage, proposal, "active")
    stage.refused(
        "who had no votes does not vote",
        "no_votes",
        lambda: stage.stranger.post(f"{proposal}/votes", {"support": "for"}),
    )
    member.do(f"{proposal}/votes", {"support": "for", "reason": f"Cheaper, {stage.run}"})
    tally = stage.node.get(proposal)["tally"]
    t.check(
        "the vote counts and reaches the quorum",
        ok=int(tally["for"]) >= int(tally["quorum"]) > 0,
        detail=str(tally),
    )
    (cast,) = stage.node.items(f"{proposal}/votes")
    t.equal(
        "everybody sees who voted and why",
        (cast["voter"], cast["reason"]),
        (member.address, f"Cheaper, {stage.run}"),
    )
    stage.refused(
        "nobody votes twice",
        "voted_already",
        lambda: member.post(f"{proposal}/votes", {"support": "against"}),
    )
    in_state(stage, proposal, "succeeded")
    member.do(f"{proposal}/queue")
    in_state(stage, proposal, "queued")
    execute(stage, proposal)
    in_state(stage, proposal, "executed")
    state = stage.chain.read(rules["governor"], "state(uint256)", ["uint8"], int(planned["proposal_id"]))
    t.equal("the governor says that it is executed", state, EXECUTED)
    fee = stage.chain.read(stage.facts["exchange"], "fee()", ["address", "uint16"])
    t.equal("the exchange's fee changed on the chain", fee, (rules["timelock"], bps))
    t.equal("the treasury paid on the chain", stage.chain.balance(friend), GIFT)
    t.equal("the next listing pays the new fee", _fee_of_next_listing(stage), bps)


def _gather_votes(stage: Stage) -> None:
    t, member = stage.transcript, stage.member
    stage.refused(
        "who has no votes cannot propose",
        "below_proposal_threshold",
        lambda: stage.stranger.post(
            "/v1/proposals", {"title": "Mine", "actions": [{"kind": "set_exchange_fee", "bps": 1}]}
        ),
    )
    member.do("/v1/delegations", {"delegatee": member.address})
    shown = stage.node.get(f"/v1/delegates/{member.address}")
    token = stage.node.get("/v1/governance")["token"]
    votes = stage.chain.read(token, "getVotes(address)", ["uint256"], member.address)
    t.check(
        "the member's votes are counted, by chain and API",
        ok=0 < votes == int(shown["votes"]),
        detail=str(shown),
    )


def _propose(stage: Stage, bps: int, friend: str) -> Any:  # noqa: ANN401 - any JSON
    """Votes that were delegated this very second count in the next one."""
    body = {
        "title": f"Fee of {bps} and a gift, {stage.run}",
        "description": "The fee pays for *less* now.",
        "actions": [
            {"kind": "set_exchange_fee", "bps": bps},
            {"kind": "transfer", "to": friend, "amount": str(GIFT)},
        ],
    }
    answer = once_possible(stage, "below_proposal_threshold", "/v1/proposals", body)
    stage.transcript.equal("nothing speaks against the proposal's calls", answer["warnings"], [])
    stage.member.follow(answer)
    return answer


def execute(stage: Stage, proposal: str) -> None:
    stage.member.follow(once_possible(stage, "timelock_runs", f"{proposal}/execute", None))


def once_possible(stage: Stage, code: str, path: str, body: object) -> Any:  # noqa: ANN401 - any JSON
    """Asks until the refusal of that code is over."""
    ends = time.monotonic() + PATIENCE_S
    while True:
        try:
            return stage.member.post(path, body)
        except Refusal as refusal:
            if refusal.code != code or time.monotonic() > ends:
                raise
        time.sleep(PAUSE_S)


def in_state(stage: Stage, proposal: str, state: str) -> None:
    seen = stage.wait_for(
        f"a proposal that is {state}", lambda: stage.node.get(proposal), lambda seen: seen["state"] == state
    )
    stage.transcript.equal(f"the proposal is {state}", seen["state"], state)


def _fee_of_next_listing(stage: Stage) -> int:
    collection, token = stage.facts["bought"]
    wish = {"collection": collection, "token_id": str(token), "price": "1000000"}
    return int(stage.buyer.post("/v1/listings/prepare", wish)["breakdown"]["fee_bps"])
