"""API keys: what programs act with, for an account or for one of its markets.

Invariants: a secret is shown once and kept as SHA-256; a key does what its scopes say and its account may at
that moment, and nothing else; revoked means revoked with the next request.
"""

import datetime as dt
import hashlib
import hmac
import json
import re
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

from sqlalchemy import func, or_, select, text, update

from node.kernel.clock import Clock
from node.kernel.db.query_pool import QueryPool
from node.kernel.db.unit_of_work import Database, Tx
from node.kernel.errors import Invalid
from node.kernel.hexes import parse_address
from node.kernel.ids import new_id
from node.kernel.text import one_line
from node.services.identity.audit import Act, Audit
from node.services.identity.errors import KeyInvalid, KeyRevoked, KeyUnknown, ScopeInvalid, TooManyKeys
from node.services.identity.models import ApiKey, ApiKeySecret
from node.services.identity.scopes import SCOPES_MAX, checked_scopes
from node.services.identity.tokens import Principal

PREFIX = "asoud_ak_"  # lets scanners of leaked secrets know one when they see it
LOOKUP_BYTES = 8
SECRET_BYTES = 32
NAME_CHARS_MAX = 80
KEYS_MAX = 50  # of one account that count
OVERLAP_MAX = dt.timedelta(days=7)
USED_EVERY = dt.timedelta(minutes=5)  # how exact the time of last use is: no write for each request

_TOKEN = re.compile(rf"{PREFIX}([0-9a-f]{{{2 * LOOKUP_BYTES}}})_([A-Za-z0-9_-]{{43}})", re.ASCII)
_NOBODY = bytes(32)
_FIND: Final[LiteralString] = """
    SELECT json_build_object(
        'id', api_key.id,
        'account_id', api_key.account_id,
        'digest', encode(secret.digest, 'hex'),
        'scopes', array_to_json(api_key.scopes),
        'per_minute', api_key.per_minute,
        'counts', api_key.revoked_at IS NULL
            AND (api_key.expires_at IS NULL OR api_key.expires_at > %(now)s)
            AND (secret.expires_at IS NULL OR secret.expires_at > %(now)s),
        'used_lately', coalesce(api_key.used_at > %(lately)s, false),
        'is_frozen', (SELECT frozen_at IS NOT NULL FROM identity.account WHERE id = api_key.account_id),
        'wallet', (
            SELECT '0x' || encode(wallet.address, 'hex') FROM identity.wallet
            WHERE wallet.account_id = api_key.account_id ORDER BY wallet.linked_at, wallet.address LIMIT 1
        )
    )
    FROM identity.api_key_secret AS secret JOIN identity.api_key ON api_key.id = secret.key_id
    WHERE secret.lookup = %(lookup)s
"""
_USED = text("""
    UPDATE identity.api_key SET used_at = :now WHERE id = :id AND (used_at IS NULL OR used_at <= :lately)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWish:
    name: str
    scopes: Sequence[str]
    per_minute: int
    market_id: uuid.UUID | None = None
    """A key of this market acts there alone."""
    expires_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyCaller:
    """Who a key speaks for, and what it may."""

    principal: Principal
    scopes: frozenset[str]
    per_minute: int
    used_lately: bool
    is_frozen: bool
    """The account, at this moment."""


class ApiKeyService:
    def __init__(self, clock: Clock, audit: Audit, *, per_minute_max: int) -> None:
        self._clock = clock
        self._audit = audit
        self.per_minute_max = per_minute_max

    def make(self, tx: Tx, account_id: uuid.UUID, wish: KeyWish, *, origin: str) -> tuple[ApiKey, str]:
        """A key and its secret, which nobody sees a second time.

        Raises:
            Invalid, TextInvalid, ScopeInvalid: By what is wrong.
            TooManyKeys: The account has enough.
        """
        now = self._clock.now()
        self._check(wish, now)
        if self._counting(tx, account_id, now) >= KEYS_MAX:
            raise TooManyKeys(f"an account has at most {KEYS_MAX} API keys; revoke one first", most=KEYS_MAX)
        key = ApiKey(
            id=new_id(),
            account_id=account_id,
            market_id=wish.market_id,
            name=one_line(wish.name, field="name", chars_max=NAME_CHARS_MAX),
            scopes=checked_scopes(wish.scopes, market_id=wish.market_id),
            per_minute=wish.per_minute,
            made_at=now,
            expires_at=wish.expires_at,
            revoked_at=None,
            used_at=None,
        )
        tx.add(key)
        tx.flush()
        self._note(tx, Act.KEY_MADE, key, origin)
        return key, self._new_secret(tx, key)

    def rotate(
        self, tx: Tx, key_id: uuid.UUID, *, account_id: uuid.UUID, overlap: dt.timedelta, origin: str
    ) -> tuple[ApiKey, str]:
        """A new secret; those before serve for `overlap` more, and no longer than they would have.

        Raises:
            KeyUnknown, KeyRevoked: There is none to rotate.
            Invalid: The overlap is too long.
        """
        if not dt.timedelta(0) <= overlap <= OVERLAP_MAX:
            raise Invalid(f"secrets overlap for {OVERLAP_MAX.days} days at most", field="overlap_s")
        key = self._owned(tx, key_id, account_id)
        if key.revoked_at is not None:
            raise KeyRevoked("the key was revoked; make another one")
        until = self._clock.now() + overlap
        is_later = or_(ApiKeySecret.expires_at.is_(None), ApiKeySecret.expires_at > until)
        tx.execute(
            update(ApiKeySecret).where(ApiKeySecret.key_id == key_id, is_later).values(expires_at=until)
        )
        self._note(tx, Act.KEY_ROTATED, key, origin)
        return key, self._new_secret(tx, key)

    def revoke(self, tx: Tx, key_id: uuid.UUID, *, account_id: uuid.UUID, origin: str) -> None:
        """Again is fine. Raises KeyUnknown."""
        key = self._owned(tx, key_id, account_id)
        if key.revoked_at is None:
            key.revoked_at = self._clock.now()
            tx.flush()
            self._note(tx, Act.KEY_REVOKED, key, origin)

    async def caller(self, queries: QueryPool, token: str) -> KeyCaller:
        """Who the key speaks for. Raises KeyInvalid, without saying why: a guess learns nothing."""
        parts = _TOKEN.fullmatch(token)
        lookup, secret = parts.groups() if parts else ("", "")
        now = self._clock.now()
        raw = await queries.json(_FIND, {"lookup": lookup, "now": now, "lately": now - USED_EVERY})
        found = None if raw is None else json.loads(raw)
        digest = _NOBODY if found is None else bytes.fromhex(found["digest"])
        is_right = hmac.compare_digest(_digest(secret), digest)
        if found is None or not is_right or not found["counts"]:
            raise KeyInvalid("the API key does not count: it is not one of ours, was revoked or has run out")
        key_id = uuid.UUID(found["id"])
        wallet = None if found["wallet"] is None else parse_address(found["wallet"])
        principal = Principal(uuid.UUID(found["account_id"]), wallet, key_id, is_key=True)
        return KeyCaller(
            principal,
            frozenset(found["scopes"]),
            found["per_minute"],
            used_lately=found["used_lately"],
            is_frozen=found["is_frozen"],
        )

    def note_use(self, database: Database, caller: KeyCaller) -> None:
        now = self._clock.now()
        parameters = {"id": caller.principal.session_id, "now": now, "lately": now - USED_EVERY}
        with database.transaction() as tx:
            tx.execute(_USED, parameters)

    def _check(self, wish: KeyWish, now: dt.datetime) -> None:
        if not 1 <= wish.per_minute <= self.per_minute_max:
            raise Invalid(f"a key makes 1 to {self.per_minute_max} requests a minute", field="per_minute")
        if wish.expires_at is not None and wish.expires_at <= now:
            raise Invalid("the key would have run out already", field="expires_at")
        if not 1 <= len(wish.scopes) <= SCOPES_MAX:
            raise ScopeInvalid(f"a key has 1 to {SCOPES_MAX} scopes", field="scopes")

    def _new_secret(self, tx: Tx, key: ApiKey) -> str:
        lookup, secret = secrets.token_hex(LOOKUP_BYTES), secrets.token_urlsafe(SECRET_BYTES)
        row = ApiKeySecret(
            lookup=lookup,
            key_id=key.id,
            digest=_digest(secret),
            made_at=self._clock.now(),
            expires_at=None,
        )
        tx.add(row)
        tx.flush()
        return f"{PREFIX}{lookup}_{secret}"

    def _owned(self, tx: Tx, key_id: uuid.UUID, account_id: uuid.UUID) -> ApiKey:
        is_theirs = (ApiKey.id == key_id, ApiKey.account_id == account_id)
        key = tx.execute(select(ApiKey).where(*is_theirs).with_for_update()).scalar_one_or_none()
        if key is None:
            raise KeyUnknown("the account has no such API key")
        return key

    def _counting(self, tx: Tx, account_id: uuid.UUID, now: dt.datetime) -> int:
        counts = (
            ApiKey.account_id == account_id,
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
        )
        return int(tx.execute(select(func.count()).select_from(ApiKey).where(*counts)).scalar_one())

    def _note(self, tx: Tx, act: Act, key: ApiKey, origin: str) -> None:
        self._audit.note(tx, act, account_id=key.account_id, subject=f"key:{key.id}", origin=origin)


def is_key(token: str) -> bool:
    """Whether it wants to be one; `ApiKeyService.caller` says whether it is."""
    return token.startswith(PREFIX)


def _digest(secret: str) -> bytes:
    """The secret has 256 random bits: a slow hash would protect it no better."""
    return hashlib.sha256(secret.encode()).digest()
