"""Why a signed transaction was not passed on."""

from node.kernel.errors import Forbidden, NotFound, Refused


class NotSender(Forbidden):
    """Another wallet signed it than the one that is signed in."""


class RelayRateExceeded(Refused):
    """The caller relayed as much as it may in a minute. Carries `retry_after_s`."""


class TransactionUnknown(NotFound):
    """Neither this node nor the chain has heard of it."""
