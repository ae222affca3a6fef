"""A JSON-RPC server in front of a real one (or of none), which misbehaves as a test tells it to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

# Given a request's JSON: a status and a body.
Answer = Callable[[Any], tuple[int, bytes]]


@dataclass
class Server:
    url: str
    asked: list[Any] = field(default_factory=list)


@contextmanager
def serving(answer: Answer, *, path: str = "/") -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1  # head and body in one packet, or the second one waits for a late acknowledgement

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append(request)
            status, body = answer(request)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = Server(f"http://127.0.0.1:{http.server_port}{path}")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


def passing_on(rpc_url: str, *, without: frozenset[str] = frozenset()) -> Answer:
    """Everything goes to the real server, except methods that this one does not have."""

    def answer(request: Any) -> tuple[int, bytes]:
        if isinstance(request, dict) and request["method"] in without:
            error = {"code": -32601, "message": "the method does not exist"}
            return 200, json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode()
        reply = httpx.post(rpc_url, json=request)
        return reply.status_code, reply.content

    return answer
