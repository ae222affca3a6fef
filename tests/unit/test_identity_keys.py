"""Keys that come from one secret: the same everywhere, new with time, and of no use for anything else."""

import base64
import datetime as dt

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from node.kernel.clock import FixedClock
from node.kernel.errors import Bug
from node.services.identity.keys import Pepper, Seal, SigningKeys, derived, signing_key

SECRET = b"s" * 32
OTHER = b"o" * 32
EPOCH = dt.timedelta(days=30)
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_a_keys_id_is_its_thumbprint() -> None:
    """RFC 8037, appendix A.1 to A.3."""
    private = Ed25519PrivateKey.from_private_bytes(
        base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    )
    key = signing_key(private)
    assert key.jwk()["x"] == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert key.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@given(st.timedeltas(min_value=dt.timedelta(0), max_value=dt.timedelta(days=3650)))
def test_two_processes_with_one_secret_agree_at_any_time(later: dt.timedelta) -> None:
    clock = FixedClock(START)
    early = SigningKeys(clock, secret=SECRET, epoch=EPOCH)
    clock.advance(later)
    late = SigningKeys(clock, secret=SECRET, epoch=EPOCH)
    assert early.current().kid == late.current().kid
    assert early.published() == late.published()


@given(st.timedeltas(min_value=dt.timedelta(0), max_value=dt.timedelta(days=365)))
def test_a_key_is_known_one_epoch_before_and_after_it_signs(when: dt.timedelta) -> None:
    clock = FixedClock(START + when)
    keys = SigningKeys(clock, secret=SECRET, epoch=EPOCH)
    now = keys.current().kid
    for moved, is_known in ((-1, True), (1, True), (-2, False), (2, False)):
        clock.at = START + when + EPOCH * moved
        assert (keys.find(now) is not None) is is_known


def test_another_secret_has_other_keys_and_reads_what_it_was_told_of() -> None:
    clock = FixedClock(START)
    before = SigningKeys(clock, secret=SECRET, epoch=EPOCH).current()
    after = SigningKeys(clock, secret=OTHER, secret_before=SECRET, epoch=EPOCH)
    assert after.current().kid != before.kid
    assert after.find(before.kid) is not None
    assert SigningKeys(clock, secret=OTHER, epoch=EPOCH).find(before.kid) is None


def test_a_short_secret_stops_the_start() -> None:
    for make in (Pepper, Seal):
        with pytest.raises(Bug):
            make(b"short")
    with pytest.raises(Bug):
        SigningKeys(FixedClock(START), secret=b"x" * 31, epoch=EPOCH)


def test_every_purpose_has_a_key_of_its_own() -> None:
    assert len({derived(SECRET, purpose) for purpose in ("pepper", "seal", "access token 1")}) == 3


@given(st.text(max_size=50), st.text(max_size=50))
def test_a_seal_opens_in_its_place_alone(plain: str, elsewhere: str) -> None:
    seal = Seal(SECRET)
    sealed = seal.close(plain, context="here")
    assert seal.open(sealed, context="here") == plain
    assert seal.close(plain, context="here") != sealed
    if elsewhere != "here":
        with pytest.raises(Bug, match="does not open"):
            seal.open(sealed, context=elsewhere)
    with pytest.raises(Bug, match="does not open"):
        Seal(OTHER).open(sealed, context="here")


def test_a_code_matches_its_own_challenge_and_phone_alone() -> None:
    pepper = Pepper(SECRET)
    digest = pepper.digest("challenge", "+905551112233", "123456")
    assert pepper.matches(digest, "challenge", "+905551112233", "123456")
    assert not pepper.matches(digest, "challenge", "+905551112233", "123457")
    assert not pepper.matches(digest, "other", "+905551112233", "123456")
    assert not Pepper(OTHER).matches(digest, "challenge", "+905551112233", "123456")
