"""Why a market is not paid out."""

from node.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class ReserveNeeded(Conflict):
    """A part of what came lately stays for refunds. Fields: `reserve`, `have` (what would be left)."""


class NothingToPay(Conflict):
    """Beyond the reserve, and what the market owes, there is nothing."""


class PayoutRailUnfit(Invalid):
    """A bank pays currencies of ISO 4217, a chain its own assets, and both need to be told to whom."""


class IbanInvalid(Invalid):
    """Not an account number of ISO 13616."""


class PayoutAddressRefused(Invalid):
    """Money sent there would be lost, or come back. `reason` says why."""


class PayoutAddressNew(Conflict):
    """The address was set a short time ago. `open_at` says when it is paid."""


class OwnPayout(Forbidden):
    """An operator does not decide on its own money."""


class PayoutUnknown(NotFound):
    """There is no such payout, or no such file."""


class WrongPayoutState(Conflict):
    """The payout is not at that point. Field: `state`."""
