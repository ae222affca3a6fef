"""Killing a process at any statement of its talk with Postgres, and around what it sends to a chain."""

import os
import signal
from collections.abc import Callable

from sqlalchemy import event

from node.bootstrap.build import build_services
from node.kernel.settings import Settings
from node.services.container import Services


def killed_at(settings: Settings, point: int, work: Callable[[Services], None]) -> bool:
    """Does the work in a process of its own that gets SIGKILL at that point; False: it was done before."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            services = build_services(settings)
            _arm(services, point)
            work(services)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the work failed by itself"
    return False


def _arm(services: Services, point: int) -> None:
    passed = 0

    def tick(*_: object) -> None:
        nonlocal passed
        passed += 1
        if passed == point:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = services.database.engine
    event.listen(engine, "before_cursor_execute", tick)
    event.listen(engine, "commit", tick)
    wire = services.chain._wire
    send = wire.send

    def sent(method: str, params: list[object]) -> object:
        tick()
        answer = send(method, params)
        tick()
        return answer

    wire.send = sent  # type: ignore[method-assign,assignment]
