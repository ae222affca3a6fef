"""Why no money goes by the chain."""

from node.kernel.errors import Conflict


class TreasuryMissing(Conflict):
    """The operator gave the node no key to keep money on its chain with."""
