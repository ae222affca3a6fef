"""Who asks, and whether they may: judged once for each request, before anything else, from one table.

Invariant: an endpoint runs only when `api/permissions.py` lets the caller, and finds as `CurrentPrincipal`
whoever was judged. The thing that a path names is looked at in the database of now, not in the token.
"""

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Annotated, Final

import anyio.to_thread
from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError

from api.cookies import token_of
from api.permissions import OF_MARKET, Permission, Who
from node.kernel.errors import AsoudError, Bug
from node.kernel.log import get_logger
from node.kernel.rate import RateUncounted
from node.services.catalog.errors import ProductUnknown
from node.services.container import Services
from node.services.identity.api_keys import KeyCaller, is_key
from node.services.identity.errors import (
    AccountFrozen,
    KeyRateExceeded,
    RoleNeeded,
    ScopeNeeded,
    SessionEnded,
    TokenMissing,
)
from node.services.identity.scopes import allows
from node.services.identity.standing import Standing, Thing, standing_of
from node.services.identity.tokens import Principal
from node.services.market.errors import MarketUnknown, NotMarketOwner
from node.services.order.errors import NotThatParty, OrderUnknown

log = get_logger(__name__)

_CLAIMED: Final = "asoud.claimed"  # in the scope: a signature is checked once a request
_PRINCIPAL: Final = "asoud.principal"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

# Of the parameters of a path the first of these says whose market or order it is about.
_NAMED: Final = {"order_id": Thing.ORDER, "product_id": Thing.PRODUCT, "market_id": Thing.MARKET}


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def admit(request: Request, operation: str) -> None:
    """Lets the request through, or not.

    Raises:
        Unauthenticated, Forbidden, NotFound: One of their leaves, by what is missing.
    """
    permission: Permission | None = request.app.state.permissions.get(operation)
    if permission is None:
        raise Bug("the operation has no row in the table of permissions", operation=operation)
    if permission.is_public and not permission.looks_at_caller:
        return
    token = token_of(request)
    if token is None:
        if permission.is_public:
            return
        raise TokenMissing("send `Authorization: Bearer <token>`")
    if is_key(token):
        request.scope[_PRINCIPAL] = await _admit_key(request, permission, token)
        return
    principal = claimed_principal(request)
    assert principal is not None  # there is a token, and no key
    # Reads of one's own need no more than a good token; what changes something asks whether it still counts.
    if permission.by_role or not (request.method in _SAFE or permission.is_judged_within):
        standing = await _standing(request, permission, principal)
        principal = _judged(permission, principal, standing)
    request.scope[_PRINCIPAL] = principal


def claimed_principal(request: Request) -> Principal | None:
    """Whom an access token speaks for, before anybody judged what they may: to count requests.

    Raises:
        TokenInvalid, TokenExpired, CsrfTokenWrong: Refused wherever somebody looks for a caller.
    """
    if _CLAIMED not in request.scope:
        token = token_of(request)
        is_none = token is None or is_key(token)
        request.scope[_CLAIMED] = None if is_none else services_of(request).sessions.principal(token or "")
    principal: Principal | None = request.scope[_CLAIMED]
    return principal


def principal_of(request: Request) -> Principal | None:
    """Whom `admit` let through; None where nobody has to be known, and nobody said who they are."""
    principal: Principal | None = request.scope.get(_PRINCIPAL)
    return principal


async def _admit_key(request: Request, permission: Permission, token: str) -> Principal:
    """A key does what its scopes say, and of that what its account may. It never does what needs a person."""
    services = services_of(request)
    caller = await services.api_keys.caller(services.queries, token)
    await _count(services, caller)
    if not caller.used_lately:
        await anyio.to_thread.run_sync(services.api_keys.note_use, services.database, caller)
    if permission.scope is None:
        raise ScopeNeeded("no API key does this: it needs a signed-in person", scope=None)
    if caller.is_frozen:
        raise AccountFrozen("the account is frozen; ask the operator")
    principal, market_id = caller.principal, None
    if permission.by_role or named_thing(request.path_params):
        standing = await _standing(request, permission, principal)
        principal, market_id = _judged(permission, principal, standing), standing.market_id
    if not allows(caller.scopes, permission.scope, market_id):
        raise ScopeNeeded("the API key was not given the scope", scope=permission.scope.value)
    return principal


async def _count(services: Services, caller: KeyCaller) -> None:
    """Open while Redis is away: a key cannot be guessed, and its scopes bound what it does."""
    key_id = str(caller.principal.session_id)
    try:
        overrun = await services.rates.take("api_key", caller.per_minute, key_id)
    except RateUncounted as error:
        log.warning("key_rate_not_counted", error=type(error.__cause__).__name__)
        return
    if overrun is not None:
        raise KeyRateExceeded(
            f"the key makes at most {caller.per_minute} requests a minute",
            retry_after_s=overrun.retry_after_s,
        )


async def _standing(request: Request, permission: Permission, principal: Principal) -> Standing:
    """Also of public things, which a key that is narrowed to a market asks for."""
    thing, thing_id = named_thing(request.path_params) or (None, None)
    if permission.by_thing and thing is None:
        raise Bug("the permission needs a market or an order, and the path names none")
    standing = await standing_of(services_of(request).queries, principal, thing, thing_id)
    if standing is None or not standing.is_open:
        raise SessionEnded("the session was signed out; sign in again")
    if standing.is_frozen:
        raise AccountFrozen("the account is frozen; ask the operator")
    if permission.by_thing and standing.to_thing is None:
        raise _unknown(standing)
    return standing


def named_thing(path_params: Mapping[str, object]) -> tuple[Thing, uuid.UUID] | None:
    """Raises RequestValidationError when it is no id: nobody is let through by what cannot be looked up."""
    for name, thing in _NAMED.items():
        if name in path_params:
            try:
                return thing, uuid.UUID(str(path_params[name]))
            except ValueError as error:
                wrong = {"type": "uuid_parsing", "loc": ("path", name), "msg": "An id is needed"}
                raise RequestValidationError([wrong]) from error
    return None


def _judged(permission: Permission, principal: Principal, standing: Standing) -> Principal:
    """What the caller is to the node counts as well, but for an arbiter's orders: those are in `to_thing`."""
    parts = (standing.to_thing or frozenset()) if permission.by_thing else standing.roles
    if permission.by_role and not permission.who & parts:
        raise _refusal(permission, standing, parts)
    works_there = bool((standing.to_thing or frozenset()) & OF_MARKET)
    return dataclasses.replace(principal, works_in=standing.market_id if works_there else None)


def _refusal(permission: Permission, standing: Standing, parts: frozenset[str]) -> AsoudError:
    """Strangers learn no more than that a market is another's, which is public, or that there is no order."""
    if not permission.by_thing or (parts & OF_MARKET and permission.who & OF_MARKET):
        return _role_needed(permission)
    if standing.thing is not Thing.ORDER:
        return NotMarketOwner("the market belongs to another account", market_id=str(standing.market_id))
    if not parts:
        return _unknown(standing)
    needs = _words(permission)
    return NotThatParty(f"only the {needs} of the order may do this", needs=needs)


def _unknown(standing: Standing) -> AsoudError:
    if standing.thing is Thing.ORDER:
        return OrderUnknown("there is no such order")
    if standing.thing is Thing.PRODUCT:
        return ProductUnknown("there is no such product")
    return MarketUnknown("there is no such market")


def _role_needed(permission: Permission) -> RoleNeeded:
    needs = _words(permission)
    return RoleNeeded(f"this is for {needs}", needs=needs)


def _words(permission: Permission) -> str:
    return " or ".join(who.value for who in Who if who in permission.who)


async def _services(request: Request) -> Services:
    return services_of(request)


async def _current_principal(request: Request) -> Principal:
    principal = principal_of(request)
    if principal is None:
        raise TokenMissing("send `Authorization: Bearer <token>`")
    return principal


async def _optional_principal(request: Request) -> Principal | None:
    return principal_of(request)


TheServices = Annotated[Services, Depends(_services)]
CurrentPrincipal = Annotated[Principal, Depends(_current_principal)]
OptionalPrincipal = Annotated[Principal | None, Depends(_optional_principal)]
