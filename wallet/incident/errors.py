"""Why an incident is left as it is."""

from node.kernel.errors import Conflict, Invalid, NotFound


class IncidentUnknown(NotFound):
    """There is no such incident."""


class IncidentResolved(Conflict):
    """Somebody resolved it before."""


class ReasonMissing(Invalid):
    """An incident is resolved with words that another operator understands."""
