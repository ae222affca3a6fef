"""Access tokens: JWT (RFC 7519) of the profile for access tokens (RFC 9068), signed with EdDSA (RFC 8037)."""

import datetime as dt
import os
import secrets
import uuid
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import jwt

from node.kernel.clock import Clock
from node.kernel.errors import Invalid
from node.kernel.hexes import Address, parse_address
from node.services.identity.errors import TokenExpired, TokenInvalid, WalletNeeded
from node.services.identity.keys import SigningKey, SigningKeys

ALGORITHM = "EdDSA"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type (RFC 9068, section 2.1)
AUDIENCE = "asoud-api"
KEY_BYTES_MIN = 32
CHECKED_MAX = 4_096  # tokens whose signature need not be looked at again; less than 4 MB
TOKEN_CHARS_MAX = 2_048  # ours are about 600: longer ones are not worth a signature check


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: an account, in one of its sessions or by one of its API keys.

    `wallet` is the one that signed in, or the account's oldest one when it was a phone or a key; None without
    any. `session_id` of a key is the key's own id, which is no session's: what asks for one refuses it.
    """

    account_id: uuid.UUID
    wallet: Address | None
    session_id: uuid.UUID
    works_in: uuid.UUID | None = None
    """The market of what the request names, where the account works in it. The edge finds out."""
    is_key: bool = False

    @property
    def address(self) -> Address:
        """For what only a wallet can do.

        Raises:
            WalletNeeded: The account has none.
        """
        if self.wallet is None:
            raise WalletNeeded("link a wallet to the account first")
        return self.wallet


@dataclass(frozen=True, slots=True)
class AccessToken:
    value: str
    expires_at: dt.datetime


class Tokens:
    def __init__(self, clock: Clock, keys: SigningKeys, *, issuer: str, life: dt.timedelta) -> None:
        self._clock = clock
        self._keys = keys
        self._issuer = issuer
        self._life = life
        self._checked = lru_cache(CHECKED_MAX)(self._check)

    def issue(self, principal: Principal) -> AccessToken:
        now = self._clock.now()
        expires_at = now + self._life
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": str(principal.account_id),
            "sid": str(principal.session_id),
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": secrets.token_hex(16),
        }
        if principal.wallet is not None:
            claims["addr"] = principal.wallet
        key = self._keys.current()
        headers = {"kid": key.kid, "typ": TOKEN_TYPE}
        return AccessToken(jwt.encode(claims, key.private, algorithm=ALGORITHM, headers=headers), expires_at)

    def read(self, token: str) -> Principal:
        """Who the token speaks for.

        Raises:
            TokenInvalid: It is not one of ours.
            TokenExpired: It was.
        """
        if len(token) > TOKEN_CHARS_MAX:
            raise TokenInvalid("the access token is not one of ours")
        principal, expires_at = self._checked(token)
        if self._clock.now().timestamp() >= expires_at:
            raise TokenExpired("the access token has run out; refresh it or sign in again")
        return principal

    def _check(self, token: str) -> tuple[Principal, int]:
        """Whom it names and until when: what is right once about a token stays so."""
        try:
            claims = jwt.decode(
                token,
                self._key_of(token).public,
                algorithms=[ALGORITHM],  # never what the token says of itself
                audience=AUDIENCE,
                issuer=self._issuer,
                # Time is ours to judge, from the clock that was passed in.
                options={
                    "require": ["exp", "sub", "sid", "jti", "iat", "aud", "iss"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            wallet = parse_address(claims["addr"]) if "addr" in claims else None
            principal = Principal(uuid.UUID(claims["sub"]), wallet, uuid.UUID(claims["sid"]))
            return principal, int(claims["exp"])
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, AttributeError, Invalid) as error:
            raise TokenInvalid("the access token is not one of ours") from error

    def _key_of(self, token: str) -> SigningKey:
        """By the id in its header, which names one of our keys or nothing; keys in it are not looked at."""
        header = jwt.get_unverified_header(token)
        key = self._keys.find(str(header.get("kid"))) if header.get("typ") == TOKEN_TYPE else None
        if key is None:
            raise TokenInvalid("the access token is not one of ours")
        return key


def load_or_make_key(path: Path) -> bytes:
    """The node's own secret: made at first use, readable by its owner alone.

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
