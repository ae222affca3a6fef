"""Why no money goes by the chain."""

from node.kernel.errors import Conflict, NotFound


class TreasuryMissing(Conflict):
    """The operator gave the node no key to keep money on its chain with."""


class OutgoingUnknown(NotFound):
    """There is no such transaction of the node."""


class OutgoingMayArrive(Conflict):
    """The chain may still take it, so it is not given up."""
