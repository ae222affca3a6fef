"""Handles: the name by which an account is found by people, `@sara`.

Invariants: a handle has one spelling; whoever claimed one has it for ever, also after choosing another: money
and trust that were meant for one person never reach the next one of that name.
"""

import datetime as dt
import re
import uuid
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.services.identity.errors import HandleInvalid, HandleTaken, HandleTooSoon
from node.services.identity.models import Handle

CHARS_MIN, CHARS_MAX = 3, 30
CHARS_READ_MAX = 64
# Small Latin letters and digits: a script in which no two letters look alike to everybody's eye.
_FORM: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", re.ASCII)
_OURS: Final = frozenset(
    {"admin", "administrator", "asoud", "bank", "help", "moderator", "node", "official", "operator", "root"}
    | {"security", "staff", "support", "system", "wallet"}
)


def normalise_handle(raw: str) -> str:
    """The one spelling. Raises HandleInvalid."""
    handle = raw.strip().removeprefix("@").lower()
    if not CHARS_MIN <= len(handle) <= CHARS_MAX or not _FORM.fullmatch(handle):
        raise HandleInvalid(
            f"a handle is {CHARS_MIN} to {CHARS_MAX} letters a-z, digits and single _, a letter first",
            field="handle",
        )
    return handle


class HandleService:
    def __init__(self, clock: Clock, *, change_after: dt.timedelta) -> None:
        self._clock = clock
        self._change_after = change_after

    def claim(self, tx: Tx, account_id: uuid.UUID, raw: str) -> None:
        """The account goes by it from now on. Again is fine. The account has to be locked.

        Raises:
            HandleInvalid: It cannot be one.
            HandleTaken: Somebody else has it, or had it.
            HandleTooSoon: The account changed its handle not long ago.
        """
        handle = normalise_handle(raw)
        if handle in _OURS:
            raise HandleTaken("that handle is kept for the node", field="handle")
        now = self._clock.now()
        mine = select(Handle).where(Handle.account_id == account_id)
        current = tx.execute(mine.where(Handle.is_current)).scalar_one_or_none()
        if current is not None:
            if current.handle == handle:
                return
            wait_s = (current.since + self._change_after - now).total_seconds()
            if wait_s > 0:
                raise HandleTooSoon("the handle was changed not long ago", retry_after_s=int(wait_s) + 1)
            tx.execute(update(Handle).where(Handle.handle == current.handle).values(is_current=False))
        row = {"handle": handle, "account_id": account_id, "is_current": True, "since": now}
        claimed = tx.execute(
            insert(Handle)
            .values(**row)
            .on_conflict_do_update(
                index_elements=[Handle.handle],
                set_={"is_current": True, "since": now},
                where=Handle.account_id == account_id,
            )
            .returning(Handle.handle)
        ).scalar_one_or_none()
        if claimed is None:
            raise HandleTaken("somebody else has that handle", field="handle")
