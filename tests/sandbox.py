"""The sandbox gateway as a process of its own, a payer on its page, and the callbacks that it sends."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from typing_extensions import override

from node.services.gateway.providers.sandbox import SandboxProvider
from node.services.gateway.registry import Gateways, Method
from tests.stack import free_port

SECRET = "sandbox-secret"
READY_S = 30.0
TIMEOUT_S = 0.7  # of the node's requests: a gateway that does not answer is soon given up


@dataclass
class Inbox:
    """Where callbacks go: kept as they came, each with its headers."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def wait_for(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        ends = time.monotonic() + READY_S
        while len(self.got) < count and time.monotonic() < ends:
            time.sleep(0.02)
        assert len(self.got) >= count
        return self.got[:]


@dataclass
class Sandbox:
    url: str
    inbox: Inbox

    @cached_property
    def provider(self) -> SandboxProvider:
        return SandboxProvider(self.url, SECRET, timeout_s=TIMEOUT_S)

    def gateways(self) -> Gateways:
        return Gateways([Method("sandbox", self.provider, None, None)])

    def break_(self, payment_id: object, *faults: str) -> None:
        body = {"payment_id": str(payment_id), "faults": list(faults)}
        self._ask("POST", "/faults", json=body)

    def decide(self, url: str, do: str = "pay", *faults: str) -> httpx.Response:
        """What a person does on the page."""
        data = {"do": do, "fault": list(faults)}
        answer = httpx.post(url, data=data, trust_env=False)
        assert answer.status_code == 303, answer.text
        return answer

    def report(self) -> list[dict[str, object]]:
        entries: list[dict[str, object]] = self._ask("GET", "/report").json()["entries"]
        return entries

    def _ask(self, method: str, path: str, json: object = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {SECRET}"}
        answer = httpx.request(method, f"{self.url}{path}", json=json, headers=headers, trust_env=False)
        answer.raise_for_status()
        return answer


@contextmanager
def running_sandbox(folder: Path) -> Iterator[Sandbox]:
    port = free_port()
    environment = {
        "ASOUD_SANDBOX_PORT": str(port),
        "ASOUD_SANDBOX_SECRET": SECRET,
        "ASOUD_SANDBOX_DIR": str(folder),
    }
    with (folder / "sandbox.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "node.sandbox"], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        with running_inbox() as inbox:
            sandbox = Sandbox(f"http://127.0.0.1:{port}", inbox)
            _await_health(sandbox.url, folder / "sandbox.log")
            yield sandbox
            sandbox.provider._http.close()
    finally:
        process.terminate()
        process.wait(10)


def _await_health(url: str, log: Path) -> None:
    ends = time.monotonic() + READY_S
    while time.monotonic() < ends:
        try:
            if httpx.get(f"{url}/health", trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(log.read_text())


@contextmanager
def running_inbox() -> Iterator[Inbox]:
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            inbox.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        @override
        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    inbox.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield inbox
    server.shutdown()
    server.server_close()
    thread.join()
