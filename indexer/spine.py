"""Final logs enter the spine once.

Invariant: an event's id is derived from what happened (chain, transaction, contract, topics, data), not from
the block that it happened in. So the spine's own primary key remembers what was told: a crash, a reorg that
brings the same transaction back in another block, and a reindex all find the event there and tell it no
second time, while what is new on another fork is told.
"""

import hashlib
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from indexer.codec import Row
from indexer.store import Store
from indexer.telling import Told, tell
from node.chain.logs import Kind, decode
from node.chain.rpc import Log
from node.kernel.hexes import Address, Hash32
from node.kernel.spine.record import CHANNEL_RECORDED

_KNOWN = "SELECT id FROM kernel.event WHERE id = ANY(%s)"
_HEADS = """
    INSERT INTO kernel.stream_head AS head (stream, version)
    SELECT stream, step FROM unnest(%s::text[], %s::bigint[]) AS fresh (stream, step) ORDER BY stream
    ON CONFLICT (stream) DO UPDATE SET version = head.version + excluded.version
    RETURNING stream, version
"""
_INSERT = """
    INSERT INTO kernel.event (id, stream, version, type_name, schema_version, payload, occurred_at)
    SELECT id, stream, version, type_name, schema_version, payload, occurred_at
    FROM json_populate_recordset(NULL::kernel.event, %s::json)
"""
_NOTIFY = "SELECT pg_notify(%s, '')"


@dataclass(frozen=True, slots=True)
class _Outgoing:
    id: uuid.UUID
    told: Told
    occurred_at: str


async def tell_final(
    store: Store, *, genesis: Hash32, kinds: Mapping[Address, str], first: int, last: int
) -> int:
    """Records the events of these blocks in the caller's transaction; returns how many were new."""
    outgoing = await _outgoing(store, genesis=genesis, kinds=kinds, first=first, last=last)
    known = set(await store.column(_KNOWN, ([item.id for item in outgoing],))) if outgoing else set()
    fresh = [item for item in outgoing if item.id not in known]
    if fresh:
        await _record(store, fresh)
    return len(fresh)


async def _outgoing(
    store: Store, *, genesis: Hash32, kinds: Mapping[Address, str], first: int, last: int
) -> list[_Outgoing]:
    found: list[_Outgoing] = []
    same: Counter[bytes] = Counter()  # one transaction may log the very same twice
    for row, time in await store.logs(first=first, last=last):
        log = _log(row)
        event = decode(Kind(kinds[log.address]), log)
        what = _what(store.chain_id, genesis, log)
        nth = same[what]
        same[what] += 1
        told = None if event is None else tell(_where(store.chain_id, log, int(time.timestamp())), event)
        if told is not None:
            found.append(_Outgoing(_event_id(what, nth), told, time.isoformat()))
    return found


async def _record(store: Store, fresh: Sequence[_Outgoing]) -> None:
    steps = Counter(item.told[0] for item in fresh)
    heads: dict[str, int] = dict(await store.rows(_HEADS, (list(steps), list(steps.values()))))
    versions = {stream: head - steps[stream] for stream, head in heads.items()}
    rows = []
    for item in fresh:
        stream, event = item.told
        versions[stream] += 1
        rows.append(
            {
                "id": item.id,
                "stream": stream,
                "version": versions[stream],
                "type_name": event.type_name,
                "schema_version": event.schema_version,
                "payload": event,
                "occurred_at": item.occurred_at,
            }
        )
    await store.run(_INSERT, (msgspec.json.encode(rows).decode(),))
    await store.run(_NOTIFY, (CHANNEL_RECORDED,))


def _what(chain_id: int, genesis: Hash32, log: Log) -> bytes:
    parts = (str(chain_id), genesis, log.tx_hash, log.address, *log.topics, log.data.hex())
    return hashlib.sha256(":".join(parts).encode()).digest()


def _event_id(what: bytes, nth: int) -> uuid.UUID:
    """UUID version 8 (RFC 9562, section 5.8) of a digest."""
    digest = hashlib.sha256(what + nth.to_bytes(4)).digest()
    value = int.from_bytes(digest[:16])
    value = value & ~(0xF << 76) | 0x8 << 76
    return uuid.UUID(int=value & ~(0b11 << 62) | 0b10 << 62)


def _where(chain_id: int, log: Log, time: int) -> dict[str, Any]:
    return {
        "chain_id": chain_id,
        "block_number": log.block_number,
        "block_hash": log.block_hash,
        "block_time": time,
        "tx_hash": log.tx_hash,
        "log_index": log.log_index,
        "contract": log.address,
    }


def _log(row: Row) -> Log:
    topics = tuple(row[name] for name in ("topic0", "topic1", "topic2", "topic3") if row[name] is not None)
    fields = ("block_number", "log_index", "block_hash", "tx_hash", "tx_index", "address", "data")
    return Log(topics=topics, **{name: row[name] for name in fields})
