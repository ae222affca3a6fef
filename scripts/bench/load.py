"""A lean HTTP/1.1 client for loopback: keep-alive connections that send one fixed request after another.

Its own cost per request is small against that of any server in Python, so the server is measured.
"""

import asyncio
import time
from dataclasses import dataclass

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0


class UnexpectedAnswer(RuntimeError):
    """The server answered with another status than the bench is about."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    status: int = 200

    def encoded(self, host: str) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", f"host: {host}", f"content-length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


async def requests_per_second(port: int, request: Request, *, connections: int, seconds: float) -> float:
    """Runs for a bounded time over loopback; raises when any answer has another status."""
    began = time.perf_counter()
    counts = await asyncio.gather(
        *(_connection(port, request, until=began + seconds) for _ in range(connections))
    )
    return sum(counts) / (time.perf_counter() - began)


async def _connection(port: int, request: Request, *, until: float) -> int:
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), CONNECT_TIMEOUT_S)
    raw, count = request.encoded(f"127.0.0.1:{port}"), 0
    try:
        while time.perf_counter() < until:
            writer.write(raw)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), READ_TIMEOUT_S)
            status, length = _parsed(head)
            body = await reader.readexactly(length)
            if status != request.status:
                raise UnexpectedAnswer(f"{request.method} {request.path}: {status} {body[:300]!r}")
            count += 1
    finally:
        writer.close()
    return count


def _parsed(head: bytes) -> tuple[int, int]:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(head[9:12]), int(line[15:])
    return int(head[9:12]), 0
