"""Sessions: new access tokens, the devices that are signed in, signing out, and the keys of access tokens."""

import datetime as dt
import uuid
from typing import Annotated, Literal

from fastapi import Response
from pydantic import Field
from starlette.responses import JSONResponse

from api.access import CurrentPrincipal, TheServices
from api.client import BOUNDED, TheClient
from api.cookies import Jar, TheJar
from api.rates import uncounted
from api.routing import CommandTx, EffectTx, edge_router, never_stored
from api.schemas import AddressString, Input, Output, Page
from api.views import ThePage, Views
from node.kernel.errors import Unauthenticated
from node.services.identity import queries
from node.services.identity.errors import RefreshInvalid
from node.services.identity.sessions import REFRESH_CHARS_MAX, SignedIn

router = edge_router("sessions")

KEYS_MAX_AGE_S = 3600  # far below the life of a key, which is published one life before it is used


class SignedInOut(Output):
    access_token: str = Field(description="JWT for `Authorization: Bearer`")
    token_type: Literal["Bearer"]
    expires_at: dt.datetime
    refresh_token: str = Field(description="Serves once, at `POST /v1/auth/refresh`; keep it secret")
    refresh_expires_at: dt.datetime
    session_id: uuid.UUID
    account_id: uuid.UUID
    address: AddressString | None = Field(
        description="The wallet that the session acts for; null when the account has none"
    )
    device_token: str | None = Field(
        description="Of a sign-in: keep it on the device and send it as `Device-Token` with the next one. A"
        " device without is a new one, and for a day after its sign-in nothing is withdrawn"
    )


class CookieSignedInOut(Output):
    """What scripts of a page may know; the tokens are in cookies that they cannot read."""

    csrf_token: str = Field(description="For `X-CSRF-Token`; the cookie `asoud_csrf` has it as well")
    expires_at: dt.datetime
    refresh_expires_at: dt.datetime
    session_id: uuid.UUID
    account_id: uuid.UUID
    address: AddressString | None


class RefreshIn(Input):
    refresh_token: Annotated[str, Field(min_length=1, max_length=REFRESH_CHARS_MAX)] | None = Field(
        None, description="Left out where a cookie carries it"
    )


class SessionOut(Output):
    id: uuid.UUID
    device: str = Field(examples=["Mozilla/5.0 (X11; Linux x86_64)"], description="As it named itself")
    wallet: AddressString | None = Field(description="What it signed in with, or a phone")
    phone: str | None
    current: bool = Field(description="Whether it is the one that asks")
    opened_at: dt.datetime
    used_at: dt.datetime
    expires_at: dt.datetime


class KeyOut(Output):
    """RFC 7517 and RFC 8037."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str
    use: Literal["sig"]
    alg: Literal["EdDSA"]


class KeySetOut(Output):
    keys: list[KeyOut]


def signed_in_fields(signed_in: SignedIn) -> dict[str, object]:
    """What the answers of every sign-in have in common."""
    return {
        "access_token": signed_in.access.value,
        "token_type": "Bearer",
        "expires_at": signed_in.access.expires_at,
        "refresh_token": signed_in.refresh,
        "refresh_expires_at": signed_in.refresh_expires_at,
        "session_id": signed_in.principal.session_id,
        "account_id": signed_in.principal.account_id,
        "address": signed_in.principal.wallet,
        "device_token": signed_in.device_token,
    }


def handed_over(signed_in: SignedIn, jar: Jar, response: Response) -> SignedInOut | CookieSignedInOut:
    """The end of every sign-in and refresh: the tokens go into the answer or into cookies."""
    if not jar.is_wanted:
        return SignedInOut.model_validate(signed_in_fields(signed_in))
    return CookieSignedInOut(
        csrf_token=jar.fill(response, signed_in),
        expires_at=signed_in.access.expires_at,
        refresh_expires_at=signed_in.refresh_expires_at,
        session_id=signed_in.principal.session_id,
        account_id=signed_in.principal.account_id,
        address=signed_in.principal.wallet,
    )


@router.post("/v1/auth/refresh", dependencies=[BOUNDED])
@never_stored
def refresh(
    body: RefreshIn,
    begin: EffectTx,
    services: TheServices,
    client: TheClient,
    *,
    jar: TheJar,
    response: Response,
) -> SignedInOut | CookieSignedInOut:
    """Change a refresh token for a new pair. One that comes a second time ends its session."""
    token = body.refresh_token or (jar.refresh_token if jar.is_wanted else None)
    if token is None:
        raise RefreshInvalid("send the refresh token, or have the cookie of one and `Session-Transport`")
    with begin() as tx:
        outcome = services.sessions.refresh(tx, token, client)
    if isinstance(outcome, Unauthenticated):  # committed: what was noted stays
        raise outcome
    return handed_over(outcome, jar, response)


@router.get("/v1/sessions", response_model=Page[SessionOut])
async def list_sessions(
    views: Views, page: ThePage, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """The devices that are signed in to one's account, the newest first."""
    params = {
        "account_id": principal.account_id,
        "session_id": principal.session_id,
        "now": services.clock.now(),
    }
    return await views.page(queries.SESSIONS, params, page, private=True)


@router.delete("/v1/sessions/{session_id}", status_code=204)
def end_session(
    session_id: uuid.UUID,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    client: TheClient,
    *,
    jar: TheJar,
    response: Response,
) -> None:
    """Sign a device out. What access tokens it has serve until they run out."""
    services.sessions.end(tx, principal, session_id, client)
    if session_id == principal.session_id:
        jar.empty(response)


@router.delete("/v1/sessions", status_code=204)
def end_all_sessions(
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    client: TheClient,
    *,
    jar: TheJar,
    response: Response,
) -> None:
    """Sign out everywhere, here too."""
    services.sessions.end_all(tx, principal, client)
    jar.empty(response)


@router.get("/.well-known/jwks.json", response_model=KeySetOut)
@uncounted
async def signing_keys(services: TheServices) -> Response:
    """The keys that access tokens are signed with: of the time before, now, and the one that comes next."""
    return JSONResponse(
        {"keys": services.signing_keys.published()},
        headers={"Cache-Control": f"public, max-age={KEYS_MAX_AGE_S}"},
    )
