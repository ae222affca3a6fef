"""What can go wrong with content. `api/errors.py` maps each leaf to a status and a code."""

from node.kernel.errors import Bug, Invalid, NotFound, Transient


class CidInvalid(Invalid):
    """Not a CID of the one form that we use: version 1, base32, sha2-256, raw or dag-pb."""


class ContentEmpty(Invalid):
    """There are no bytes to store."""


class ContentTooLarge(Invalid):
    """More bytes than this node takes. Fields: `size_bytes_max`."""


class ContentNameInvalid(Invalid):
    """A file name that is blank, too long, or could be taken for a path."""


class MediaTypeRefused(Invalid):
    """A media type that this node does not take at all. Fields: `media_type`."""


class MediaTypeMismatch(Invalid):
    """The bytes are not what the caller says. Fields: `declared`, `detected`."""


class MetadataInvalid(Invalid):
    """Declared as JSON, but not token metadata (ERC-721) within our bounds."""


class ContentNotFound(NotFound):
    """We never stored it. We do not fetch it from elsewhere either."""


class ContentStoreUnavailable(Transient):
    """The store behind us does not answer, or answers with a failure."""


class CidMismatch(Bug):
    """Two implementations name the same bytes differently. Fields: `ours`, `theirs`."""
