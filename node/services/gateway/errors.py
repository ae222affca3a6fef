"""Why a gateway did nothing, or what was said in its name is not believed."""

from node.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Transient


class GatewayAway(Transient):
    """The gateway does not answer: nobody knows whether it did what was asked."""


class GatewayRefused(Conflict):
    """The gateway did not do it, and says that it never will."""


class GatewayUnknown(NotFound):
    """No gateway of that name takes that money here."""


class ReturnUrlInvalid(Invalid):
    """Payers come back to a page of ours, or of a site that may call the API."""


class CallbackForged(Forbidden):
    """The callback is not signed by the gateway, or was signed too long ago."""


class CallbackMalformed(Invalid):
    """The callback is the gateway's, and not in its form."""
