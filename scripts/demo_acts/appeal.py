"""Act 8: a ruling is appealed; the DAO judges it by a vote that a member signs and another one casts."""

from scripts.demo_acts.chain import NATIVE
from scripts.demo_acts.order import PRICE, offer_product, path_of, place_order, reached
from scripts.demo_acts.person import Person
from scripts.demo_acts.stage import Stage
from scripts.demo_acts.vote import execute, in_state

BY_ARBITER, BY_COURT = PRICE * 9 // 10, PRICE // 4


def play(stage: Stage) -> None:
    """The member's votes were delegated in the act before."""
    t, merchant, buyer, member = stage.transcript, stage.merchant, stage.buyer, stage.member
    arbiter: Person = stage.facts["arbiter"]
    order = place_order(
        stage, offer_product(stage, f"Vase {stage.run}", NATIVE, PRICE), quantity=1, appeal=True
    )
    buyer.do(f"{path_of(order)}/fund")
    reached(stage, order, "paid", "funded")
    merchant.do(f"{path_of(order)}/ship", {"tracking": "by ox cart"})
    reached(stage, order, "shipped", "shipped")
    buyer.do(f"{path_of(order)}/dispute", {"evidence": "It came in pieces"})
    reached(stage, order, "disputed", "disputed")
    arbiter.do(f"{path_of(order)}/rule", {"to_seller": str(BY_ARBITER), "reason": "It was a puzzle"})
    shown = reached(stage, order, "proposed", "proposed")
    court = shown["escrow"]["on_chain"]["appeal"]
    t.equal(
        "the ruling waits for an appeal to the DAO",
        (court["court"], court["proposed_to_seller"]),
        (stage.node.get("/v1/governance")["timelock"], str(BY_ARBITER)),
    )
    buyer.do(f"{path_of(order)}/appeal", {"evidence": "It was a vase"})
    reached(stage, order, "appealed", "appealed")
    proposal = _propose(stage, order["escrow"]["escrow_id"])
    _vote_by_signature(stage, proposal)
    in_state(stage, proposal, "succeeded")
    member.do(f"{proposal}/queue")
    in_state(stage, proposal, "queued")
    before = stage.chain.balance(merchant.address)
    execute(stage, proposal)
    shown = reached(stage, order, "ruled", "ruled")
    fee = BY_COURT * stage.node.get("/v1/escrow-conditions")["fee_bps"] // 10_000
    t.equal(
        "the seller got what the DAO decided on the chain",
        stage.chain.balance(merchant.address) - before,
        BY_COURT - fee,
    )
    told = [int(shown[name]) for name in ("to_seller", "to_buyer", "fee")]
    t.equal("the API tells the same, and no unit is lost", told, [BY_COURT - fee, PRICE - BY_COURT, fee])


def _propose(stage: Stage, escrow_id: str) -> str:
    """The path of the proposal."""
    verdict = {"kind": "rule_appeal", "escrow_id": escrow_id, "to_seller": str(BY_COURT)}
    body = {"title": f"The vase of {stage.run}", "actions": [verdict]}
    planned = stage.member.do("/v1/proposals", body)
    words = planned["actions"][0]["words"]
    stage.transcript.check("the verdict is said in words", ok=str(BY_COURT) in words, detail=words)
    return f"/v1/proposals/{planned['proposal_id']}"


def _vote_by_signature(stage: Stage, proposal: str) -> None:
    """The member signs, the buyer pays the gas."""
    t, member, buyer = stage.transcript, stage.member, stage.buyer
    in_state(stage, proposal, "active")
    prepared = member.post(f"{proposal}/ballots/prepare", {"support": "for"})
    handed_in = member.follow(prepared, **prepared["ballot"])
    coins = stage.chain.balance(member.address)
    buyer.do(f"{proposal}/ballots/{handed_in['digest']}/cast")
    t.equal("the member voted without paying gas", stage.chain.balance(member.address), coins)
    tally = stage.node.get(proposal)["tally"]
    t.check(
        "the signed vote counts and reaches the quorum",
        ok=int(tally["for"]) >= int(tally["quorum"]) > 0,
        detail=str(tally),
    )
    (ballot,) = stage.node.items(f"{proposal}/ballots")
    t.equal("everybody sees that it was cast", (ballot["voter"], ballot["state"]), (member.address, "cast"))
