"""Metrics of the edge, by route template (never by path: ids would make endless series)."""

from collections.abc import Iterator

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.pool import QueuePool
from typing_extensions import override

from node.services.container import Services

REQUESTS = Counter("asoud_http_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "asoud_http_request_seconds",
    "From the first byte of the request to the last of the answer",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


PHONE_CODES = Counter(
    "asoud_phone_codes",
    "Codes by text message that were asked for, and those that were used",
    ["prefix", "outcome"],
)


class PoolCollector(Collector):
    """How many connections each pool has, and how many are at work; asked when the metrics are read."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily("asoud_pool_connections", "Connections", labels=["pool", "state"])
        pool = self._services.database.engine.pool
        if isinstance(pool, QueuePool):
            family.add_metric(["command", "busy"], pool.checkedout())
            family.add_metric(["command", "idle"], pool.checkedin())
            family.add_metric(["command", "max"], pool.size())
        stats = self._services.queries.stats()
        size, idle = stats.get("pool_size", 0), stats.get("pool_available", 0)
        family.add_metric(["query", "busy"], size - idle)
        family.add_metric(["query", "idle"], idle)
        family.add_metric(["query", "max"], stats.get("pool_max", 0))
        yield family
