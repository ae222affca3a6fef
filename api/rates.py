"""How much one caller may ask of the node in a minute, by class of route.

A caller is an account, or a network address (IPv6: its /64) when nobody is signed in. Routes of one class
share their count. Sign-in, text messages and relayed transactions have closer bounds of their own.

The headers are those of draft-ietf-httpapi-ratelimit-headers.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

from fastapi import Request

from api.access import claimed_principal, services_of
from api.client import client_of
from api.edge_errors import RateExceeded
from api.options import EdgeOptions
from node.kernel.errors import Unauthenticated
from node.kernel.log import get_logger
from node.kernel.rate import WINDOW_S, RateUncounted
from node.services.identity.errors import CsrfTokenWrong
from node.services.identity.numbers import home_of

log = get_logger(__name__)

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

POLICY = "RateLimit-Policy"
_UNCOUNTED = "__asoud_uncounted__"


class RateClass(Enum):
    READ = "read"
    WRITE = "write"
    UPLOAD = "upload"


# What a node does while it cannot count. Files would fill its disk; the rest has bounds further in.
_CLOSED_UNCOUNTED = frozenset({RateClass.UPLOAD})


def uncounted(endpoint: Endpoint) -> Endpoint:
    """Below the route decorator: for probes and documents that must answer however often they are asked."""
    setattr(endpoint, _UNCOUNTED, True)
    return endpoint


def is_counted(endpoint: Callable[..., Any]) -> bool:
    return not getattr(endpoint, _UNCOUNTED, False)


def policy_of(rate: RateClass, options: EdgeOptions) -> str:
    return f'"{rate.value}";q={per_minute(rate, options)};w={WINDOW_S}'


def per_minute(rate: RateClass, options: EdgeOptions) -> int:
    return {
        RateClass.READ: options.reads_per_minute,
        RateClass.WRITE: options.writes_per_minute,
        RateClass.UPLOAD: options.uploads_per_minute,
    }[rate]


async def count(request: Request, rate: RateClass) -> None:
    """Counts one request.

    Raises:
        RateExceeded: It is one too many.
        RateUncounted: Redis is away, and the class is closed then.
    """
    options: EdgeOptions = request.app.state.options
    try:
        overrun = await services_of(request).rates.take(
            rate.value, per_minute(rate, options), _caller(request)
        )
    except RateUncounted as error:
        if rate in _CLOSED_UNCOUNTED:
            raise
        log.warning("rate_not_counted", rate=rate.value, error=type(error.__cause__).__name__)
        return
    if overrun is not None:
        raise RateExceeded(
            f"at most {overrun.per_minute} requests of this class a minute",
            rate=rate.value,
            retry_after_s=overrun.retry_after_s,
        )


def _caller(request: Request) -> str:
    """A bad token, and an API key, counts for the address that sent it; a key has a bound of its own too."""
    try:
        principal = claimed_principal(request)
    except (Unauthenticated, CsrfTokenWrong):
        principal = None
    if principal is None:
        return home_of(client_of(request).origin)
    return str(principal.account_id)
