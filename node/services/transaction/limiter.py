"""How many transactions one account may relay."""

import uuid
from typing import Protocol

from typing_extensions import override

from node.kernel.rate import MovingWindow
from node.services.transaction.errors import RelayRateExceeded

REDIS_TIMEOUT_S = 2.0


class RelayLimiter(Protocol):
    def take(self, account_id: uuid.UUID) -> None:
        """Counts one transaction.

        Raises:
            RelayRateExceeded: It is one too many.
            Transient: The count cannot be asked; then nothing is let through.
        """


class RedisRelayLimiter(RelayLimiter):
    """Never more than `per_minute` in any 60 seconds."""

    def __init__(self, redis_url: str, *, per_minute: int) -> None:
        self._per_minute = per_minute
        self._window = MovingWindow(
            redis_url, namespace="relay", per_minute=per_minute, timeout_s=REDIS_TIMEOUT_S
        )

    @override
    def take(self, account_id: uuid.UUID) -> None:
        wait_s = self._window.take(str(account_id))
        if wait_s is not None:
            raise RelayRateExceeded(
                f"at most {self._per_minute} transactions a minute are relayed", retry_after_s=wait_s
            )
