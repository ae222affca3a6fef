"""What Python says of an auction is what the auction house does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.chain.auction import Auction
from node.chain.auction_actions import AuctionActions
from tests.chain.suite import Suite
from tests.chain.test_chain_digests import ADDRESSES, ON_CHAIN, uints

pytestmark = pytest.mark.chain

AUCTIONS = st.builds(
    Auction,
    seller=ADDRESSES,
    collection=ADDRESSES,
    token_id=uints(256),
    currency=ADDRESSES,
    reserve=uints(96),
    start=uints(64),
    duration=uints(32),
    extension=uints(32),
    increment_bps=uints(16),
    salt=uints(256),
)


@ON_CHAIN
@given(auction=AUCTIONS)
def test_the_id_of_an_auction_is_the_contracts(suite: Suite, auction: Auction) -> None:
    actions = AuctionActions(suite.exchange.steps)
    assert actions.id_of(auction) == suite.ask("auction_house", "auctionIdOf", auction.values())
