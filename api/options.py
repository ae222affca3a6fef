"""What the edge needs to know from settings; tests take the defaults."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network


def networks(listed: str) -> tuple[Network, ...]:
    """`10.0.0.0/8, ::1` as networks. Raises ValueError, for a node with a wrong list must not start."""
    return tuple(ip_network(entry.strip()) for entry in listed.split(",") if entry.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeOptions:
    body_bytes_max: int = 256 * 2**10
    upload_bytes_max: int = 10 * 2**20
    threads: int = 20
    """Commands at work at once; as many as the command path has connections."""
    trusted_proxies: tuple[Network, ...] = ()
    secure_cookies: bool = False
    """Where people reach the API by TLS alone."""
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    """None serves no metrics port."""
