"""Hearing of new blocks: WebSocket where the node speaks it, so that nobody waits for the next poll.

A hint only: `changed` is set when there may be a new head. What the head is, its reader asks over HTTP; a
silent or missing WebSocket costs the poll interval and nothing else.
"""

import asyncio
from typing import Any

import aiohttp
import msgspec

from node.kernel.log import get_logger

log = get_logger(__name__)

RETRY_S = 5.0  # between attempts to connect
HEARTBEAT_S = 15.0  # pings, so that a dead connection is noticed
MESSAGE_BYTES_MAX = 2**20


def websocket_url(rpc_url: str) -> str:
    """Nodes serve both on one address, but for the scheme."""
    return "ws" + rpc_url.removeprefix("http")


class HeadWatch:
    """Run `follow` as a task, and `wait` with the poll interval as timeout. Without a URL it only polls."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self.changed = asyncio.Event()

    async def follow(self) -> None:
        """Listens until cancelled."""
        said = False
        while self._url is not None:
            try:
                await self._listen(self._url)
            except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError) as error:
                if not said:
                    log.info("new_heads_by_polling", cause=type(error).__name__)
                said = True
            await asyncio.sleep(RETRY_S)

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
            async for message in socket:
                if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    self._heard(msgspec.json.decode(message.data))

    def _heard(self, message: Any) -> None:  # noqa: ANN401 - any JSON
        if isinstance(message, dict) and message.get("method") == "eth_subscription":
            self.changed.set()
