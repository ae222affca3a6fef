"""What a node that refused a range of blocks says of the range that it would answer.

Two kinds of limits: on blocks, which holds for every later question (`lasting`), and on logs, where the node
names a range that fits this one stretch of the chain. Nodes say it in words; this is the table of them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RangeHint:
    """So many blocks, from the first that was asked for."""

    blocks: int
    lasting: bool


PATIENCE_FIRST = 16  # ranges; one refusal among so many costs little


@dataclass(slots=True)
class RangeLimit:
    """What an endpoint's refusals taught, for as long as the process lives. None: it never refused.

    `most` blocks are its own rule. It had enough above `slow_from`, so one goes beyond in small steps, each
    after `patience` ranges, of which `waited` are done.
    """

    most: int | None = None
    slow_from: int | None = None
    patience: int = PATIENCE_FIRST
    waited: int = 0


_NUMBER = r"([0-9][0-9,_]*)\s?(k\b)?"
_SUGGESTED = re.compile(r"\[\s*(0x[0-9a-f]+)\s*,\s*(0x[0-9a-f]+)\s*\]")
_RETRY_WITH = re.compile(r"retry with the range (\d+)\s*-\s*(\d+)")
_LIMITS = tuple(
    re.compile(pattern.replace("NUMBER", _NUMBER))
    for pattern in (
        r"(?:limited to|up to)\s+(?:an?\s+)?(?:0\s*-\s*)?NUMBER\s*(?:blocks?\s*)?range",
        r"(?:limited to|limit is|limit of|limit:)\s+(?:an?\s+)?NUMBER\s*blocks?\b",
        r"max(?:imum)?\s+(?:allowed\s+)?(?:block\s+)?range\s*(?:is\s+|of\s+|:\s*|=\s*)?NUMBER",
        r"max(?:imum)?\s*(?:is\s+|:\s*)?(?:set\s+to\s+)?NUMBER",
        r"(?:over|greater than|more than|exceeds?)\s+NUMBER\s+(?:blocks?|max)\b",
    )
)
_OF_LOGS = "response size"  # such a sentence speaks of blocks, too, where no limit on logs would hold


def range_hint(message: str, data: object = None) -> RangeHint | None:
    """The hint in a node's words, or in the `data` of its error; None when it gives none."""
    words = message.lower()
    suggested = _suggested(words) or _suggested_in(data)
    lasting = None if _OF_LOGS in words else _limit(words)
    if lasting is not None:
        return RangeHint(lasting, lasting=True)
    return None if suggested is None else RangeHint(suggested, lasting=False)


def _suggested(words: str) -> int | None:
    for pattern, base in ((_SUGGESTED, 16), (_RETRY_WITH, 10)):
        if found := pattern.search(words):
            return _length(int(found[1], base), int(found[2], base))
    return None


def _suggested_in(data: object) -> int | None:
    if not isinstance(data, Mapping):
        return None
    try:
        return _length(int(data["from"], 16), int(data["to"], 16))
    except (KeyError, TypeError, ValueError):
        return None


def _length(first: int, last: int) -> int | None:
    return last - first + 1 if last >= first else None


def _limit(words: str) -> int | None:
    for pattern in _LIMITS:
        if found := pattern.search(words):
            blocks = int(found[1].replace(",", "").replace("_", "")) * (1_000 if found[2] else 1)
            return blocks or None
    return None
