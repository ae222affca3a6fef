"""Access tokens: JWT (RFC 7519) signed with HS256 by a key that only this node holds."""

import datetime as dt
import os
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path

import jwt

from node.kernel.clock import Clock
from node.kernel.errors import Bug, Invalid
from node.kernel.hexes import Address, parse_address
from node.services.identity.errors import TokenExpired, TokenInvalid

ALGORITHM = "HS256"
AUDIENCE = "asoud-api"
KEY_BYTES_MIN = 32  # RFC 7518, section 3.2: a key of HS256 is as long as its hash
TOKEN_CHARS_MAX = 2_048  # ours are about 350: longer ones are not worth a signature check


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: an account, by the wallet that signed in."""

    account_id: uuid.UUID
    address: Address


@dataclass(frozen=True, slots=True)
class AccessToken:
    value: str
    expires_at: dt.datetime


class Tokens:
    def __init__(self, clock: Clock, *, key: bytes, issuer: str, life: dt.timedelta) -> None:
        if len(key) < KEY_BYTES_MIN:
            raise Bug("the key of access tokens is too short", bytes_min=KEY_BYTES_MIN)
        self._clock = clock
        self._key = key
        self._issuer = issuer
        self._life = life

    def issue(self, principal: Principal) -> AccessToken:
        now = self._clock.now()
        expires_at = now + self._life
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": str(principal.account_id),
            "addr": principal.address,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": secrets.token_hex(16),
        }
        return AccessToken(jwt.encode(claims, self._key, algorithm=ALGORITHM), expires_at)

    def read(self, token: str) -> Principal:
        """Who the token speaks for.

        Raises:
            TokenInvalid: It is not one of ours.
            TokenExpired: It was.
        """
        if len(token) > TOKEN_CHARS_MAX:
            raise TokenInvalid("the access token is not one of ours")
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                # Time is ours to judge, from the clock that was passed in.
                options={
                    "require": ["exp", "sub", "jti", "iat", "aud", "iss"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            principal = Principal(uuid.UUID(claims["sub"]), parse_address(claims["addr"]))
            expires_at = int(claims["exp"])
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, AttributeError, Invalid) as error:
            raise TokenInvalid("the access token is not one of ours") from error
        if self._clock.now().timestamp() >= expires_at:
            raise TokenExpired("the access token has run out; sign in again")
        return principal


def load_or_make_key(path: Path) -> bytes:
    """The node's own key: made at first use, readable by its owner alone.

    Several processes may start at once: the first to link its file wins, and all read the same key.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES_MIN))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return bytes.fromhex(path.read_text().strip())
