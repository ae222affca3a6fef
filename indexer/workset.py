"""The rows that a range of blocks touches, in memory: projections read and write here, and nowhere else.

Invariant: before a block's first change of a state, the row as it was (or that there was none) is kept under
that block, so undoing the block restores it exactly. Nothing here does I/O: the store loads the rows before,
and writes what `states`, `facts` and `undo` hold after, in one transaction.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from indexer.codec import Key, Model, Row, codec
from node.chain.rpc import Log
from node.kernel.errors import Bug
from node.kernel.hexes import Address, Hash32


@dataclass(frozen=True, slots=True)
class At:
    """Where and when a log was written."""

    block: int
    log: int
    time: dt.datetime
    tx: Hash32
    contract: Address

    @classmethod
    def of(cls, log: Log, time: dt.datetime) -> "At":
        return cls(log.block_number, log.log_index, time, log.tx_hash, log.address)


@dataclass(frozen=True, slots=True)
class Ref:
    """A state's row, named by its table and key."""

    model: Model
    key: Key


@dataclass(frozen=True, slots=True)
class Before:
    """A row as it was before `block` first touched it."""

    block: int
    ref: Ref
    row: Row | None


class WorkSet:
    """`keep_from`: changes by blocks below it can never be undone, so nothing is kept for them."""

    def __init__(self, chain_id: int, loaded: Mapping[Ref, Row | None], *, keep_from: int) -> None:
        self._chain_id = chain_id
        self._rows: dict[Ref, Row | None] = dict(loaded)
        self._keep_from = keep_from
        self._changed: set[Ref] = set()
        self._kept: set[tuple[int, Ref]] = set()
        self.undo: list[Before] = []
        self.facts: dict[Model, list[Row]] = {}

    def find(self, model: Model, *key: object) -> Row | None:
        """The present row. It must have been loaded: a rule that reads what it did not announce is broken."""
        ref = Ref(model, key)
        if ref not in self._rows:
            raise Bug("a projection touches a row that it did not announce", table=codec(model).name)
        return self._rows[ref]

    def put(self, model: Model, key: Key, at: At, **columns: object) -> None:
        """Makes a state's row, or changes some columns of it."""
        ref = Ref(model, key)
        before = self.find(model, *key)
        self._keep(at.block, ref, before)
        fixed = codec(model).key_row(self._chain_id, key)
        changed: dict[str, Any] = {"changed_block": at.block, "changed_log": at.log, "changed_at": at.time}
        self._rows[ref] = {**(before or fixed), **columns, **changed}
        self._changed.add(ref)

    def add(self, model: Model, at: At, **columns: object) -> None:
        """A fact, for ever at its position."""
        row: Row = {
            "chain_id": self._chain_id,
            "block_number": at.block,
            "log_index": at.log,
            "block_time": at.time,
            "tx_hash": at.tx,
            **columns,
        }
        self.facts.setdefault(model, []).append(row)

    def states(self) -> Mapping[Model, list[Row]]:
        """Changed rows by table, in the order of their keys, so that two writers can't deadlock."""
        grouped: dict[Model, list[Row]] = {}
        for ref in sorted(self._changed, key=lambda ref: (codec(ref.model).name, *map(str, ref.key))):
            row = self._rows[ref]
            assert row is not None, "a changed row exists"
            grouped.setdefault(ref.model, []).append(row)
        return grouped

    def _keep(self, block: int, ref: Ref, before: Row | None) -> None:
        if block < self._keep_from or (block, ref) in self._kept:
            return
        self._kept.add((block, ref))
        self.undo.append(Before(block, ref, None if before is None else dict(before)))


def refs(model: Model, *keys: Iterable[object]) -> list[Ref]:
    """Names rows of one table by their keys."""
    return [Ref(model, tuple(key)) for key in keys]
