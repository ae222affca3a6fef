"""Which ways money takes: between which accounts each kind of transfer moves it, told and drawn."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text

from node.kernel.db.unit_of_work import Tx

_FLOWS = text("""
    WITH pair AS (
        SELECT kind, source, destination, count(*) AS postings
        FROM ledger.posting JOIN ledger.transfer ON transfer.id = transfer_id GROUP BY 1, 2, 3
    ), named AS (
        SELECT id, split_part(owner, ':', 1) || '/' || purpose AS name FROM ledger.account
    )
    SELECT kind, giver.name, taker.name, sum(postings)::bigint
    FROM pair JOIN named AS giver ON giver.id = source JOIN named AS taker ON taker.id = destination
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""")


@dataclass(frozen=True)
class Flow:
    """`source` and `destination` are a kind of owner and a purpose: `account/wallet`, `gateway/clearing`."""

    kind: str
    source: str
    destination: str
    postings: int


def flows(tx: Tx) -> list[Flow]:
    """Of all transfers there are, reversals too; it reads every posting."""
    return [Flow(*row) for row in tx.execute(_FLOWS)]


def drawn(found: Iterable[Flow]) -> str:
    """A Mermaid diagram for each noun that a kind begins with, with its kinds on the arrows."""
    by_noun = itertools.groupby(
        sorted(found, key=lambda flow: flow.kind), lambda flow: flow.kind.partition(".")[0]
    )
    return "\n\n".join(_diagram(noun, list(of_noun)) for noun, of_noun in by_noun)


def _diagram(noun: str, found: list[Flow]) -> str:
    verbs: dict[tuple[str, str], list[str]] = {}
    for flow in found:
        verbs.setdefault((flow.source, flow.destination), []).append(flow.kind.removeprefix(f"{noun}."))
    names = sorted({name for pair in verbs for name in pair})
    lines = [f"{noun}:", "", "```mermaid", "flowchart LR"]
    lines += [f'    {_id(name)}["{name.replace("/", " ")}"]' for name in names]
    lines += [
        f'    {_id(source)} -->|"{", ".join(sorted(told))}"| {_id(destination)}'
        for (source, destination), told in sorted(verbs.items())
    ]
    return "\n".join([*lines, "```"])


def _id(name: str) -> str:
    return name.replace("/", "_").replace("-", "_")
