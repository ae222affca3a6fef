"""One number has one spelling, and a network address belongs to one household and one network."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.services.identity.errors import PhoneCountryRefused, PhoneInvalid
from node.services.identity.numbers import home_of, network_of, parse_phone, range_of, require_country

MOBILE = "+905551112233"


@pytest.mark.parametrize("phone", [MOBILE, "+989121234567", "+971501234567", "+4915123456789"])
def test_a_mobile_number_is_taken_as_it_is(phone: str) -> None:
    assert parse_phone(phone) == phone


@pytest.mark.parametrize(
    "trick",
    [
        "905551112233",
        "00905551112233",
        "+90 555 111 22 33",
        "+90-555-111-2233",
        "+90(555)1112233",
        "+٩٠٥٥٥١١١٢٢٣٣",  # Arabic digits
        "＋905551112233",  # a full-width plus
        "+９０5551112233",
        "+905551112233\n",
        "\n+905551112233",
        "+905551112233\u200b",
        "\u202e+905551112233",
        "+905551112233;ext=1",
        "+905551112233,+989121234567",
        "tel:+905551112233",
        "+1800FLOWERS",
        "+9005551112233",
        "+900555111223344556677",
        "+000000000000",
        "+90",
        "+",
        "",
        "+905551112233\r\nTo: +989121234567",
        "+902121112233",  # a landline
        "+909001112233",  # premium rate
        "+12",
        "+999123456789",
    ],
)
def test_other_spellings_and_other_lines_are_refused(trick: str) -> None:
    with pytest.raises(PhoneInvalid):
        parse_phone(trick)


@given(st.text(alphabet=st.characters(), max_size=20))
def test_whatever_is_typed_is_a_number_or_refused(raw: str) -> None:
    try:
        phone = parse_phone(raw)
    except PhoneInvalid:
        return
    assert phone == raw


@given(st.from_regex(r"\+90(5[0-9]{9})", fullmatch=True))
def test_what_is_taken_is_a_mobile_number_of_the_plan(raw: str) -> None:
    """The same digits may be a pager's, or nobody's."""
    known = phonenumbers.parse(raw)
    is_mobile = phonenumbers.number_type(known) == phonenumbers.PhoneNumberType.MOBILE
    try:
        phone = parse_phone(raw)
    except PhoneInvalid:
        assert not is_mobile
    else:
        assert is_mobile
        assert len(range_of(phone)) == len(phone) - 4


@pytest.mark.parametrize("pager", ["+905120000000", "+905121234567"])
def test_a_pager_gets_no_code(pager: str) -> None:
    with pytest.raises(PhoneInvalid):
        parse_phone(pager)


def test_a_country_is_allowed_or_not() -> None:
    require_country(parse_phone(MOBILE), {"TR"})
    with pytest.raises(PhoneCountryRefused):
        require_country(parse_phone(MOBILE), {"IR", "AE"})


@pytest.mark.parametrize(
    ("origin", "home", "network"),
    [
        ("203.0.113.7", "203.0.113.7/32", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("", "unknown", "unknown"),
    ],
)
def test_addresses_are_counted_by_household_and_network(origin: str, home: str, network: str) -> None:
    assert (home_of(origin), network_of(origin)) == (home, network)
