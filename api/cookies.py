"""Sessions of browsers: tokens in cookies that no script reads, and the token against forged requests.

A sign-in with the header `Session-Transport: cookie` answers with cookies in place of tokens; everything
behind it is the same code as with bearer tokens. Invariants: what changes something and comes by cookie
carries in a header what another site can neither read nor set (CSRF token); cookies are never made without a
header that another site cannot send; a bearer token, when there is one, counts alone.
"""

import datetime as dt
import hmac
import secrets
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Header, Request, Response

from api.options import EdgeOptions
from node.services.container import Services
from node.services.identity.devices import KEPT as DEVICE_LIFE
from node.services.identity.errors import CsrfTokenWrong
from node.services.identity.sessions import SignedIn

CSRF_HEADER = "X-CSRF-Token"
CSRF_BYTES = 24
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REFRESH_PATH = "/v1/auth/refresh"
DEVICE_PATH = "/v1/auth"

_ACCESS, _CSRF = "asoud_access", "asoud_csrf"
_REFRESH, _DEVICE = "asoud_refresh", "asoud_device"


@dataclass(frozen=True, slots=True)
class Jar:
    """The cookies of one request. Behind TLS their names say so, and browsers hold them to it."""

    is_wanted: bool
    is_secure: bool
    now: dt.datetime
    sent: dict[str, str]

    @property
    def refresh_token(self) -> str | None:
        return self._read(_REFRESH)

    @property
    def device_token(self) -> str:
        return self._read(_DEVICE) or ""

    def fill(self, response: Response, signed_in: SignedIn) -> str:
        """Sets the cookies of a session; returns its CSRF token."""
        csrf = secrets.token_urlsafe(CSRF_BYTES)
        access, refresh = signed_in.access, signed_in.refresh_expires_at - self.now
        self._set(response, _ACCESS, access.value, life=access.expires_at - self.now)
        self._set(response, _REFRESH, signed_in.refresh, life=refresh, path=REFRESH_PATH)
        self._set(response, _CSRF, csrf, life=refresh, is_for_scripts=True)
        if signed_in.device_token is not None:
            self._set(response, _DEVICE, signed_in.device_token, life=DEVICE_LIFE, path=DEVICE_PATH)
        return csrf

    def empty(self, response: Response) -> None:
        """Takes a session's cookies away; the device stays known."""
        if self._read(_ACCESS) or self._read(_CSRF):
            for name, path in ((_ACCESS, "/"), (_REFRESH, REFRESH_PATH), (_CSRF, "/")):
                self._set(response, name, "", life=dt.timedelta(0), path=path)

    def access_token(self, request: Request) -> str | None:
        """Raises CsrfTokenWrong: it may be another site that asks."""
        token = self._read(_ACCESS)
        if token is not None and request.method not in SAFE_METHODS:
            known, said = self._read(_CSRF) or "", request.headers.get(CSRF_HEADER, "")
            if not known or not hmac.compare_digest(known.encode(), said.encode()):
                raise CsrfTokenWrong(f"send the CSRF token of the session as `{CSRF_HEADER}`")
        return token

    def _read(self, name: str) -> str | None:
        return self.sent.get(self._name(name)) or None

    def _name(self, name: str) -> str:
        if not self.is_secure:
            return name
        # `__Host-` also keeps other hosts of the domain from setting it; it knows no path.
        return f"__Host-{name}" if name in {_ACCESS, _CSRF} else f"__Secure-{name}"

    def _set(
        self,
        response: Response,
        name: str,
        value: str,
        *,
        life: dt.timedelta,
        path: str = "/",
        is_for_scripts: bool = False,
    ) -> None:
        response.set_cookie(
            self._name(name),
            value,
            max_age=int(life.total_seconds()),
            path=path,
            secure=self.is_secure,
            httponly=not is_for_scripts,
            samesite="strict",
        )


def jar_of(request: Request, *, is_wanted: bool = False) -> Jar:
    options: EdgeOptions = request.app.state.options
    services: Services = request.app.state.services
    return Jar(is_wanted, options.is_behind_tls, services.clock.now(), request.cookies)


def token_of(request: Request) -> str | None:
    """The access token, of the header or else of the cookie. Raises CsrfTokenWrong."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return jar_of(request).access_token(request)


async def _jar(
    request: Request,
    session_transport: Annotated[
        Literal["bearer", "cookie"],
        Header(description="`cookie` answers with cookies (HttpOnly) in place of tokens: for browsers"),
    ] = "bearer",
) -> Jar:
    return jar_of(request, is_wanted=session_transport == "cookie")


TheJar = Annotated[Jar, Depends(_jar)]
