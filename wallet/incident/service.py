"""Raising and resolving incidents: in the transaction of whoever found something, or made it good."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.ids import new_id
from node.kernel.log import get_logger
from wallet.incident.errors import IncidentResolved, IncidentUnknown, ReasonMissing
from wallet.incident.models import IncidentRow

log = get_logger(__name__)

REASON_CHARS_MAX = 2_000
LISTED_MAX = 1_000


class Incidents:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def raise_(self, tx: Tx, kind: str, key: str, details: Mapping[str, str | int | None]) -> uuid.UUID:
        """The open incident of that key, made when there is none; `details` are those found last."""
        now = self._clock.now()
        made = insert(IncidentRow).values(
            id=new_id(), kind=kind, key=key, details=dict(details), raised_at=now, seen_at=now
        )
        found: uuid.UUID = tx.execute(
            made.on_conflict_do_update(
                index_elements=[IncidentRow.key],
                index_where=IncidentRow.resolved_at.is_(None),
                set_={"details": made.excluded.details, "seen_at": now},
            ).returning(IncidentRow.id)
        ).scalar_one()
        log.error("incident", incident=kind, key=key, details=dict(details))
        return found

    def resolve(self, tx: Tx, incident_id: uuid.UUID, *, by: str, reason: str) -> None:
        """Raises IncidentUnknown, IncidentResolved, ReasonMissing."""
        words = reason.strip()
        if not 0 < len(words) <= REASON_CHARS_MAX:
            raise ReasonMissing(f"say why, in at most {REASON_CHARS_MAX} characters")
        row = tx.get(IncidentRow, incident_id, with_for_update=True)
        if row is None:
            raise IncidentUnknown("there is no such incident")
        if row.resolved_at is not None:
            raise IncidentResolved("it was resolved before", by=row.resolved_by)
        row.resolved_at, row.resolved_by, row.reason = self._clock.now(), by, words
        tx.flush()

    def settle(self, tx: Tx, key: str, *, reason: str) -> bool:
        """By the node itself, as what was wrong is not any more; False when nothing was open."""
        row = tx.execute(
            select(IncidentRow)
            .where(IncidentRow.key == key, IncidentRow.resolved_at.is_(None))
            .with_for_update()
        ).scalar_one_or_none()
        if row is None:
            return False
        row.resolved_at, row.resolved_by, row.reason = self._clock.now(), "node", reason
        tx.flush()
        return True

    def listed(self, tx: Tx, *, is_open: bool, limit: int = LISTED_MAX) -> Sequence[IncidentRow]:
        """The newest first."""
        query = select(IncidentRow).order_by(IncidentRow.raised_at.desc()).limit(limit)
        if is_open:
            query = query.where(IncidentRow.resolved_at.is_(None))
        return tx.execute(query).scalars().all()
