"""Hearing of new blocks: WebSocket where the node speaks it, so that nobody waits for the next poll.

A hint only: `changed` is set when there may be a new head. What the head is, its reader asks over HTTP; a
silent or missing WebSocket costs the poll interval and nothing else. One that stays silent about blocks that
polling found is said to be so, and connected anew.
"""

import asyncio
import time
from typing import Any

import aiohttp
import msgspec

from node.chain.meter import RpcMeter
from node.kernel.log import get_logger

log = get_logger(__name__)

RETRY_S = 5.0  # between attempts to connect
SILENT_S = 30.0  # without a word of a block that polling found
HEARTBEAT_S = 15.0  # pings, so that a dead connection is noticed
MESSAGE_BYTES_MAX = 2**20


class SocketSilent(Exception):
    """It is connected, and says nothing."""


class HeadWatch:
    """Run `follow` as a task, and `wait` with the poll interval as timeout. Without a URL it only polls.

    Its reader tells by `found` how far it got.
    """

    def __init__(self, url: str | None, *, meter: RpcMeter | None = None, silent_s: float = SILENT_S) -> None:
        self._url = url
        self._meter = meter or RpcMeter("", "")
        self._silent_s = silent_s
        self._heard = -1
        self._found = -1
        self._unheard_since: float | None = None
        self.changed = asyncio.Event()

    async def follow(self) -> None:
        """Listens until cancelled."""
        said = False
        while self._url is not None:
            try:
                await self._listen(self._url)
            except SocketSilent:
                self._meter.socket_silent()
                log.warning("websocket_silent", endpoint=self._meter.endpoint, head=self._found)
            except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError) as error:
                if not said:
                    log.info("new_heads_by_polling", cause=type(error).__name__)
                said = True
            await asyncio.sleep(RETRY_S)

    def found(self, number: int) -> None:
        """Polling found this block, whether or not it was heard of."""
        self._found = max(self._found, number)
        if number > self._heard and self._unheard_since is None:
            self._unheard_since = time.monotonic()

    async def wait(self, timeout_s: float) -> None:
        """Until there may be a new head, or the time is over."""
        try:
            await asyncio.wait_for(self.changed.wait(), timeout_s)
        except TimeoutError:
            return
        self.changed.clear()

    async def _listen(self, url: str) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, heartbeat=HEARTBEAT_S, max_msg_size=MESSAGE_BYTES_MAX) as socket,
        ):
            request = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}
            await socket.send_str(msgspec.json.encode(request).decode())
            self._unheard_since = None
            while not socket.closed:
                message = await self._next(socket)
                if message is not None and message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    self._hear(msgspec.json.decode(message.data))

    async def _next(self, socket: aiohttp.ClientWebSocketResponse) -> aiohttp.WSMessage | None:
        """The next message, or None after a while without one. Raises `SocketSilent` when one is overdue."""
        try:
            return await socket.receive(timeout=self._silent_s / 4)
        except TimeoutError:
            since = self._unheard_since
            if since is not None and time.monotonic() - since > self._silent_s:
                raise SocketSilent from None
            return None

    def _hear(self, message: Any) -> None:  # noqa: ANN401 - any JSON
        if not isinstance(message, dict) or message.get("method") != "eth_subscription":
            return
        self.changed.set()
        try:
            self._heard = max(self._heard, int(message["params"]["result"]["number"], 16))
        except (KeyError, TypeError, ValueError):
            self._heard = self._found
        if self._heard >= self._found:
            self._unheard_since = None
