"""Authenticator apps (TOTP, RFC 6238) and the recovery codes that stand in for them.

Invariants: a secret lies in the database sealed, recovery codes as keyed hashes; a code serves once, and none
serves that is older than one which has; wrong ones are counted, and the count is committed
although the request is refused, so refusals are returned here and raised by the edge.
"""

import base64
import datetime as dt
import hmac
import secrets
import uuid
from dataclasses import dataclass
from typing import Final

import pyotp
from sqlalchemy import delete, select, update

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Refused
from node.services.identity.counters import Counters, Limit
from node.services.identity.errors import (
    RecoveryCodeWrong,
    StepUpLimitReached,
    TotpOff,
    TotpOn,
    TotpUsed,
    TotpWrong,
)
from node.services.identity.keys import Pepper, Seal
from node.services.identity.models import RecoveryCode, Totp

CODE_DIGITS = 6
STEP_S = 30
STEPS_OFF = 1  # a phone's clock may be half a minute off, and typing takes a while
RECOVERY_CODES = 10
RECOVERY_BYTES = 10  # 80 bits: not to be guessed
RECOVERY_CHARS_MAX = 40  # as people type them, with dashes and spaces

_DAY = dt.timedelta(days=1)
# A stolen session has its own bound, so that it cannot use up the tries of the account's owner.
TRIES_OF_A_SESSION: Final = Limit("second_proofs_session", _DAY, 10)
TRIES_OF_AN_ACCOUNT: Final = Limit("second_proofs_account", _DAY, 30)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app is fed with: shown once."""

    secret: str
    uri: str


class TotpService:
    def __init__(self, clock: Clock, *, seal: Seal, pepper: Pepper, issuer: str) -> None:
        self._clock = clock
        self._seal = seal
        self._pepper = pepper
        self._issuer = issuer
        self._counters = Counters(clock)

    def is_on(self, tx: Tx, account_id: uuid.UUID) -> bool:
        found = select(Totp.account_id).where(Totp.account_id == account_id, Totp.confirmed_at.is_not(None))
        return tx.execute(found).scalar_one_or_none() is not None

    def codes_left(self, tx: Tx, account_id: uuid.UUID) -> int:
        unused = select(RecoveryCode.digest).where(
            RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None)
        )
        return len(tx.execute(unused).all())

    def enrol(self, tx: Tx, account_id: uuid.UUID) -> Enrolment:
        """Makes a secret, which counts as soon as it is confirmed. The account is locked by the caller.

        Raises:
            TotpOn: Take the present one away first.
        """
        if self.is_on(tx, account_id):
            raise TotpOn("take the present authenticator app away first")
        secret = pyotp.random_base32()
        tx.execute(delete(Totp).where(Totp.account_id == account_id))
        sealed = self._seal.close(secret, context=_context(account_id))
        tx.add(Totp(account_id=account_id, sealed=sealed, made_at=self._clock.now(), last_step=0))
        tx.flush()
        uri = pyotp.TOTP(secret).provisioning_uri(name=str(account_id)[:8], issuer_name=self._issuer)
        return Enrolment(secret, uri)

    def confirm(self, tx: Tx, account_id: uuid.UUID, session_id: uuid.UUID, code: str) -> Refused | None:
        """The app shows what it should, and serves from now on; or why not, to be raised after the commit."""
        totp = self._locked(tx, account_id)
        if totp is None:
            return TotpOff("ask for a secret first")
        if totp.confirmed_at is not None:
            return TotpOn("the authenticator app is confirmed already")
        refusal = self._judge(tx, totp, session_id, code)
        if refusal is None:
            totp.confirmed_at = self._clock.now()
            tx.flush()
        return refusal

    def check(self, tx: Tx, account_id: uuid.UUID, session_id: uuid.UUID, code: str) -> Refused | None:
        """Uses a code up; or says why not, to be raised after the commit."""
        totp = self._locked(tx, account_id)
        if totp is None or totp.confirmed_at is None:
            return TotpOff("the account has no authenticator app")
        return self._judge(tx, totp, session_id, code)

    def check_recovery(
        self, tx: Tx, account_id: uuid.UUID, session_id: uuid.UUID, code: str
    ) -> Refused | None:
        """Uses a recovery code up; or says why not, to be raised after the commit."""
        if not self._take(tx, account_id, session_id):
            return self._limit()
        used = tx.execute(
            update(RecoveryCode)
            .where(
                RecoveryCode.account_id == account_id,
                RecoveryCode.digest == self._recovery_digest(account_id, code),
                RecoveryCode.used_at.is_(None),
            )
            .values(used_at=self._clock.now())
            .returning(RecoveryCode.digest)
        ).scalar_one_or_none()
        if used is None:
            return RecoveryCodeWrong("that is none of the recovery codes, or it has served")
        self._give_back(tx, account_id, session_id)
        return None

    def make_codes(self, tx: Tx, account_id: uuid.UUID) -> list[str]:
        """New recovery codes, shown once; those of before serve no more. Raises TotpOff."""
        if not self.is_on(tx, account_id):
            raise TotpOff("the account has no authenticator app")
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        tx.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
        tx.add_all(
            RecoveryCode(account_id=account_id, digest=self._recovery_digest(account_id, code))
            for code in codes
        )
        tx.flush()
        return codes

    def remove(self, tx: Tx, account_id: uuid.UUID) -> bool:
        """Takes the app and its recovery codes away; says whether there was one."""
        tx.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
        gone = delete(Totp).where(Totp.account_id == account_id).returning(Totp.account_id)
        return tx.execute(gone).scalar_one_or_none() is not None

    def _locked(self, tx: Tx, account_id: uuid.UUID) -> Totp | None:
        return tx.execute(
            select(Totp).where(Totp.account_id == account_id).with_for_update()
        ).scalar_one_or_none()

    def _judge(self, tx: Tx, totp: Totp, session_id: uuid.UUID, code: str) -> Refused | None:
        """Counts the try before it looks at the code."""
        if not self._take(tx, totp.account_id, session_id):
            return self._limit()
        step = self._step_of(totp, code)
        if step is None:
            return TotpWrong("that is not what the authenticator app shows now")
        if step <= totp.last_step:
            return TotpUsed("that code has served; wait for the next one")
        totp.last_step = step
        tx.flush()
        self._give_back(tx, totp.account_id, session_id)
        return None

    def _step_of(self, totp: Totp, code: str) -> int | None:
        """The newest step whose code it is; each is compared, in constant time."""
        app = pyotp.TOTP(self._seal.open(totp.sealed, context=_context(totp.account_id)))
        now = int(self._clock.now().timestamp()) // STEP_S
        steps = range(now - STEPS_OFF, now + STEPS_OFF + 1)
        fitting = [step for step in steps if hmac.compare_digest(app.generate_otp(step), code)]
        return max(fitting, default=None)

    def _take(self, tx: Tx, account_id: uuid.UUID, session_id: uuid.UUID) -> bool:
        return self._counters.take(tx, TRIES_OF_A_SESSION, str(session_id)) and self._counters.take(
            tx, TRIES_OF_AN_ACCOUNT, str(account_id)
        )

    def _give_back(self, tx: Tx, account_id: uuid.UUID, session_id: uuid.UUID) -> None:
        self._counters.give_back(tx, TRIES_OF_A_SESSION, str(session_id))
        self._counters.give_back(tx, TRIES_OF_AN_ACCOUNT, str(account_id))

    def _limit(self) -> StepUpLimitReached:
        wait_s = self._counters.wait_s(TRIES_OF_AN_ACCOUNT)
        return StepUpLimitReached("too many wrong codes", retry_after_s=wait_s)

    def _recovery_digest(self, account_id: uuid.UUID, code: str) -> bytes:
        plain = "".join(c for c in code.upper() if c.isalnum())
        return self._pepper.digest("recovery", str(account_id), plain)


def _context(account_id: uuid.UUID) -> str:
    return f"totp:{account_id}"


def _recovery_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode()
    return "-".join(letters[n : n + 4] for n in range(0, len(letters), 4))
