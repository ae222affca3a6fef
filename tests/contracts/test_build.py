"""The check of the committed artifacts finds every difference, and nothing else."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [root / "scripts" / "build-contracts", "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def copy_sources(place: Path) -> None:
    shutil.copytree(
        ROOT / "contracts",
        place / "contracts",
        ignore=shutil.ignore_patterns("out", "cache", "brownie", "test"),
    )
    (place / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "build-contracts", place / "scripts" / "build-contracts")
    (place / "node_modules").symlink_to(ROOT / "node_modules")


def test_what_differs_from_the_sources_is_named(tmp_path: Path) -> None:
    copy_sources(tmp_path)
    escrow = tmp_path / "contracts" / "src" / "Escrow.sol"
    escrow.write_text(escrow.read_text().replace("MAX_FEE_BPS = 1000", "MAX_FEE_BPS = 1001"))
    artifacts = tmp_path / "contracts" / "artifacts"
    (artifacts / "DevDollar.json").unlink()
    (artifacts / "Stray.json").write_text("{}")

    answer = check(tmp_path)

    assert answer.returncode == 1
    assert "differ from the sources: DevDollar.json, Escrow.json, Stray.json" in answer.stderr
