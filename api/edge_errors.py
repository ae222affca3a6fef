"""Refusals of the edge itself."""

from node.kernel.errors import Conflict, Forbidden, Invalid


class RateExceeded(Forbidden):
    """Too many requests of one class in a minute. Carries `retry_after_s`."""


class PreconditionFailed(Conflict):
    """The thing is not any more what the caller read: its ETag is another one than that of `If-Match`."""


class IdempotencyKeyMalformed(Invalid):
    """1 to 255 printable ASCII characters are needed."""


class IdempotencyKeyReused(Invalid):
    """The key came with another method, path or body within the last 24 hours."""


class IdempotencyKeyAnonymous(Invalid):
    """A key belongs to a principal, and there is none."""


class IdempotencyKeyBusy(Conflict):
    """The first request under this key has not ended yet. Carries `retry_after_s`."""
