"""What runs in a node, in the order in which it starts. To add a part, add a row here and nothing else.

Embedded parts come first, all together, then the jobs together, then the services; stopping goes backwards.
"""

import hashlib
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from node.cli.supervise import postgres
from node.cli.supervise.anvil import EmbeddedAnvil
from node.cli.supervise.chainstate import StateFiles
from node.cli.supervise.files import kept_secret
from node.cli.supervise.orphans import MARKER
from node.cli.supervise.plan import Plan
from node.cli.supervise.postgres import EmbeddedPostgres
from node.cli.supervise.process import Child
from node.cli.supervise.valkey import EmbeddedValkey
from node.kernel.readiness import READY_FILE


class Part(Protocol):
    """An embedded part: it tells the others how to reach it."""

    name: str

    @property
    def environment(self) -> Mapping[str, str]:
        """What it adds to the settings of everything that starts after it."""

    def prepare(self) -> None:
        """Folders and files that it needs before its process starts."""

    def child(self, env: dict[str, str]) -> Child: ...

    async def after_start(self) -> None:
        """What has to be made in it once it answers."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """Runs to its end before the services start, beside the other jobs."""

    name: str
    argv: tuple[str, ...]
    limit_s: float = 120.0
    # why it is not to run now, in words; None lets it run
    unless: Callable[[Plan], str | None] = lambda _: None


@dataclass(frozen=True, kw_only=True)
class Service:
    """A process of the node itself: ready when `health` answers, or else when it calls `tell_ready`."""

    name: str
    argv: Callable[[Plan], tuple[str, ...]]
    health: Callable[[Plan], str] | None = None
    ready_timeout_s: float = 90.0  # importing is slow on a machine that is busy
    stop_timeout_s: float = 10.0


PYTHON = sys.executable

# On a public chain it costs money and cannot be undone, so no start of a node does it by the way.
BY_HAND = "on a public chain, contracts are deployed by `scripts/asoud deploy` alone"

JOBS: tuple[Job, ...] = (
    Job(
        name="migrate",
        argv=(PYTHON, "-m", "node.cli", "migrate"),
    ),
    Job(
        name="deploy",
        argv=(PYTHON, "-m", "node.cli", "deploy"),
        unless=lambda plan: None if plan.is_dev_chain else BY_HAND,
    ),
)


def _granian(plan: Plan) -> tuple[str, ...]:
    # a worker that died is replaced by granian; the kill timeout is for streams that never end
    return (
        *(PYTHON, "-m", "granian", "--interface", "asgi", "--loop", "uvloop"),
        *("--host", plan.api_host, "--port", str(plan.ports.api), "--workers", plan.api_workers),
        *("--workers-kill-timeout", "5", "--respawn-failed-workers", "--respawn-interval", "0.5"),
        "node.app:app",
    )


SERVICES: tuple[Service, ...] = (
    Service(name="api", argv=_granian, health=lambda plan: f"{plan.api_url}/health/ready"),
    Service(name="indexer", argv=lambda _: (PYTHON, "-m", "node.cli", "indexer", "run")),
    Service(name="spine", argv=lambda _: (PYTHON, "-m", "node.worker.spine")),
    Service(name="worker", argv=lambda _: (PYTHON, "-m", "node.worker")),
    Service(name="beat", argv=lambda _: (PYTHON, "-m", "node.worker.beat")),
)


SANDBOX = Service(
    name="sandbox",
    argv=lambda _: (PYTHON, "-m", "node.sandbox"),
    health=lambda plan: f"http://127.0.0.1:{plan.ports.sandbox}/health",
)


def services_of(plan: Plan) -> tuple[Service, ...]:
    """The table, an indexer for each further chain, and the sandbox gateway where it is wanted."""
    sandbox = (SANDBOX,) if plan.has_sandbox else ()
    return (*SERVICES, *sandbox, *(_further_indexer(chain_id) for chain_id in plan.further_chains))


def _further_indexer(chain_id: int) -> Service:
    command = (PYTHON, "-m", "node.cli", "indexer", "run", "--chain", str(chain_id))
    return Service(name=f"indexer-{chain_id}", argv=lambda _: command)


def embedded_parts(plan: Plan, say: Callable[[str], None]) -> list[Part]:
    """Those that the user has not placed outside."""
    make: dict[str, Callable[[], Part]] = {
        "postgres": lambda: EmbeddedPostgres(
            place=postgres.find_place(
                plan.data_dir / "postgres", elsewhere=elsewhere(plan.data_dir) / "postgres"
            ),
            secrets_dir=plan.secrets_dir,
            port=plan.ports.postgres,
        ),
        "valkey": lambda: EmbeddedValkey(
            folder=plan.data_dir / "valkey",
            secrets_dir=plan.secrets_dir,
            port=plan.ports.valkey,
        ),
        "anvil": lambda: EmbeddedAnvil(
            folder=plan.data_dir / "anvil",
            port=plan.ports.anvil,
            files=StateFiles(plan.data_dir / "anvil", say),
        ),
    }
    return [build() for name, build in make.items() if not plan.is_outside(name)]


def elsewhere(data_dir: Path) -> Path:
    """Where a part's data goes when root's data folder is closed to the account that the part runs under."""
    digest = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    return Path("/var/lib/asoud") / digest


def environment_of_parts(plan: Plan) -> dict[str, str]:
    """Just enough for a foreign binary: it gets none of the node's secrets."""
    return {"PATH": os.defpath, "LC_ALL": "C", MARKER: str(plan.data_dir)}


def environment_of_services(plan: Plan, settings: Mapping[str, str]) -> dict[str, str]:
    """The user's own environment wins nowhere: what the supervisor sets is where things really are."""
    return {
        **plan.environment,
        **settings,
        MARKER: str(plan.data_dir),
        "PYTHONUNBUFFERED": "1",
    }


def settings_of_node(plan: Plan, parts: list[Part]) -> dict[str, str]:
    """What every process of the node, and every command, needs to reach this node."""
    settings = {
        "ASOUD_DATA_DIR": str(plan.data_dir),
        "ASOUD_API_PORT": str(plan.ports.api),
        "ASOUD_PUBLIC_URL": plan.environment.get("ASOUD_PUBLIC_URL", f"http://localhost:{plan.ports.api}"),
        "ASOUD_METRICS_PORT": str(plan.ports.metrics),
        "ASOUD_INDEXER_METRICS_PORT": str(plan.ports.indexer_metrics),
    }
    for part in parts:
        settings |= part.environment
    return settings | (_sandbox_settings(plan) if plan.has_sandbox else {})


def _sandbox_settings(plan: Plan) -> dict[str, str]:
    """The last choice among the gateways that the user named; its secret is made here."""
    secret, url = kept_secret(plan.secrets_dir, "sandbox"), f"http://127.0.0.1:{plan.ports.sandbox}"
    named = [name for name in plan.environment.get("ASOUD_GATEWAYS", "").split(",") if name.strip()]
    options = json.loads(plan.environment.get("ASOUD_GATEWAY_OPTIONS", "{}"))
    return {
        "ASOUD_SANDBOX_PORT": str(plan.ports.sandbox),
        "ASOUD_SANDBOX_URL": url,
        "ASOUD_SANDBOX_SECRET": secret,
        "ASOUD_GATEWAYS": ",".join(dict.fromkeys([*named, "sandbox"])),
        "ASOUD_GATEWAY_OPTIONS": json.dumps({**options, "sandbox.url": url, "sandbox.secret": secret}),
    }


def service_child(service: Service, plan: Plan, env: dict[str, str]) -> Child:
    ready_file = plan.run_dir / f"{service.name}.ready"

    def argv() -> tuple[str, ...]:
        ready_file.unlink(missing_ok=True)  # what its former life said does not count
        return service.argv(plan)

    return Child(
        name=service.name,
        argv=argv,
        env={**env, READY_FILE: str(ready_file)},
        cwd=plan.repo,
        ready=_http_ok(service.health(plan)) if service.health else _told_by(ready_file),
        ready_timeout_s=service.ready_timeout_s,
        stop_timeout_s=service.stop_timeout_s,
    )


def _told_by(ready_file: Path) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        return ready_file.exists()  # noqa: ASYNC240 - a look at a local folder

    return ready


def _http_ok(url: str) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        try:
            async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
                return (await client.get(url)).is_success
        except httpx.HTTPError:
            return False

    return ready
