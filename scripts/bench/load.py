"""A lean HTTP/1.1 client for loopback: keep-alive connections that send one request after another.

Its own cost per request is small against that of any server in Python, so the server is measured.
"""

import asyncio
import itertools
import time
from collections.abc import Iterable, Sequence
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


Act = Sequence[Request]


@dataclass(frozen=True)
class Load:
    """What a server did under a load of acts."""

    per_second: float
    p99_ms: float
    p50_ms: float


async def load(port: int, streams: Sequence[Iterable[Act]], *, seconds: float) -> Load:
    """Acts over loopback for a bounded time, a connection for each stream; an act is requests in a row.

    Raises:
        UnexpectedAnswer: An answer has another status.
    """
    began = time.perf_counter()
    taken = await asyncio.gather(*(_connection(port, acts, until=began + seconds) for acts in streams))
    ended = time.perf_counter()
    seconds_each = sorted(itertools.chain.from_iterable(taken))
    p99 = seconds_each[int(len(seconds_each) * 0.99)]
    p50 = seconds_each[len(seconds_each) // 2]
    return Load(len(seconds_each) / (ended - began), p99 * 1000, p50 * 1000)


async def _connection(port: int, acts: Iterable[Act], *, until: float) -> list[float]:
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), CONNECT_TIMEOUT_S)
    host, taken = f"127.0.0.1:{port}", []
    try:
        for act in acts:
            began = time.perf_counter()
            if began >= until:
                break
            for request in act:
                writer.write(request.encoded(host))
                await _answer(reader, request)
            taken.append(time.perf_counter() - began)
    finally:
        writer.close()
    return taken


async def _answer(reader: asyncio.StreamReader, request: Request) -> None:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), READ_TIMEOUT_S)
    status, length = _parsed(head)
    body = await reader.readexactly(length)
    if status != request.status:
        raise UnexpectedAnswer(f"{request.method} {request.path}: {status} {body[:300]!r}")


def _parsed(head: bytes) -> tuple[int, int]:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(head[9:12]), int(line[15:])
    return int(head[9:12]), 0
