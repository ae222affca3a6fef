"""Why a message did not leave. Only the worker meets the first two."""

from node.kernel.errors import Forbidden, Invalid, NotFound, Transient


class SmsAway(Transient):
    """The carrier does not answer, or takes no message now."""


class SmsRefused(Forbidden):
    """The carrier will not send this: a wrong number, no credit, bad credentials."""


class CarrierUnknown(NotFound):
    """No carrier of that name reports to this node."""


class ReportForged(Forbidden):
    """The report is not signed by the carrier."""


class ReportMalformed(Invalid):
    """The report is the carrier's, and not in its form."""
