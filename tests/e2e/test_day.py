"""A day on a whole node: the demo, the quick start and `asoud verify`; and the same day with parts killed."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from node.cli.supervise.plan import REPO
from scripts.docs_pages import with_block
from tests.e2e.whole_node import Node

DEMO = str(REPO / "scripts/demo")
FUZZ = str(REPO / "scripts/fuzz")
MONEY_PAGE = REPO / "docs/money.md"
CHILDREN = ("postgres", "valkey", "anvil", "api", "indexer", "spine", "worker", "beat", "sandbox")


def start(node: Node) -> None:
    up = node.asoud("up", "--detach")
    assert up.returncode == 0, up.stdout + up.stderr


def passes(node: Node) -> None:
    demo = node.run(DEMO)
    last = demo.stdout.strip().splitlines()[-1]
    assert demo.returncode == 0, demo.stdout[-3000:] + demo.stderr[-2000:]
    passed = re.fullmatch(r"demo: (\d+) checks passed, 0 failed", last)
    assert passed, last
    assert int(passed[1]) >= 40


def finds_nothing(node: Node) -> None:
    """Once the indexer has read what the chain has."""
    for _ in range(20):
        verify = node.asoud("verify")
        if verify.returncode == 0:
            break
        time.sleep(0.5)
    assert verify.stdout.strip().splitlines()[-1] == "verify: 0 differences", verify.stdout + verify.stderr


def draws_the_ways_of_money(node: Node) -> None:
    """`docs/money.md` has the pictures; ASOUD_WRITE_DOCS=1 draws them anew."""
    told = node.asoud("ledger", "flows", "--draw").stdout.strip()
    page = with_block(MONEY_PAGE.read_text(), "flows", told)
    if os.environ.get("ASOUD_WRITE_DOCS"):
        MONEY_PAGE.write_text(page)
    assert MONEY_PAGE.read_text() == page


def answers_by_its_document(node: Node, *options: str) -> None:
    url = f"http://127.0.0.1:{node.env['ASOUD_API_PORT']}"
    fuzz = subprocess.run(
        [FUZZ, *options],
        env=node.env | {"ASOUD_API": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=1_800,
    )
    assert fuzz.returncode == 0, fuzz.stdout[-6_000:]


def quick_start(node: Node, language: str, path: Path) -> str:
    """Writes the first program of the page in that language as it is, but for the addresses of this node."""
    page = (REPO / "docs/quickstart.md").read_text()
    program = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)[0]
    for ours, theirs in (
        ("127.0.0.1:8000", f"127.0.0.1:{node.env['ASOUD_API_PORT']}"),
        ("127.0.0.1:8545", f"127.0.0.1:{node.env['ASOUD_ANVIL_PORT']}"),
        ("=.asoud/", f"={node.data_dir}/"),
    ):
        program = program.replace(ours, theirs)
    path.write_text(program)
    return str(path)


def test_a_day_on_a_node(node: Node, tmp_path: Path) -> None:
    start(node)
    passes(node)
    draws_the_ways_of_money(node)
    ten = node.run(sys.executable, quick_start(node, "python", tmp_path / "ten.py"))
    assert ten.returncode == 0, ten.stderr
    assert "1 tokens on this page" in ten.stdout
    if shutil.which("jq"):  # as the page asks for
        by_curl = node.run("bash", quick_start(node, "bash", tmp_path / "ten.sh"))
        assert by_curl.returncode == 0, by_curl.stdout + by_curl.stderr
        assert by_curl.stdout.splitlines()[-1] == "304"
    finds_nothing(node)
    answers_by_its_document(node, "--examples", "1", "--phases", "fuzzing", "--callers", "2")


@pytest.mark.slow
def test_whatever_is_asked_is_answered_by_the_document(node: Node) -> None:
    start(node)
    passes(node)
    answers_by_its_document(node, "--examples", "50")


@pytest.mark.slow
@pytest.mark.parametrize("child", CHILDREN)
def test_a_child_killed_in_the_middle_of_the_day_comes_back(node: Node, child: str) -> None:
    """The interrupted day may fail or pass; the next one passes, and nothing is out of step."""
    start(node)
    day = subprocess.Popen(
        [DEMO], cwd=REPO, env=node.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for delay_s in (6.0, 9.0):
        time.sleep(delay_s)
        os.kill(pid_of(node, child), signal.SIGKILL)
    day.wait(timeout=180)
    wait_healthy(node)
    passes(node)
    finds_nothing(node)
    status = node.asoud("status")
    row = next(line.split() for line in status.stdout.splitlines() if line.startswith(child))
    assert int(row[-1]) >= 2, status.stdout


def pid_of(node: Node, child: str) -> int:
    """Of a child that may be on its way back from the kill before."""
    for _ in range(120):
        status = node.asoud("status").stdout
        row = next(line.split() for line in status.splitlines() if line.strip().startswith(child))
        if row[2].isdigit():
            return int(row[2])
        time.sleep(0.5)
    raise AssertionError(status)


def wait_healthy(node: Node) -> None:
    for _ in range(120):
        if node.asoud("status").returncode == 0:
            return
        time.sleep(0.5)
    raise AssertionError(node.asoud("status").stdout)
