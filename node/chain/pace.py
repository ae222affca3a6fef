"""How fast one endpoint may be asked: so many calls a second, and not at all while it told us to wait.

Calls are spread evenly, without a burst, because providers count in windows that we don't know. Who has to
wait sleeps in its own way, so the threads of the API and the loop of the indexer can both use this.
"""

import datetime as dt
import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

RETRY_AFTER_MAX_S = 300.0  # whoever asks for more is asked again after this


class Pace:
    """`per_second` None: as fast as one likes, until the endpoint complains."""

    def __init__(self, per_second: float | None = None, *, now: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._now = now
        self._free_at = now()
        self._rest_until = self._free_at
        self._lock = threading.Lock()

    def batch_max(self, usual: int) -> int:
        """More calls at once than one second allows would be refused whole."""
        return usual if self._per_second is None else max(1, min(usual, int(self._per_second)))

    def reserve(self, calls: int) -> float:
        """Books the next free moment for so many calls; returns the seconds until then."""
        with self._lock:
            now = self._now()
            start = max(now, self._free_at)
            self._free_at = start if self._per_second is None else start + calls / self._per_second
            return start - now

    def rest(self, seconds: float) -> None:
        """Nobody is to ask for that long: the endpoint said so."""
        with self._lock:
            self._rest_until = max(self._rest_until, self._now() + min(seconds, RETRY_AFTER_MAX_S))

    def resting(self) -> float:
        """Seconds until the endpoint may be asked again; 0.0 for now."""
        return max(0.0, self._rest_until - self._now())


def retry_after_s(header: str | None) -> float | None:
    """The seconds that a `Retry-After` asks for (RFC 9110, section 10.2.3); None when it says nothing."""
    if header is None:
        return None
    text = header.strip()
    if text.isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    now = dt.datetime.now(until.tzinfo)  # noqa: TID251 - a time of the calendar, as the server names one
    return max(0.0, (until - now).total_seconds())
