"""Ports are tried before anything starts: several servers take a port that is in use without a word."""

import errno
import socket

from node.cli.supervise.refusal import StartRefused


def require_free(port: int, *, what: str, option: str, host: str = "127.0.0.1") -> None:
    """Raises `StartRefused` naming the port, and the option and the setting that move it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # as servers do, so that connections of a former life in TIME_WAIT do not count as a user
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as e:
            setting = "ASOUD_" + option.removeprefix("--").replace("-", "_").upper()
            why = "is in use" if e.errno == errno.EADDRINUSE else f"cannot be used ({e.strerror})"
            raise StartRefused(
                f"port {port} of {what} {why}: choose another one with {option} or {setting}"
            ) from e
