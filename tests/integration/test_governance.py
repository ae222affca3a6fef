"""The DAO through the edge, held against the governor on a real chain at each turn of a proposal's life."""

import datetime as dt
import json
from typing import Any

import pytest

from api.v1.delegate import DelegateBrief, DelegateOut
from api.v1.governance import GovernanceOut
from api.v1.proposal import ProposalBrief, ProposalOut, VoteOut
from node.chain.artifacts import load_artifact
from node.kernel.clock import SystemClock
from tests.dao import (
    DELAY_S,
    EXTENSION_S,
    FEE,
    PERIOD_S,
    Dao,
    address_of,
    carried,
    proposed,
    vote,
)
from tests.suite_life import GUARDIAN, SuiteLife

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]

MILLION = 10**24


async def test_a_proposal_lives_its_whole_life(dao: Dao) -> None:
    headers = await dao.sign_in(5)
    proposal = await proposed(dao, headers, "Lower the fee")
    path = f"/v1/proposals/{proposal}"
    assert await dao.assert_states_agree() == ["pending", "executed"]
    await dao.pass_time(DELAY_S + 1)
    assert await dao.assert_states_agree() == ["active", "executed"]
    await dao.pass_time(PERIOD_S - 30)
    ends = (await dao.get(path))["vote_ends_at"]
    await vote(dao, proposal, headers)  # reaches the quorum late, which extends the vote
    found = await dao.get(path)
    assert found["vote_ends_at"] > ends
    assert dt.datetime.fromisoformat(found["vote_ends_at"]).timestamp() == dao.ask(
        "proposalDeadline", int(proposal)
    )
    await dao.pass_time(EXTENSION_S + 2)
    assert await dao.assert_states_agree() == ["succeeded", "executed"]
    await dao.do(f"{path}/queue", {}, headers)
    assert await dao.assert_states_agree() == ["queued", "executed"]
    await dao.pass_time(2)
    await dao.do(f"{path}/execute", {}, headers)
    assert await dao.assert_states_agree() == ["executed", "executed"]

    life = dao.life
    fee = life.chain.read(load_artifact("Exchange"), life.at.exchange.address, "fee")
    assert fee == (life.at.timelock.address, 200)
    found = await dao.get(path)
    assert found["title"] == "Lower the fee"
    assert found["description"] == "# Lower the fee\n\nBecause."
    assert found["tally"] == {
        "for": str(MILLION), "against": "0", "abstain": "0", "quorum": str(10 * MILLION * 4 // 100)
    }  # fmt: skip
    assert found["executed"]["tx_hash"].startswith("0x")
    (action,) = found["actions"]
    assert (action["contract"], action["function"]) == ("exchange", "setFee(address,uint16)")
    assert action["words"].startswith("set the exchange's fee to 2 %, paid to the treasury")
    (cast,) = (await dao.get(f"{path}/votes"))["items"]
    assert (cast["voter"], cast["support"], cast["weight"]) == (address_of(5), "for", str(MILLION))


async def test_an_open_vote_needs_no_new_block(quick_dao: Dao) -> None:
    """A development chain stands still between transactions; the next one would find the vote open."""
    dao = quick_dao
    headers = await dao.sign_in(5)
    proposal = await proposed(dao, headers, "Quiet chain")
    dao.life.chain.rpc("evm_increaseTime", 3)  # makes no block
    dao.edge.clock.at = SystemClock().now() + dt.timedelta(seconds=4)
    assert await dao.assert_states_agree(at="pending") == ["active"]
    await vote(dao, proposal, await dao.sign_in(5))


async def test_our_clock_counts_for_a_short_while_only(dao: Dao) -> None:
    """When the indexer has fallen silent, what it knew says nothing of later."""
    proposal = await proposed(dao, await dao.sign_in(5), "Old news")
    dao.edge.clock.at = SystemClock().now() + dt.timedelta(days=1)
    assert (await dao.get(f"/v1/proposals/{proposal}"))["state"] == "pending"


async def test_lost_and_undecided_votes(dao: Dao) -> None:
    one, two = await dao.sign_in(5), await dao.delegated(6)
    lost, tied, silent, abstained = [
        await proposed(dao, one, title) for title in ("lost", "tied", "silent", "abstained")
    ]
    await dao.pass_time(DELAY_S + 1)
    await vote(dao, lost, one, "against")
    await vote(dao, tied, one, "for")
    await vote(dao, tied, two, "against")
    await vote(dao, abstained, one, "abstain")
    await vote(dao, abstained, two, "for")
    await dao.pass_time(PERIOD_S + EXTENSION_S)
    assert await dao.assert_states_agree() == ["succeeded", "defeated", "defeated", "defeated", "executed"]
    only = (await dao.get("/v1/proposals?state=succeeded"))["items"]
    assert [item["id"] for item in only] == [abstained]
    assert silent in [item["id"] for item in (await dao.get("/v1/proposals?state=defeated"))["items"]]
    assert len((await dao.get(f"/v1/proposals/{tied}/votes"))["items"]) == 2


async def test_the_proposer_cancels_before_the_vote(dao: Dao) -> None:
    headers, other = await dao.sign_in(5), await dao.sign_in(6)
    proposal = await proposed(dao, headers, "A mistake")
    problem = await dao.post(f"/v1/proposals/{proposal}/cancel", {}, other, status=403)
    assert problem["code"] == "not_the_proposer"
    await dao.do(f"/v1/proposals/{proposal}/cancel", {}, headers)
    assert await dao.assert_states_agree() == ["canceled", "executed"]


async def test_what_happens_on_the_timelock_itself_counts(dao: Dao) -> None:
    headers = await dao.sign_in(5)
    texts = ("executed directly", "canceled directly", "left alone")
    proposals = [await proposed(dao, headers, text) for text in texts]
    await dao.pass_time(DELAY_S + 1)
    for proposal in proposals:
        await vote(dao, proposal, headers)
    await dao.pass_time(PERIOD_S + 2)
    for proposal in proposals:
        await dao.do(f"/v1/proposals/{proposal}/queue", {}, headers)
    await dao.pass_time(2)
    _execute_directly(dao, await dao.get(f"/v1/proposals/{proposals[0]}"))
    _cancel_directly(dao, await dao.get(f"/v1/proposals/{proposals[1]}"))
    await dao.index()
    assert await dao.assert_states_agree() == ["queued", "canceled", "executed", "executed"]


async def test_a_quorum_is_that_of_the_snapshot(dao: Dao) -> None:
    headers = await dao.sign_in(5)
    stricter = await proposed(dao, headers, "More voters", {"kind": "set_voting_rules", "quorum_percent": 50})
    await carried(dao, stricter, headers)
    assert await dao.assert_states_agree() == ["executed", "executed"]
    later = await proposed(dao, headers, "Too few now")
    await dao.pass_time(DELAY_S + 1)
    await vote(dao, later, headers)
    await dao.pass_time(PERIOD_S + 2)
    assert await dao.assert_states_agree() == ["defeated", "executed", "executed"]
    assert (await dao.get("/v1/governance"))["quorum_percent"] == 50


async def test_the_wrong_moment_is_refused_in_words(dao: Dao) -> None:
    headers = await dao.sign_in(5)
    proposal = await proposed(dao, headers, "Step by step")
    path = f"/v1/proposals/{proposal}"
    for step, body in (("votes", {"support": "for"}), ("queue", {}), ("execute", {})):
        problem = await dao.post(f"{path}/{step}", body, headers, status=409)
        assert (problem["code"], problem["state"]) == ("wrong_proposal_state", "pending")
    await dao.pass_time(DELAY_S + 1)
    problem = await dao.post(f"{path}/cancel", {}, headers, status=409)
    assert problem["detail"] == "the proposal is active; to cancel it has to be pending"
    stranger = await dao.sign_in(7)
    problem = await dao.post(f"{path}/votes", {"support": "for"}, stranger, status=409)
    assert problem["code"] == "no_votes"
    await vote(dao, proposal, headers)
    problem = await dao.post(f"{path}/votes", {"support": "against"}, headers, status=409)
    assert problem["code"] == "voted_already"
    await dao.pass_time(PERIOD_S + 2)
    delay = {"kind": "set_voting_rules", "timelock_delay_s": 3600}
    slower = await proposed(dao, headers, "Slower", delay)
    await dao.do(f"{path}/queue", {}, headers)
    await dao.pass_time(DELAY_S + 1)
    await vote(dao, slower, headers)
    await dao.pass_time(PERIOD_S + 2)
    await dao.do(f"/v1/proposals/{slower}/queue", {}, headers)
    await dao.pass_time(2)
    await dao.do(f"/v1/proposals/{slower}/execute", {}, headers)
    third = await proposed(dao, headers, "Waits an hour")
    await dao.pass_time(DELAY_S + 1)
    await vote(dao, third, headers)
    await dao.pass_time(PERIOD_S + 2)
    await dao.do(f"/v1/proposals/{third}/queue", {}, headers)
    problem = await dao.post(f"/v1/proposals/{third}/execute", {}, headers, status=409)
    assert problem["code"] == "timelock_runs"
    assert (await dao.get("/v1/governance"))["timelock_delay_s"] == 3600


async def test_who_may_propose_what(dao: Dao) -> None:
    poor = await dao.sign_in(6)
    body: dict[str, Any] = {"title": "Mine", "description": "", "actions": [FEE]}
    problem = await dao.post("/v1/proposals", body, poor, status=409)
    assert (problem["code"], problem["have"]) == ("below_proposal_threshold", "0")
    headers = await dao.sign_in(5)
    exchange = dao.life.at.exchange.address
    for action in (
        {
            "kind": "call",
            "to": exchange,
            "signature": "setFees(address,uint16)",
            "arguments": [exchange, "1"],
        },
        {"kind": "call", "to": exchange, "signature": "setFee(address,uint16)", "arguments": [exchange]},
        {"kind": "call", "to": exchange, "signature": "setFee(address,uint16)", "arguments": ["0x1", "1"]},
        {"kind": "call", "to": exchange, "signature": "fee()", "arguments": []},
        {"kind": "raw", "to": exchange, "data": "0x1234"},
        {"kind": "transfer", "to": "0x" + "00" * 20, "amount": "1"},
        {"kind": "set_voting_rules"},
    ):
        problem = await dao.post("/v1/proposals", {**body, "actions": [action]}, headers, status=422)
        assert problem["code"] == "action_invalid", action
    for wrong in (
        {**body, "actions": []},
        {**body, "more": 1},
        {**body, "title": "two\nlines"},
        {**body, "actions": [{"kind": "set_exchange_fee", "bps": 200, "more": 1}]},
        {**body, "actions": [{"kind": "set_exchange_fee", "bps": 10_001}]},
        {**body, "actions": [{"kind": "unheard_of"}]},
    ):
        problem = await dao.post("/v1/proposals", wrong, headers, status=422)
        assert problem["code"] == "invalid", wrong
    await dao.do("/v1/proposals", body, headers)
    problem = await dao.post("/v1/proposals", body, headers, status=409)
    assert problem["code"] == "proposal_exists"
    assert (await dao.edge.client.post("/v1/proposals", json=body)).status_code == 401
    await dao.get(f"/v1/proposals/{2**256 - 1}", status=404)
    await dao.get(f"/v1/proposals/{2**256}", status=422)


async def test_calls_that_would_fail_are_foretold(dao: Dao) -> None:
    headers = await dao.sign_in(5)
    actions = [
        FEE,
        {"kind": "set_exchange_fee", "bps": 5000},
        {"kind": "transfer", "to": address_of(7), "amount": str(10**18)},
    ]
    answer = await dao.post(
        "/v1/proposals", {"title": "Too much", "description": "", "actions": actions}, headers
    )
    assert [item["action"] for item in answer["warnings"]][:1] == [1]
    assert "5000 basis points" in answer["warnings"][0]["reason"]
    assert answer["actions"][2]["words"] == f"send 1 of the native coin from the treasury to {address_of(7)}"


async def test_votes_move_with_delegation(dao: Dao) -> None:
    headers = await dao.sign_in(5)
    again = await dao.post("/v1/delegations", {"delegatee": address_of(5)}, headers)
    assert again["steps"] == []
    await dao.do("/v1/delegations", {"delegatee": address_of(7)}, headers)
    await dao.delegated(6)
    await dao.do("/v1/delegations", {"delegatee": address_of(7)}, await dao.sign_in(8))
    first, second = (await dao.get("/v1/delegates"))["items"]
    assert first == {"address": address_of(7), "votes": str(2 * MILLION), "delegators": 2}
    assert second["address"] == address_of(6)
    page = await dao.get("/v1/delegates?limit=1")
    rest = await dao.get(f"/v1/delegates?limit=1&cursor={page['next']}")
    assert [*page["items"], *rest["items"]] == [first, second]
    assert (page["has_more"], rest["has_more"]) == (True, False)
    mine = await dao.get(f"/v1/delegates/{address_of(5)}")
    assert (mine["votes"], mine["balance"], mine["delegates_to"]) == ("0", str(MILLION), address_of(7))
    nobody = await dao.get("/v1/delegates/0x" + "12" * 20)
    assert (nobody["balance"], nobody["delegates_to"], nobody["delegators"]) == ("0", None, 0)


async def test_the_rules_are_those_of_the_contracts(dao: Dao) -> None:
    rules = await dao.get("/v1/governance")
    assert rules["governor"] == dao.life.at.governor.address
    assert rules["token"] == dao.life.at.votes_token.address
    assert rules["timelock"] == dao.life.at.timelock.address
    assert rules["voting_delay_s"] == dao.ask("votingDelay")
    assert rules["voting_period_s"] == dao.ask("votingPeriod")
    assert rules["late_quorum_extension_s"] == dao.ask("lateQuorumVoteExtension")
    assert rules["proposal_threshold"] == str(dao.ask("proposalThreshold"))
    assert rules["quorum_percent"] == dao.ask("quorumNumerator()")
    assert (rules["supply"], rules["delegated"]) == (str(10 * MILLION), str(MILLION))
    timelock = load_artifact("TimelockController")
    delay = dao.life.chain.read(timelock, dao.life.at.timelock.address, "getMinDelay")
    assert rules["timelock_delay_s"] == delay


async def test_views_have_the_declared_shape(dao: Dao) -> None:
    headers = await dao.sign_in(5)
    unknown = {"kind": "raw", "to": "0x" + "77" * 20, "data": "0x12345678", "value": "5"}
    proposal = await proposed(dao, headers, "Shapes", FEE, unknown)
    await dao.pass_time(DELAY_S + 1)
    await vote(dao, proposal, headers)
    client = dao.edge.client
    GovernanceOut.model_validate_json((await client.get("/v1/governance")).content)
    ProposalOut.model_validate_json((await client.get(f"/v1/proposals/{proposal}")).content)
    DelegateOut.model_validate_json((await client.get(f"/v1/delegates/{address_of(5)}")).content)
    for item in (await dao.get("/v1/proposals"))["items"]:
        ProposalBrief.model_validate_json(_json(item))
    for item in (await dao.get("/v1/delegates"))["items"]:
        DelegateBrief.model_validate_json(_json(item))
    for item in (await dao.get(f"/v1/proposals/{proposal}/votes"))["items"]:
        VoteOut.model_validate_json(_json(item))
    words = (await dao.get(f"/v1/proposals/{proposal}"))["actions"][1]["words"]
    assert "cannot read (0x12345678), with 0.000000000000000005 of the native coin" in words


def _json(item: object) -> bytes:
    return json.dumps(item).encode()


def _calls(proposal: dict[str, Any]) -> tuple[list[str], list[int], list[str]]:
    actions = proposal["actions"]
    return (
        [action["to"] for action in actions],
        [int(action["value"]) for action in actions],
        [action["data"] for action in actions],
    )


def _salt(dao: Dao, proposal: dict[str, Any]) -> bytes:
    """As OpenZeppelin makes it: the governor's address, left-aligned, xor the hash of the description."""
    governor = int(dao.life.at.governor.address, 16) << 96
    return (governor ^ int(proposal["description_hash"], 16)).to_bytes(32)


def _execute_directly(dao: Dao, proposal: dict[str, Any]) -> None:
    args = (*_calls(proposal), bytes(32), _salt(dao, proposal))
    timelock = dao.life.at.timelock.address
    tx = dao.life.call(dao.life.buyer, "TimelockController", timelock, "executeBatch", *args)
    dao.life.chain.receipt(tx)


def _cancel_directly(dao: Dao, proposal: dict[str, Any]) -> None:
    """Only the governor may, so the test borrows its voice."""
    chain, timelock, governor = dao.life.chain, dao.life.at.timelock.address, dao.life.at.governor.address
    args = (*_calls(proposal), bytes(32), _salt(dao, proposal))
    operation = chain.read(load_artifact("TimelockController"), timelock, "hashOperationBatch", *args)
    chain.rpc("anvil_setBalance", governor, hex(10**18))
    chain.rpc("anvil_impersonateAccount", governor)
    tx = dao.life.call(governor, "TimelockController", timelock, "cancel", operation)
    chain.rpc("anvil_stopImpersonatingAccount", governor)
    chain.receipt(tx)


async def test_contracts_are_told_with_what_is_shut(quick_dao: Dao) -> None:
    suite = SuiteLife(quick_dao.life)
    suite.do(GUARDIAN, "Escrow", suite.at.escrow.address, "pause")
    await quick_dao.index()
    page = await quick_dao.get("/v1/contracts?limit=100")
    told = {item["name"]: item for item in page["items"]}
    assert {name: item["address"] for name, item in told.items()} == {
        contract.name: contract.address for contract in suite.at
    }
    assert [name for name, item in told.items() if item["paused"]] == ["escrow"]
    assert load_artifact(told["badge_factory"]["artifact"]).selectors
