"""A lean HTTP/1.1 client for loopback: keep-alive connections that send one request after another.

Its own cost per request is small against that of any server in Python, so the server is measured.
"""

import asyncio
import itertools
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import uvloop
from typing_extensions import override

from scripts.bench.cpu import cpu_ms, cpu_seconds

ANSWER_TIMEOUT_S = 10.0
_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


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
    cpu_ms: Mapping[str, float]
    """For each act, by part."""


def load(port: int, streams: Sequence[Iterable[Act]], *, seconds: float) -> Load:
    """Acts over loopback for a bounded time, a connection for each stream; an act is requests in a row.

    Raises:
        UnexpectedAnswer: An answer has another status, or a connection broke.
        TimeoutError: The server does not answer.
    """
    return uvloop.run(_load(port, streams, seconds=seconds))


async def _load(port: int, streams: Sequence[Iterable[Act]], *, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    before = cpu_seconds()
    connections = [_Connection(f"127.0.0.1:{port}", iter(acts), began + seconds) for acts in streams]
    async with asyncio.timeout(seconds + ANSWER_TIMEOUT_S):
        for connection in connections:
            await loop.create_connection(lambda made=connection: made, "127.0.0.1", port)  # type: ignore[misc]
        await asyncio.gather(*(connection.is_done for connection in connections))
    ended = time.perf_counter()
    seconds_each = sorted(itertools.chain.from_iterable(connection.taken for connection in connections))
    p99 = seconds_each[int(len(seconds_each) * 0.99)]
    p50 = seconds_each[len(seconds_each) // 2]
    cpu = cpu_ms(before, per=len(seconds_each))
    return Load(len(seconds_each) / (ended - began), p99 * 1000, p50 * 1000, cpu)


class _Connection(asyncio.Protocol):
    """Sends the next request from where it reads the answer to the last one: no task wakes for it."""

    def __init__(self, host: str, acts: Iterator[Act], until: float) -> None:
        self.taken: list[float] = []
        self.is_done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._host = host
        self._acts = acts
        self._until = until
        self._requests: Iterator[Request] = iter(())
        self._request: Request | None = None
        self._received = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # of uvloop's own class
        self._next_act()

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        head_ends = self._received.find(b"\r\n\r\n") + 4
        if head_ends < 4:  # noqa: PLR2004 - not found, and four bytes on
            return
        status, length = _parsed(self._received[:head_ends])
        body = self._received[head_ends:]
        if len(body) < length:
            return
        self._received = b""
        request = self._request
        if request is None or status != request.status:
            self._fail(f"{request}: {status} {body[:300]!r}")
        else:
            self._next_request()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the connection broke: {exc}")

    def _next_act(self) -> None:
        self._began = time.perf_counter()
        act = next(self._acts, None) if self._began < self._until else None
        if act is None:
            self.is_done.set_result(None)
            self._transport.close()
        else:
            self._requests = iter(act)
            self._next_request()

    def _next_request(self) -> None:
        self._request = next(self._requests, None)
        if self._request is None:
            self.taken.append(time.perf_counter() - self._began)
            self._next_act()
        else:
            self._transport.write(self._request.encoded(self._host))

    def _fail(self, why: str) -> None:
        if not self.is_done.done():
            self.is_done.set_exception(UnexpectedAnswer(why))


def _parsed(head: bytes) -> tuple[int, int]:
    found = _LENGTH.search(head)
    return int(head[9:12]), int(found[1]) if found else 0
