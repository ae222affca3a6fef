"""What concerns the safety of accounts, kept for ever: who got in, who did not, and what was changed.

Phone numbers are in it as keyed hashes, so that the log outlives the person. Codes and tokens never are.
"""

import uuid
from enum import StrEnum

import structlog

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.ids import new_id
from node.services.identity.models import AuditEntry

ORIGIN_CHARS_MAX = 64


class Act(StrEnum):
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    LINKED = "linked"
    UNLINKED = "unlinked"
    CODE_REQUESTED = "code_requested"
    CODE_REFUSED = "code_refused"
    CODE_WRONG = "code_wrong"
    REFRESH_REUSED = "refresh_reused"
    NEW_DEVICE = "new_device"
    STEPPED_UP = "stepped_up"
    STEP_UP_REFUSED = "step_up_refused"
    TOTP_ON = "totp_on"
    TOTP_OFF = "totp_off"
    MERGED = "merged"
    CLOSED = "closed"
    EXPORTED = "exported"
    RECOVERY_ASKED = "recovery_asked"
    RECOVERY_CANCELLED = "recovery_cancelled"
    RECOVERY_DONE = "recovery_done"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    KEY_MADE = "key_made"
    KEY_ROTATED = "key_rotated"
    KEY_REVOKED = "key_revoked"
    ROLE_GRANTED = "role_granted"
    ROLE_REVOKED = "role_revoked"
    FROZEN = "account_frozen"
    UNFROZEN = "account_unfrozen"
    SIGNED_OUT_BY_OPERATOR = "signed_out_by_operator"
    EVENTS_REPLAYED = "events_replayed"
    TASK_RETRIED = "task_retried"
    WITHDRAWAL_APPROVED = "withdrawal_approved"
    WITHDRAWAL_REJECTED = "withdrawal_rejected"
    PAYOUT_APPROVED = "payout_approved"
    PAYOUT_REJECTED = "payout_rejected"
    INCIDENT_RESOLVED = "incident_resolved"
    DEPOSIT_LOSS_SETTLED = "deposit_loss_settled"


class Audit:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def note(
        self, tx: Tx, act: str, *, account_id: uuid.UUID | None = None, subject: str = "", origin: str = ""
    ) -> None:
        """Writes in the caller's transaction: what must survive a refusal is noted in one of its own.

        Args:
            act: One of `Act`, or of another noun's own.
            subject: What it was done with: `wallet:0x…`, `phone:<keyed hash>`, `session:<id>`.
            origin: The client's network address, as far as it is known.
        """
        tx.add(
            AuditEntry(
                id=new_id(),
                at=self._clock.now(),
                act=str(act),
                account_id=account_id,
                subject=subject,
                origin=origin[:ORIGIN_CHARS_MAX],
                request_id=structlog.contextvars.get_contextvars().get("request_id"),
            )
        )
        tx.flush()
