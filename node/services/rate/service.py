"""Rates: read from the operator's sources by schedule, kept with their time and source, not used when old."""

import datetime as dt
import importlib
import pkgutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from node.kernel.clock import Clock
from node.kernel.currencies import fiat_asset
from node.kernel.db.unit_of_work import Tx, rows_touched
from node.kernel.errors import AsoudError, Bug
from node.kernel.log import get_logger
from node.kernel.money import Asset
from node.services.rate import adapters
from node.services.rate.adapter import Options, RateAdapter, read_sheet
from node.services.rate.conversion import Priced
from node.services.rate.errors import RateStale, RateUnknown
from node.services.rate.models import Rate

log = get_logger(__name__)

KEPT = dt.timedelta(days=90)  # what was quoted keeps the rates that it was made of
PRUNE_MAX = 5_000

_PRUNE = text("""
    DELETE FROM rate.rate WHERE (asset, reference, source, at) IN (
        SELECT asset, reference, source, at FROM rate.rate
        WHERE at <= :before AND EXISTS (
            SELECT FROM rate.rate AS newer
            WHERE newer.reference = rate.reference AND newer.asset = rate.asset AND newer.at > rate.at
        ) LIMIT :limit
    )
""")

Begin = Callable[[], AbstractContextManager[Tx]]


class RateService:
    def __init__(
        self,
        clock: Clock,
        sources: Sequence[tuple[str, RateAdapter]],
        *,
        reference: str,
        stale_after: dt.timedelta,
    ) -> None:
        """`reference` is a currency of ISO 4217."""
        self._clock = clock
        self._sources = sources
        self._reference: Final = reference
        self.reference: Final = fiat_asset(reference).id
        self.stale_after: Final = stale_after

    def refresh(self, begin: Begin) -> int:
        """Reads every source; returns how many new rates there were. The beat calls it.

        A source that is away or writes nonsense keeps none of the others.
        """
        return sum(self._refresh(begin, name, source) for name, source in self._sources)

    def priced(self, tx: Tx, asset: Asset) -> Priced:
        """By the newest rate of all sources.

        Raises:
            RateUnknown, RateStale: Nobody says, or nobody said lately.
        """
        if asset.id == self.reference:
            return Priced(asset, Decimal(1))
        newest = (
            select(Rate)
            .where(Rate.reference == self._reference, Rate.asset == asset.id)
            .order_by(Rate.at.desc(), Rate.source)
            .limit(1)
        )
        found = tx.execute(newest).scalar_one_or_none()
        if found is None:
            raise RateUnknown("nobody says what that is worth", asset=asset.id)
        if found.at + self.stale_after <= self._clock.now():
            raise RateStale("the newest rate is too old", asset=asset.id, at=found.at.isoformat())
        return Priced(asset, found.per_reference)

    def prune(self, tx: Tx) -> int:
        """Forgets rates long past, at most `PRUNE_MAX`, and of no asset the newest; returns how many."""
        return rows_touched(tx, _PRUNE, {"before": self._clock.now() - KEPT, "limit": PRUNE_MAX})

    def _refresh(self, begin: Begin, name: str, source: RateAdapter) -> int:
        now = self._clock.now()
        try:
            sheet = read_sheet(source.read(), reference=self._reference, now=now)
        except AsoudError as error:
            log.warning("rates_not_read", source=name, reason=error.message)
            return 0
        rows = [
            {
                "asset": asset,
                "reference": self._reference,
                "source": name,
                "at": sheet.at,
                "per_reference": value,
                "read_at": now,
            }
            for asset, value in sheet.per_reference.items()
            if asset != self.reference
        ]
        if not rows:
            return 0
        with begin() as tx:
            kept = tx.execute(insert(Rate).values(rows).on_conflict_do_nothing().returning(Rate.asset))
            return len(kept.all())


def open_sources(names: Sequence[str], options: Options) -> list[tuple[str, RateAdapter]]:
    """Raises Bug for a name that has no file."""
    known = {module.name for module in pkgutil.iter_modules(adapters.__path__)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Bug(
            "there is no such source of rates", unknown=", ".join(unknown), known=", ".join(sorted(known))
        )
    opened: list[tuple[str, RateAdapter]] = []
    for name in names:
        module = importlib.import_module(f"{adapters.__name__}.{name}")
        opened.append((name, module.open_adapter(options)))
    return opened
