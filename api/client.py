"""Where a request comes from. Only proxies that the operator named may speak for somebody else."""

import ipaddress
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Header, Request

from api.access import services_of
from api.cookies import jar_of
from api.options import EdgeOptions, Network
from node.services.identity.devices import TOKEN_CHARS_MAX
from node.services.identity.sessions import DEVICE_CHARS_MAX, Client

FORWARDED = "x-forwarded-for"
HOPS_MAX = 10  # proxies in a row that are looked through


def client_of(request: Request) -> Client:
    options: EdgeOptions = request.app.state.options
    peer = request.client.host if request.client else ""
    forwarded = ",".join(request.headers.getlist(FORWARDED)).split(",")
    return Client(
        device=_plain(request.headers.get("user-agent", "")),
        origin=origin_of(peer, forwarded, options.trusted_proxies),
        languages=_plain(request.headers.get("accept-language", "")),
    )


def origin_of(peer: str, forwarded: list[str], trusted: tuple[Network, ...]) -> str:
    """The nearest address that is none of our proxies; what lies beyond it may be made up.

    Each proxy appends whom it heard from, so the list is read from its end.
    """
    origin = peer
    for hop in reversed(forwarded[-HOPS_MAX:]):
        if not _is_within(origin, trusted):
            return origin
        try:
            origin = str(ipaddress.ip_address(hop.strip()))
        except ValueError:
            return origin
    return origin


def _is_within(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _plain(text: str) -> str:
    """A header is Latin-1 of anybody's making: what is not printable ASCII becomes a question mark."""
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text[:DEVICE_CHARS_MAX])


def _bounded(request: Request) -> None:
    services_of(request).sign_in_limiter.take(client_of(request).origin)


async def _client(request: Request) -> Client:
    return client_of(request)


async def _sign_in_client(
    request: Request,
    device_token: Annotated[
        str,
        Header(
            max_length=TOKEN_CHARS_MAX,
            description="From the last sign-in on this device: without it the device is a new one",
        ),
    ] = "",
) -> Client:
    return replace(client_of(request), device_token=device_token or jar_of(request).device_token)


BOUNDED = Depends(_bounded)
"""Of routes that prove something: their attempts are counted by network address."""

TheClient = Annotated[Client, Depends(_client)]
SigningInClient = Annotated[Client, Depends(_sign_in_client)]
