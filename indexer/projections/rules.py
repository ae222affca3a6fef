"""The shape of a projection: for each event, which states it will touch, and what it does to them.

The two are apart so that a range's rows are loaded by one statement per table before any rule runs. Rows that
a rule changes whatever they hold are named by `writes`: they are loaded only where a fork may ask for them.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from indexer.workset import At, Ref, WorkSet
from node.chain.events import ChainLog

Touches = Callable[[At, Any], list[Ref]]
Apply = Callable[[WorkSet, At, Any], None]

# Seconds on a chain may lie beyond what a calendar holds; such a deadline is as good as never.
_LATEST = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
_LATEST_S = int(_LATEST.timestamp())


@dataclass(frozen=True, slots=True)
class Rule:
    touches: Touches
    apply: Apply
    writes: Touches | None = None


Rules = Mapping[type[ChainLog], Rule]


def nothing(_at: At, _event: ChainLog) -> list[Ref]:
    """Of rules that read no state."""
    return []


def instant(seconds: int) -> dt.datetime:
    """Seconds since 1970, as contracts count, clamped to the calendar."""
    return _LATEST if seconds >= _LATEST_S else dt.datetime.fromtimestamp(seconds, dt.UTC)
