"""Bounds of spending: the node's, and lower ones that people set themselves.

Invariant: of all that leaves a wallet at once, none gets past a bound, because each counts itself first under
the lock of what was counted before (`functions.sql`). A bound is lowered at once; raising one needs a second
proof, or time in which the owner can notice a thief.
"""

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx, rows_touched
from node.kernel.money import Amount
from node.services.spending.errors import LimitExceeded
from node.services.spending.models import Bound
from wallet.ledger.commands import typed_refusals
from wallet.ledger.errors import Words

FUNCTIONS: Final = ((Path(__file__).parent / "functions.sql").read_text(),)
REFUSALS: Final[Words] = {"limit_exceeded": (LimitExceeded, "more than may leave the wallet")}
KEPT = dt.timedelta(days=40)  # longer than a month: no window that counts is forgotten
PRUNE_MAX = 5_000
PERS: Final = ("operation", "day", "month")

_TAKE = text("SELECT spending.take(:owner, :account_id, :asset, :amount, CAST(:rules AS jsonb), :now)")
_PRUNE = text("""
    DELETE FROM spending.spent WHERE (owner, asset, span, starts_at) IN (
        SELECT owner, asset, span, starts_at FROM spending.spent WHERE starts_at <= :before
        ORDER BY starts_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Of one asset, in its smallest unit. Null is no bound."""

    operation: int | None = None
    day: int | None = None
    month: int | None = None
    step_up: int | None = None
    """Above this an operation needs a second proof."""


@dataclass(frozen=True, slots=True)
class Own:
    """What an account allows itself."""

    operation: int | None
    day: int | None
    month: int | None


class SpendingService:
    def __init__(self, clock: Clock, rules: Mapping[str, Rule], *, raise_after: dt.timedelta) -> None:
        self._clock = clock
        self._raise_after = raise_after
        self.rules_json: Final = json.dumps(
            {
                asset: {name: getattr(rule, name) for name in (*PERS, "step_up")}
                for asset, rule in rules.items()
            }
        )
        """The node's bounds by asset, as the functions take them."""

    def take(self, tx: Tx, owner: str, amount: Amount, *, account_id: uuid.UUID | None) -> None:
        """Counts what is about to leave the owner's wallet. Call it before the ledger.

        Args:
            account_id: Whose own bounds count as well; None for a market.

        Raises:
            LimitExceeded: And then nothing was counted.
        """
        arguments = {
            "owner": owner,
            "account_id": account_id,
            "asset": amount.asset.id,
            "amount": amount.value,
            "rules": self.rules_json,
            "now": self._clock.now(),
        }
        with typed_refusals(REFUSALS):
            tx.execute(_TAKE, arguments)

    def change(self, tx: Tx, account_id: uuid.UUID, asset: str, wanted: Own, *, is_proved: bool) -> None:
        """Sets the account's own bounds. What is raised without a second proof counts after a while."""
        tx.execute(insert(Bound).values(account_id=account_id, asset=asset).on_conflict_do_nothing())
        bound = tx.execute(
            select(Bound).where(Bound.account_id == account_id, Bound.asset == asset).with_for_update()
        ).scalar_one()
        now = self._clock.now()
        if bound.next_at is not None and bound.next_at <= now:
            _set(bound, Own(bound.next_operation, bound.next_day, bound.next_month))
        lowered = Own(*(_lower(getattr(bound, name), getattr(wanted, name)) for name in PERS))
        is_raised = lowered != wanted
        _set(bound, wanted if is_proved else lowered)
        waits = is_raised and not is_proved
        bound.next_at = now + self._raise_after if waits else None
        for name in PERS:
            setattr(bound, f"next_{name}", getattr(wanted, name) if waits else None)
        tx.flush()

    def prune(self, tx: Tx) -> int:
        """Forgets windows long over, at most `PRUNE_MAX`; returns how many. The beat calls it."""
        return rows_touched(tx, _PRUNE, {"before": self._clock.now() - KEPT, "limit": PRUNE_MAX})


def _set(bound: Bound, own: Own) -> None:
    bound.operation, bound.day, bound.month = own.operation, own.day, own.month


def _lower(now: int | None, wanted: int | None) -> int | None:
    """None is no bound."""
    known = [value for value in (now, wanted) if value is not None]
    return min(known) if known else None
