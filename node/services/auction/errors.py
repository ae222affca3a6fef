"""Why a step of an auction was refused."""

from node.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class AuctionUnknown(NotFound):
    """No auction of that id was seen on the chain (yet)."""


class AuctionInvalid(Invalid):
    """A field of the auction makes no sense. `field` says which."""


class AuctionTokenNotOwned(Forbidden):
    """Only who owns a token can auction it."""


class NotAuctionSeller(Forbidden):
    """Only the seller takes an auction back."""


class OwnAuction(Forbidden):
    """A seller does not bid."""


class WrongAuctionState(Conflict):
    """The auction is in a state from which this cannot be done. Carries `state`."""


class BidTooLow(Conflict):
    """The bid is below the least that tops the highest. Carries `least`."""
