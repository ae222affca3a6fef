"""Every key of identity, derived from one secret of the node (HKDF, RFC 5869).

Access tokens are signed with Ed25519 (EdDSA, RFC 8037). Time is cut into epochs, and the key of an epoch
comes from the secret and the epoch's number: all processes and machines that hold the secret agree without a
table between them, and keys rotate by time alone. A key's id is the thumbprint of its public half (RFC 7638).
"""

import base64
import datetime as dt
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from node.kernel.clock import Clock
from node.kernel.errors import Bug

SECRET_BYTES_MIN = 32
KEY_BYTES = 32
_GCM_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class SigningKey:
    kid: str
    private: Ed25519PrivateKey
    public: Ed25519PublicKey

    def jwk(self) -> dict[str, str]:
        """The public half (RFC 7517)."""
        return {**_public_members(self.public), "kid": self.kid, "use": "sig", "alg": "EdDSA"}


@dataclass(frozen=True, slots=True)
class _Ring:
    epoch: int
    current: SigningKey
    all: Mapping[str, SigningKey]


class SigningKeys:
    """The key that signs now, and those that may have signed what is still valid.

    Known are the epoch before, the present one and the next, so that clients which keep the set of keys see
    a key before it is used. `secret_before` reads tokens only: it is what the node's secret was.
    """

    def __init__(
        self, clock: Clock, *, secret: bytes, secret_before: bytes | None = None, epoch: dt.timedelta
    ) -> None:
        self._clock = clock
        self._secrets = [_checked(secret)] + ([_checked(secret_before)] if secret_before else [])
        self._epoch_s = int(epoch.total_seconds())
        self._ring = self._ring_of(self._epoch())

    def current(self) -> SigningKey:
        return self._fresh().current

    def find(self, kid: str) -> SigningKey | None:
        return self._fresh().all.get(kid)

    def published(self) -> Sequence[Mapping[str, str]]:
        return [key.jwk() for key in self._fresh().all.values()]

    def _epoch(self) -> int:
        return int(self._clock.now().timestamp()) // self._epoch_s

    def _fresh(self) -> _Ring:
        ring, epoch = self._ring, self._epoch()
        if ring.epoch != epoch:  # two threads may both make it: they make the same
            ring = self._ring = self._ring_of(epoch)
        return ring

    def _ring_of(self, epoch: int) -> _Ring:
        keys = [_signing_key(secret, n) for secret in self._secrets for n in (epoch, epoch - 1, epoch + 1)]
        return _Ring(epoch, keys[0], {key.kid: key for key in keys})


class Pepper:
    """Keyed hashes of what is too short to be hashed bare: codes, and phone numbers in the audit log."""

    def __init__(self, secret: bytes) -> None:
        self._key = derived(secret, "pepper")

    def digest(self, *parts: str) -> bytes:
        return hmac.new(self._key, "\x1f".join(parts).encode(), hashlib.sha256).digest()

    def matches(self, digest: bytes, *parts: str) -> bool:
        """In constant time."""
        return hmac.compare_digest(digest, self.digest(*parts))


class Seal:
    """Encrypts (AES-256-GCM) what must lie in the database for a moment; bound to its place by `context`."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(derived(secret, "seal"))

    def close(self, plain: str, *, context: str) -> bytes:
        nonce = secrets.token_bytes(_GCM_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain.encode(), context.encode())

    def open(self, sealed: bytes, *, context: str) -> str:
        """Raises Bug: it was closed with another secret, or for another place."""
        nonce, body = sealed[:_GCM_NONCE_BYTES], sealed[_GCM_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, body, context.encode()).decode()
        except InvalidTag as error:
            raise Bug("a sealed value does not open; was the node's secret changed?") from error


def derived(secret: bytes, purpose: str) -> bytes:
    hkdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"asoud identity {purpose}".encode())
    return hkdf.derive(_checked(secret))


def _checked(secret: bytes) -> bytes:
    if len(secret) < SECRET_BYTES_MIN:
        raise Bug("the node's secret is too short", bytes_min=SECRET_BYTES_MIN)
    return secret


def _signing_key(secret: bytes, epoch: int) -> SigningKey:
    return signing_key(Ed25519PrivateKey.from_private_bytes(derived(secret, f"access token {epoch}")))


def signing_key(private: Ed25519PrivateKey) -> SigningKey:
    """With the thumbprint of its public half as its id."""
    public = private.public_key()
    canonical = json.dumps(_public_members(public), sort_keys=True, separators=(",", ":"))
    return SigningKey(_b64(hashlib.sha256(canonical.encode()).digest()), private, public)


def _public_members(public: Ed25519PublicKey) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": _b64(public.public_bytes_raw())}


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
