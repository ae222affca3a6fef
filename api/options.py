"""What the edge needs to know from settings; tests take the defaults."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeOptions:
    body_bytes_max: int = 256 * 2**10
    upload_bytes_max: int = 10 * 2**20
    threads: int = 20
    """Commands at work at once; as many as the command path has connections."""
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    """None serves no metrics port."""
