"""How often one network address may try to sign in: counted in Redis, so that all processes count together.

When Redis is away everything is let through: signatures and refresh tokens cannot be guessed, and what bounds
codes lies in Postgres.
"""

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from node.kernel.log import get_logger
from node.services.identity.errors import SignInRateExceeded
from node.services.identity.numbers import home_of

log = get_logger(__name__)

REDIS_TIMEOUT_S = 1.0  # an attempt to sign in waits this long at most for a Redis that hangs
_NAMESPACE = "sign_in"


class SignInLimiter:
    """A moving window: never more than `per_minute` attempts of a household in any 60 seconds."""

    def __init__(self, redis_url: str, *, per_minute: int) -> None:
        self._limit = RateLimitItemPerMinute(per_minute, namespace=_NAMESPACE)
        storage = RedisStorage(
            redis_url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S
        )
        self._limiter = MovingWindowRateLimiter(storage)

    def take(self, origin: str) -> None:
        """Counts one attempt.

        Raises:
            SignInRateExceeded: It is one too many.
        """
        home = home_of(origin)
        try:
            if self._limiter.hit(self._limit, home):
                return
            reset = self._limiter.get_window_stats(self._limit, home).reset_time
        except RedisError as error:
            log.warning("sign_in_rate_not_counted", error=type(error).__name__)
            return
        wait_s = max(1, math.ceil(reset - time.time()))  # noqa: TID251 - Redis counts by the machine's time
        raise SignInRateExceeded(
            f"at most {self._limit.amount} attempts a minute come from one address", retry_after_s=wait_s
        )
