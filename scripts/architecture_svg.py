"""Draws the processes and stores of a node, and what flows between them."""

from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 980, 560
INK, PAPER = "#1b2733", "#ffffff"
FILL = {"actor": "#fff4d6", "process": "#dcecff", "store": "#e2f5e4", "chain": "#f0e4ff"}


@dataclass(frozen=True)
class Box:
    x: int
    y: int
    width: int
    height: int
    kind: str
    title: str
    lines: tuple[str, ...] = ()


BOXES = {
    "people": Box(
        20, 30, 300, 76, "actor", "wallets, merchants, arbiters, members", ("sign; keys never leave them",)
    ),
    "apps": Box(350, 30, 200, 76, "actor", "apps", ("REST, problem+json",)),
    "api": Box(
        130,
        170,
        300,
        92,
        "process",
        "api (granian)",
        ("commands: one transaction each", "queries: JSON built in SQL"),
    ),
    "spine": Box(
        480, 170, 220, 92, "process", "spine", ("sequencer numbers commits", "consumers keep cursors")
    ),
    "worker": Box(740, 170, 220, 92, "process", "worker, beat", ("Celery tasks, the schedule",)),
    "postgres": Box(
        130,
        330,
        570,
        84,
        "store",
        "Postgres 18",
        (
            "kernel.event · chain.* projections · a schema per noun",
            "the app role cannot rewrite history",
        ),
    ),
    "redis": Box(740, 330, 220, 84, "store", "Redis / Valkey", ("queue, limits",)),
    "indexer": Box(480, 460, 220, 76, "process", "indexer", ("one transaction a range",)),
    "chain": Box(
        130, 460, 300, 76, "chain", "EVM chain (anvil in development)", ("NFTs · exchange · escrow · DAO",)
    ),
}
ARROWS = (
    ("people", "api", "steps[], signatures"),
    ("apps", "api", ""),
    ("api", "postgres", "commit before answer"),
    ("spine", "postgres", "events by position"),
    ("spine", "worker", "tasks"),
    ("worker", "redis", ""),
    ("chain", "indexer", "blocks, logs"),
    ("indexer", "postgres", "projections + checkpoint"),
)


MARKER = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"'
    f' orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="{INK}"/></marker></defs>'
)


def architecture_svg() -> str:
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
            ' font-family="system-ui, sans-serif" font-size="13">'
        ),
        "<title>The processes and stores of an ASOUD node</title>",
        MARKER,
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>',
        *(line for box in BOXES.values() for line in _box(box)),
        *(line for arrow in ARROWS for line in _arrow(*arrow)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _text(x: int, y: int, words: str, style: str) -> str:
    return f'<text x="{x}" y="{y}" {style}>{escape(words)}</text>'


def _box(box: Box) -> list[str]:
    middle = box.x + box.width // 2
    return [
        (
            f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="10"'
            f' fill="{FILL[box.kind]}" stroke="{INK}"/>'
        ),
        _text(middle, box.y + 26, box.title, 'text-anchor="middle" font-weight="600"'),
        *(
            _text(middle, box.y + 48 + 18 * row, line, 'text-anchor="middle" fill="#44525f"')
            for row, line in enumerate(box.lines)
        ),
    ]


def _arrow(source: str, target: str, label: str) -> list[str]:
    (x1, y1), (x2, y2) = _ends(BOXES[source], BOXES[target])
    line = f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{INK}" marker-end="url(#tip)"/>'
    if y1 == y2:
        return [line, _text((x1 + x2) // 2, y1 - 6, label, 'text-anchor="middle" font-size="11"')]
    return [line, _text((x1 + x2) // 2 + 8, (y1 + y2) // 2 + 4, label, 'font-size="11"')]


def _ends(a: Box, b: Box) -> tuple[tuple[int, int], tuple[int, int]]:
    """Straight lines between facing sides: sideways when the boxes share rows, else up or down."""
    if a.y < b.y + b.height and b.y < a.y + a.height:
        y = max(a.y, b.y) + min(a.height, b.height) // 2
        return ((a.x + a.width, y), (b.x, y)) if a.x < b.x else ((a.x, y), (b.x + b.width, y))
    x = (max(a.x, b.x) + min(a.x + a.width, b.x + b.width)) // 2
    return ((x, a.y + a.height), (x, b.y)) if a.y < b.y else ((x, a.y), (x, b.y + b.height))
