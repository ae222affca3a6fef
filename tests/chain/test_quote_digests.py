"""What Python hashes, plants and prices of a quote is what the exchange does."""

from dataclasses import replace

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from node.chain.escrow import Release
from node.chain.quote import (
    Item,
    Quote,
    Scope,
    Side,
    Standard,
    bundle_criteria,
    trait_criteria,
    trait_proof,
)
from node.kernel.hexes import Address, hash_from_bytes
from tests.chain.suite import Suite
from tests.chain.test_chain_digests import ADDRESSES, HASHES, ON_CHAIN, uints

pytestmark = pytest.mark.chain

QUOTES = st.builds(
    Quote,
    maker=ADDRESSES,
    side=st.sampled_from(Side),
    scope=st.sampled_from(Scope),
    standard=st.sampled_from(Standard),
    collection=ADDRESSES,
    criteria=uints(256),
    quantity=uints(256),
    currency=ADDRESSES,
    start_price=uints(200),
    end_price=uints(200),
    min_proceeds=uints(256),
    taker=ADDRESSES,
    start=uints(64),
    end=uints(64),
    nonce=uints(256),
    group=uints(256),
    epoch=uints(256),
)


@ON_CHAIN
@given(quote=QUOTES)
def test_the_digest_of_a_quote_is_the_contracts(suite: Suite, quote: Quote) -> None:
    domain = suite.exchange.domain
    digest = quote.digest(domain)
    assert digest == suite.ask("exchange", "hashQuote", quote.values())
    message = encode_typed_data(full_message=quote.typed_data(domain))
    assert digest == hash_from_bytes(bytes(_hash_eip191_message(message)))


@ON_CHAIN
@given(quote=QUOTES, began=st.integers(0, 10**6), left=st.integers(1_000, 10**6))
def test_the_price_of_a_quote_is_the_contracts(suite: Suite, quote: Quote, began: int, left: int) -> None:
    """The contract's now is that of the block that answers: the newest one, or the one after it."""
    now = suite.now()
    quote = replace(quote, start=now - began, end=now + left)
    asked = suite.ask("exchange", "priceOf", quote.values())
    assert asked in {quote.price_at(moment) for moment in range(now, suite.now() + 60)}
    assert quote.price_at(0) == quote.start_price
    assert quote.price_at(2**60) == quote.end_price


@ON_CHAIN
@given(fields=st.tuples(HASHES, uints(256), uints(256), uints(64)))
def test_the_digest_of_a_release_is_the_contracts(suite: Suite, fields: tuple[object, ...]) -> None:
    release = Release(*fields)  # type: ignore[arg-type]
    assert release.digest(suite.escrow.domain) == suite.ask("escrow", "hashRelease", *fields)


@given(token_ids=st.lists(uints(256), min_size=1, max_size=40, unique=True), data=st.data())
def test_each_token_of_a_trait_has_a_proof(token_ids: list[int], data: st.DataObject) -> None:
    """As OpenZeppelin's MerkleProof goes: pairs are sorted, and hashed upwards."""
    root = trait_criteria(token_ids)
    assert trait_criteria(sorted(token_ids)) == root
    token_id = data.draw(st.sampled_from(token_ids))
    assert climbed(token_id, trait_proof(token_ids, token_id)) == root
    other = data.draw(uints(256).filter(lambda drawn: drawn not in token_ids))
    assert climbed(other, trait_proof(token_ids, token_id)) != root


def climbed(token_id: int, proof: list[bytes]) -> int:
    node = keccak(keccak(token_id.to_bytes(32)))
    for sibling in proof:
        node = keccak(min(node, sibling) + max(node, sibling))
    return int.from_bytes(node)


def test_the_hash_of_a_bundle_is_as_abi_encode_has_it() -> None:
    item = Item(Standard.ERC1155, Address("0x" + "ab" * 20), 7, 3)
    words = (32, 1, 1, int("ab" * 20, 16), 7, 3)
    expected = keccak(b"".join(word.to_bytes(32) for word in words))
    assert bundle_criteria([item]) == int.from_bytes(expected)
