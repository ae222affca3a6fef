"""Bringing what lies at deposit addresses to the treasury: in batches, when there is enough of it."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import text

from node.chain.artifacts import load_artifact
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import Address, Hash32
from node.kernel.log import get_logger
from wallet.treasury.outbox import Outbox, Wish

log = get_logger(__name__)

BATCH_MAX = 50  # addresses of one transaction; the contract takes 100
PAIRS_MAX = 1_000  # looked at in a run
STUCK_FOR = dt.timedelta(days=1)  # an address that could not be swept is left alone for so long
SUBJECT = "sweep"

_UNDER_WAY = text("""
    SELECT EXISTS (
        SELECT FROM treasury.outgoing
        WHERE chain_id = :chain_id AND state IN ('queued', 'numbered') AND subject LIKE 'sweep:%'
    )
""")
_WAITING = text("""
    SELECT known.deposits, known.destination, known.deposit_id, came.asset, tracked.asset_id,
        came.amount - coalesce(swept.amount, 0) AS amount
    FROM (
        SELECT address, asset, sum(amount) AS amount FROM deposit.deposit
        WHERE chain_id = :chain_id AND state = 'credited' GROUP BY address, asset
    ) AS came
    JOIN deposit.address AS known ON known.chain_id = :chain_id AND known.address = came.address
    JOIN treasury.tracked AS tracked ON tracked.chain_id = :chain_id AND tracked.address = came.asset
    LEFT JOIN LATERAL (
        SELECT sum(sweep.amount) AS amount,
            max(block.timestamp) FILTER (WHERE sweep.amount IS NULL) AS stuck_at
        FROM chain.deposit_sweep AS sweep
        JOIN chain.block AS block
            ON block.chain_id = sweep.chain_id AND block.number = sweep.block_number
        WHERE sweep.chain_id = :chain_id AND sweep.deposits = known.deposits
            AND sweep.forwarder = came.address AND sweep.asset = came.asset
    ) AS swept ON true
    WHERE came.amount > coalesce(swept.amount, 0)
        AND (swept.stuck_at IS NULL OR swept.stuck_at < :retry_before)
    ORDER BY amount DESC, known.address LIMIT :limit
""")


class Sweeper:
    """`least`: by asset id, what is too little to be worth the gas; 1 where nothing is said."""

    def __init__(self, clock: Clock, outbox: Outbox, *, chain_id: int, least: Mapping[str, int]) -> None:
        self._clock = clock
        self._outbox = outbox
        self._chain_id = chain_id
        self._least = least

    def sweep(self, tx: Tx) -> int:
        """Queues transactions for what waits; returns how many addresses they empty. One run at a time."""
        if not self._outbox.is_open or tx.execute(_UNDER_WAY, {"chain_id": self._chain_id}).scalar_one():
            return 0
        parameters = {
            "chain_id": self._chain_id,
            "retry_before": self._clock.now() - STUCK_FOR,
            "limit": PAIRS_MAX,
        }
        batches: dict[tuple[bytes, bytes, bytes], list[Hash32]] = defaultdict(list)
        for row in tx.execute(_WAITING, parameters):
            batch = batches[bytes(row.deposits), bytes(row.destination), bytes(row.asset)]
            if row.amount >= self._least.get(row.asset_id, 1) and len(batch) < BATCH_MAX:
                batch.append(Hash32("0x" + bytes(row.deposit_id).hex()))
        for (deposits, destination, asset), ids in batches.items():
            if ids:
                self._queue(tx, _address(deposits), _address(destination), _address(asset), ids)
        return sum(map(len, batches.values()))

    def sweep_if_short(self, tx: Tx) -> int:
        """As `sweep`, where something waits for what the treasury lacks."""
        return self.sweep(tx) if self._outbox.is_short(tx) else 0

    def _queue(
        self, tx: Tx, deposits: Address, destination: Address, asset: Address, ids: list[Hash32]
    ) -> None:
        data = load_artifact("Deposits").encode("sweep", destination, ids, [asset])
        wish = Wish(subject=f"{SUBJECT}:{asset}", to=deposits, data=bytes.fromhex(data[2:]))
        self._outbox.queue(tx, wish)
        log.info("sweep_queued", asset=asset, addresses=len(ids))


def _address(raw: bytes) -> Address:
    return Address("0x" + raw.hex())
