"""Gas of every operation of the contracts, beside the anchors' figures and a ceiling.

Rows are in `contracts/gas.toml`; figures come from `contracts/test/Gas*.t.sol`, where each measured call runs
as a transaction of its own, so that they hold for whole transactions (21,000, calldata and refunds included).
Gas does not depend on the machine, so a ceiling is exact: nothing may rise above it unnoticed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = ROOT / "contracts" / "gas.toml"
PAGE = ROOT / "docs" / "gas.md"
SNAPSHOTS = ROOT / "contracts" / "out" / "snapshots"
HEAD = """# Gas

Written by `scripts/bench/gas`; `scripts/bench/gas --check` fails above a ceiling. Whole transactions,
measured by `forge test --isolate`: solc 0.8.37, 200 optimizer runs, cancun, no IR. Ceilings only fall
(`--ratchet`); one that must rise needs its reason in the row (`contracts/gas.toml`). *Clone* is what a
merchant's collection costs more for being a clone; a goal is for the bare operation.
"""


@dataclass(frozen=True)
class Row:
    """One operation. A figure is the gas of a transaction; zero is "none"."""

    operation: str
    ceiling: int
    anchor: str = ""
    goal: int = 0
    why: str = ""
    """Why the goal is missed, or why the ceiling was raised."""


class Failure(RuntimeError):
    """Printed, and the end of the run."""


def read_rows() -> list[Row]:
    rows = [Row(**entry) for entry in tomllib.loads(ROWS.read_text())["row"]]
    names = [row.operation for row in rows]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise Failure(f"rows that are there twice: {', '.join(sorted(twice))}")
    return rows


def measure() -> dict[str, int]:
    """Runs the measurements; the figures of an earlier run are removed first."""
    shutil.rmtree(SNAPSHOTS, ignore_errors=True)
    command = [ROOT / "scripts" / "forge", "test", "--isolate", "--match-contract", "Gas"]
    environment = {**os.environ, "FOUNDRY_GAS_SNAPSHOT_EMIT": "true"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise Failure(f"the measurements fail:\n{run.stdout}{run.stderr}")
    figures: dict[str, int] = {}
    for file in sorted(SNAPSHOTS.glob("*.json")):
        figures |= {name: int(gas) for name, gas in json.loads(file.read_text()).items()}
    return figures


def complaints(rows: list[Row], figures: dict[str, int]) -> list[str]:
    """Everything that is wrong, in words; nothing when all is well."""
    known = {row.operation for row in rows}
    found = [
        f"{name}: measured ({figures[name]:,}), but has no row" for name in sorted(figures.keys() - known)
    ]
    for row in rows:
        gas = figures.get(row.operation)
        if gas is None:
            found.append(f"{row.operation}: has a row, but is not measured")
        elif gas > row.ceiling:
            found.append(f"{row.operation}: {gas:,} is above the ceiling of {row.ceiling:,}")
        if row.goal and row.ceiling > row.goal and not row.why:
            found.append(f"{row.operation}: a ceiling above the goal of {row.goal:,} needs a reason")
    return found


def markdown(rows: list[Row], figures: dict[str, int]) -> str:
    lines = [HEAD, "| operation | gas | goal | best anchor | ceiling | why |", "|---|---:|---:|---|---:|---|"]
    for row in rows:
        gas = figures[row.operation]
        goal = f"{row.goal:,}{'' if gas <= row.goal else ' (missed)'}" if row.goal else ""
        lines.append(f"| {row.operation} | {gas:,} | {goal} | {row.anchor} | {row.ceiling:,} | {row.why} |")
    return "\n".join(lines) + "\n"


def ratchet(rows: list[Row], figures: dict[str, int]) -> int:
    """Lowers ceilings to what was measured; raises none."""
    text, lowered = ROWS.read_text(), 0
    for row in rows:
        gas = figures.get(row.operation, row.ceiling)
        if gas < row.ceiling:
            head = f'operation = "{row.operation}"\nceiling = '
            text = text.replace(f"{head}{row.ceiling}", f"{head}{gas}")
            lowered += 1
    ROWS.write_text(text)
    return lowered


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench/gas", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail above a ceiling; write nothing")
    parser.add_argument("--ratchet", action="store_true", help="lower ceilings to what was measured")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    try:
        rows, figures = read_rows(), measure()
    except Failure as failure:
        sys.exit(f"gas: {failure}")
    if options.ratchet:
        print(f"gas: {ratchet(rows, figures)} ceilings lowered")
        rows = read_rows()
    wrong = complaints(rows, figures)
    if options.json:
        print(json.dumps([asdict(row) | {"gas": figures.get(row.operation)} for row in rows]))
    if wrong:
        sys.exit("gas: " + "\ngas: ".join(wrong))
    if not options.check:
        PAGE.write_text(markdown(rows, figures))
    if not options.json:
        print(f"gas: {len(rows)} operations, none above its ceiling")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
