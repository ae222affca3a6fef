"""Whatever text comes in, a sign-in message is read in one way or refused as malformed."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from siwe import SiweMessage

from node.kernel.errors import Unauthenticated
from node.kernel.hexes import Address
from node.services.identity.errors import MalformedMessage
from node.services.identity.message import Site, check_message, parse_message
from node.services.identity.service import SignInOffer

SITE = Site.of("http://asoud.test:8000", chain_id=31337)
NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
OFFER = SignInOffer(
    nonce="a1" * 16,
    domain=SITE.domain,
    uri=SITE.uri,
    chain_id=SITE.chain_id,
    statement="Sign in.",
    issued_at=NOW,
    expires_at=NOW + dt.timedelta(minutes=10),
)
TEXT = OFFER.text(Address("0x" + "ab" * 20))


def test_what_we_offer_is_what_the_standard_says() -> None:
    assert SiweMessage.from_message(TEXT).prepare_message() == TEXT
    message = parse_message(TEXT)
    check_message(message, SITE, now=NOW)
    assert (message.nonce, message.address) == (OFFER.nonce, "0x" + "ab" * 20)


@given(st.integers(0, len(TEXT) - 1), st.characters())
def test_no_changed_character_makes_another_message_that_crashes_us(position: int, character: str) -> None:
    text = TEXT[:position] + character + TEXT[position + 1 :]
    try:
        message = parse_message(text)
        check_message(message, SITE, now=NOW)
    except (MalformedMessage, Unauthenticated):
        return
    assert message.text == text
    assert message.chain_id == SITE.chain_id
    assert message.domain.lower() == SITE.domain


@given(st.text(max_size=400))
def test_any_other_text_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessage):
        parse_message(text)
