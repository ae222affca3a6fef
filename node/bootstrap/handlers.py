"""Who listens to what: the one table of event -> handler.

A handler runs inside the consumer's transaction, so it does no network I/O. What needs that is a task, named
here by its string and sent through `SendTask`; a test proves that the worker has a task of each name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from node.kernel.db.unit_of_work import Tx
from node.kernel.spine.consumer import Handler, Subscription
from node.kernel.spine.event import StoredEvent


class SendTask(Protocol):
    """Puts a task on the queue. Raises `Transient` when the broker is away."""

    def __call__(self, task: str, arguments: Mapping[str, str]) -> None: ...


@dataclass(frozen=True, slots=True)
class TaskCall:
    """Sends the task with arguments made from the event. At least once: tasks are idempotent."""

    task: str
    arguments: Callable[[StoredEvent], Mapping[str, str]]

    def bound(self, send: SendTask) -> Handler:
        def handler(_: Tx, event: StoredEvent) -> None:
            send(self.task, self.arguments(event))

        return handler


Table = Mapping[str, Mapping[str, Handler | TaskCall]]  # consumer -> event type -> what to do


def subscriptions(table: Table, send: SendTask) -> list[Subscription]:
    return [
        Subscription(
            name=consumer,
            handlers={
                type_name: action.bound(send) if isinstance(action, TaskCall) else action
                for type_name, action in actions.items()
            },
        )
        for consumer, actions in table.items()
    ]
