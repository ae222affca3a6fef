"""`python -m node.sandbox`: serves the sandbox on `ASOUD_SANDBOX_PORT` of loopback until SIGTERM."""

import os
import sys

HOST = "127.0.0.1"
PORT = "8010"


def main() -> None:
    port = os.environ.setdefault("ASOUD_SANDBOX_PORT", PORT)
    os.environ.setdefault("ASOUD_SANDBOX_URL", f"http://{HOST}:{port}")
    folder = os.path.join(os.environ.get("ASOUD_DATA_DIR", ".asoud"), "sandbox")  # noqa: PTH118 - only joined
    os.environ.setdefault("ASOUD_SANDBOX_DIR", folder)
    argv = (
        *(sys.executable, "-m", "granian", "--interface", "asgi", "--host", HOST, "--port", port),
        *("--workers", "1", "--workers-kill-timeout", "5", "--no-ws", "node.sandbox.app:app"),
    )
    os.execv(sys.executable, argv)  # noqa: S606 - no shell, and the supervisor watches one process


if __name__ == "__main__":
    main()
