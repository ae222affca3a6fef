"""Why a credit cannot be taken."""

from node.kernel.errors import Invalid


class NoPayouts(Invalid):
    """No contract of ours at that address pays out money."""
