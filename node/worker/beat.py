"""`python -m node.worker.beat`: the schedule. One runs at a time, by advisory lock; another one stands by.

Without the lock two beats would send everything twice. The lock lives as long as its connection: when that is
lost, the process ends and whoever supervises it starts it again.
"""

import os
import threading
import time

import psycopg

from node.kernel.log import configure_logging, get_logger
from node.kernel.readiness import tell_ready
from node.kernel.settings import Settings
from node.worker.tasks import app

log = get_logger(__name__)

LOCK_KEY = 0x_A50D_0003
WATCH_INTERVAL_S = 2.0


def _hold_lock(url: str) -> psycopg.Connection[tuple[object, ...]]:
    connection = psycopg.connect(url, autocommit=True, application_name="asoud-beat")
    connection.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
    return connection


def _watch(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    try:
        while True:
            connection.execute("SELECT 1")
            time.sleep(WATCH_INTERVAL_S)
    except psycopg.Error:
        log.exception("beat_lost_its_lock")
        os._exit(1)


def main() -> None:
    settings = Settings()
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    tell_ready()  # standing by, while another one holds the lock, is its work too
    connection = _hold_lock(settings.database_url.get_secret_value())
    threading.Thread(target=_watch, args=(connection,), daemon=True, name="lock").start()
    app.Beat(schedule=str(settings.data_dir / "beat-schedule"), quiet=True).run()


if __name__ == "__main__":
    main()
