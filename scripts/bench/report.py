"""What every bench says: a table, one JSON object with `--json`, and its part of docs/performance.md.

Absolute times on shared machines are noise, so each row carries its ratio to the row that is the base,
taken round by round (interleaved) and reported as the median.
"""

import argparse
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

PARTS = Path(__file__).parents[2] / "docs" / "performance"
PAGE = PARTS.with_suffix(".md")
HEAD = """# Performance

Written by the commands of `scripts/bench/`; compare ratios, not absolute figures. Running a
command again renews its part.
"""


@dataclass(frozen=True)
class Row:
    name: str
    figure: float
    """In the unit of the report."""
    ratio: float
    """To the base row; the median over interleaved rounds."""


@dataclass(frozen=True)
class Report:
    name: str
    command: str
    what: str
    unit: str
    base: str
    rounds: int
    rows: list[Row]
    note: str = ""

    def table(self) -> str:
        width = max(len(row.name) for row in self.rows)
        lines = [f"{'':{width}}  {self.unit:>12}  x {self.base}"]
        lines += [f"{row.name:{width}}  {row.figure:>12,.0f}  {row.ratio:.2f}" for row in self.rows]
        return "\n".join([*lines, *([self.note] if self.note else [])])

    def markdown(self) -> str:
        lines = [
            f"## {self.name}",
            "",
            f"`{self.command}`: {self.what} Medians of {self.rounds} interleaved rounds.",
        ]
        lines += ["", f"| | {self.unit} | ratio to *{self.base}* |", "|---|---:|---:|"]
        lines += [f"| {row.name} | {row.figure:,.0f} | {row.ratio:.2f} |" for row in self.rows]
        return "\n".join([*lines, *(["", self.note] if self.note else [])])


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    return parser


def publish(report: Report, *, as_json: bool) -> None:
    """Prints the report and renews the page."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    content = asdict(report) | {"machine": machine}
    print(json.dumps(content) if as_json else report.table())
    PARTS.mkdir(exist_ok=True)
    part = PARTS / f"{report.name.lower().replace(' ', '-')}.md"
    part.write_text(f"{report.markdown()}\n\nMeasured on {machine}.\n")
    PAGE.write_text(performance_page())


def performance_page() -> str:
    return "\n".join([HEAD, *(part.read_text() for part in sorted(PARTS.glob("*.md")))])
