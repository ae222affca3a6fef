"""What the indexer says about itself: to `/health/chain`, to metrics, to its log, and to a run's report."""

import datetime as dt
from dataclasses import dataclass

from indexer import metrics
from indexer.checkpoint import Checkpoint
from indexer.fetch import Fetched
from indexer.reorg import Replay, Undo
from indexer.store import Store
from indexer.writing import instant_of
from node.chain.rpc import Header
from node.kernel.clock import Clock
from node.kernel.hexes import Hash32
from node.kernel.log import get_logger

log = get_logger(__name__)

HEARTBEAT = dt.timedelta(seconds=5)  # how often an idle indexer says that it lives


@dataclass(slots=True)
class Totals:
    """What a run did, for its report."""

    blocks: int = 0
    events: int = 0
    told: int = 0
    reorgs: int = 0
    rebuilds: int = 0


class Voice:
    """Of one pipeline."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._chain = str(store.chain_id)
        self._newest_s: int | None = None  # time of the newest block that this process wrote
        self._spoke_of: tuple[Hash32, str] | None = None
        self._spoke_at = clock.now()
        self.totals = Totals()

    async def speak(self, standing: Checkpoint, head: Header) -> None:
        """Where the tables stand, whenever that is another place, and as a sign of life."""
        number = standing.number
        metrics.INDEXED.labels(self._chain).set(number)
        metrics.LAG_BLOCKS.labels(self._chain).set(max(0, head.number - number))
        behind_s = 0 if self._newest_s is None or number >= head.number else head.timestamp - self._newest_s
        metrics.LAG_SECONDS.labels(self._chain).set(max(0, behind_s))
        metrics.HEAD_TIME.labels(self._chain).set(head.timestamp)
        metrics.STUCK.labels(self._chain).set(0)
        now, state = self._clock.now(), "live" if number >= head.number else "syncing"
        if self._spoke_of == (head.hash, state) and now - self._spoke_at < HEARTBEAT:
            return
        self._spoke_of, self._spoke_at = (head.hash, state), now
        await self._store.speak(
            state=state,
            reason=None,
            now=now,
            standing_at=standing,
            head=head.number,
            head_time=instant_of(head),
        )

    def wrote(self, fetched: Fetched, told: int) -> None:
        events = sum(item.event is not None for item in fetched.logs)
        undecodable = [item for item in fetched.logs if item.error is not None]
        self._newest_s = fetched.headers[-1].timestamp
        self.totals.blocks += len(fetched.headers)
        self.totals.events += events
        metrics.EVENTS.labels(self._chain).inc(events)
        metrics.UNDECODABLE.labels(self._chain).inc(len(undecodable))
        for item in undecodable:
            log.warning(
                "log_undecodable", tx=item.log.tx_hash, log_index=item.log.log_index, reason=item.error
            )
        self.told(told)

    def told(self, events: int) -> None:
        """To the spine."""
        self.totals.told += events
        metrics.TOLD.labels(self._chain).inc(events)

    def vanished(self, events: int, *, blocks: int, fork_block: int) -> None:
        """Final ones."""
        metrics.VANISHED.labels(self._chain).inc(blocks)
        metrics.VANISHED_EVENTS.labels(self._chain).inc(events)
        if events:
            log.error("final_events_vanished", events=events, fork_block=fork_block)

    def went_back(self, plan: Undo | Replay, *, depth: int, vanished: int) -> None:
        self.totals.reorgs += 1
        metrics.REORGS.labels(self._chain).inc()
        metrics.REORG_DEPTH.labels(self._chain).observe(depth)
        tell = log.error if vanished or isinstance(plan, Replay) else log.info
        tell("reorg_undone", ancestor=plan.ancestor, depth=depth, events_vanished=vanished)

    def rebuilt(self) -> None:
        self.totals.rebuilds += 1
        metrics.REBUILDS.labels(self._chain).inc()
