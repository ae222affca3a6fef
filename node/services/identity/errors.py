"""Why a sign-in or a token was refused: a leaf for each reason, so that a client can tell them apart."""

from node.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated


class MalformedMessage(Invalid):
    """The text is not a message of EIP-4361."""


class WrongDomain(Unauthenticated):
    """The message was written for another site."""


class WrongUri(Unauthenticated):
    """The message's URI lies on another site."""


class WrongChain(Unauthenticated):
    """The message names another chain than the one this node serves."""


class NonceUnknown(Unauthenticated):
    """This node never handed out that nonce, or has forgotten it long after it expired."""


class NonceUsed(Unauthenticated):
    """The nonce has served a sign-in attempt already."""


class NonceExpired(Unauthenticated):
    """The nonce is older than a nonce may be."""


class MessageExpired(Unauthenticated):
    """The message's expiration time has passed."""


class MessageNotYetValid(Unauthenticated):
    """The message's not-before or issued-at time lies ahead."""


class BadSignature(Unauthenticated):
    """The signature is not that of the message's address over this message."""


class TokenMissing(Unauthenticated):
    """The request carries no access token."""


class TokenInvalid(Unauthenticated):
    """The access token is not one of ours, or was changed."""


class TokenExpired(Unauthenticated):
    """The access token has run out."""


class AccountUnknown(NotFound):
    """There is no such account."""


class WalletNeeded(Forbidden):
    """Only a wallet can do this, and the account has none."""


class RefreshInvalid(Unauthenticated):
    """The refresh token is not one of ours, or is long forgotten."""


class RefreshExpired(Unauthenticated):
    """The refresh token, or its session, has run out."""


class RefreshReused(Unauthenticated):
    """The refresh token had served before: it is in two hands, so its session has ended."""


class SessionEnded(Unauthenticated):
    """The session was signed out."""


class SessionUnknown(NotFound):
    """The account has no such session."""


class SignInTooOld(Forbidden):
    """The session was opened too long ago for this: sign in again."""


class SignedInByIt(Forbidden):
    """The session was opened by the very identity that is to be taken away."""


class IdentityTaken(Conflict):
    """The wallet or phone belongs to another account."""


class IdentityUnknown(NotFound):
    """The account has no such wallet or phone."""


class LastIdentity(Conflict):
    """It is the only way into the account."""


class TooManyIdentities(Conflict):
    """The account has as many wallets and phones as it may."""


class CountryUnknown(Invalid):
    """Not a country of ISO 3166-1."""


class MoneyUnknown(Invalid):
    """Not a currency of ISO 4217."""


class TimeZoneUnknown(Invalid):
    """Not a time zone of the IANA database."""
