"""Why a command on a payment was refused."""

from node.kernel.errors import Conflict, Invalid, NotFound


class PaymentUnknown(NotFound):
    """There is no such payment, or the caller is none of its parties."""


class WrongPaymentState(Conflict):
    """This cannot be done in the payment's present state. Carries `state`."""


class PartTooLarge(Conflict):
    """More would be captured, given back or refunded than is left. Carries `left`."""


class PartInvalid(Invalid):
    """A part of a payment is at least one unit."""


class RailUnknown(Invalid):
    """There is no such way to pay here. Carries `rail`."""
