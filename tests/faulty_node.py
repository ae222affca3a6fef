"""A node that misbehaves as a test tells it to: a proxy before a real one, for HTTP and WebSocket."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

Json = dict[str, Any]
# Given a call and the real node's answer to it: what the caller gets.
Edit = Callable[[Json, Json], Json]


@dataclass
class FaultyNode:
    """The test's thread sets the faults, the proxy's looks at them with each request."""

    target: str
    url: str = ""
    down: bool = False  # connections break before an answer
    refuse: tuple[int, Mapping[str, str]] | None = None  # status and headers
    edit: Edit | None = None
    deaf: bool = False  # the WebSocket stays open and says nothing
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def websocket_url(self) -> str:
        return "ws" + self.url.removeprefix("http")


@contextmanager
def faulty(target: str) -> Iterator[FaultyNode]:
    node = FaultyNode(target)
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with aiohttp.ClientSession() as session:
            proxy = _Proxy(node, session)
            app = web.Application()
            app.router.add_post("/{key:.*}", proxy.post)
            app.router.add_get("/{key:.*}", proxy.websocket)
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            node.url = f"http://{host}:{port}/v3/topsecretkey"
            ready.set()
            await stop.wait()
            await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield node
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


class _Proxy:
    def __init__(self, node: FaultyNode, session: aiohttp.ClientSession) -> None:
        self._node = node
        self._session = session

    async def post(self, request: web.Request) -> web.StreamResponse:
        node, asked = self._node, await request.json()
        calls: list[Json] = asked if isinstance(asked, list) else [asked]
        node.asked.update(call["method"] for call in calls)
        if node.down:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if node.refuse is not None:
            status, headers = node.refuse
            return web.Response(status=status, headers=headers)
        async with self._session.post(node.target, json=asked) as answer:
            said: Any = await answer.json(content_type=None)
        if node.edit is not None:
            answers = said if isinstance(said, list) else [said]
            by_id = {item["id"]: item for item in answers}
            edited = [node.edit(call, by_id[call["id"]]) for call in calls]
            said = edited if isinstance(said, list) else edited[0]
        return web.json_response(said)

    async def websocket(self, request: web.Request) -> web.StreamResponse:
        near = web.WebSocketResponse()
        await near.prepare(request)
        async with self._session.ws_connect("ws" + self._node.target.removeprefix("http")) as far:
            listening = asyncio.create_task(self._pass_on(far, near))
            try:
                async for message in near:
                    await far.send_str(message.data)
            finally:
                listening.cancel()
        return near

    async def _pass_on(self, far: aiohttp.ClientWebSocketResponse, near: web.WebSocketResponse) -> None:
        with suppress(ConnectionError):
            async for message in far:
                if not self._node.deaf:
                    await near.send_str(message.data)
