"""`python -m node.worker`: runs background tasks until SIGTERM."""

from celery.signals import worker_ready

from node.kernel.log import configure_logging
from node.kernel.readiness import tell_ready
from node.kernel.settings import Settings
from node.worker.tasks import app

CONCURRENCY = 4  # threads: tasks wait for the network and the database


def _at_work(**_: object) -> None:
    tell_ready()


def main() -> None:
    settings = Settings()
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    worker_ready.connect(_at_work)
    app.worker_main(
        [
            "worker",
            "--pool=threads",
            f"--concurrency={CONCURRENCY}",
            f"--loglevel={settings.log_level}",
            "--without-gossip",
            "--without-mingle",
        ]
    )


if __name__ == "__main__":
    main()
