"""Why a command on an order was refused."""

from node.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class OrderUnknown(NotFound):
    """There is no such order, or the caller is none of its parties."""


class NotThatParty(Forbidden):
    """The caller is a party of the order, but this is for another one. Carries `needs`."""


class WrongOrderState(Conflict):
    """This cannot be done in the order's present state. Carries `state`."""


class DeadlineNotReached(Conflict):
    """The other side still has time. Carries `deadline`."""


class DeadlinePassed(Conflict):
    """The time for this is over. Carries `deadline`."""


class PaymentSeen(Conflict):
    """The order's money is on its way into the escrow, so the order can't be cancelled any more."""


class AppealNotAgreed(Conflict):
    """The buyer named a court when it paid, which the order's terms do not. Carries `court`."""


class EscrowMoved(Conflict):
    """The order's escrow contract is not the one that this node works with now."""


class OwnProduct(Conflict):
    """Nobody buys from themselves, nor from a market that they are the arbiter of."""


class TooManyUnpaidOrders(Conflict):
    """The account holds stock with many orders already that it has not paid."""


class OrderTooLarge(Invalid):
    """The order's amount is beyond what an escrow can hold."""


class SplitTooLarge(Invalid):
    """A ruling gives away more than is held. Carries `held`."""


class TooManyStatements(Conflict):
    """One party of an order can say so much and no more."""


class ReleaseUnknown(NotFound):
    """The buyer signed no such release of this order."""


class ReleaseInvalid(Invalid):
    """The release is of nothing, or its deadline has passed or lies too far ahead. `field` says which."""


class ReleaseSignatureInvalid(Invalid):
    """The signature is not the buyer's over this release."""


class ReleaseSpent(Conflict):
    """What the buyer signed with that nonce was used or voided."""


class TooManyReleases(Conflict):
    """The buyer signed all the releases that one order may have."""


class OtherRail(Conflict):
    """The order is paid in another way, on which there is no such step. Carries `rail`."""


class RailUnfit(Invalid):
    """What the product costs can't be paid in that way. Carries `rail`."""


class AlreadyPaid(Conflict):
    """The order's money is here already."""
