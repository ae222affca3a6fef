"""Why money on the node is not touched."""

from node.kernel.errors import Forbidden


class FaucetClosed(Forbidden):
    """Money out of nothing is for development chains."""
