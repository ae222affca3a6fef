"""The chain, asked directly: the judge of what the node says."""

import itertools
import time
from collections.abc import Sequence
from typing import Any

import httpx
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from scripts.demo_acts.node import PATIENCE_S, PAUSE_S, Impatient

NATIVE = "0x" + "00" * 20


class ChainRefused(Exception):
    """An error of JSON-RPC."""


class Chain:
    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(timeout=15.0, trust_env=False)
        self._ids = itertools.count(1)

    def ask(self, method: str, *params: object) -> Any:  # noqa: ANN401 - any JSON
        request = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        answer = self._answer(request)
        if "error" in answer:
            raise ChainRefused(f"{method}: {answer['error']}")
        return answer["result"]

    def _answer(self, request: object) -> Any:  # noqa: ANN401 - any JSON
        ends = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self._http.post(self._url, json=request).json()
            except httpx.TransportError as error:
                if time.monotonic() > ends:
                    raise Impatient(f"the chain does not answer: {type(error).__name__}") from error
            time.sleep(PAUSE_S)

    def read(self, contract: str, signature: str, returns: Sequence[str], *args: object) -> Any:  # noqa: ANN401
        """A view, as `fee()` returning `("address", "uint16")`; one value alone, several as a tuple."""
        types = [kind for kind in signature[signature.index("(") + 1 : -1].split(",") if kind]
        data = keccak(text=signature)[:4] + encode(types, args)
        raw = self.ask("eth_call", {"to": contract, "data": "0x" + data.hex()}, "latest")
        values = decode(returns, bytes.fromhex(raw[2:]))
        return values[0] if len(values) == 1 else values

    def balance(self, account: str, asset: str = NATIVE) -> int:
        """Of the native coin in wei, or of a token in its smallest unit."""
        if asset == NATIVE:
            return int(self.ask("eth_getBalance", account, "latest"), 16)
        return int(self.read(asset, "balanceOf(address)", ["uint256"], account))

    def allowed_currency(self, exchange: str) -> str:
        """A token that the exchange takes, found in its events."""
        topic = "0x" + keccak(text="CurrencyAllowed(address,bool)").hex()
        logs = self.ask("eth_getLogs", {"address": exchange, "topics": [topic], "fromBlock": "0x0"})
        for log in logs:
            currency = f"0x{log['topics'][1][-40:]}"
            if self.read(exchange, "currencyAllowed(address)", ["bool"], currency):
                return currency
        raise ChainRefused("the exchange takes no token")
