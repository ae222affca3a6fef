"""How often one network address may try to sign in.

When Redis is away everything is let through: signatures and refresh tokens cannot be guessed, and what bounds
codes lies in Postgres.
"""

from node.kernel.log import get_logger
from node.kernel.rate import MovingWindow, RateUncounted
from node.services.identity.errors import SignInRateExceeded
from node.services.identity.numbers import home_of

log = get_logger(__name__)

REDIS_TIMEOUT_S = 1.0  # an attempt to sign in waits this long at most for a Redis that hangs


class SignInLimiter:
    """Never more than `per_minute` attempts of a household in any 60 seconds."""

    def __init__(self, redis_url: str, *, per_minute: int) -> None:
        self._per_minute = per_minute
        self._window = MovingWindow(
            redis_url, namespace="sign_in", per_minute=per_minute, timeout_s=REDIS_TIMEOUT_S
        )

    def take(self, origin: str) -> None:
        """Counts one attempt.

        Raises:
            SignInRateExceeded: It is one too many.
        """
        try:
            wait_s = self._window.take(home_of(origin))
        except RateUncounted as error:
            log.warning("sign_in_rate_not_counted", error=type(error.__cause__).__name__)
            return
        if wait_s is not None:
            raise SignInRateExceeded(
                f"at most {self._per_minute} attempts a minute come from one address", retry_after_s=wait_s
            )
