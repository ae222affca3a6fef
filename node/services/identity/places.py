"""Currencies in use (ISO 4217) and time zones (IANA) of profiles."""

import zoneinfo
from typing import Final

from node.kernel.currencies import EXPONENTS
from node.services.identity.errors import MoneyUnknown, TimeZoneUnknown

_ZONES: Final = frozenset(zoneinfo.available_timezones())


def currency(raw: str) -> str:
    """Raises MoneyUnknown."""
    if raw not in EXPONENTS:
        raise MoneyUnknown("a currency is three capital letters of ISO 4217", field="currency")
    return raw


def time_zone(raw: str) -> str:
    """Raises TimeZoneUnknown."""
    if raw not in _ZONES:
        raise TimeZoneUnknown("a time zone is a name like `Asia/Tehran` (IANA)", field="time_zone")
    return raw
