"""Callbacks, signed and sent again until they are taken, with what goes wrong on their way."""

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any

import httpx

from node.kernel.log import get_logger
from node.sandbox.faults import Fault

log = get_logger(__name__)

TRIES_MAX = 6
PAUSE_S = 0.5  # doubled after each try
SLOW_S = 3.0
COPIES = 3


class Callbacks:
    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._http = httpx.AsyncClient(timeout=10.0, trust_env=False)
        self._tasks = set[asyncio.Task[None]]()

    def send(self, payment: dict[str, Any], statuses: list[str], broken: frozenset[Fault]) -> None:
        """News of a payment, a callback for each status; returns at once."""
        if Fault.LOST in broken:
            return
        bodies = [self._body(payment, status, number, broken) for number, status in enumerate(statuses)]
        if Fault.OUT_OF_ORDER in broken:
            bodies.reverse()
        task = asyncio.get_running_loop().create_task(self._deliver(payment["callback_url"], bodies, broken))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def signed(self, body: bytes) -> dict[str, str]:
        stamp = str(int(time.time()))  # noqa: TID251 - another house, with its own clock
        mac = hmac.new(self._secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "X-Sandbox-Timestamp": stamp,
            "X-Sandbox-Signature": mac,
        }

    def _body(self, payment: dict[str, Any], status: str, number: int, broken: frozenset[Fault]) -> bytes:
        amount = str(int(payment["taken"]) + 1) if Fault.LYING in broken else payment["taken"]
        told = {
            "id": payment["id"],
            "payment_id": payment["payment_id"],
            "status": status,
            "amount": amount,
            "currency": payment["currency"],
        }
        return json.dumps({"event_id": f"{payment['id']}-{number}-{status}", "payment": told}).encode()

    async def _deliver(self, url: str, bodies: list[bytes], broken: frozenset[Fault]) -> None:
        if Fault.SLOW in broken:
            await asyncio.sleep(SLOW_S)
        for body in bodies:
            for _ in range(COPIES if Fault.DUPLICATE in broken else 1):
                await self._post(url, body)

    async def _post(self, url: str, body: bytes) -> None:
        for attempt in range(TRIES_MAX):
            try:
                answer = await self._http.post(url, content=body, headers=self.signed(body))
            except httpx.HTTPError as error:
                reason = type(error).__name__
            else:
                if answer.is_success:
                    return
                reason = str(answer.status_code)
            log.warning("callback_not_taken", reason=reason)
            await asyncio.sleep(PAUSE_S * 2**attempt)
