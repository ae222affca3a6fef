"""How often somebody may ask: counted in Redis, so that all processes count together.

When Redis is away everything is let through: signatures, tokens and keys cannot be guessed, and what bounds
codes lies in Postgres.
"""

from node.kernel.log import get_logger
from node.kernel.rate import MovingWindow, RateUncounted
from node.services.identity.errors import KeyRateExceeded, SignInRateExceeded
from node.services.identity.numbers import home_of

log = get_logger(__name__)

REDIS_TIMEOUT_S = 1.0  # a request waits this long at most for a Redis that hangs


class SignInLimiter:
    """Attempts of a household."""

    def __init__(self, redis_url: str, *, per_minute: int) -> None:
        self._window = MovingWindow(redis_url, namespace="sign_in", timeout_s=REDIS_TIMEOUT_S)
        self._per_minute = per_minute

    def take(self, origin: str) -> None:
        """Counts one attempt.

        Raises:
            SignInRateExceeded: It is one too many.
        """
        wait_s = _wait_s(self._window, home_of(origin), self._per_minute)
        if wait_s is not None:
            raise SignInRateExceeded(
                f"at most {self._per_minute} attempts a minute come from one address", retry_after_s=wait_s
            )


class KeyLimiter:
    """Requests by an API key, each of which has a bound of its own."""

    def __init__(self, redis_url: str) -> None:
        self._window = MovingWindow(redis_url, namespace="api_key", timeout_s=REDIS_TIMEOUT_S)

    def take(self, key_id: str, *, per_minute: int) -> None:
        """Counts one request.

        Raises:
            KeyRateExceeded: It is one too many.
        """
        wait_s = _wait_s(self._window, key_id, per_minute)
        if wait_s is not None:
            raise KeyRateExceeded(
                f"the key makes at most {per_minute} requests a minute", retry_after_s=wait_s
            )


def _wait_s(window: MovingWindow, who: str, per_minute: int) -> int | None:
    try:
        return window.take(who, per_minute=per_minute)
    except RateUncounted as error:
        log.warning("rate_not_counted", of=window.namespace, error=type(error.__cause__).__name__)
        return None
