"""Phone numbers: E.164, valid by the numbering plans, mobile, of a country that the operator allows."""

import ipaddress
import re
from collections.abc import Set as AbstractSet
from typing import NewType

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from node.services.identity.errors import PhoneCountryRefused, PhoneInvalid

PhoneNumber = NewType("PhoneNumber", str)

# The parser takes letters, digits of any script and extensions; one number must have one spelling.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_TAKES_MESSAGES = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
_RANGE_DIGITS = 4  # the last ones: whoever pumps messages owns a range of numbers that differ in these
_NETWORK_BITS = {4: 24, 6: 48}
_HOME_BITS = {4: 32, 6: 64}  # of IPv6 one household has a whole /64


def parse_phone(raw: str) -> PhoneNumber:
    """Raises PhoneInvalid: not a number that takes text messages, or not in its one spelling."""
    if _E164.fullmatch(raw):
        try:
            parsed = phonenumbers.parse(raw, None)
        except phonenumbers.NumberParseException:
            parsed = None
        if (
            parsed is not None
            and phonenumbers.is_valid_number(parsed)
            and phonenumbers.number_type(parsed) in _TAKES_MESSAGES
            and phonenumbers.format_number(parsed, PhoneNumberFormat.E164) == raw
        ):
            return PhoneNumber(raw)
    raise PhoneInvalid("a mobile number like +905551112233 is needed (E.164)", field="phone")


def require_country(phone: PhoneNumber, allowed: AbstractSet[str]) -> None:
    """Raises PhoneCountryRefused."""
    if phonenumbers.region_code_for_number(phonenumbers.parse(phone, None)) not in allowed:
        raise PhoneCountryRefused("this node sends no messages to that country", field="phone")


def range_of(phone: PhoneNumber) -> str:
    return phone[:-_RANGE_DIGITS]


def home_of(origin: str) -> str:
    """The address, or the part of it that one household has."""
    return _network(origin, _HOME_BITS)


def network_of(origin: str) -> str:
    return _network(origin, _NETWORK_BITS)


def _network(origin: str, bits: dict[int, int]) -> str:
    try:
        address = ipaddress.ip_address(origin)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((address, bits[address.version]), strict=False))
