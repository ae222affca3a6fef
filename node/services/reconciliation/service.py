"""Runs the sources, keeps what differs as incidents, and closes those whose difference is gone.

An incident that an operator resolved while the difference is still there is raised anew by the next run:
words do not make books even.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from node.kernel.errors import Transient
from node.kernel.log import get_logger
from wallet.incident.comparing import Begin, Comparison, Source
from wallet.incident.models import IncidentRow
from wallet.incident.service import Incidents

log = get_logger(__name__)

EVEN = "the books are even again"


@dataclass(frozen=True, slots=True)
class Result:
    """`comparison` None: the source could not be asked, `trouble` says why."""

    source: str
    comparison: Comparison | None
    trouble: str | None = None


class ReconciliationService:
    def __init__(self, incidents: Incidents, sources: Sequence[Source]) -> None:
        self._incidents = incidents
        self._sources = sources

    def reconcile(self, begin: Begin) -> list[Result]:
        """All sources, one after the other; one that is away keeps no other from its turn."""
        results = []
        for source in self._sources:
            try:
                comparison = source.compare(begin)
            except Transient as trouble:
                log.warning("reconciliation_put_off", source=source.name, reason=trouble.message)
                results.append(Result(source.name, None, trouble.message))
                continue
            if comparison is None:
                results.append(Result(source.name, None, "the books are not at the same point; run it again"))
                continue
            self._keep(begin, source.name, comparison)
            results.append(Result(source.name, comparison))
        return results

    def _keep(self, begin: Begin, source: str, comparison: Comparison) -> None:
        kind = f"reconciliation.{source}"
        wrong = {f"{kind}:{found.key}": found for found in comparison.differences}
        with begin() as tx:
            for key, found in sorted(wrong.items()):
                details = {**found.details, "found": found.found, "expected": found.expected}
                self._incidents.raise_(tx, kind, key, details)
            still_open = select(IncidentRow.key).where(
                IncidentRow.kind == kind, IncidentRow.resolved_at.is_(None)
            )
            for key in tx.execute(still_open).scalars().all():
                if key not in wrong:
                    self._incidents.settle(tx, key, reason=EVEN)
