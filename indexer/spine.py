"""Final logs enter the spine once; what vanished after it was final is told there too, once for each time.

Invariant: an event's id is derived from what happened (chain, transaction, contract, topics, data), not from
the block that it happened in. So the spine's own primary key remembers what was told: a crash, a reorg that
brings the same transaction back in another block, and a reindex all find the event there and tell it no
second time, while what is new on another fork is told. `chain.incident` remembers which told events are gone,
and changes in the transaction that tells of it.
"""

import datetime as dt
import hashlib
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from indexer.reading import Kinds
from indexer.recent import Recent, Said
from indexer.store import Store
from indexer.telling import Told, Where, tell
from node.chain.logs import Kind, decode
from node.chain.rpc import Log
from node.events.chain import EventReturned, EventVanished
from node.kernel.hexes import Hash32
from node.kernel.spine.record import CHANNEL_RECORDED

_KNOWN = "SELECT id FROM kernel.event WHERE id = ANY(%s)"
_HEADS = """
    INSERT INTO kernel.stream_head AS head (stream, version)
    SELECT stream, step FROM unnest(%s::text[], %s::bigint[]) AS fresh (stream, step) ORDER BY stream
    ON CONFLICT (stream) DO UPDATE SET version = head.version + excluded.version
    RETURNING stream, version
"""
_INSERT = """
    WITH fresh AS (
        INSERT INTO kernel.event (id, stream, version, type_name, schema_version, payload, occurred_at)
        SELECT id, stream, version, type_name, schema_version, payload, occurred_at
        FROM json_populate_recordset(NULL::kernel.event, %s::json)
    )
    SELECT pg_notify(%s, '')
"""
_GONE = """
    INSERT INTO chain.incident AS incident
        (chain_id, event_id, event_type, stream, block_number, block_hash, tx_hash, log_index, contract,
         times, gone, noticed_at)
    SELECT chain_id, event_id, event_type, stream, block_number, block_hash, tx_hash, log_index, contract,
           1, true, noticed_at
    FROM json_populate_recordset(NULL::chain.incident, %s::json)
    ON CONFLICT (chain_id, event_id) DO UPDATE SET
        (block_number, block_hash, tx_hash, log_index, times, gone, noticed_at) = ROW(
            excluded.block_number, excluded.block_hash, excluded.tx_hash, excluded.log_index,
            incident.times + 1, true, excluded.noticed_at)
    WHERE NOT incident.gone
    RETURNING event_id, times
"""
_BACK = """
    UPDATE chain.incident SET gone = false
    WHERE chain_id = %s AND event_id = ANY(%s) AND gone RETURNING event_id, times
"""
_WINDOW = 1_000  # blocks whose events are held in memory at once


@dataclass(frozen=True, slots=True)
class _Outgoing:
    id: uuid.UUID
    told: Told
    occurred_at: str
    where: Where


async def tell_final(
    store: Store, recent: Recent, *, genesis: Hash32, kinds: Kinds, first: int, last: int
) -> int:
    """Records the events of these blocks in the caller's transaction; returns how many were new."""
    said = recent.between(first, last)
    if said is None:
        said = await _stored(store, kinds=kinds, first=first, last=last)
    outgoing = _outgoing(store.chain_id, said, genesis=genesis, kinds=kinds)
    known = await _known(store, outgoing)
    fresh = [item for item in outgoing if item.id not in known]
    if known:
        fresh += await _returned(store, [item for item in outgoing if item.id in known])
    if fresh:
        await _record(store, fresh)
    return len(fresh)


async def tell_vanished(
    store: Store,
    *,
    genesis: Hash32,
    kinds: Kinds,
    above: int,
    final: int,
    fork_block: int,
    now: dt.datetime,
) -> int:
    """Of what was told, records what lay in blocks above `above`, newest first; returns how much.

    To be called in the transaction that takes these blocks back, before it does.
    """
    count = 0
    for last in range(final, above, -_WINDOW):
        first = max(above + 1, last - _WINDOW + 1)
        said = await _stored(store, kinds=kinds, first=first, last=last)
        outgoing = _outgoing(store.chain_id, said, genesis=genesis, kinds=kinds)
        known = await _known(store, outgoing)
        told = [item for item in reversed(outgoing) if item.id in known]
        if told:
            count += await _vanished(store, told, fork_block=fork_block, now=now.isoformat())
    return count


async def _vanished(store: Store, told: Sequence[_Outgoing], *, fork_block: int, now: str) -> int:
    rows = [_incident(item) | {"noticed_at": now} for item in told]
    times = dict(await store.rows(_GONE, (msgspec.json.encode(rows).decode(),)))
    gone = [
        _about(item, EventVanished, time=times[item.id], occurred_at=now, fork_block=fork_block)
        for item in told
        if item.id in times
    ]
    await _record(store, gone)
    return len(gone)


async def _returned(store: Store, known: Sequence[_Outgoing]) -> list[_Outgoing]:
    times = dict(await store.rows(_BACK, (store.chain_id, [item.id for item in known])))
    return [
        _about(item, EventReturned, time=times[item.id], occurred_at=item.occurred_at)
        for item in known
        if item.id in times
    ]


async def _known(store: Store, outgoing: Sequence[_Outgoing]) -> set[uuid.UUID]:
    return set(await store.column(_KNOWN, ([item.id for item in outgoing],))) if outgoing else set()


def _incident(item: _Outgoing) -> dict[str, Any]:
    where = {name: value for name, value in item.where.items() if name != "block_time"}
    for name in ("block_hash", "tx_hash", "contract"):
        where[name] = "\\x" + where[name][2:]
    stream, event = item.told
    return where | {"event_id": item.id, "event_type": event.type_name, "stream": stream}


def _about(
    item: _Outgoing,
    kind: type[EventVanished | EventReturned],
    *,
    occurred_at: str,
    **more: Any,  # noqa: ANN401
) -> _Outgoing:
    """The event about an event: on its stream, with an id of its own for each time."""
    stream, event = item.told
    what = hashlib.sha256(f"{kind.type_name}:{item.id}".encode()).digest()
    incident = kind(**item.where, event_id=str(item.id), event_type=event.type_name, **more)
    return _Outgoing(_event_id(what, more["time"]), (stream, incident), occurred_at, item.where)


async def _stored(store: Store, *, kinds: Kinds, first: int, last: int) -> list[Said]:
    """What the raw logs of these blocks say."""
    found = []
    for log, time in await store.logs(first=first, last=last):
        reading = kinds.get(log.address)
        event = decode(Kind(reading), log) if isinstance(reading, str) else None
        if event is not None:
            found.append(Said(log, event, time))
    return found


def _outgoing(chain_id: int, said: Sequence[Said], *, genesis: Hash32, kinds: Kinds) -> list[_Outgoing]:
    found: list[_Outgoing] = []
    same: Counter[bytes] = Counter()  # one transaction may log the very same twice
    for one in said:
        log, event, time = one.log, one.event, one.time
        if not isinstance(kinds.get(log.address), str):  # what strangers say is no news of ours
            continue
        where = _where(chain_id, log, int(time.timestamp()))
        told = tell(where, event)
        if told is not None:
            what = _what(chain_id, genesis, log)
            found.append(_Outgoing(_event_id(what, same[what]), told, time.isoformat(), where))
            same[what] += 1
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
    await store.run(_INSERT, (msgspec.json.encode(rows).decode(), CHANNEL_RECORDED))


def _what(chain_id: int, genesis: Hash32, log: Log) -> bytes:
    parts = (str(chain_id), genesis, log.tx_hash, log.address, *log.topics, log.data.hex())
    return hashlib.sha256(":".join(parts).encode()).digest()


def _event_id(what: bytes, nth: int) -> uuid.UUID:
    """UUID version 8 (RFC 9562, section 5.8) of a digest."""
    digest = hashlib.sha256(what + nth.to_bytes(4)).digest()
    value = int.from_bytes(digest[:16])
    value = value & ~(0xF << 76) | 0x8 << 76
    return uuid.UUID(int=value & ~(0b11 << 62) | 0b10 << 62)


def _where(chain_id: int, log: Log, time: int) -> Where:
    return {
        "chain_id": chain_id,
        "block_number": log.block_number,
        "block_hash": log.block_hash,
        "block_time": time,
        "tx_hash": log.tx_hash,
        "log_index": log.log_index,
        "contract": log.address,
    }
