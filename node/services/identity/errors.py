"""Why a sign-in or a token was refused: a leaf for each reason, so that a client can tell them apart."""

from node.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Transient, Unauthenticated


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


class NonceForOther(Unauthenticated):
    """The nonce was handed out for something else: to sign in, to link, to confirm an act."""


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


class CsrfTokenWrong(Forbidden):
    """The request came by cookie and without the session's CSRF token: another site may have made it."""


class AccountFrozen(Forbidden):
    """An operator shut the account out."""


class RoleNeeded(Forbidden):
    """The caller has another role, or none. Carries `needs`."""


class ScopeInvalid(Invalid):
    """Not a scope, or one that does not fit the key."""


class ScopeNeeded(Forbidden):
    """The API key was not given the scope. Carries `scope`; None: no key does this."""


class KeyInvalid(Unauthenticated):
    """The API key is not one of ours, was revoked, or has run out."""


class KeyUnknown(NotFound):
    """The account has no such API key."""


class KeyRevoked(Conflict):
    """The API key was revoked."""


class TooManyKeys(Conflict):
    """The account has as many API keys as it may."""


class KeyRateExceeded(Forbidden):
    """More requests by one API key than it may make. Carries `retry_after_s`."""


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


class StepUpNeeded(Forbidden):
    """A second proof is needed first. Carries `proofs`, those that are possible, with commas between."""


class SecondProofMissing(Forbidden):
    """A second proof is needed, and the account has none: only the identity that signed in."""


class SameProof(Forbidden):
    """The session was opened by the very identity that is to be the second proof."""


class StepUpLimitReached(Forbidden):
    """Too many wrong second proofs. Carries `retry_after_s`."""


class TotpOn(Conflict):
    """The account has an authenticator app already."""


class TotpOff(NotFound):
    """The account has no authenticator app, or has not confirmed it."""


class TotpWrong(Forbidden):
    """That is not what the authenticator app shows now."""


class TotpUsed(Forbidden):
    """The authenticator app's code has served: wait for the next one."""


class RecoveryCodeWrong(Forbidden):
    """That is none of the account's recovery codes, or it has served."""


class MergeRefused(Conflict):
    """The two accounts can't become one. Carries `reasons`."""


class MergeMoved(Conflict):
    """The accounts have changed since the preview, or there was none."""


class ClosingRefused(Conflict):
    """The account can't be deleted yet. Carries `reasons`."""


class RecoveryUnknown(NotFound):
    """The account has no such recovery under way."""


class RecoveryOpen(Conflict):
    """Another recovery is under way: finish or cancel it first."""


class RecoveryNotRipe(Conflict):
    """The time to object is not over. Carries `retry_after_s`."""


class RecoveryLimitReached(Forbidden):
    """Too many recoveries were begun. Carries `retry_after_s`."""


class IdentityTaken(Conflict):
    """The wallet or phone belongs to another account."""


class IdentityUnknown(NotFound):
    """The account has no such wallet or phone."""


class LastIdentity(Conflict):
    """It is the only way into the account."""


class TooManyIdentities(Conflict):
    """The account has as many wallets and phones as it may."""


class MoneyUnknown(Invalid):
    """Not a currency of ISO 4217."""


class TimeZoneUnknown(Invalid):
    """Not a time zone of the IANA database."""


class PhoneInvalid(Invalid):
    """Not a mobile number in the form of E.164."""


class PhoneCountryRefused(Invalid):
    """The operator sends no messages to that country."""


class PhoneSignInOff(Forbidden):
    """The node has no carrier for text messages."""


class PhoneLimitReached(Forbidden):
    """Too many codes were asked for or tried. Carries `retry_after_s`."""


class CodeTooSoon(Forbidden):
    """The last code is too new for another one. Carries `retry_after_s`."""


class SpendCeilingReached(Transient):
    """The operator's money for messages is spent for today. Carries `retry_after_s`."""


class ChallengeUnknown(NotFound):
    """There is no such challenge, or it was for something else."""


class HandleInvalid(Invalid):
    """It cannot be a handle."""


class HandleTaken(Conflict):
    """Somebody else has the handle, or had it, or it is kept for the node."""


class HandleTooSoon(Conflict):
    """The account changed its handle not long ago. Carries `retry_after_s`."""


class CodeWrong(Unauthenticated):
    """That is not the code. Carries `tries_left`."""


class CodeUsed(Unauthenticated):
    """The code has served."""


class CodeExpired(Unauthenticated):
    """The code has run out."""


class CodeTriesUsedUp(Unauthenticated):
    """The code was guessed at too often."""


class SignInRateExceeded(Forbidden):
    """Too many attempts from one network address. Carries `retry_after_s`."""
