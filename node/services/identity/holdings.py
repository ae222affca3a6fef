"""What belongs to an account, wherever it lies: one row for each column that names an account.

Merging, deleting and exporting an account all walk this list, so that nothing is forgotten; a test demands
that every such column has a row. The list itself is wired above (`node.bootstrap.holdings`), where all nouns
are known.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import InstrumentedAttribute

from node.kernel.db.unit_of_work import Tx


class Fate(StrEnum):
    """What becomes of it when its account is merged into another, or deleted."""

    MOVES = "moves"
    STAYS = "stays"
    ENDS = "ends"


@dataclass(frozen=True, kw_only=True)
class Holding:
    name: str
    column: InstrumentedAttribute[uuid.UUID] | InstrumentedAttribute[uuid.UUID | None]
    merged: Fate
    deleted: Fate
    """MOVES makes no sense here."""
    unfinished: ColumnElement[bool] | None = None
    """Rows that keep the account from being deleted."""
    apart_by: ColumnElement[uuid.UUID] | None = None
    """Two accounts that both have a row with the same value of it stay two until one of the rows is gone."""
    blanked: Mapping[str, object] = field(default_factory=dict)
    """What says something of the person in rows that stay."""
    secret: frozenset[str] = frozenset()
    """Columns that an export leaves out: hashes and sealed values, which are of no use to anybody."""


@dataclass(frozen=True, kw_only=True)
class Money:
    """What the ledger keeps under `account:<id>`. An account that has any neither ends nor moves."""

    name: str
    owner: InstrumentedAttribute[str]
    is_there: ColumnElement[bool]


class Holdings:
    def __init__(
        self,
        holdings: Sequence[Holding],
        *,
        between: Sequence[tuple[str, Holding, Holding]] = (),
        money: Sequence[Money] = (),
    ) -> None:
        """`between`: in words, unfinished things that two accounts have with each other."""
        self.all = holdings
        self._between = between
        self._money = money

    def money(self, tx: Tx, account_id: uuid.UUID) -> list[str]:
        """The names of money that is there."""
        owner = f"account:{account_id}"
        return [
            money.name
            for money in self._money
            if tx.execute(select(money.owner).where(money.owner == owner, money.is_there).limit(1)).first()
        ]

    def count(self, tx: Tx, account_id: uuid.UUID, fate: Fate) -> dict[str, int]:
        """By name, what a merge would do so; without what there is none of."""
        counted = {
            holding.name: tx.execute(
                select(func.count()).select_from(holding.column.class_).where(holding.column == account_id)
            ).scalar_one()
            for holding in self.all
            if holding.merged is fate
        }
        return {name: number for name, number in counted.items() if number}

    def open_between(self, tx: Tx, one: uuid.UUID, other: uuid.UUID) -> list[str]:
        found = []
        for words, left, right in self._between:
            for first, second in ((one, other), (other, one)):
                rows = select(left.column).where(left.column == first, right.column == second)
                if left.unfinished is not None:
                    rows = rows.where(left.unfinished)
                if tx.execute(rows.limit(1)).first() is not None:
                    found.append(words)
                    break
        for holding in self.all:
            if holding.apart_by is not None:
                theirs = select(holding.apart_by).where(holding.column == other)
                both = select(holding.column).where(holding.column == one, holding.apart_by.in_(theirs))
                if tx.execute(both.limit(1)).first() is not None:
                    found.append(f"they have {holding.name} that only one account can have")
        return found

    def unfinished(self, tx: Tx, account_id: uuid.UUID) -> list[str]:
        """The names of what has to come to an end first."""
        return [
            holding.name
            for holding in self.all
            if holding.unfinished is not None
            and tx.execute(
                select(holding.column).where(holding.column == account_id, holding.unfinished).limit(1)
            ).first()
            is not None
        ]

    def move(self, tx: Tx, source: uuid.UUID, target: uuid.UUID) -> None:
        for holding in self.all:
            mine = holding.column == source
            if holding.merged is Fate.MOVES:
                moved = update(holding.column.class_).where(mine).values({holding.column.key: target})
                tx.execute(moved.execution_options(synchronize_session=False))
            elif holding.merged is Fate.ENDS:
                gone = delete(holding.column.class_).where(mine)
                tx.execute(gone.execution_options(synchronize_session=False))

    def end(self, tx: Tx, account_id: uuid.UUID) -> None:
        for holding in self.all:
            mine = holding.column == account_id
            if holding.deleted is Fate.ENDS:
                gone = delete(holding.column.class_).where(mine)
                tx.execute(gone.execution_options(synchronize_session=False))
            elif holding.blanked:
                blank = update(holding.column.class_).where(mine).values(dict(holding.blanked))
                tx.execute(blank.execution_options(synchronize_session=False))
