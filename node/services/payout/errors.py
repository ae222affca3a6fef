"""Why a market is not paid out."""

from node.kernel.errors import Conflict, Invalid, NotFound


class ReserveNeeded(Conflict):
    """A part of what came lately stays for refunds. Fields: `reserve`, `have` (what would be left)."""


class NothingToPay(Conflict):
    """Beyond the reserve, and what the market owes, there is nothing."""


class PayoutRailUnfit(Invalid):
    """A bank pays currencies of ISO 4217, and needs to be told to whom."""


class IbanInvalid(Invalid):
    """Not an account number of ISO 13616."""


class PayoutUnknown(NotFound):
    """There is no such payout, or no such file."""


class WrongPayoutState(Conflict):
    """The payout is not at that point. Field: `state`."""
