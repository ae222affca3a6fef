"""Contracts of strangers: back-filled beside what is live, then live themselves, and forgotten on demand.

Invariants: one contract's blocks are read in order, so its rows and undo rows are those of an indexer that
had read it from the start; a range is written only while the node is on the tables' own fork, and together
with how far it reaches. The indexer alone writes: an operator's words wait in `chain.foreign_contract` until
it looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg import sql

from indexer import statements
from indexer.checkpoint import Checkpoint, CheckpointMoved
from indexer.codec import Model
from indexer.declared import AbiReader
from indexer.fetch import Decoded, NodeBlocks, fetch_logs, linked_headers
from indexer.models import ForeignBalanceRow, ForeignTokenRow, ForeignTransferRow, LogRow
from indexer.ranges import RangeSizer
from indexer.reading import Kinds, Reading, token_reader
from indexer.store import Store
from indexer.writing import write_logs
from node.chain.errors import RpcUnavailable
from node.chain.rpc import ChainMoved, RangeTooLarge, RpcClient
from node.chain.tokens import Standard
from node.kernel.hexes import Address, to_bytes

BACKFILLING, LIVE, REMOVING = "backfilling", "live", "removing"
ABI = "abi"  # where a token has its standard

_KNOWN: LiteralString = """
    SELECT '0x' || encode(address, 'hex') AS address, standard, state, from_block, done_block, name, abi
    FROM chain.foreign_contract WHERE chain_id = %s ORDER BY added_at, address
"""
_FACES: LiteralString = """
    SELECT address, state, done_block, added_at FROM chain.foreign_contract WHERE chain_id = %s
    ORDER BY added_at, address
"""
_DONE: LiteralString = """
    UPDATE chain.foreign_contract SET done_block = %(done)s, state = %(state)s
    WHERE chain_id = %(chain_id)s AND address = %(address)s AND state = 'backfilling'
        AND done_block = %(before)s
"""
_BACK: LiteralString = """
    UPDATE chain.foreign_contract SET done_block = greatest(from_block - 1, least(done_block, %s))
    WHERE chain_id = %s AND state = 'backfilling'
"""
_ANEW: LiteralString = """
    UPDATE chain.foreign_contract SET done_block = from_block - 1, state = 'backfilling'
    WHERE chain_id = %s AND state = 'live'
"""


@dataclass(frozen=True, slots=True)
class ForeignContract:
    address: Address
    standard: str
    state: str
    from_block: int
    done_block: int
    reader: Reading
    models: tuple[Model, ...]


async def foreign_contracts(store: Store) -> list[ForeignContract]:
    """All that an operator asked for and that is not gone yet."""
    found = []
    for row in await store.dicts(_KNOWN, (store.chain_id,)):
        name, abi = row.pop("name"), row.pop("abi")
        reader: Reading
        models: tuple[Model, ...] = ()
        if row["standard"] == ABI:
            reader = AbiReader(name, abi)
            models = reader.models
        else:
            reader = token_reader(Standard(row["standard"]))
        found.append(ForeignContract(**row, reader=reader, models=models))
    return found


async def went_back(store: Store, *, to: int) -> None:
    """What was back-filled above is read again. In the transaction that takes the rows back."""
    if store.reads_strangers:
        await store.run(_BACK, (to, store.chain_id))


async def begin_anew(store: Store) -> None:
    """All rows were forgotten; in that transaction."""
    if store.reads_strangers:
        await store.run(_BACK, (-1, store.chain_id))
        await store.run(_ANEW, (store.chain_id,))


class ForeignTender:
    """One piece of work at a time, between two looks at the head."""

    def __init__(self, store: Store, rpc: RpcClient) -> None:
        self._store = store
        self._rpc = rpc
        self._blocks = NodeBlocks(rpc)
        self._sizers: dict[Address, RangeSizer] = {}
        self._contracts: Sequence[ForeignContract] = ()
        self._seen: Sequence[object] = ()

    async def refresh(self) -> None:
        """Looks what the operator asked for, at length only when something is new."""
        if not self._store.reads_strangers:
            return
        seen = await self._store.rows(_FACES, (self._store.chain_id,))
        if seen == self._seen:
            return
        self._contracts = await foreign_contracts(self._store)
        self._store.declared = tuple({model for item in self._contracts for model in item.models})
        self._seen = seen

    def live(self) -> Kinds:
        """Those that are read with the others."""
        return {item.address: item.reader for item in self._contracts if item.state == LIVE}

    def all(self) -> Kinds:
        """Those that raw logs may speak of."""
        return {item.address: item.reader for item in self._contracts}

    async def tend(self, standing: Checkpoint) -> bool:
        """Does one piece of what is due; False when nothing is."""
        await self.refresh()
        for item in self._contracts:
            if item.state == REMOVING:
                await self._remove(item, standing)
                return True
            if item.state == BACKFILLING and item.from_block - 1 <= standing.number:
                await self._backfill(item, standing)
                return True
        return False

    async def _backfill(self, item: ForeignContract, standing: Checkpoint) -> None:
        """One range, or the step to being live."""
        sizer = self._sizers.setdefault(item.address, RangeSizer(self._rpc.range_limit))
        first, last = sizer.next(after=item.done_block, head=standing.number)
        logs: Sequence[Decoded] = ()
        if first <= last:
            try:
                logs, last = await self._fetch(item, first, last)
            except RangeTooLarge:
                sizer.refused(blocks=last - first + 1)
                if first == last:
                    raise
                return
            except RpcUnavailable:
                sizer.unanswered()
                raise
            sizer.succeeded(blocks=last - first + 1, logs=len(logs))
        done = max(last, item.done_block)
        async with self._store.holding(standing):
            times = await self._store.block_times({log.log.block_number for log in logs})
            await write_logs(self._store, logs, times=times, keep_from=standing.undo_floor + 1)
            await self._note(item, done=done, state=LIVE if done >= standing.number else BACKFILLING)
        await self._store.renew_statistics()
        await self.refresh()

    async def _fetch(self, item: ForeignContract, first: int, last: int) -> tuple[Sequence[Decoded], int]:
        """Logs of blocks that the tables have, from a node that has the same ones, and up to which block."""
        headers = await linked_headers(self._blocks, first, last)
        ours = await self._store.block_hashes(first=last, last=last)
        if headers[-1].hash != ours.get(last):
            raise ChainMoved("the node left the fork of the tables", number=last)
        logs, taken = await fetch_logs(self._blocks, headers, {item.address: item.reader})
        return logs, taken[-1].number

    async def _note(self, item: ForeignContract, *, done: int, state: str) -> None:
        params = {
            "done": done,
            "state": state,
            "chain_id": self._store.chain_id,
            "address": to_bytes(item.address),
            "before": item.done_block,
        }
        if await self._store.run(_DONE, params) != 1:
            raise CheckpointMoved("a foreign contract is not where it was read", number=item.done_block)

    async def _remove(self, item: ForeignContract, standing: Checkpoint) -> None:
        tables: list[tuple[Model, str]] = [
            (LogRow, "address"),
            (ForeignTransferRow, "contract"),
            (ForeignBalanceRow, "contract"),
            (ForeignTokenRow, "contract"),
            *((model, "contract") for model in item.models),
        ]
        address = to_bytes(item.address)
        async with self._store.holding(standing):
            await self._store.run("SET LOCAL statement_timeout = 0")
            for model, column in tables:
                query = sql.SQL("DELETE FROM {} WHERE chain_id = %s AND {} = %s")
                await self._store.run(
                    query.format(statements.table(model), sql.Identifier(column)),
                    (self._store.chain_id, address),
                )
            await self._store.run(
                "DELETE FROM chain.undo WHERE chain_id = %s AND row_key->>'contract' = %s"
                " AND table_name IN ('foreign_balance', 'foreign_token')",
                (self._store.chain_id, f"\\x{address.hex()}"),
            )
            await self._store.run(
                "DELETE FROM chain.foreign_contract WHERE chain_id = %s AND address = %s",
                (self._store.chain_id, address),
            )
        self._sizers.pop(item.address, None)
        await self.refresh()
