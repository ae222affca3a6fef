"""The check of the committed artifacts finds every difference, and nothing else."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from node.chain.artifacts import load_artifact

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


@pytest.mark.slow
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


def write_inputs(folder: Path, *names: str) -> None:
    """For these contracts alone, or for all."""
    command = [ROOT / "scripts" / "build-contracts", "--verification", folder, *names]
    subprocess.run(command, capture_output=True, check=True)


def built_from(text: bytes, artifact: str) -> str:
    """The code that the pinned compiler makes of such an input, and of nothing else."""
    command = [ROOT / "contracts" / "solc" / "solc", "--standard-json"]
    run = subprocess.run(command, input=text, capture_output=True, check=True, cwd="/")
    (found,) = [
        contracts[artifact]
        for contracts in json.loads(run.stdout)["contracts"].values()
        if artifact in contracts and contracts[artifact]["evm"]["bytecode"]["object"]
    ]
    return str(found["evm"]["bytecode"]["object"])


def test_what_explorers_are_given_makes_the_same_code(tmp_path: Path) -> None:
    write_inputs(tmp_path, "CollectionFactory")
    (written,) = tmp_path.iterdir()
    code = built_from(written.read_bytes(), "CollectionFactory")
    assert code == load_artifact("CollectionFactory").bytecode.hex()


@pytest.mark.slow
def test_every_deployed_contract_can_be_built_again(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    names = {path.stem for path in tmp_path.iterdir()}
    assert {"Exchange", "Escrow", "AsoudGovernor", "RoyaltySplitter", "TimelockController"} < names
    for name in sorted(names):
        text = (tmp_path / f"{name}.json").read_bytes()
        assert built_from(text, name) == load_artifact(name).bytecode.hex(), name
