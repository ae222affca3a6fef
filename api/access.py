"""Who asks, and what they ask of: dependencies that every router shares."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.cookies import token_of
from node.services.container import Services
from node.services.identity.errors import TokenMissing
from node.services.identity.tokens import Principal

_PRINCIPAL = "asoud.principal"  # in the scope: a signature is checked once a request

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="AccessToken",
    bearerFormat="JWT",
    description="From a sign-in (`POST /v1/auth/wallet`) or `POST /v1/auth/refresh`",
)


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _services(request: Request) -> Services:
    return services_of(request)


def principal_of(request: Request) -> Principal | None:
    """Who the token speaks for; None without a token. A bad token is refused on every route."""
    if _PRINCIPAL not in request.scope:
        request.scope[_PRINCIPAL] = _read_principal(request)
    principal: Principal | None = request.scope[_PRINCIPAL]
    return principal


def _read_principal(request: Request) -> Principal | None:
    token = token_of(request)
    return None if token is None else services_of(request).sessions.principal(token)


async def _current_principal(
    request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    principal = principal_of(request)
    if principal is None:
        raise TokenMissing("send `Authorization: Bearer <token>`")
    return principal


async def _optional_principal(request: Request) -> Principal | None:
    return principal_of(request)


TheServices = Annotated[Services, Depends(_services)]
CurrentPrincipal = Annotated[Principal, Depends(_current_principal)]
OptionalPrincipal = Annotated[Principal | None, Depends(_optional_principal)]
