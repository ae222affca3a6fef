"""How many transactions one account may relay: counted in Redis, so that all processes count together."""

import math
import time
import uuid
from typing import Protocol

from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError
from typing_extensions import override

from node.kernel.errors import Transient
from node.services.transaction.errors import RelayRateExceeded

REDIS_TIMEOUT_S = 2.0
_NAMESPACE = "relay"


class RelayLimiter(Protocol):
    def take(self, account_id: uuid.UUID) -> None:
        """Counts one transaction.

        Raises:
            RelayRateExceeded: It is one too many.
            Transient: The count cannot be asked; then nothing is let through.
        """


class RedisRelayLimiter(RelayLimiter):
    """A moving window: never more than `per_minute` in any 60 seconds."""

    def __init__(self, redis_url: str, *, per_minute: int) -> None:
        self._limit = RateLimitItemPerMinute(per_minute, namespace=_NAMESPACE)
        self._storage = RedisStorage(
            redis_url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S
        )
        self._limiter = MovingWindowRateLimiter(self._storage)

    @override
    def take(self, account_id: uuid.UUID) -> None:
        try:
            if self._limiter.hit(self._limit, str(account_id)):
                return
            reset = self._limiter.get_window_stats(self._limit, str(account_id)).reset_time
        except RedisError as error:
            raise Transient("the rate of relayed transactions cannot be counted now") from error
        wait_s = max(1, math.ceil(reset - time.time()))  # noqa: TID251 - Redis counts by the machine's time
        raise RelayRateExceeded(
            f"at most {self._limit.amount} transactions a minute are relayed", retry_after_s=wait_s
        )
