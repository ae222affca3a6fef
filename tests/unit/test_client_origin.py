"""Who asks, by network address: the word of a proxy counts, and nobody else's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.client import origin_of
from api.options import networks

PROXIES = networks("10.0.0.0/8, fd00::/8")


@pytest.mark.parametrize(
    ("peer", "forwarded", "origin"),
    [
        ("203.0.113.7", [""], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),  # no proxy of ours: not believed
        ("10.1.1.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.1.1.1", ["evil", "1.1.1.1", " 198.51.100.1 "], "198.51.100.1"),
        ("10.1.1.1", ["198.51.100.1", "10.2.2.2"], "198.51.100.1"),
        ("fd00::1", ["2001:db8::5"], "2001:db8::5"),
        ("10.1.1.1", ["not an address"], "10.1.1.1"),
        ("10.1.1.1", [""], "10.1.1.1"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_the_nearest_stranger_is_the_client(peer: str, forwarded: list[str], origin: str) -> None:
    assert origin_of(peer, forwarded, PROXIES) == origin


@given(st.lists(st.text(max_size=30), max_size=30))
def test_what_a_client_says_of_itself_never_changes_who_it_is(made_up: list[str]) -> None:
    """Behind our proxy, which appends the address that it sees."""
    assert origin_of("10.1.1.1", [*made_up, "198.51.100.9"], PROXIES) == "198.51.100.9"


def test_a_wrong_list_of_proxies_stops_the_start() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        networks("10.0.0.0/8, nonsense")
