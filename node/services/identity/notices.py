"""Text messages that people did not ask for: told within bounds, because somebody else makes us send them."""

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.log import get_logger
from node.services.identity.counters import Counters, Limit
from node.services.identity.phones import SmsSender
from node.services.identity.words import language_of

log = get_logger(__name__)

_DAY: Final = dt.timedelta(days=1)
OF_SENDER: Final = Limit("notices_sender", _DAY, 20)
TO_PHONE: Final = Limit("notices_phone", _DAY, 5)

Begin = Callable[[], AbstractContextManager[Tx]]


class NoticeService:
    def __init__(self, clock: Clock, sender: SmsSender | None, *, per_day: int) -> None:
        """`per_day` bounds all of them: a budget of its own, so that they never use up that of codes."""
        self._counters = Counters(clock)
        self._sender = sender
        self._all = Limit("notices", _DAY, per_day)

    @property
    def is_on(self) -> bool:
        return self._sender is not None

    def send(
        self, begin: Begin, phone: str, write: Callable[[str], str], *, by: str, profile: str | None
    ) -> None:
        """Sends what `write` makes in the phone's language, or nothing when there were enough.

        Raises:
            Transient, Refused: As carriers do.
        """
        if self._sender is None:
            return
        with begin() as tx:
            bounds = ((OF_SENDER, by), (TO_PHONE, phone), (self._all, ""))
            refused = next(
                (limit.kind for limit, of in bounds if not self._counters.take(tx, limit, of)), None
            )
        if refused is not None:
            log.warning("notice_not_sent", bound=refused)
            return
        self._sender.send(phone, write(language_of(phone, "", profile=profile)))
