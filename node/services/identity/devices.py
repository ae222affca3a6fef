"""Which devices an account knows, and the time to notice one that it does not.

A device knows itself again by a token from its last sign-in. Whoever signs in without one, and whoever adds a
wallet or a phone, may be a thief: for a while nothing can be withdrawn, so that the owner has time to act.
That time is kept with the account: neither signing the device out nor taking the phone away ends it.
"""

import datetime as dt
import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select, text, update

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx, rows_touched
from node.kernel.ids import new_id
from node.services.identity.audit import Act, Audit
from node.services.identity.errors import AccountUnknown
from node.services.identity.models import Account, Device

TOKEN_BYTES = 32
TOKEN_PREFIX = "asoud_dt_"  # noqa: S105 - lets scanners of leaked secrets know one when they see it
TOKEN_CHARS_MAX = 100
KEPT = dt.timedelta(days=400)  # without a sign-in; the longest that browsers keep a cookie
PRUNE_MAX = 5_000

_PRUNE = text("""
    DELETE FROM identity.device WHERE id IN (
        SELECT id FROM identity.device WHERE seen_at <= :before ORDER BY seen_at LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
""")


@dataclass(frozen=True, slots=True)
class KnownDevice:
    id: uuid.UUID
    token: str


class DeviceService:
    def __init__(self, clock: Clock, audit: Audit, *, cool_down: dt.timedelta) -> None:
        self._clock = clock
        self._audit = audit
        self._cool_down = cool_down

    def recognise(
        self, tx: Tx, account_id: uuid.UUID, token: str, *, origin: str, is_account_new: bool
    ) -> KnownDevice:
        """The device of a sign-in. One that is not known is from now on, and starts the cool-down."""
        now = self._clock.now()
        known = tx.execute(
            update(Device)
            .where(Device.account_id == account_id, Device.digest == _digest(token))
            .values(seen_at=now)
            .returning(Device.id)
        ).scalar_one_or_none()
        if known is not None:
            return KnownDevice(known, token)
        made = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        device = Device(id=new_id(), account_id=account_id, digest=_digest(made), seen_at=now)
        tx.add(device)
        tx.flush()
        if not is_account_new:
            self.cool_down(tx, account_id)
            subject = f"device:{device.id}"
            self._audit.note(tx, Act.NEW_DEVICE, account_id=account_id, subject=subject, origin=origin)
        return KnownDevice(device.id, made)

    def cool_down(self, tx: Tx, account_id: uuid.UUID) -> None:
        """Starts the time in which nothing can be withdrawn, or starts it again."""
        until = self._clock.now() + self._cool_down
        later = func.greatest(Account.withdrawals_open_at, until)
        tx.execute(update(Account).where(Account.id == account_id).values(withdrawals_open_at=later))

    def withdrawals_open_at(self, tx: Tx, account_id: uuid.UUID) -> dt.datetime | None:
        """When the account may withdraw again; None when it may now. Raises AccountUnknown."""
        found = tx.execute(select(Account.withdrawals_open_at).where(Account.id == account_id)).one_or_none()
        if found is None:
            raise AccountUnknown("there is no such account")
        open_at: dt.datetime | None = found.withdrawals_open_at
        return None if open_at is None or open_at <= self._clock.now() else open_at

    def forget(self, tx: Tx, device_ids: Sequence[uuid.UUID | None]) -> None:
        """What was signed out from elsewhere is a new device when it comes again."""
        tx.execute(delete(Device).where(Device.id.in_(device_ids)))

    def prune(self, tx: Tx) -> int:
        """Forgets devices that nobody used for long, at most `PRUNE_MAX`; says how many."""
        return rows_touched(tx, _PRUNE, {"before": self._clock.now() - KEPT, "limit": PRUNE_MAX})


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
