"""Why an escrow cannot be shown."""

from node.kernel.errors import NotFound


class EscrowUnknown(NotFound):
    """No escrow of that id was seen on the chain (yet)."""
