"""Metrics of what is asked of a chain's servers, by endpoint and method. Names only grow.

An endpoint is called by its place in the settings (`rpc1`, `rpc2`), never by its address, which holds a key.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

_ENDPOINT = ["chain", "endpoint"]
_CALL = [*_ENDPOINT, "method"]

SECONDS = Histogram(
    "asoud_rpc_request_seconds",
    "From the sending of a request to its whole answer",
    _CALL,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
CALLS = Counter("asoud_rpc_calls_total", "Calls, those of a batch counted one by one", _CALL)
ERRORS = Counter("asoud_rpc_errors_total", "Requests that failed", [*_CALL, "kind"])
IN_FLIGHT = Gauge("asoud_rpc_in_flight", "Requests that wait for their answer", _ENDPOINT)
LIMIT_WAITS = Counter("asoud_rpc_limit_waits_total", "Requests held back by the endpoint's limit", _ENDPOINT)
LIMIT_WAIT_SECONDS = Counter(
    "asoud_rpc_limit_wait_seconds_total", "Time that requests were held back", _ENDPOINT
)
SILENT = Counter(
    "asoud_rpc_websocket_silent_total",
    "Times that a WebSocket told of no new block though one came",
    _ENDPOINT,
)

_FRESH = 0.1  # what one request weighs in the running figures


class RpcMeter:
    """Counts for one endpoint, and keeps its running latency and error rate. Threads may share it."""

    def __init__(self, chain: int | str, endpoint: str) -> None:
        self.endpoint = endpoint
        self.latency_s: float | None = None
        self.error_rate = 0.0
        self._names = (str(chain), endpoint)
        self._lock = threading.Lock()

    @contextmanager
    def request(self, method: str, *, calls: int) -> Iterator[None]:
        """Around one request. What it raises is a failure of that name."""
        CALLS.labels(*self._names, method).inc(calls)
        in_flight = IN_FLIGHT.labels(*self._names)
        in_flight.inc()
        started = time.perf_counter()
        try:
            yield
        except Exception as error:
            self.failed(method, error)
            raise
        else:
            self._note(time.perf_counter() - started, 0.0)
        finally:
            in_flight.dec()
            SECONDS.labels(*self._names, method).observe(time.perf_counter() - started)

    def failed(self, method: str, error: Exception) -> None:
        ERRORS.labels(*self._names, method, type(error).__name__).inc()
        self._note(None, 1.0)

    def held_back(self, seconds: float) -> None:
        LIMIT_WAITS.labels(*self._names).inc()
        LIMIT_WAIT_SECONDS.labels(*self._names).inc(seconds)

    def socket_silent(self) -> None:
        SILENT.labels(*self._names).inc()

    def _note(self, latency_s: float | None, error: float) -> None:
        with self._lock:
            self.error_rate += _FRESH * (error - self.error_rate)
            if latency_s is not None:
                before = latency_s if self.latency_s is None else self.latency_s
                self.latency_s = before + _FRESH * (latency_s - before)
