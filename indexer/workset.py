"""The rows that a range of blocks touches, in memory: projections read and write here, and nowhere else.

Invariant: before a block's first change of a state, the row as it was (or that there was none) is kept under
that block, so undoing the block restores it exactly. Nothing here does I/O: the store loads the rows before,
and writes what `states`, `patches`, `facts` and `undo` hold after, in one transaction.

A range that can never be undone needs no row as it was. There, rows that rules change without reading them
are not loaded: what is known of them after the range is either the whole row, or a patch for one that is
there.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from indexer.codec import Key, Model, Row, arrayed, codec, copied
from node.chain.rpc import Log
from node.kernel.errors import Bug
from node.kernel.hexes import Address, Hash32


class At(msgspec.Struct, frozen=True, gc=False):
    """Where and when a log was written."""

    block: int
    log: int
    time: dt.datetime
    tx: Hash32
    contract: Address

    @classmethod
    def of(cls, log: Log, time: dt.datetime) -> "At":
        return cls(log.block_number, log.log_index, time, log.tx_hash, log.address)


class Ref(NamedTuple):
    """A state's row, named by its table and key."""

    model: Model
    key: Key


class Before(NamedTuple):
    """A row as it was before `block` first touched it."""

    block: int
    ref: Ref
    row: Row | None


Patches = Mapping[
    tuple[Model, tuple[str, ...]], Sequence[Row]
]  # by table and columns, those of the key first


class WorkSet:
    """`keep_from`: changes by blocks below it can never be undone, so nothing is kept for them.

    `unread`: tables whose rows were not loaded, as no rule reads them and no block is to be undone.
    """

    def __init__(
        self,
        chain_id: int,
        loaded: Mapping[Ref, Row | None],
        *,
        keep_from: int,
        unread: frozenset[Model] = frozenset(),
    ) -> None:
        self._chain_id = chain_id
        self._rows: dict[Model, dict[Key, Row | None]] = {}
        for ref, row in loaded.items():
            self._rows.setdefault(ref.model, {})[ref.key] = row
        self._keep_from = keep_from
        self._unread = unread
        self._changed: dict[Model, dict[Key, Row]] = {}
        self._kept: set[tuple[int, Ref]] = set()
        self.undo: list[Before] = []
        self.facts: dict[Model, list[Row]] = {}

    def find(self, model: Model, *key: object) -> Row | None:
        """The present row, not to be changed.

        It must have been loaded: a rule that reads what it did not announce is broken.
        """
        try:
            return self._rows[model][key]
        except KeyError:
            raise Bug(
                "a projection touches a row that it did not announce", table=codec(model).name
            ) from None

    def put(self, model: Model, key: Key, at: At, **columns: object) -> None:
        """Makes a state's row, or changes some columns of it."""
        changed = self._changed.setdefault(model, {})
        row = changed.get(key)
        if row is None or at.block >= self._keep_from:
            before = row if row is not None or model in self._unread else self.find(model, *key)
            self._keep(at.block, Ref(model, key), before)
            row = changed[key] = codec(model).key_row(self._chain_id, key) if before is None else before
            if model not in self._unread:
                self._rows[model][key] = row
        row.update(columns)
        row["changed_block"], row["changed_log"], row["changed_at"] = at.block, at.log, at.time

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

    def states(self) -> dict[Model, list[Row]]:
        """Changed rows by table, in the order of their keys, so that two writers can't deadlock."""
        found = {}
        for model, rows in self._sorted():
            width = len(codec(model).columns)
            whole = [row for row in rows if len(row) == width]
            if len(whole) < len(rows) and model not in self._unread:
                raise Bug("a state that was never made is changed", table=codec(model).name)
            if whole:
                found[model] = whole
        return found

    def spelt_states(self) -> dict[Model, Sequence[Row]]:
        """As `states`, ready to be sent: copied where they are new, as far as we know."""
        return {
            model: copied(model, rows)
            if model in self._unread
            else arrayed(model, rows, codec(model).columns)
            for model, rows in self.states().items()
        }

    def patches(self) -> Patches:
        """What is known of rows that were not loaded."""
        found: dict[tuple[Model, tuple[str, ...]], list[Row]] = {}
        for model, rows in self._sorted():
            key, width = codec(model).key, len(codec(model).columns)
            alike: dict[tuple[str, ...], list[Row]] = {}  # by columns, in whatever order they were set
            for row in rows:
                if len(row) < width:
                    alike.setdefault(tuple(row), []).append(row)
            for names, patched in alike.items():
                columns = (*key, *sorted(name for name in names if name not in key))
                found.setdefault((model, columns), []).extend(patched)
        return found

    def _sorted(self) -> Iterable[tuple[Model, list[Row]]]:
        for model in sorted(self._changed, key=lambda model: codec(model).name):
            rows = self._changed[model]
            yield model, [rows[key] for key in sorted(rows)]

    def _keep(self, block: int, ref: Ref, before: Row | None) -> None:
        if block < self._keep_from or (block, ref) in self._kept:
            return
        self._kept.add((block, ref))
        self.undo.append(Before(block, ref, None if before is None else dict(before)))


def refs(model: Model, *keys: Iterable[object]) -> list[Ref]:
    """Names rows of one table by their keys."""
    return [Ref(model, tuple(key)) for key in keys]
