"""Writing a range: blocks, logs, projections, undo, spine and checkpoint, in one transaction."""

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.beside import beside
from indexer.checkpoint import Checkpoint
from indexer.codec import COPIED_FROM, Model, Row, Spelt, arrayed, codec, copied
from indexer.fetch import Decoded, Fetched
from indexer.models import BlockRow, ContractRow, LogRow
from indexer.projections import EVERY_RULE, UNREAD
from indexer.projections.rules import Rule
from indexer.reading import Kinds
from indexer.recent import Recent
from indexer.reorg import undo_floor_after
from indexer.spine import tell_final
from indexer.store import Store
from indexer.workset import At, Before, Patches, Ref, WorkSet
from node.chain.events import ChainLog
from node.chain.logs import Kind
from node.chain.rpc import ChainMoved, Header, RpcClient
from node.kernel.hexes import Address


@dataclass(frozen=True, slots=True)
class KnownContract:
    """A contract of the deployment, read from the block of its creation."""

    address: Address
    kind: Kind
    from_block: int


Work = tuple[Rule, At, ChainLog]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A range with all that can be made of it without a look into the database."""

    fetched: Fetched
    work: Sequence[Work]
    raw: Mapping[Model, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Projected:
    """What the rules made of a range."""

    facts: Mapping[Model, Sequence[Row]]
    states: Mapping[Model, Sequence[Row]]
    patches: Patches
    undo: Sequence[Before]


ContractSource = Callable[[], Sequence[KnownContract]]


@dataclass(frozen=True, slots=True)
class Finality:
    """How deep a reorg may reach: blocks on top of a final one, and blocks that can be undone.

    `durable_block_file` is that of an embedded chain, whose newest blocks are lost with its process: only
    what it names is final. While it is missing, nothing more becomes final.
    """

    confirmations: int
    undo_blocks: int
    durable_block_file: Path | None = None

    def height(self, *, head: int, indexed: int, before: int) -> int:
        """The newest final block of those indexed; never lower than it was `before`."""
        height = min(indexed, head - self.confirmations)
        if self.durable_block_file is not None:
            height = min(height, _number_in(self.durable_block_file))
        return max(before, height)


async def write_range(
    store: Store, before: Checkpoint, prepared: Prepared, recent: Recent, *, head: Header, finality: Finality
) -> tuple[Checkpoint, int]:
    """Returns the checkpoint after it, and how many final events were told."""
    fetched = prepared.fetched
    last = fetched.headers[-1]
    floor = undo_floor_after(
        floor=before.undo_floor, last=last.number, head=head.number, undo_blocks=finality.undo_blocks
    )
    final = finality.height(head=head.number, indexed=last.number, before=before.finalized_number)
    after = dataclasses.replace(
        before, number=last.number, hash=last.hash, undo_floor=floor, finalized_number=final
    )
    with recent.believed():
        if last.number > before.emit_after:
            recent.add(fetched, {header.number: instant_of(header) for header in fetched.headers})
        few = last.number > floor and len(fetched.logs) < COPIED_FROM
        async with store.transaction():
            async with store.in_one_go(few=few):
                await store.hold()
                await _write(store, prepared, keep_from=floor + 1)
                told = await _tell(store, before, recent, kinds=fetched.kinds, final=final)
                await store.prune_undo(below=floor + 1)
            await store.move(before, after, time=instant_of(last))
        recent.told(final)
    await store.renew_statistics()
    return after, told


async def finalize(
    store: Store, before: Checkpoint, recent: Recent, *, kinds: Kinds, head: Header, finality: Finality
) -> tuple[Checkpoint, int]:
    """What became final without a new block; the checkpoint stays at its block."""
    final = finality.height(head=head.number, indexed=before.number, before=before.finalized_number)
    if final == before.finalized_number:
        return before, 0
    after = dataclasses.replace(before, finalized_number=final)
    with recent.believed():
        async with store.transaction():
            await store.hold()
            told = await _tell(store, before, recent, kinds=kinds, final=final)
            await store.move(before, after, time=await store.block_time(before.number))
        recent.told(final)
    return after, told


async def _tell(store: Store, before: Checkpoint, recent: Recent, *, kinds: Kinds, final: int) -> int:
    first = max(before.finalized_number, before.emit_after) + 1
    if final < first:
        return 0
    genesis = before.genesis_hash
    return await tell_final(store, recent, genesis=genesis, kinds=kinds, first=first, last=final)


def _number_in(path: Path) -> int:
    try:
        return int(path.read_text())
    except FileNotFoundError:
        return -1


def prepare(chain_id: int, fetched: Fetched) -> Prepared:
    times = {header.number: instant_of(header) for header in fetched.headers}
    raw: dict[Model, Sequence[Row]] = {BlockRow: copied(BlockRow, _block_rows(chain_id, fetched.headers))}
    if fetched.logs:
        raw[LogRow] = _log_rows(chain_id, fetched.logs)
    return Prepared(fetched, _work_of(fetched.logs, times), raw)


async def _write(store: Store, prepared: Prepared, *, keep_from: int) -> None:
    undoable = prepared.fetched.headers[-1].number >= keep_from
    unread = frozenset[Model]() if undoable else UNREAD
    projected = await project(store, prepared.work, raw=prepared.raw, keep_from=keep_from, unread=unread)
    await store.insert(projected.facts)
    await store.keep(projected.undo)


async def write_logs(
    store: Store, logs: Sequence[Decoded], *, times: Mapping[int, dt.datetime], keep_from: int
) -> None:
    """Logs of blocks that are written already, and what follows from them."""
    raw: dict[Model, Sequence[Row]] = {LogRow: _log_rows(store.chain_id, logs)} if logs else {}
    work = _work_of(logs, times)
    projected = await project(store, work, raw=raw, keep_from=keep_from, unread=frozenset())
    await store.insert(projected.facts)
    await store.keep(projected.undo)


def _work_of(logs: Sequence[Decoded], times: Mapping[int, dt.datetime]) -> list[Work]:
    return [
        (EVERY_RULE[type(item.event)], At.of(item.log, times[item.log.block_number]), item.event)
        for item in logs
        if item.event is not None
    ]


async def project(
    store: Store,
    work: Sequence[Work],
    *,
    raw: Mapping[Model, Sequence[Row]],
    keep_from: int,
    unread: frozenset[Model],
) -> Projected:
    """Writes raw rows, and the states that follow; facts and what undoes it are for the caller to write.

    The rules do their work while Postgres takes the raw rows.
    """
    loaded = await store.load(_touched(work, written=not unread))
    workset = WorkSet(store.chain_id, loaded, keep_from=keep_from, unread=unread)
    projecting = asyncio.create_task(beside(len(work), _projected, workset, work))
    try:
        await store.insert(raw)
    finally:
        await asyncio.wait([projecting])
    projected = projecting.result()
    for model, rows in projected.states.items():
        await (store.add(model, rows) if model in unread else store.upsert({model: rows}))
    for (model, columns), rows in projected.patches.items():
        await store.patch(model, columns, rows)
    return projected


def _projected(workset: WorkSet, work: Sequence[Work]) -> Projected:
    for rule, at, event in work:
        rule.apply(workset, at, event)
    patches = workset.patches()
    return Projected(
        facts={model: copied(model, rows) for model, rows in workset.facts.items()},
        states=workset.spelt_states(),
        patches={key: arrayed(key[0], rows, key[1]) for key, rows in patches.items()},
        undo=workset.undo,
    )


def _touched(work: Sequence[Work], *, written: bool) -> set[Ref]:
    """What has to be loaded; `written`: also what rules change without reading it."""
    refs = {ref for rule, at, event in work for ref in rule.touches(at, event)}
    if written:
        refs |= {ref for rule, at, event in work if rule.writes for ref in rule.writes(at, event)}
    return refs


async def contract_rows(
    rpc: RpcClient, chain_id: int, contracts: Sequence[KnownContract]
) -> dict[Model, list[Row]]:
    """Rows of `chain.contract`; they come from the deployment, so no reorg undoes them."""
    numbers = sorted({contract.from_block for contract in contracts})
    headers = dict(zip(numbers, await rpc.headers(numbers), strict=True))
    rows: list[Row] = []
    for contract in contracts:
        header = headers[contract.from_block]
        if header is None:
            raise ChainMoved("a contract's block is not there (yet)", number=contract.from_block)
        rows.append(
            {
                "chain_id": chain_id,
                "address": contract.address,
                "kind": contract.kind.value,
                "from_block": contract.from_block,
                "creator": None,
                "changed_block": contract.from_block,
                "changed_log": 0,
                "changed_at": instant_of(header),
            }
        )
    return {ContractRow: rows} if rows else {}


def _block_rows(chain_id: int, headers: Sequence[Header]) -> list[Row]:
    return [
        {
            "chain_id": chain_id,
            "number": header.number,
            "hash": header.hash,
            "parent_hash": header.parent_hash,
            "timestamp": instant_of(header),
        }
        for header in headers
    ]


def _log_rows(chain_id: int, logs: Sequence[Decoded]) -> Sequence[Row]:
    """Column by column, as this runs over every log of a backfill."""
    raw = [item.log for item in logs]
    topics = zip(*((*log.topics, None, None, None, None)[:4] for log in raw), strict=True)
    columns: dict[str, list[Any]] = {
        "chain_id": [chain_id] * len(raw),
        "block_number": [log.block_number for log in raw],
        "log_index": [log.log_index for log in raw],
        "tx_hash": [log.tx_hash for log in raw],
        "tx_index": [log.tx_index for log in raw],
        "address": [log.address for log in raw],
        **{f"topic{place}": list(values) for place, values in enumerate(topics)},
        "data": [log.data for log in raw],
        "error": [item.error for item in logs],
    }
    if len(raw) >= COPIED_FROM:
        return Spelt((), lines=codec(LogRow).lines_of(columns))
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def instant_of(header: Header) -> dt.datetime:
    return dt.datetime.fromtimestamp(header.timestamp, dt.UTC)
