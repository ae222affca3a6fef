"""UUID version 7 (RFC 9562, section 5.7): ids that sort by the millisecond of their making.

Monotonic within a process: ids made in one millisecond count up in the 12 bits of `rand_a`.
"""

import secrets
import threading
import uuid

from node.kernel.clock import Clock, SystemClock

_RAND_A_BITS = 12
_RAND_B_BITS = 62


class Uuid7Source:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0  # milliseconds << 12 | rand_a of the newest id

    def __call__(self) -> uuid.UUID:
        with self._lock:
            ms = int(self._clock.now().timestamp() * 1000)
            # The upper bit of rand_a starts at 0, which leaves 2,048 steps before it runs into the next ms.
            seed = ms << _RAND_A_BITS | secrets.randbits(_RAND_A_BITS - 1)
            self._last = max(seed, self._last + 1)
            stamp = self._last
        rand_a = stamp & ((1 << _RAND_A_BITS) - 1)
        value = (stamp >> _RAND_A_BITS) << 80 | 0x7 << 76 | rand_a << 64
        return uuid.UUID(int=value | 0b10 << _RAND_B_BITS | secrets.randbits(_RAND_B_BITS))


new_id = Uuid7Source(SystemClock())
