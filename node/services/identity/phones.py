"""Codes by text message: a phone proves itself by saying what was sent to it.

Invariants: a code belongs to its challenge and serves once; tries and counts are committed whatever is
refused afterwards, so refusals are returned here and raised by the edge; who asks for another person's phone
learns nothing of whether the node knows it. The code lies in the database as a keyed hash, and sealed until
it is sent; it is in no event, task or log.
"""

import datetime as dt
import secrets
import uuid
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from sqlalchemy import select, text

from node.events.account import PhoneCodeRequested, PhoneCodeUndelivered
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx, rows_touched
from node.kernel.errors import AsoudError
from node.kernel.ids import new_id
from node.kernel.log import get_logger
from node.kernel.spine.record import EventRecorder
from node.services.identity.audit import Act, Audit
from node.services.identity.counters import Counters, Limit
from node.services.identity.errors import (
    ChallengeUnknown,
    CodeExpired,
    CodeTooSoon,
    CodeTriesUsedUp,
    CodeUsed,
    CodeWrong,
    PhoneLimitReached,
    PhoneSignInOff,
    SpendCeilingReached,
)
from node.services.identity.keys import Pepper, Seal
from node.services.identity.models import Account, PhoneChallenge
from node.services.identity.numbers import PhoneNumber, home_of, network_of, range_of, require_country
from node.services.identity.proof import PhoneProof, Purpose
from node.services.identity.sessions import Client
from node.services.identity.words import WORDS, language_of

log = get_logger(__name__)

CODE_DIGITS = 6
CODE_LIFE = dt.timedelta(minutes=5)
TRIES_OF_A_CODE = 5
TRIES_OF_A_PHONE: Final = Limit("phone_tries", dt.timedelta(days=1), 20)
RESEND_FIRST = dt.timedelta(seconds=30)  # doubles with each code that was asked for and not used
RESEND_MOST = dt.timedelta(minutes=15)
RESEND_MEMORY = dt.timedelta(hours=1)
PREFIX_CHARS = 6  # country and operator, plus sign included
ASKED_MIN = 20  # fewer say nothing
USED_PERCENT_MIN = 20  # people use most of the codes that they ask for
WATCHED = dt.timedelta(hours=6)
WARNINGS_MAX = 20
DELIVERED, FAILED = "delivered", "failed"
KEPT = dt.timedelta(days=1)  # after a code ran out; above RESEND_MEMORY
PRUNE_MAX = 5_000

_HOUR = dt.timedelta(hours=1)
_DAY = dt.timedelta(days=1)
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:phone, 0))")
_PRUNE = text("""
    DELETE FROM identity.phone_challenge WHERE id IN (
        SELECT id FROM identity.phone_challenge WHERE expires_at <= :before ORDER BY expires_at LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
""")

# Of the prefixes that many codes were asked for, those where hardly any was used: nobody reads them there.
_UNUSED = text("""
    SELECT left(phone, :digits) AS prefix, count(*) AS asked, count(used_at) AS used
    FROM identity.phone_challenge
    WHERE requested_at > :since AND expires_at <= :now
    GROUP BY 1 HAVING count(*) >= :asked_min AND count(used_at) * 100 < count(*) * :used_percent_min
    ORDER BY asked DESC, prefix LIMIT :limit
""")

Begin = Callable[[], AbstractContextManager[Tx]]


class SmsSender(Protocol):
    def send(self, to: str, text: str, *, but: AbstractSet[str] = frozenset()) -> str:
        """Hands one message over; returns `<carrier>:<its id>`. Raises Transient, Refused.

        Args:
            but: Carriers that did not deliver it.
        """

    def may_fail_over(self, tried: AbstractSet[str]) -> bool:
        """Whether one of these tells what becomes of its messages, and another one is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneRules:
    """What the operator allows, against those who let messages be sent for money."""

    countries: frozenset[str]
    per_address_hour: int
    per_network_hour: int
    per_range_hour: int
    per_phone_day: int
    price: int
    """Of one message, in whatever unit the ceiling is in."""
    spend_day: int


@dataclass(frozen=True, slots=True)
class Challenge:
    id: uuid.UUID
    expires_at: dt.datetime
    resend_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Unused:
    """Codes that nobody used: somebody may let messages be sent for a share of their price."""

    prefix: str
    asked: int
    used: int


class PhoneService:
    def __init__(
        self,
        clock: Clock,
        events: EventRecorder,
        audit: Audit,
        *,
        pepper: Pepper,
        seal: Seal,
        sender: SmsSender | None,
        rules: PhoneRules,
        domain: str,
    ) -> None:
        self._clock = clock
        self._events = events
        self._audit = audit
        self._counters = Counters(clock)
        self._pepper = pepper
        self._seal = seal
        self._sender = sender
        self._rules = rules
        self._domain = domain

    @property
    def countries(self) -> AbstractSet[str]:
        """Whose phones sign in."""
        return self._rules.countries

    def proof(self, phone: PhoneNumber) -> PhoneProof:
        return PhoneProof(phone, f"phone:{self._pepper.digest('phone', phone).hex()[:32]}")

    def challenge(
        self,
        tx: Tx,
        phone: PhoneNumber,
        client: Client,
        *,
        purpose: Purpose = Purpose.SIGN_IN,
        account_id: uuid.UUID | None = None,
    ) -> Challenge | AsoudError:
        """Makes a code and lets it be sent; or why not, to be raised after the commit.

        Args:
            account_id: The account that asks; None to sign in.

        Raises:
            PhoneSignInOff, PhoneCountryRefused: Whoever asks; nothing was counted.
        """
        if self._sender is None:
            raise PhoneSignInOff("this node sends no text messages")
        require_country(phone, self._rules.countries)
        refusal = self._admit(tx, phone, client)
        act = Act.CODE_REQUESTED if refusal is None else Act.CODE_REFUSED
        subject = self.proof(phone).subject
        self._audit.note(tx, act, account_id=account_id, subject=subject, origin=client.origin)
        return refusal or self._make(tx, phone, purpose, account_id, client)

    def attempt(
        self,
        tx: Tx,
        challenge_id: uuid.UUID,
        code: str,
        client: Client,
        *,
        purpose: Purpose = Purpose.SIGN_IN,
        account_id: uuid.UUID | None = None,
    ) -> PhoneProof | AsoudError:
        """The phone that said its code; or why not, to be raised after the commit."""
        found = tx.execute(
            select(PhoneChallenge).where(PhoneChallenge.id == challenge_id).with_for_update()
        ).scalar_one_or_none()
        if found is None or (found.purpose, found.account_id) != (purpose, account_id):
            return ChallengeUnknown("there is no such challenge; ask for a code")
        refusal = self._judge(tx, found, code)
        proof = self.proof(PhoneNumber(found.phone))
        if refusal is None:
            found.used_at = self._clock.now()
            found.sealed = None
            tx.flush()
            return proof
        self._audit.note(
            tx, Act.CODE_WRONG, account_id=account_id, subject=proof.subject, origin=client.origin
        )
        return refusal

    def deliver(self, begin: Begin, challenge_id: uuid.UUID) -> None:
        """Sends a challenge's code, unless it was sent or is of no use any more. The worker calls it.

        At least once: a crash after the carrier took the message sends the same code again.

        Raises:
            Transient: Try again.
            Refused: No carrier will ever take it.
        """
        with begin() as tx:
            found = tx.get(PhoneChallenge, challenge_id)
        now = self._clock.now()
        if found is None or not _is_waiting(found, now) or found.sealed is None or self._sender is None:
            log.info("code_not_sent", challenge=str(challenge_id))
            return
        code = self._seal.open(found.sealed, context=str(found.id))
        words = WORDS[found.language].code(Purpose(found.purpose), code, domain=self._domain)
        sent_as = self._sender.send(found.phone, words, but=frozenset(found.tried))
        with begin() as tx:
            sent = tx.get(PhoneChallenge, challenge_id, with_for_update=True)
            if sent is not None:
                sent.sent_as, sent.delivery = sent_as, None
                sent.tried = [*sent.tried, sent_as.partition(":")[0]]
                if not self._sender.may_fail_over(frozenset(sent.tried)):
                    sent.sealed = None

    def report(self, tx: Tx, sent_as: str, *, is_delivered: bool) -> None:
        """What a carrier says of a message that it took. What it did not deliver goes by another one.

        Late, doubled and unknown reports change nothing.
        """
        found = tx.execute(
            select(PhoneChallenge)
            .where(PhoneChallenge.sent_as == sent_as)
            .order_by(PhoneChallenge.requested_at.desc())
            .limit(1)
            .with_for_update()
        ).scalar_one_or_none()
        if found is None or found.delivery is not None:
            return
        found.delivery = DELIVERED if is_delivered else FAILED
        if is_delivered:
            found.sealed = None
        elif found.sealed is not None:
            undelivered = PhoneCodeUndelivered(challenge_id=str(found.id))
            self._events.record(tx, f"phone_challenge:{found.id}", undelivered)
        tx.flush()

    def unused(self, tx: Tx) -> list[Unused]:
        """The prefixes to worry about. The beat asks."""
        now = self._clock.now()
        parameters = {
            "digits": PREFIX_CHARS,
            "since": now - WATCHED,
            "now": now,
            "asked_min": ASKED_MIN,
            "used_percent_min": USED_PERCENT_MIN,
            "limit": WARNINGS_MAX,
        }
        return [Unused(row.prefix, row.asked, row.used) for row in tx.execute(_UNUSED, parameters)]

    def prune(self, tx: Tx) -> int:
        """Forgets old challenges and counts; returns how many rows. The beat calls it."""
        parameters = {"before": self._clock.now() - KEPT, "limit": PRUNE_MAX}
        return rows_touched(tx, _PRUNE, parameters) + self._counters.prune(tx)

    def _admit(self, tx: Tx, phone: PhoneNumber, client: Client) -> AsoudError | None:
        """Counts the request. Who asks is judged first: a refused one takes nothing from the phone's owner.

        Every request takes its locks in this order.
        """
        rules = self._rules
        by_whom = (
            (Limit("codes_address", _HOUR, rules.per_address_hour), home_of(client.origin)),
            (Limit("codes_network", _HOUR, rules.per_network_hour), network_of(client.origin)),
        )
        for_whom = (
            (Limit("codes_range", _HOUR, rules.per_range_hour), range_of(phone)),
            (Limit("codes_phone", _DAY, rules.per_phone_day), phone),
        )
        refusal = self._take(tx, by_whom)
        if refusal is not None:
            return refusal
        tx.execute(_ONE_AT_A_TIME, {"phone": phone})
        wait = self._resend_at(tx, phone) - self._clock.now()
        if wait > dt.timedelta(0):
            wait_s = int(wait.total_seconds()) + 1
            return CodeTooSoon("wait before you ask for another code", retry_after_s=wait_s)
        refusal = self._take(tx, for_whom)
        if refusal is not None:
            return refusal
        spend = Limit("codes_spend", _DAY, rules.spend_day)
        if not self._counters.take(tx, spend, "", rules.price):
            log.error("sms_spend_ceiling_reached", ceiling=rules.spend_day)
            wait_s = self._counters.wait_s(spend)
            return SpendCeilingReached("no more messages are sent today", retry_after_s=wait_s)
        return None

    def _take(self, tx: Tx, limits: tuple[tuple[Limit, str], ...]) -> AsoudError | None:
        for limit, subject in limits:
            if not self._counters.take(tx, limit, subject):
                wait_s = self._counters.wait_s(limit)
                return PhoneLimitReached("too many codes were asked for", retry_after_s=wait_s)
        return None

    def _resend_at(self, tx: Tx, phone: PhoneNumber) -> dt.datetime:
        """When the next code may be asked for: at once after a code was used, else later and later."""
        since = self._clock.now() - RESEND_MEMORY
        asked = select(PhoneChallenge.requested_at, PhoneChallenge.used_at).where(
            PhoneChallenge.phone == phone, PhoneChallenge.requested_at > since
        )
        unused: list[dt.datetime] = []
        for requested_at, used_at in tx.execute(asked.order_by(PhoneChallenge.requested_at)):
            unused = [] if used_at is not None else [*unused, requested_at]
        if not unused:
            return since
        return unused[-1] + min(RESEND_FIRST * (1 << (len(unused) - 1)), RESEND_MOST)

    def _make(
        self,
        tx: Tx,
        phone: PhoneNumber,
        purpose: Purpose,
        account_id: uuid.UUID | None,
        client: Client,
    ) -> Challenge:
        profile = tx.execute(select(Account.language).where(Account.id == account_id)).scalar_one_or_none()
        now = self._clock.now()
        challenge_id = new_id()
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        made = PhoneChallenge(
            id=challenge_id,
            phone=phone,
            purpose=purpose.value,
            account_id=account_id,
            digest=self._pepper.digest(str(challenge_id), phone, code),
            sealed=self._seal.close(code, context=str(challenge_id)),
            requested_at=now,
            expires_at=now + CODE_LIFE,
            tries=0,
            language=language_of(phone, client.languages, profile=profile),
            tried=[],
        )
        tx.add(made)
        tx.flush()
        requested = PhoneCodeRequested(challenge_id=str(challenge_id))
        self._events.record(tx, f"phone_challenge:{challenge_id}", requested, expected_version=0)
        return Challenge(challenge_id, made.expires_at, self._resend_at(tx, phone))

    def _judge(self, tx: Tx, found: PhoneChallenge, code: str) -> AsoudError | None:
        """Counts the try before it looks at the code."""
        if found.used_at is not None:
            return CodeUsed("the code was used already; ask for a new one")
        if self._clock.now() >= found.expires_at:
            return CodeExpired("the code has run out; ask for a new one")
        if found.tries >= TRIES_OF_A_CODE:
            return CodeTriesUsedUp("too many wrong codes; ask for a new one")
        if not self._counters.take(tx, TRIES_OF_A_PHONE, found.phone):
            wait_s = self._counters.wait_s(TRIES_OF_A_PHONE)
            return PhoneLimitReached("too many codes were tried for this phone", retry_after_s=wait_s)
        found.tries += 1
        tx.flush()
        if not self._pepper.matches(found.digest, str(found.id), found.phone, code):
            return CodeWrong("that is not the code", tries_left=TRIES_OF_A_CODE - found.tries)
        return None


def _is_waiting(found: PhoneChallenge, now: dt.datetime) -> bool:
    """Not sent yet, or sent by a carrier that failed; and still of use."""
    is_open = found.used_at is None and now < found.expires_at
    return is_open and (found.sent_as is None or found.delivery == FAILED)
