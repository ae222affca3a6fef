"""How often somebody may ask: counted in Redis, so that all processes count together.

When Redis is away everything is let through: signatures, tokens and keys cannot be guessed, and what bounds
codes lies in Postgres.
"""

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from node.kernel.log import get_logger
from node.services.identity.errors import KeyRateExceeded, SignInRateExceeded
from node.services.identity.numbers import home_of

log = get_logger(__name__)

REDIS_TIMEOUT_S = 1.0  # a request waits this long at most for a Redis that hangs


class _MovingWindow:
    """Never more than so many in any 60 seconds."""

    def __init__(self, redis_url: str, namespace: str) -> None:
        self._namespace = namespace
        storage = RedisStorage(
            redis_url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S
        )
        self._limiter = MovingWindowRateLimiter(storage)

    def hit(self, subject: str, *, per_minute: int) -> int | None:
        """Counts one; the seconds to wait when it is one too many."""
        limit = RateLimitItemPerMinute(per_minute, namespace=self._namespace)
        try:
            if self._limiter.hit(limit, subject):
                return None
            reset = self._limiter.get_window_stats(limit, subject).reset_time
        except RedisError as error:
            log.warning("rate_not_counted", of=self._namespace, error=type(error).__name__)
            return None
        return max(1, math.ceil(reset - time.time()))  # noqa: TID251 - Redis counts by the machine's time


class SignInLimiter:
    """Attempts of a household."""

    def __init__(self, redis_url: str, *, per_minute: int) -> None:
        self._window = _MovingWindow(redis_url, "sign_in")
        self._per_minute = per_minute

    def take(self, origin: str) -> None:
        """Counts one attempt.

        Raises:
            SignInRateExceeded: It is one too many.
        """
        wait_s = self._window.hit(home_of(origin), per_minute=self._per_minute)
        if wait_s is not None:
            raise SignInRateExceeded(
                f"at most {self._per_minute} attempts a minute come from one address", retry_after_s=wait_s
            )


class KeyLimiter:
    """Requests by an API key, each of which has a bound of its own."""

    def __init__(self, redis_url: str) -> None:
        self._window = _MovingWindow(redis_url, "api_key")

    def take(self, key_id: str, *, per_minute: int) -> None:
        """Counts one request.

        Raises:
            KeyRateExceeded: It is one too many.
        """
        wait_s = self._window.hit(key_id, per_minute=per_minute)
        if wait_s is not None:
            raise KeyRateExceeded(
                f"the key makes at most {per_minute} requests a minute", retry_after_s=wait_s
            )
