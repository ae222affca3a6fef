"""How a command and an effect run, with and without an `Idempotency-Key`.

Invariants: the answer of a command is made before its COMMIT and leaves only after it; a stored answer and
the effect that it tells of are in one transaction; a 5xx is never stored.
"""

import datetime as dt
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from psycopg.errors import LockNotAvailable
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.responses import Response

from api.edge_errors import IdempotencyKeyBusy, IdempotencyKeyReused
from api.errors import problem_of
from node.kernel.clock import Clock
from node.kernel.db.idempotency import Claim, StoredAnswer, forget, store, take
from node.kernel.db.unit_of_work import Database, Tx
from node.kernel.errors import AsoudError, Refused
from node.kernel.log import get_logger

log = get_logger(__name__)

DUPLICATE_WAIT = "2s"  # how long a duplicate waits for the first before it is told to come back
EFFECT_LEASE = dt.timedelta(
    minutes=1
)  # longer than any chain of RPC timeouts; then a crashed effect is retried
STORED_HEADERS = ("content-type", "content-language", "location", "etag")

Begin = Callable[[], AbstractContextManager[Tx]]

_SHORT_LOCK_TIMEOUT = text(f"SET LOCAL lock_timeout = '{DUPLICATE_WAIT}'")
_USUAL_LOCK_TIMEOUT = text("SET LOCAL lock_timeout TO DEFAULT")


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a command or an effect; `claim` is None without a key."""

    database: Database
    clock: Clock
    claim: Claim | None


class CommandCall(Call):
    __slots__ = ()

    def run(self, endpoint: Callable[[Tx], Response]) -> Response:
        """Runs the endpoint in one transaction; returns after its COMMIT."""
        with self.database.transaction() as tx:
            return endpoint(tx) if self.claim is None else _keyed(self, self.claim, tx, endpoint)


class EffectCall(Call):
    __slots__ = ()

    def run(self, endpoint: Callable[[Begin], Response]) -> Response:
        """Runs the endpoint outside of any transaction; it opens its own."""
        begin = self.database.transaction
        if self.claim is None:
            return endpoint(begin)
        with begin() as tx:
            held = _take(self, self.claim, tx)
        if held is not None:
            return _replay(self.claim, held)
        try:
            answer = endpoint(begin)
        except Refused as refusal:
            answer = problem_of(refusal)
        except BaseException:
            _forget(begin, self.claim)
            raise
        _remember(begin, self.claim, answer)
        return answer


def _keyed(call: Call, claim: Claim, tx: Tx, endpoint: Callable[[Tx], Response]) -> Response:
    held = _take(call, claim, tx)
    if held is not None:
        return _replay(claim, held)
    try:
        with tx.begin_nested():
            answer = endpoint(tx)
    except Refused as refusal:
        answer = problem_of(refusal)
    _store(tx, claim, answer)
    return answer


def _take(call: Call, claim: Claim, tx: Tx) -> StoredAnswer | None:
    tx.execute(_SHORT_LOCK_TIMEOUT)
    try:
        held = take(tx, claim, now=call.clock.now(), lease=EFFECT_LEASE)
    except DBAPIError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise _busy() from error
        raise
    tx.execute(_USUAL_LOCK_TIMEOUT)
    return held


def _busy() -> IdempotencyKeyBusy:
    return IdempotencyKeyBusy("the first request under this key is still being worked on", retry_after_s=2)


def _replay(claim: Claim, held: StoredAnswer) -> Response:
    if held.fingerprint != claim.fingerprint:
        raise IdempotencyKeyReused("the key came with another path or body before; take a new one")
    if held.status is None:
        raise _busy()
    return Response(held.body, held.status, headers={**held.headers, "Idempotent-Replayed": "true"})


def _store(tx: Tx, claim: Claim, answer: Response) -> None:
    headers = {name: answer.headers[name] for name in STORED_HEADERS if name in answer.headers}
    store(tx, claim, status=answer.status_code, headers_json=json.dumps(headers), body=bytes(answer.body))


def _remember(begin: Begin, claim: Claim, answer: Response) -> None:
    """The outcome is committed already: losing its answer costs a replay, and must not turn it into a 500."""
    try:
        with begin() as tx:
            _store(tx, claim, answer)
    except AsoudError:
        log.exception("idempotent_answer_lost", route=claim.route)


def _forget(begin: Begin, claim: Claim) -> None:
    """When this fails too, the lease frees the key."""
    try:
        with begin() as tx:
            forget(tx, claim)
    except AsoudError:
        log.exception("idempotency_key_kept", route=claim.route)
