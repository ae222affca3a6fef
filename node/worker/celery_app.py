"""The queue of background tasks: Celery over Redis.

Tasks are idempotent and acknowledged late, so a killed worker repeats and loses nothing. A task that used up
its tries becomes a row of `kernel.failed_task`. Deadlines are rows polled by due time; nothing uses an ETA.
"""

from collections.abc import Mapping
from typing import Any

from celery import Celery, Task
from kombu.exceptions import OperationalError as BrokerError
from typing_extensions import override

from node.kernel.clock import SystemClock
from node.kernel.db.unit_of_work import Database
from node.kernel.errors import Transient
from node.kernel.log import get_logger
from node.kernel.settings import Settings
from node.kernel.spine.failed_tasks import park_task

log = get_logger(__name__)

TRIES_MAX = 6  # with back-off about a minute
BACKOFF_MAX_S = 30
TASK_TIME_LIMIT_S = 120
# A task that was lost with its worker comes back after this: longer than a back-off and a run together.
VISIBILITY_TIMEOUT_S = 300
RESTORE_EVERY_S = 10
PUBLISH_RETRY = {"max_retries": 2, "interval_start": 0.1, "interval_max": 0.5}


class BrokerAway(Transient):
    """The queue takes no tasks now."""


def make_celery(settings: Settings) -> Celery:
    broker = settings.broker_url.get_secret_value()
    app = Celery("asoud", broker=broker)
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_time_limit=TASK_TIME_LIMIT_S,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue="asoud",
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            "unacked_restore_interval": RESTORE_EVERY_S,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": RESTORE_EVERY_S,
        },
        timezone="UTC",
    )
    return app


class Sender:
    """`SendTask` over Celery."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def __call__(self, task: str, arguments: Mapping[str, str]) -> None:
        try:
            self._app.send_task(task, kwargs=dict(arguments), retry=True, retry_policy=PUBLISH_RETRY)
        except BrokerError as error:
            raise BrokerAway("the task queue is away", retry_after_s=1) from error


def parking_task(database: Database) -> type[Task[..., None]]:
    """The base of all tasks: `Transient` is retried within bounds, what is left is parked."""

    class ParkingTask(Task[..., None]):
        autoretry_for = (Transient,)
        max_retries = TRIES_MAX
        retry_backoff = True
        retry_backoff_max = BACKOFF_MAX_S

        @override
        def on_failure(
            self, exc: Exception, task_id: str, args: tuple[Any, ...], kwargs: dict[str, Any], einfo: object
        ) -> None:
            log.error("task_failed", task=self.name, task_id=task_id, reason=str(exc))
            with database.transaction() as tx:
                park_task(
                    tx, SystemClock(), task=self.name, arguments=kwargs, error=f"{type(exc).__name__}: {exc}"
                )

    return ParkingTask
