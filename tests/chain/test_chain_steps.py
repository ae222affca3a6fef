"""Steps, signed and sent as a wallet would, and refused in words before they are sent."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from node.chain.actions import Proposal, Vote
from node.chain.artifacts import load_artifact
from node.chain.client import ChainClient
from node.chain.eip712 import Listing
from node.chain.errors import ExecutionReverted, InsufficientNativeFunds
from node.chain.escrow import EscrowState, Terms
from node.chain.steps import (
    ASSUMED_GAS,
    GasSource,
    InsufficientTokenFunds,
    SignatureStep,
    StepBuilder,
    TransactionStep,
)
from node.kernel.clock import SystemClock
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32
from tests.chain.server import passing_on, serving
from tests.chain.suite import Suite, person
from tests.stack import rpc

pytestmark = pytest.mark.chain

SELLER, BUYER, ARBITER = person(1), person(2), person(3)
PRICE = 1_000_000


@pytest.fixture(scope="module")
def collection(suite: Suite) -> Address:
    return suite.new_collection(SELLER, salt=1)


def listing_of(suite: Suite, collection: Address, token_id: int, **more: object) -> Listing:
    fields = {
        "seller": SELLER.address,
        "collection": collection,
        "token_id": token_id,
        "currency": ZERO_ADDRESS,
        "price": PRICE,
        "min_proceeds": 0,
        "start": 0,
        "end": suite.now() + 3600,
        "nonce": token_id,
        "epoch": suite.ask("exchange", "epochOf", SELLER.address),
        **more,
    }
    return Listing(**fields)


def listed(suite: Suite, collection: Address, **more: object) -> tuple[Listing, bytes]:
    """A minted, approved and signed listing."""
    listing = listing_of(suite, collection, suite.mint(SELLER, collection), **more)
    *approval, signature = suite.exchange.list_token(listing, post_to="/v1/listings")
    suite.send(SELLER, approval)
    assert isinstance(signature, SignatureStep)
    return listing, SELLER.sign_typed_data(signature.typed_data)


def owner_of(suite: Suite, listing: Listing) -> object:
    return suite.client.read(load_artifact("Collection"), listing.collection, "ownerOf", listing.token_id)


def refusal(error: pytest.ExceptionInfo[ExecutionReverted]) -> tuple[str, str]:
    return error.value.revert.name, error.value.message


@contextmanager
def without_simulation(suite: Suite) -> Iterator[Suite]:
    """The same chain behind a server that cannot simulate."""
    lacking = frozenset({"eth_simulateV1"})
    with (
        serving(passing_on(suite.rpc_url, without=lacking)) as server,
        ChainClient(server.url, chain_id=31337) as client,
    ):
        builder = StepBuilder(client, suite.deployment, SystemClock())
        yield Suite(server.url, client, suite.deployment, builder)


class TestExchange:
    def test_a_token_is_listed_and_bought_for_coin(self, suite: Suite, collection: Address) -> None:
        listing, signature = listed(suite, collection)
        steps = suite.exchange.buy(listing, signature=signature, buyer=BUYER.address)
        assert [(step.action, step.value, step.gas_source) for step in steps] == [
            ("buy", PRICE, GasSource.ESTIMATED)
        ]
        suite.send(BUYER, steps)
        assert owner_of(suite, listing) == BUYER.address

    def test_a_token_is_bought_for_dollars_with_the_exact_approval(
        self, suite: Suite, collection: Address
    ) -> None:
        listing, signature = listed(suite, collection, currency=suite.dollar)
        steps = suite.exchange.buy(listing, signature=signature, buyer=BUYER.address)
        assert [(step.action, step.value, step.gas_source) for step in steps] == [
            ("approve_token", 0, GasSource.ESTIMATED),
            ("buy", 0, GasSource.SIMULATED),
        ]
        assert steps[1].nonce == steps[0].nonce + 1
        receipts = suite.send(BUYER, steps)
        assert receipts[1].gas_used < steps[1].gas
        assert owner_of(suite, listing) == BUYER.address
        exchange = suite.deployment.exchange.address
        assert suite.ask("dev_dollar", "allowance", BUYER.address, exchange) == 0

    def test_a_standing_allowance_is_used(self, suite: Suite, collection: Address) -> None:
        listing, signature = listed(suite, collection, currency=suite.dollar)
        first, *_ = suite.exchange.buy(listing, signature=signature, buyer=BUYER.address)
        suite.send(BUYER, [first])
        steps = suite.exchange.buy(listing, signature=signature, buyer=BUYER.address)
        assert [step.action for step in steps] == ["buy"]
        suite.send(BUYER, steps)

    def test_an_approved_token_needs_the_signature_alone(self, suite: Suite, collection: Address) -> None:
        listing, _ = listed(suite, collection)
        assert [type(step) for step in suite.exchange.list_token(listing, post_to="/x")] == [SignatureStep]
        erc721 = load_artifact("Collection")
        other = suite.new_collection(SELLER, salt=2)
        token_id = suite.mint(SELLER, other)
        exchange = suite.deployment.exchange.address
        fresh = listing_of(suite, other, token_id)
        before = suite.exchange.list_token(fresh, post_to="/x")
        assert [step.action for step in before] == ["approve_nft", "sign_listing"]
        assert isinstance(before[0], TransactionStep)
        assert before[0].data == erc721.encode("approve", exchange, token_id)

    @pytest.mark.parametrize(
        ("change", "name", "words"),
        [
            ({"end": 1}, "NotLive", "the listing is not live: start=0, end=1"),
            (
                {"buyer": ARBITER.address},
                "NotForCaller",
                f"the listing is for another buyer: {ARBITER.address}",
            ),
            (
                {"epoch": 77},
                "WrongEpoch",
                "the seller cancelled everything signed in epoch 77; now is epoch 0",
            ),
            (
                {"min_proceeds": PRICE},
                "ProceedsTooLow",
                f"fee and royalty leave the seller 925000, less than the {PRICE} signed for",
            ),
        ],
    )
    def test_what_the_exchange_would_refuse_is_refused_in_words(
        self, suite: Suite, collection: Address, change: dict[str, object], name: str, words: str
    ) -> None:
        listing, signature = listed(suite, collection, **change)
        with pytest.raises(ExecutionReverted) as caught:
            suite.exchange.buy(listing, signature=signature, buyer=BUYER.address)
        assert refusal(caught) == (name, words)

    def test_a_changed_listing_has_no_signature(self, suite: Suite, collection: Address) -> None:
        listing, signature = listed(suite, collection)
        cheaper = dataclasses.replace(listing, price=1)
        with pytest.raises(ExecutionReverted) as caught:
            suite.exchange.buy(cheaper, signature=signature, buyer=BUYER.address)
        assert caught.value.revert.name == "BadSignature"

    def test_a_refusal_behind_an_approval_is_seen_too(self, suite: Suite, collection: Address) -> None:
        listing, signature = listed(suite, collection, currency=suite.dollar, end=1)
        with pytest.raises(ExecutionReverted) as caught:
            suite.exchange.buy(listing, signature=signature, buyer=BUYER.address)
        assert caught.value.revert.name == "NotLive"

    def test_cancelling(self, suite: Suite, collection: Address) -> None:
        one, one_signature = listed(suite, collection)
        two, two_signature = listed(suite, collection)
        three, three_signature = listed(suite, collection)
        suite.send(SELLER, suite.exchange.cancel(signer=SELLER.address, nonces=[one.nonce]))
        suite.send(SELLER, suite.exchange.cancel(signer=SELLER.address, nonces=[two.nonce, 10**30]))
        for listing, signature in ((one, one_signature), (two, two_signature)):
            with pytest.raises(ExecutionReverted) as caught:
                suite.exchange.buy(listing, signature=signature, buyer=BUYER.address)
            assert caught.value.revert.name == "NonceUsed"
        snapshot = rpc(suite.rpc_url, "evm_snapshot")
        suite.send(SELLER, suite.exchange.cancel_all(signer=SELLER.address))
        with pytest.raises(ExecutionReverted) as caught:
            suite.exchange.buy(three, signature=three_signature, buyer=BUYER.address)
        assert caught.value.revert.name == "WrongEpoch"
        rpc(suite.rpc_url, "evm_revert", snapshot)

    def test_a_stranger_cannot_list_or_mint(self, suite: Suite, collection: Address) -> None:
        listing = listing_of(suite, collection, suite.mint(SELLER, collection), seller=BUYER.address)
        with pytest.raises(ExecutionReverted) as caught:
            suite.exchange.list_token(listing, post_to="/x")
        assert caught.value.revert.name == "NotOwnerNorApproved"
        with pytest.raises(ExecutionReverted) as caught:
            suite.collections.mint(
                merchant=BUYER.address, collection=collection, to=BUYER.address, uri="ipfs://t"
            )
        assert refusal(caught) == ("Unauthorized", "only the owner of the collection may do this")

    def test_a_token_that_is_not_there(self, suite: Suite, collection: Address) -> None:
        with pytest.raises(ExecutionReverted) as caught:
            suite.exchange.list_token(listing_of(suite, collection, 10**9), post_to="/x")
        assert refusal(caught) == ("TokenDoesNotExist", "there is no such token")

    def test_a_salt_makes_one_collection(self, suite: Suite) -> None:
        suite.new_collection(SELLER, salt=50)
        with pytest.raises(ExecutionReverted):
            suite.new_collection(SELLER, salt=50)

    def test_a_collection_may_not_ask_too_much_royalty(self, suite: Suite) -> None:
        with pytest.raises(ExecutionReverted) as caught:
            suite.new_collection(SELLER, salt=51, royalty_bps=5000)
        assert caught.value.revert.name == "BadRoyalty"


class TestFunds:
    def test_who_has_no_coin_is_told(self, suite: Suite, collection: Address) -> None:
        listing, signature = listed(suite, collection, price=10**30)
        with pytest.raises(InsufficientNativeFunds):
            suite.exchange.buy(listing, signature=signature, buyer=BUYER.address)

    def test_who_has_coin_for_the_price_alone_is_told(self, suite: Suite, collection: Address) -> None:
        listing, signature = listed(suite, collection)
        poor = Address("0x" + "70" * 20)
        rpc(suite.rpc_url, "anvil_setBalance", poor, hex(PRICE))
        with pytest.raises(InsufficientNativeFunds) as caught:
            suite.exchange.buy(listing, signature=signature, buyer=poor)
        assert caught.value.fields["have"] == str(PRICE)

    def test_who_has_no_dollars_is_told(self, suite: Suite, collection: Address) -> None:
        listing, signature = listed(suite, collection, price=10**30, currency=suite.dollar)
        with pytest.raises(InsufficientTokenFunds) as caught:
            suite.exchange.buy(listing, signature=signature, buyer=BUYER.address)
        assert caught.value.fields["need"] == str(10**30)

    def test_a_server_that_cannot_simulate_gets_an_assumed_limit(
        self, suite: Suite, collection: Address
    ) -> None:
        listing, signature = listed(suite, collection, currency=suite.dollar)
        with without_simulation(suite) as limited:
            steps = limited.exchange.buy(listing, signature=signature, buyer=BUYER.address)
        assert [(step.action, step.gas_source) for step in steps] == [
            ("approve_token", GasSource.ESTIMATED),
            ("buy", GasSource.ASSUMED),
        ]
        assert steps[1].gas == ASSUMED_GAS
        suite.send(BUYER, steps)
        assert owner_of(suite, listing) == BUYER.address


# A token, as EVM code, that moves a standing allowance (5 here) to zero only, as Tether does.
STUBBORN_TOKEN = (
    "0x5f3560e01c8063095ea7b314602057"
    "6370a0823114602f5760055f5260205ff3"
    "5b602435603b5760015f5260205ff3"
    "5b600160ff1b5f5260205ff3"
    "5b5f5ffd"
)


def test_a_stubborn_allowance_is_set_to_zero_first(suite: Suite) -> None:
    token, spender = Address("0x" + "cc" * 20), suite.deployment.escrow.address
    rpc(suite.rpc_url, "anvil_setCode", token, STUBBORN_TOKEN)

    def wanted(amount: int) -> list[str]:
        intents = suite.builder.token_approval(
            token=token, owner=BUYER.address, spender=spender, amount=amount
        )
        return [intent.data for intent in intents]

    approve = load_artifact("IERC20Metadata")
    assert wanted(5) == []
    assert wanted(6) == [approve.encode("approve", spender, amount) for amount in (0, 6)]


def terms_of(suite: Suite, number: int, asset: Address, **more: object) -> Terms:
    fields = {
        "order_id": Hash32(f"0x{number:064x}"),
        "buyer": BUYER.address,
        "seller": SELLER.address,
        "arbiter": ARBITER.address,
        "asset": asset,
        "amount": 10_000,
        "fee_receiver": suite.deployment.timelock.address,
        "fee_bps": 100,
        "silence_seller_bps": 5000,
        "ship_by": suite.now() + 3600,
        "inspection": 3600,
        "ruling": 3600,
        **more,
    }
    return Terms(**fields)


class TestEscrow:
    def state(self, suite: Suite, terms: Terms) -> EscrowState:
        answer = suite.ask("escrow", "escrow", suite.escrow.id_of(terms))
        assert isinstance(answer, tuple)
        return EscrowState(answer[0])

    def test_funded_in_dollars_shipped_and_released(self, suite: Suite) -> None:
        terms = terms_of(suite, 1, suite.dollar)
        steps = suite.escrow.fund(terms)
        assert [step.action for step in steps] == ["approve_token", "fund"]
        suite.send(BUYER, steps)
        assert self.state(suite, terms) is EscrowState.FUNDED
        suite.send(SELLER, suite.escrow.ship(terms))
        assert self.state(suite, terms) is EscrowState.SHIPPED
        suite.send(BUYER, suite.escrow.release(terms))
        assert self.state(suite, terms) is EscrowState.RELEASED

    def test_refunded_by_the_seller(self, suite: Suite) -> None:
        terms = terms_of(suite, 2, ZERO_ADDRESS)
        suite.send(BUYER, suite.escrow.fund(terms))
        suite.send(SELLER, suite.escrow.refund(terms))
        assert self.state(suite, terms) is EscrowState.REFUNDED

    def test_disputed_and_ruled(self, suite: Suite) -> None:
        terms = terms_of(suite, 3, ZERO_ADDRESS)
        suite.send(BUYER, suite.escrow.fund(terms))
        suite.send(SELLER, suite.escrow.ship(terms, proof=Hash32("0x" + "11" * 32)))
        suite.send(BUYER, suite.escrow.dispute(terms, by=BUYER.address))
        evidence = Hash32("0x" + "22" * 32)
        suite.send(SELLER, suite.escrow.add_evidence(terms, by=SELLER.address, evidence=evidence))
        with pytest.raises(ExecutionReverted) as caught:
            suite.escrow.rule(terms, to_seller=10_001)
        assert caught.value.message == "the split gives the seller 10001, but only 10000 is held"
        suite.send(ARBITER, suite.escrow.rule(terms, to_seller=4_000))
        assert self.state(suite, terms) is EscrowState.RULED

    def test_wrong_moments_and_people_are_refused_in_words(self, suite: Suite) -> None:
        terms = terms_of(suite, 4, ZERO_ADDRESS)
        with pytest.raises(ExecutionReverted) as caught:
            suite.escrow.release(terms)
        assert caught.value.message == "the escrow is in the state NONE, from which this cannot be done"
        suite.send(BUYER, suite.escrow.fund(terms))
        with pytest.raises(ExecutionReverted) as caught:
            suite.escrow.dispute(terms, by=ARBITER.address)
        assert caught.value.message == f"{ARBITER.address} has no say in this"
        with pytest.raises(ExecutionReverted) as caught:
            suite.escrow.fund(dataclasses.replace(terms, ruling=0))
        assert caught.value.message == "the terms of the escrow are wrong in: ruling"
        with pytest.raises(ExecutionReverted) as caught:
            suite.escrow.refund_expired(terms, by=BUYER.address)
        assert caught.value.revert.name == "TooEarly"

    def test_deadlines_that_nobody_kept(self, fresh_suite: Suite) -> None:
        suite = fresh_suite
        unshipped, silent, undecided = (terms_of(suite, n, ZERO_ADDRESS) for n in (1, 2, 3))
        for terms in (unshipped, silent, undecided):
            suite.send(BUYER, suite.escrow.fund(terms))
        for terms in (silent, undecided):
            suite.send(SELLER, suite.escrow.ship(terms))
        suite.send(BUYER, suite.escrow.dispute(undecided, by=BUYER.address))
        suite.pass_time(3700)
        anyone = person(7)
        suite.send(anyone, suite.escrow.refund_expired(unshipped, by=anyone.address))
        suite.send(anyone, suite.escrow.release_expired(silent, by=anyone.address))
        suite.send(anyone, suite.escrow.rule_expired(undecided, by=anyone.address))
        assert [self.state(suite, terms) for terms in (unshipped, silent, undecided)] == [
            EscrowState.REFUNDED,
            EscrowState.RELEASED,
            EscrowState.RULED,
        ]


def fee_proposal(suite: Suite, bps: int) -> Proposal:
    exchange, timelock = suite.deployment.exchange, suite.deployment.timelock
    call = load_artifact("Exchange").encode("setFee", timelock.address, bps)
    return Proposal((exchange.address,), (0,), (call,), f"A fee of {bps} basis points")


class TestGovernance:
    def test_a_proposal_passes_and_rules(self, fresh_suite: Suite) -> None:
        suite, proposal = fresh_suite, fee_proposal(fresh_suite, 100)
        member = person(4)
        suite.send(member, suite.governance.delegate(holder=member.address, to=member.address))
        suite.pass_time(2)
        suite.send(member, suite.governance.propose(proposal, proposer=member.address))
        with pytest.raises(ExecutionReverted) as caught:
            suite.governance.queue(proposal, sender=member.address)
        assert caught.value.revert.name == "GovernorUnexpectedProposalState"
        suite.pass_time(2)
        vote = suite.governance.vote(voter=member.address, proposal_id=proposal.id(), support=Vote.FOR)
        suite.send(member, vote)
        with pytest.raises(ExecutionReverted) as caught:
            suite.governance.vote(voter=member.address, proposal_id=proposal.id(), support=Vote.FOR)
        assert caught.value.message == f"{member.address} has voted on this proposal already"
        suite.pass_time(20)
        suite.send(member, suite.governance.queue(proposal, sender=member.address))
        suite.pass_time(5)
        suite.send(member, suite.governance.execute(proposal, sender=member.address))
        assert suite.ask("exchange", "fee") == (suite.deployment.timelock.address, 100)

    def test_a_proposal_needs_votes(self, suite: Suite) -> None:
        with pytest.raises(ExecutionReverted) as caught:
            suite.governance.propose(fee_proposal(suite, 1), proposer=person(8).address)
        assert refusal(caught) == (
            "GovernorInsufficientProposerVotes",
            f"{person(8).address} has 0 votes, a proposal needs {10**18}",
        )

    def test_a_pending_proposal_is_cancelled_by_its_proposer(self, fresh_suite: Suite) -> None:
        suite, proposal = fresh_suite, fee_proposal(fresh_suite, 7)
        member = person(5)
        suite.send(member, suite.governance.delegate(holder=member.address, to=member.address))
        suite.pass_time(2)
        suite.send(member, suite.governance.propose(proposal, proposer=member.address))
        suite.send(member, suite.governance.cancel(proposal, proposer=member.address))
        with pytest.raises(ExecutionReverted) as caught:
            suite.governance.vote(voter=member.address, proposal_id=proposal.id(), support=Vote.FOR)
        assert "CANCELED" in caught.value.message


class TestShapes:
    def test_json(self, suite: Suite, collection: Address) -> None:
        listing = listing_of(suite, collection, suite.mint(SELLER, collection))
        approval, signature = (
            s.to_json() for s in suite.exchange.list_token(listing, post_to="/v1/listings")
        )
        assert approval["kind"] == "transaction"
        transaction = approval["transaction"]
        assert transaction["from"] == SELLER.address
        assert transaction["to"] == collection
        assert transaction["value"] == "0"
        assert transaction["gas_source"] == "estimated"
        assert int(transaction["max_fee_per_gas"]) > 0
        assert signature["kind"] == "signature"
        wanted = signature["signature"]
        assert wanted["post_to"] == {"method": "POST", "path": "/v1/listings", "field": "signature"}
        assert wanted["typed_data"]["message"]["price"] == str(PRICE)
        assert wanted["typed_data"]["primaryType"] == "Listing"

    def test_nothing_to_do_is_no_step(self, suite: Suite) -> None:
        assert suite.builder.populate(SELLER.address, []) == []
