"""Confirmations that come at once: each is a transaction of its own, or a part of one (`together.sql`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from node.kernel.db.gathering import Gathering
from node.kernel.db.query_pool import StatementPool

_ALONE: Final = """
    SELECT transfer.confirm_and_tell(
        %(id)s, %(account_id)s, %(session_id)s, %(market_id)s, %(rules)s, %(is_proved)s, %(event)s,
        %(request_id)s, %(now)s
    )
"""
_TOGETHER: Final = """
    SELECT * FROM transfer.confirm_together(
        %(ids)s::uuid[], %(account_ids)s::uuid[], %(session_ids)s::uuid[], %(rules)s, %(events)s::uuid[],
        %(request_ids)s::text[], %(now)s
    )
"""
_OF_EACH: Final = ("id", "account_id", "session_id", "event", "request_id")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """As its function takes it. Of all of a process the rules are the same."""

    statements: StatementPool
    arguments: dict[str, Any]


def confirmations() -> Gathering[Confirmation, bytes]:
    return Gathering(_alone, _together)


async def _alone(asked: Confirmation) -> bytes | None:
    return await asked.statements.json(_ALONE, asked.arguments)


async def _together(asked: Sequence[Confirmation]) -> list[bytes | None]:
    """Of a transfer that is asked for twice the second one goes alone: whoever asks is judged as well.

    So does what is asked for in a market's name.
    """
    first: dict[Any, Confirmation] = {}
    for one in asked:
        if one.arguments["market_id"] is None:
            first.setdefault(one.arguments["id"], one)
    if not first:
        return [None] * len(asked)
    ones = [one.arguments for one in first.values()]
    arguments = {
        **{f"{name}s": [one[name] for one in ones] for name in _OF_EACH},
        "rules": ones[0]["rules"],
        "now": max(one["now"] for one in ones),
    }
    told = dict(await asked[0].statements.rows(_TOGETHER, arguments))
    return [
        told.get(id_) if first.get(id_) is one else None for one in asked for id_ in (one.arguments["id"],)
    ]
