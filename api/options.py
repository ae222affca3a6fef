"""What the edge needs to know from settings; tests take the defaults."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network


def origins(listed: str) -> tuple[str, ...]:
    """`https://shop.example, http://localhost:3000` as origins (RFC 6454). Raises ValueError."""
    found = tuple(entry.strip() for entry in listed.split(",") if entry.strip())
    for origin in found:
        parts = urlsplit(origin)
        if origin != f"{parts.scheme}://{parts.netloc}" or parts.scheme not in {"http", "https"}:
            raise ValueError(f"{origin!r} is not an origin like https://shop.example")
    return found


def networks(listed: str) -> tuple[Network, ...]:
    """`10.0.0.0/8, ::1` as networks. Raises ValueError, for a node with a wrong list must not start."""
    return tuple(ip_network(entry.strip()) for entry in listed.split(",") if entry.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeOptions:
    body_bytes_max: int = 256 * 2**10
    upload_bytes_max: int = 10 * 2**20
    body_seconds_max: float = 30.0
    upload_seconds_max: float = 300.0
    """A body that comes in slower is refused: it would hold its place for ever."""
    reads_per_minute: int = 3_000
    writes_per_minute: int = 300
    uploads_per_minute: int = 60
    """Of one caller."""
    cors_origins: tuple[str, ...] = ()
    is_behind_tls: bool = False
    """Browsers are told to come by HTTPS only."""
    threads: int = 20
    """Commands at work at once; as many as the command path has connections."""
    trusted_proxies: tuple[Network, ...] = ()
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    """None serves no metrics port."""
