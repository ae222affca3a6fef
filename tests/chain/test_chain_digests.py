"""What Python hashes is what the contracts hash."""

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.chain.actions import Proposal
from node.chain.eip712 import Listing
from node.chain.escrow import Terms
from node.kernel.hexes import Address, Hash32, hash_from_bytes
from tests.chain.suite import Suite

pytestmark = pytest.mark.chain

ON_CHAIN = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def uints(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1)


ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda raw: Address("0x" + raw.hex()))
HASHES = st.binary(min_size=32, max_size=32).map(lambda raw: Hash32("0x" + raw.hex()))
LISTINGS = st.builds(
    Listing,
    seller=ADDRESSES,
    collection=ADDRESSES,
    token_id=uints(256),
    currency=ADDRESSES,
    price=uints(256),
    min_proceeds=uints(256),
    buyer=ADDRESSES,
    start=uints(64),
    end=uints(64),
    nonce=uints(256),
    epoch=uints(256),
)
TERMS = st.builds(
    Terms,
    order_id=HASHES,
    buyer=ADDRESSES,
    seller=ADDRESSES,
    arbiter=ADDRESSES,
    asset=ADDRESSES,
    amount=uints(256),
    fee_receiver=ADDRESSES,
    fee_bps=uints(16),
    silence_seller_bps=uints(16),
    ship_by=uints(64),
    inspection=uints(32),
    ruling=uints(32),
)


@ON_CHAIN
@given(listing=LISTINGS)
def test_the_digest_of_a_listing_is_the_contracts(suite: Suite, listing: Listing) -> None:
    domain = suite.exchange.domain
    digest = listing.digest(domain)
    assert digest == suite.ask("exchange", "hashListing", listing.values())
    message = encode_typed_data(full_message=listing.typed_data(domain))
    assert digest == hash_from_bytes(bytes(_hash_eip191_message(message)))


@ON_CHAIN
@given(terms=TERMS)
def test_the_id_of_an_escrow_is_the_contracts(suite: Suite, terms: Terms) -> None:
    assert suite.escrow.id_of(terms) == suite.ask("escrow", "escrowIdOf", terms.values())


@ON_CHAIN
@given(
    calls=st.lists(st.tuples(ADDRESSES, uints(256), st.binary(max_size=70)), min_size=1, max_size=4),
    description=st.text(max_size=80),
)
def test_the_id_of_a_proposal_is_the_governors(
    suite: Suite, calls: list[tuple[Address, int, bytes]], description: str
) -> None:
    proposal = Proposal(
        targets=tuple(target for target, _, _ in calls),
        values=tuple(value for _, value, _ in calls),
        calldatas=tuple("0x" + data.hex() for _, _, data in calls),
        description=description,
    )
    assert proposal.id() == suite.ask("governor", "hashProposal", *proposal.hashed_args())


def test_the_domain_is_the_one_that_the_contract_tells(suite: Suite) -> None:
    """EIP-5267."""
    _, name, version, chain_id, contract, _, _ = suite.ask("exchange", "eip712Domain")  # type: ignore[misc]
    domain = suite.exchange.domain
    assert (domain.name, domain.version, domain.chain_id, domain.contract) == (
        name,
        version,
        chain_id,
        contract,
    )
