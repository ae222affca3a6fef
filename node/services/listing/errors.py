"""Why a listing was not taken, or cannot be bought or cancelled."""

from node.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class ListingUnknown(NotFound):
    """No listing with that digest was posted here."""


class ListingCollectionUnknown(NotFound):
    """The token's collection is not one of our factory, as far as the chain was read."""


class ListedTokenUnknown(NotFound):
    """The collection has no such token."""


class ListingInvalid(Invalid):
    """A field of the listing makes no sense. `field` says which."""


class ListingCurrencyRefused(Invalid):
    """The exchange takes neither the native coin nor an allow-listed token there."""


class ListingSignatureInvalid(Invalid):
    """The signature is not the seller's over this listing."""


class ProceedsTooLow(Invalid):
    """Fee and royalty of now leave the seller less than the listing's least proceeds."""


class NotSeller(Forbidden):
    """Only the seller may do this."""


class NotTokenOwner(Forbidden):
    """Only who owns the token can list it."""


class NotForCaller(Forbidden):
    """The listing is for another buyer."""


class OwnListing(Forbidden):
    """The seller cannot buy its own listing."""


class ListingNonceUsed(Conflict):
    """The nonce was used by a sale or a cancellation: sign with another one."""


class ListingEpochMoved(Conflict):
    """The seller cancelled everything of that epoch: sign with the present one."""


class ListingNotActive(Conflict):
    """The exchange would not settle it now. `state` and `reason` say why."""


class NoncesExhausted(Conflict):
    """Too many nonces in a row are used already."""


class QuoteUnknown(NotFound):
    """No quote with that digest was posted here."""


class QuoteInvalid(Invalid):
    """A field of the quote, or what is added to take it, makes no sense. `field` says which."""


class QuoteSignatureInvalid(Invalid):
    """The signature is not the maker's over this quote."""


class TokenNotWanted(Invalid):
    """The token is not among those that the offer is for."""


class NotMaker(Forbidden):
    """Only the maker of a quote may do this."""


class QuoteForAnother(Forbidden):
    """The quote is for another taker."""


class OwnQuote(Forbidden):
    """The maker cannot take its own quote."""


class QuoteNotActive(Conflict):
    """The exchange would not settle it now. `reason` says why."""


class NothingToSweep(Conflict):
    """None of what was asked for can be bought now, or it costs more than the caller allows."""
