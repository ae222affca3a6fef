"""Why a message did not leave. Only the worker meets these."""

from node.kernel.errors import Forbidden, Transient


class SmsAway(Transient):
    """The carrier does not answer, or takes no message now."""


class SmsRefused(Forbidden):
    """The carrier will not send this: a wrong number, no credit, bad credentials."""
