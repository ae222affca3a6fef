"""The few JSON-RPC calls that supervision needs. The node's own client lives in `node.chain`."""

import itertools

import httpx


class RpcFailed(Exception):
    """No answer, or an answer that says no."""


class RpcClient:
    """Opens a connection per call: the other side may have been replaced meanwhile."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ids = itertools.count(1)

    async def call(self, method: str, *params: object, timeout_s: float = 2.0) -> object:
        """The `result`. Raises `RpcFailed`."""
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        try:
            async with httpx.AsyncClient(timeout=timeout_s, trust_env=False) as client:
                answer = (await client.post(self._url, json=body)).json()
        except (httpx.HTTPError, ValueError) as e:
            raise RpcFailed(f"{method}: {e!r}") from e
        if not isinstance(answer, dict) or "result" not in answer:
            raise RpcFailed(f"{method}: {answer!r}")
        return answer["result"]
