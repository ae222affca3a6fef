"""Why something may not be spent."""

from node.kernel.errors import Conflict


class LimitExceeded(Conflict):
    """It is more than may leave the wallet. Fields: `per`, `limit`, `spent`, `asset`."""
