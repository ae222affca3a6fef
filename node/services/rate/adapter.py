"""What a source of rates is, and the form that it answers in.

`{"base": "USD", "at": "2026-01-01T12:00:00Z", "rates": {"EUR": "0.92", "eip155:1/slip44:60": "0.0004"}}`: how
many of each currency one unit of the base buys. Instead of `at` there may be `timestamp`, in seconds since
1970; numbers may be strings or JSON numbers, which are read as they are written. Currencies that we don't
know are left out.
"""

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Protocol

from node.kernel.currencies import EXPONENTS, fiat_asset
from node.kernel.errors import Bug
from node.services.rate.errors import RateSourceUnreadable

BYTES_MAX = 2 * 2**20
TIMEOUT_S = 10.0
CLOCK_SKEW = dt.timedelta(minutes=5)
_ON_CHAIN: Final = re.compile(r"eip155:[1-9][0-9]{0,18}/(slip44:[0-9]{1,9}|erc20:0x[0-9a-f]{40})", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?", re.ASCII)


class RateAdapter(Protocol):
    def read(self) -> bytes:
        """The document, as it is now.

        Raises:
            RateSourceAway: Another time.
            RateSourceUnreadable: It is far too large.
        """


@dataclass(frozen=True, slots=True)
class Options:
    """The operator's `ASOUD_RATE_OPTIONS`: names like `http.url`."""

    values: Mapping[str, str]

    def need(self, name: str) -> str:
        """Raises Bug: a node without it must not start."""
        value = self.values.get(name)
        if not value:
            raise Bug(f"ASOUD_RATE_OPTIONS lacks {name}", name=name)
        return value


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a source says: at that time one unit of the reference bought so much, by id of the asset."""

    at: dt.datetime
    per_reference: Mapping[str, Decimal]


def read_sheet(document: bytes, *, reference: str, now: dt.datetime) -> Sheet:
    """Raises RateSourceUnreadable."""
    try:
        parsed = json.loads(document, parse_float=str, parse_int=str, parse_constant=str)
        base, rates, at = parsed["base"], parsed["rates"], _instant(parsed)
        found = {_asset(name): _number(value) for name, value in rates.items()}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise RateSourceUnreadable("the source is not in the form of docs/wallets.md") from error
    if base != reference:
        raise RateSourceUnreadable("the source has another base", base=str(base)[:20], needed=reference)
    if at > now + CLOCK_SKEW:
        raise RateSourceUnreadable("the source is of the future")
    return Sheet(at, {asset: value for asset, value in found.items() if asset is not None})


def _asset(name: str) -> str | None:
    if name in EXPONENTS:
        return fiat_asset(name).id
    return name if _ON_CHAIN.fullmatch(name) else None


def _number(raw: object) -> Decimal:
    if not isinstance(raw, str) or not _NUMBER.fullmatch(raw):
        raise ValueError(raw)
    try:
        value = Decimal(raw)
    except InvalidOperation as error:
        raise ValueError(raw) from error
    if value <= 0:
        raise ValueError(raw)
    return value


def _instant(parsed: Mapping[str, Any]) -> dt.datetime:
    if "at" in parsed:
        at = dt.datetime.fromisoformat(parsed["at"])
        if at.tzinfo is None:
            raise ValueError("a time without an offset")
        return at.astimezone(dt.UTC)
    return dt.datetime.fromtimestamp(int(parsed["timestamp"]), dt.UTC)
