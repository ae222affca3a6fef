"""Who asks, and whether they may: judged once for each request, before anything else, from one table.

Invariant: an endpoint runs only when `api/permissions.py` lets the caller, and finds as `CurrentPrincipal`
whoever was judged. The thing that a path names is looked at in the database of now, not in the token.
"""

import dataclasses
import uuid
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError

from api.permissions import OF_MARKET, Permission, Who
from node.kernel.errors import AsoudError, Bug
from node.services.catalog.errors import ProductUnknown
from node.services.container import Services
from node.services.identity.errors import AccountFrozen, RoleNeeded, SessionEnded, TokenMissing
from node.services.identity.standing import Standing, Thing, standing_of
from node.services.identity.tokens import Principal
from node.services.market.errors import MarketUnknown, NotMarketOwner
from node.services.order.errors import NotThatParty, OrderUnknown

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
    token = _token(request)
    if permission.is_public and (token is None or not permission.looks_at_caller):
        return
    if token is None:
        raise TokenMissing("send `Authorization: Bearer <token>`")
    principal = services_of(request).sessions.principal(token)
    # Reads of one's own need no more than a good token; what changes something asks whether it still counts.
    if permission.by_role or request.method not in _SAFE:
        principal = await _judged(request, permission, principal)
    request.scope[_PRINCIPAL] = principal


def principal_of(request: Request) -> Principal | None:
    """Whom `admit` let through; None where nobody has to be known, and nobody said who they are."""
    principal: Principal | None = request.scope.get(_PRINCIPAL)
    return principal


def _token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def _judged(request: Request, permission: Permission, principal: Principal) -> Principal:
    thing, thing_id = named_thing(request.path_params) if permission.by_thing else (None, None)
    standing = await standing_of(services_of(request).queries, principal, thing, thing_id)
    if standing is None or not standing.is_open:
        raise SessionEnded("the session was signed out; sign in again")
    if standing.is_frozen:
        raise AccountFrozen("the account is frozen; ask the operator")
    if permission.by_role:
        _require_part(permission, standing, thing, thing_id)
    works_there = standing.to_thing is not None and bool(standing.to_thing & OF_MARKET)
    return dataclasses.replace(principal, works_in=standing.market_id if works_there else None)


def named_thing(path_params: dict[str, object]) -> tuple[Thing, uuid.UUID]:
    """Raises RequestValidationError when it is no id: nobody is let through by what cannot be looked up."""
    for name, thing in _NAMED.items():
        if name in path_params:
            try:
                return thing, uuid.UUID(str(path_params[name]))
            except ValueError as error:
                wrong = {"type": "uuid_parsing", "loc": ("path", name), "msg": "An id is needed"}
                raise RequestValidationError([wrong]) from error
    raise Bug("the permission needs a market or an order, and the path names none")


def _require_part(
    permission: Permission, standing: Standing, thing: Thing | None, thing_id: uuid.UUID | None
) -> None:
    """What the caller is to the node counts as well, but for an arbiter's orders: those are in `to_thing`."""
    if thing is None:
        if not permission.who & standing.roles:
            raise _role_needed(permission)
        return
    if standing.to_thing is None:
        raise _unknown(thing, thing_id)
    if not permission.who & standing.to_thing:
        raise _refusal(permission, standing, thing, thing_id)


def _refusal(
    permission: Permission, standing: Standing, thing: Thing, thing_id: uuid.UUID | None
) -> AsoudError:
    """Strangers learn no more than that a market is another's, which is public, or that there is no order."""
    parts = standing.to_thing or frozenset()
    if parts & OF_MARKET and permission.who & OF_MARKET:
        return _role_needed(permission)
    if thing is not Thing.ORDER:
        return NotMarketOwner("the market belongs to another account", market_id=str(standing.market_id))
    if not parts:
        return _unknown(thing, thing_id)
    needs = _words(permission)
    return NotThatParty(f"only the {needs} of the order may do this", needs=needs)


def _unknown(thing: Thing, thing_id: uuid.UUID | None) -> AsoudError:
    if thing is Thing.ORDER:
        return OrderUnknown("there is no such order", order_id=str(thing_id))
    if thing is Thing.PRODUCT:
        return ProductUnknown("there is no such product", product_id=str(thing_id))
    return MarketUnknown("there is no such market", market_id=str(thing_id))


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
