"""Killing a process at any statement of its talk with Postgres, and around what it sends elsewhere."""

import os
import signal
from collections.abc import Callable

import httpx
from sqlalchemy import Engine, event

from node.bootstrap.build import build_services
from node.kernel.clock import Clock, SystemClock
from node.kernel.settings import Settings
from node.services.container import Services


def killed_at(
    settings: Settings, point: int, work: Callable[[Services], None], *, clock: Clock | None = None
) -> bool:
    """Does the work in a process of its own that gets SIGKILL at that point; False: it was done before."""

    def child() -> None:
        services = build_services(settings, clock=clock or SystemClock())
        _arm(services, point)
        work(services)

    return dies(child)


def dies(child: Callable[[], None]) -> bool:
    """Whether SIGKILL ended it, in a process of its own."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            child()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the work failed by itself"
    return False


def armed(engine: Engine, point: int) -> Callable[..., None]:
    """The engine kills its process at that statement or commit; so does calling what is returned."""
    passed = 0

    def tick(*_: object) -> None:
        nonlocal passed
        passed += 1
        if passed == point:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "before_cursor_execute", tick)
    event.listen(engine, "after_cursor_execute", tick)
    event.listen(engine, "commit", tick)
    return tick


def _arm(services: Services, point: int) -> None:
    tick = armed(services.database.engine, point)
    for gateway in services.gateway.choice:
        http: httpx.Client = gateway.provider._http  # type: ignore[attr-defined]
        http.event_hooks = {"request": [tick], "response": [tick]}
    wire = services.chain._wire
    send = wire.send

    def sent(method: str, params: list[object]) -> object:
        tick()
        answer = send(method, params)
        tick()
        return answer

    wire.send = sent  # type: ignore[method-assign,assignment]
