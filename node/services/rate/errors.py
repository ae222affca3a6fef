"""Why there is no price, or no exchange."""

from node.kernel.errors import Conflict, Invalid, NotFound, Transient


class RateUnknown(NotFound):
    """No source tells what the asset is worth. Field: `asset`."""


class RateStale(Conflict):
    """What the asset was worth when a source last said so is too long ago. Fields: `asset`, `at`."""


class RateSourceAway(Transient):
    """The source does not answer."""


class RateSourceUnreadable(Invalid):
    """The source answers in another form."""


class SameAsset(Invalid):
    """Nothing is exchanged for itself."""


class ExchangeTooSmall(Invalid):
    """Not one unit would come back for it."""


class ExchangeQuoteUnknown(NotFound):
    """The caller asked for no such quote."""


class ExchangeQuoteLapsed(Conflict):
    """The price held until a while ago; ask for a new one."""


class LiquidityShort(Conflict):
    """The node would go further into the asset than its operator lets it. Field: `asset`."""
