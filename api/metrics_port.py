"""`/metrics` on a port of its own, so that it is never public by accident."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import REGISTRY, start_http_server

from api.metrics import PoolCollector
from api.options import EdgeOptions
from node.kernel.log import get_logger
from node.services.container import Services

log = get_logger(__name__)


@contextmanager
def metrics_port(services: Services, options: EdgeOptions) -> Iterator[None]:
    """Of several API processes the first to bind serves its own numbers; the others say so and go on."""
    if options.metrics_port is None:
        yield
        return
    pools = PoolCollector(services)
    REGISTRY.register(pools)
    close = _serve(options.metrics_host, options.metrics_port)
    try:
        yield
    finally:
        REGISTRY.unregister(pools)
        close()


def _serve(host: str, port: int) -> Callable[[], None]:
    """Returns what ends the server again."""
    try:
        server, thread = start_http_server(port, addr=host)
    except OSError as error:
        log.warning("metrics_port_taken", port=port, error=error.strerror)
        return lambda: None

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return close
