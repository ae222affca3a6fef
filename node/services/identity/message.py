"""Sign-In with Ethereum (EIP-4361): reading a message and judging what it says. Pure: no I/O.

The library parses; every check is ours, because its own are made only when the caller asks for them.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from node.chain.signatures import personal_digest
from node.kernel.errors import Bug, Invalid
from node.kernel.hexes import Address, Hash32, parse_address
from node.services.identity.errors import (
    MalformedMessage,
    MessageExpired,
    MessageNotYetValid,
    WrongChain,
    WrongDomain,
    WrongUri,
)
from node.services.identity.proof import Purpose

if TYPE_CHECKING:
    from siwe import SiweMessage

MESSAGE_CHARS_MAX = 4_096
CLOCK_SKEW = dt.timedelta(minutes=2)  # how far a wallet's clock may run ahead of ours
_NO_COST = "This costs nothing and sends no transaction."
STATEMENTS: Final[Mapping[Purpose, str]] = {
    Purpose.SIGN_IN: f"Sign in to ASOUD. {_NO_COST}",
    Purpose.LINK: f"Add this wallet to an ASOUD account. {_NO_COST}",
    Purpose.STEP_UP: f"Confirm an act on your ASOUD account. {_NO_COST}",
}
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Site:
    """What a message must name; from settings, never from what the request says of itself."""

    domain: str
    uri: str
    chain_id: int

    @classmethod
    def of(cls, public_url: str, *, chain_id: int) -> "Site":
        parts = urlsplit(public_url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise Bug("ASOUD_PUBLIC_URL must be an http(s) address", public_url=public_url)
        return cls(domain=parts.netloc, uri=f"{parts.scheme}://{parts.netloc}", chain_id=chain_id)


@dataclass(frozen=True, slots=True)
class SignInMessage:
    text: str
    scheme: str | None
    """Before the domain, where the wallet wrote one."""
    domain: str
    address: Address
    uri: str
    chain_id: int
    nonce: str
    issued_at: dt.datetime
    expires_at: dt.datetime | None
    not_before: dt.datetime | None
    resources: tuple[str, ...]
    """What the person means to use it for. Nothing here is granted by them: the nonce's purpose is."""

    @property
    def digest(self) -> Hash32:
        """What a wallet signs (EIP-191, version 0x45): of the text as it came, not as we would write it."""
        return personal_digest(self.text)


@cache
def parser() -> "type[SiweMessage]":
    """Its import compiles a grammar for a second: for those who read messages, and not in every command."""
    from siwe import SiweMessage  # noqa: PLC0415

    return cast("type[SiweMessage]", SiweMessage)


def parse_message(text: str) -> SignInMessage:
    if len(text) > MESSAGE_CHARS_MAX:
        raise MalformedMessage("the message is too long", field="message")
    try:
        parsed = parser().from_message(text)
        message = SignInMessage(
            text=text,
            scheme=parsed.scheme,
            domain=parsed.domain,
            address=parse_address(parsed.address),
            uri=str(parsed.uri),
            chain_id=int(parsed.chain_id),
            nonce=parsed.nonce,
            issued_at=_instant(parsed.issued_at),
            expires_at=_instant(parsed.expiration_time) if parsed.expiration_time else None,
            not_before=_instant(parsed.not_before) if parsed.not_before else None,
            resources=tuple(str(resource) for resource in parsed.resources or ()),
        )
        canonical = parsed.prepare_message() == text
    except (ValueError, TypeError, AttributeError, OverflowError, Invalid) as error:
        # pydantic's ValidationError is a ValueError; the parser speaks in ValueErrors of several kinds
        raise MalformedMessage("the message is not one of EIP-4361", field="message") from error
    if not canonical:
        raise MalformedMessage("the message can be read in more than one way", field="message")
    return message


def check_message(message: SignInMessage, site: Site, *, now: dt.datetime) -> None:
    """Refuses a message that was meant for somebody else, somewhere else or some other time."""
    if message.domain.lower() != site.domain.lower():
        raise WrongDomain("the message was written for another site", expected=site.domain)
    if message.scheme is not None and message.scheme.lower() != urlsplit(site.uri).scheme:
        raise WrongDomain("the message was written for another scheme", expected=site.uri)
    if _origin(message.uri) != _origin(site.uri):
        raise WrongUri("the message's URI lies on another site", expected=site.uri)
    if message.chain_id != site.chain_id:
        raise WrongChain("the message names another chain", expected=site.chain_id)
    if message.expires_at is not None and now >= message.expires_at:
        raise MessageExpired("the message has expired")
    if message.not_before is not None and now < message.not_before:
        raise MessageNotYetValid("the message is not valid yet")
    if message.issued_at > now + CLOCK_SKEW:
        raise MessageNotYetValid("the message was issued in the future")


def _instant(raw: str) -> dt.datetime:
    """RFC 3339 with an offset; EIP-4361 knows no local time."""
    value = dt.datetime.fromisoformat(raw)
    if value.tzinfo is None:
        raise MalformedMessage("a time in the message has no offset", field="message")
    return value.astimezone(dt.UTC)


def _origin(url: str) -> tuple[str, str, int]:
    """RFC 6454, section 4. A user part makes it no origin of ours."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    host = "" if "@" in parts.netloc else (parts.hostname or "").lower()
    return scheme, host, parts.port or _DEFAULT_PORTS.get(scheme, 0)
