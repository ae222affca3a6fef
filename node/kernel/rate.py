"""How often somebody may do something in a minute: counted in Redis, so that all processes count together."""

import asyncio
import math
import time
from dataclasses import dataclass
from weakref import WeakValueDictionary

from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage as AsyncRedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from node.kernel.errors import Transient

WINDOW_S = 60

Key = tuple[str, str]


class RateUncounted(Transient):
    """Redis does not answer. Whoever counts decides whether that lets callers through."""


class MovingWindow:
    """Never more than `per_minute` in any 60 seconds. Keeps each hit: for acts that are few and dear."""

    def __init__(self, redis_url: str, *, namespace: str, per_minute: int, timeout_s: float) -> None:
        self._limit = RateLimitItemPerMinute(per_minute, namespace=namespace)
        storage = RedisStorage(redis_url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)
        self._limiter = MovingWindowRateLimiter(storage)

    def take(self, who: str) -> int | None:
        """Counts one act: None when it fits, else the seconds until the next one does.

        Raises:
            RateUncounted: Redis does not answer.
        """
        try:
            if self._limiter.hit(self._limit, who):
                return None
            return _seconds_until(self._limiter.get_window_stats(self._limit, who).reset_time)
        except RedisError as error:
            raise RateUncounted("the rate cannot be counted now") from error


@dataclass(frozen=True, slots=True)
class Overrun:
    """One act too many in its window."""

    per_minute: int
    retry_after_s: int


@dataclass(slots=True)
class _Lease:
    """Acts of one caller that were counted ahead, for this process to let through by itself."""

    left: int
    ends_at: float


class SlidingWindow:
    """About `per_minute` in any 60 seconds, from two counters a caller: for what is frequent and cheap.

    A process counts a hundredth of the bound ahead, so that not each request asks Redis: a caller may be
    refused that much too early, and what a process did not use in `LEASE_S` is lost to the caller.

    While Redis does not answer it is asked again only every `PAUSE_S`: requests that are let through
    uncounted shall not each wait for a timeout first.
    """

    LEASE_S = 5.0
    LEASES_MAX = 10_000
    PAUSE_S = 1.0

    def __init__(self, redis_url: str, *, timeout_s: float) -> None:
        self._pool = ConnectionPool.from_url(
            redis_url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        )
        storage = AsyncRedisStorage(
            f"async+{redis_url}",
            implementation="redispy",
            connection_pool=self._pool,  # type: ignore[arg-type]  # as its documentation says
        )
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._asked_again_at = 0.0
        self._leases: dict[Key, _Lease] = {}
        self._locks: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    async def take(self, namespace: str, per_minute: int, who: str) -> Overrun | None:
        """Counts one act: None when it fits.

        Raises:
            RateUncounted: Redis does not answer.
        """
        key, ahead = (namespace, who), per_minute // 100
        if self._from_lease(key):
            return None
        if ahead <= 1:
            return await self._ask(key, per_minute, 1)
        # One asks for all that came at once: a lease for each of them would soon use up the bound.
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            return None if self._from_lease(key) else await self._ask(key, per_minute, ahead)

    def _from_lease(self, key: Key) -> bool:
        lease = self._leases.get(key)
        if lease is None or not lease.left or time.monotonic() >= lease.ends_at:
            return False
        lease.left -= 1
        return True

    async def _ask(self, key: Key, per_minute: int, cost: int) -> Overrun | None:
        namespace, who = key
        now = time.monotonic()
        if now < self._asked_again_at:
            raise RateUncounted("the rate cannot be counted now")
        limit = RateLimitItemPerMinute(per_minute, namespace=namespace)
        try:
            if await self._limiter.hit(limit, who, cost=cost):
                self._keep(key, _Lease(cost - 1, now + self.LEASE_S))
                return None
            reset = (await self._limiter.get_window_stats(limit, who)).reset_time
        except RedisError as error:
            self._asked_again_at = now + self.PAUSE_S
            raise RateUncounted("the rate cannot be counted now") from error
        return Overrun(per_minute, _seconds_until(reset))

    def _keep(self, key: Key, lease: _Lease) -> None:
        if len(self._leases) >= self.LEASES_MAX:
            self._leases.clear()  # at worst each caller loses one lease
        self._leases[key] = lease

    async def aclose(self) -> None:
        await self._pool.disconnect()


def _seconds_until(moment: float) -> int:
    return max(1, math.ceil(moment - time.time()))  # noqa: TID251 - Redis counts by the machine's time
