"""Why a command on collections and tokens was refused."""

from node.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class CollectionUnknown(NotFound):
    """No collection of our factory lies at that address, as far as the chain was read."""


class TokenUnknown(NotFound):
    """The collection has no such token, as far as the chain was read."""


class NotCollectionOwner(Forbidden):
    """Only the wallet that owns the collection may do this."""


class SupplyExhausted(Conflict):
    """Every token that the collection can ever have exists."""


class SaltTaken(Conflict):
    """The caller made a collection with that salt before."""


class CollectionTermsInvalid(Invalid):
    """The factory would not make such a collection. `field` says what is wrong."""


class MintInvalid(Invalid):
    """A token needs a URI that fits and somebody to own it."""
