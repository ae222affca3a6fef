"""`asoud up --detach`, `status`, `logs` and `down`, as a person runs them."""

import json
from pathlib import Path

import httpx
import psycopg

from node.cli.supervise.children import SERVICES
from node.cli.supervise.plan import env_file_of
from tests.e2e.whole_node import Node

RPC_KEY = "topsecretkey"


def test_a_node_comes_up_is_looked_at_and_goes_down(node: Node) -> None:
    further = [{"chain_id": 7, "rpc_url": f"http://127.0.0.1:1/v3/{RPC_KEY}"}]
    node.env["ASOUD_CHAINS"] = json.dumps(further)
    up = node.asoud("up", "--detach")
    assert up.returncode == 0, up.stdout + up.stderr
    assert "the node is ready" in up.stdout
    assert f"API       http://127.0.0.1:{node.env['ASOUD_API_PORT']}" in up.stdout
    assert "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266" in up.stdout

    status = node.asoud("status")
    assert status.returncode == 0, status.stdout
    parts = json.loads(node.asoud("status", "--json").stdout)["parts"]
    services = {service.name for service in SERVICES} | {"indexer-7", "sandbox"}
    assert set(parts) == {"postgres", "valkey", "anvil"} | services
    assert {part["restarts"] for part in parts.values()} == {0}

    again = node.asoud("up", "--detach", "--reset")
    assert again.returncode == 1
    assert "a node already runs in" in again.stdout + again.stderr

    health = f"http://127.0.0.1:{node.env['ASOUD_API_PORT']}/health"
    assert httpx.get(f"{health}/ready").status_code == 200
    ours, other = httpx.get(f"{health}/chains").json()["chains"]
    assert ours["chain_id"] == 31337
    assert (other["state"], other["endpoints"][0]["state"]) == ("never", "away")
    assert "http_requests" in httpx.get(f"http://127.0.0.1:{node.env['ASOUD_METRICS_PORT']}/metrics").text

    assert "ready to accept connections" in node.asoud("logs", "postgres").stdout
    assert node.asoud("logs", "nothing").returncode == 1

    settings = json.loads(env_file_of(node.data_dir).read_text())
    with psycopg.connect(settings["ASOUD_DATABASE_URL"]) as app:
        assert app.execute("SELECT count(*) FROM kernel.event").fetchone() == (0,)

    assert_no_password_is_shown(node, up.stdout + up.stderr)

    down = node.asoud("down")
    assert (down.returncode, down.stdout) == (0, "stopped\n")
    assert node.leftovers() == []
    assert node.asoud("status").returncode == 3


def test_a_start_that_fails_says_why_and_leaves_nothing(node: Node) -> None:
    node.env["ASOUD_ANVIL_PORT"] = node.env["ASOUD_POSTGRES_PORT"]
    up = node.asoud("up", "--detach")
    assert up.returncode == 1
    assert "anvil" in up.stdout
    assert "the node is ready" not in up.stdout
    assert node.leftovers() == []


def assert_no_password_is_shown(node: Node, terminal: str) -> None:
    """Neither on the terminal, nor in a log, nor among arguments that every user of the machine can read."""
    secrets = [path.read_text() for path in (node.data_dir / "secrets").iterdir() if path.suffix != ".json"]
    assert len(secrets) >= 4
    logs = "".join(path.read_text() for path in (node.data_dir / "logs").iterdir())
    arguments = "".join(_arguments(pid) for pid in node.leftovers())
    assert "postgres" in arguments
    for secret in (*secrets, RPC_KEY):
        assert secret not in terminal + logs + arguments


def _arguments(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
