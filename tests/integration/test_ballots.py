"""Votes by signature through the edge: signed for nothing, sent by somebody else, counted once."""

import psycopg
import pytest

from api.schemas import Page
from api.v1.ballot import BallotOut, PreparedBallotOut
from node.chain.ballot import Ballot, governor_domain, key_of
from tests.chain_life import Chain
from tests.dao import DELAY_S, PERIOD_S, Dao, Headers, address_of, member, proposed, vote
from tests.edge import new_wallet
from tests.integration.test_identity import ALWAYS_MAGIC

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.chain, pytest.mark.anyio]


async def open_vote(dao: Dao, *voters: int) -> tuple[str, list[Headers]]:
    """The path of a proposal that is being voted on, and the headers of voters that have votes."""
    headers = [await dao.delegated(number) for number in voters]
    proposal = await proposed(dao, headers[0], "By signature")
    await dao.pass_time(DELAY_S + 1)
    return f"/v1/proposals/{proposal}", headers


async def signed(dao: Dao, path: str, number: int, headers: Headers, support: str = "for") -> dict[str, str]:
    """A ballot ready to be posted, by the wallet of that number."""
    answer = await dao.post(f"{path}/ballots/prepare", {"support": support}, headers)
    PreparedBallotOut.model_validate(answer)
    (step,) = answer["steps"]
    signature = member(number).sign_typed_data(full_message=step["signature"]["typed_data"]).signature
    return {**answer["ballot"], "signature": "0x" + bytes(signature).hex()}


async def test_a_signed_vote_is_cast_by_another_and_counted(dao: Dao) -> None:
    path, (one, two) = await open_vote(dao, 5, 6)
    relayer = await dao.sign_in(7)
    ballot = await signed(dao, path, 6, two, "against")
    handed_in = await dao.post(f"{path}/ballots", ballot, relayer, status=201)
    assert handed_in == await dao.post(f"{path}/ballots", ballot, two, status=201)
    other = await dao.post(f"{path}/ballots", await signed(dao, path, 6, two), two, status=201)
    answer = await dao.edge.client.get(f"{path}/ballots")
    waiting = Page[BallotOut].model_validate_json(answer.content).items
    assert {item.state for item in waiting} == {"open"}
    assert {item.support for item in waiting} == {"for", "against"}

    before = dao.life.chain.rpc("eth_getBalance", address_of(6), "latest")
    steps = await dao.do(f"{path}/ballots/{handed_in['digest']}/cast", None, relayer)
    assert steps["steps"][0]["transaction"]["from"] == address_of(7)
    assert dao.life.chain.rpc("eth_getBalance", address_of(6), "latest") == before
    found = await dao.get(path)
    assert (found["tally"]["against"], found["tally"]["for"]) == (str(10**24), "0")
    (cast,) = (await dao.get(f"{path}/votes"))["items"]
    assert (cast["voter"], cast["support"]) == (address_of(6), "against")
    states = {item["digest"]: item["state"] for item in (await dao.get(f"{path}/ballots"))["items"]}
    assert states == {handed_in["digest"]: "cast", other["digest"]: "void"}
    for digest in states:
        again = await dao.post(f"{path}/ballots/{digest}/cast", None, relayer, status=409)
        assert again["code"] == "voted_already"
    await vote(dao, path.rsplit("/", 1)[1], one)
    assert (await dao.get(path))["tally"]["for"] == str(10**24)


async def test_only_ballots_that_would_count_are_kept(dao: Dao, connection: psycopg.Connection) -> None:
    path, (one,) = await open_vote(dao, 5)
    ballot = await signed(dao, path, 5, one)

    async def refused(body: dict[str, str], *, status: int) -> str:
        return str((await dao.post(f"{path}/ballots", body, one, status=status))["code"])

    assert await refused({**ballot, "support": "against"}, status=422) == "ballot_signature_invalid"
    assert await refused({**ballot, "nonce": "0"}, status=409) == "ballot_nonce_used"
    assert await refused({**ballot, "voter": address_of(7)}, status=409) == "no_votes"
    forged = await signed(dao, path, 7, one)  # made out for 5
    assert await refused(forged, status=422) == "ballot_signature_invalid"
    unknown = await dao.post(f"{path}/ballots/0x{'ab' * 32}/cast", None, one, status=404)
    assert unknown["code"] == "ballot_unknown"
    await dao.post(f"{path}/ballots", ballot, one, status=201)
    await dao.pass_time(PERIOD_S + 2)
    late = await dao.post(f"{path}/ballots", ballot, one, status=409)
    assert (late["code"], late["state"]) == ("wrong_proposal_state", "defeated")
    kept = connection.execute("SELECT count(*) FROM governance.ballot").fetchone()
    assert kept == (1,)


async def test_a_contract_wallet_votes_by_signature(dao: Dao) -> None:
    """ERC-1271: the governor asks the wallet itself, and so do we."""
    chain: Chain = dao.life.chain
    wallet = new_wallet()
    address = wallet.address.lower()
    holder = await dao.sign_in(8)
    await dao.do("/v1/delegations", {"delegatee": address}, holder)
    path, (one,) = await open_vote(dao, 5)
    headers = await dao.edge.sign_in(wallet)
    chain.rpc("anvil_setCode", address, ALWAYS_MAGIC)
    answer = await dao.post(f"{path}/ballots/prepare", {"support": "abstain"}, headers)
    proposal_id = int(path.rsplit("/", 1)[1])
    ballot = Ballot(proposal_id, 2, address, dao.ask("nonces(address,uint192)", address, key_of(proposal_id)))
    domain = governor_domain(chain_id=31337, governor=dao.life.at.governor.address)
    assert ballot.digest(domain) == answer["digest"]
    body = {**answer["ballot"], "signature": "0xc0ffee"}
    handed_in = await dao.post(f"{path}/ballots", body, headers, status=201)
    await dao.do(f"{path}/ballots/{handed_in['digest']}/cast", None, one)
    assert (await dao.get(path))["tally"]["abstain"] == str(10**24)
