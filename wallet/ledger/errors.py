"""Why the ledger refuses a command. Whatever it refuses, it changed nothing."""

from collections.abc import Mapping
from typing import Final

from node.kernel.errors import Bug, Conflict, Forbidden, Invalid, NotFound, Refused


class InsufficientFunds(Conflict):
    """Less is available above the account's floor. Fields: `account`, `need`, `have`."""


class AccountFrozen(Forbidden):
    """An operator stopped what leaves the account."""


class AccountClosed(Conflict):
    """Nothing enters or leaves the account any more."""


class AccountNotEmpty(Conflict):
    """Only an account with a floor, without balance and holds can be closed."""


class AccountWithoutFloor(Conflict):
    """The account never runs dry, so nothing of it can be held and no floor set."""


class LedgerAccountUnknown(NotFound):
    """There is no such account in the ledger."""


class AssetUnknown(Invalid):
    """The node keeps no accounts in that asset."""


class CurrencyMismatch(Invalid):
    """The amount is not counted as the account counts: another asset, or another exponent."""


class AmountInvalid(Invalid):
    """An amount that moves is a whole number from 1 to 2^256 - 1."""


class AmountOverflow(Conflict):
    """The account would hold 2^256 or more."""


class SelfTransfer(Invalid):
    """Source and destination are one account."""


class TransferUnknown(NotFound):
    """There is no such transfer."""


class NotReversible(Conflict):
    """A reversal is not reversed: it is another transfer."""


class ReversalExceeded(Conflict):
    """More would go back than came. Fields: `posting`, `need`, `have`."""


class HoldUnknown(NotFound):
    """There is no such hold."""


class HoldExpired(Conflict):
    """The hold's time is over."""


class HoldEnded(Conflict):
    """The hold was captured or voided."""


class HoldExceeded(Conflict):
    """More would be captured than is left of the hold. Fields: `need`, `have`."""


class LedgerKeyReused(Conflict):
    """The key belongs to another command."""


# The words of the SQL functions.
_CLASSES: Final[Mapping[str, tuple[type[Refused], str]]] = {
    "insufficient_funds": (InsufficientFunds, "the account has too little available"),
    "account_frozen": (AccountFrozen, "the account is frozen"),
    "account_closed": (AccountClosed, "the account is closed"),
    "account_not_empty": (AccountNotEmpty, "only an empty account can be closed"),
    "account_without_floor": (AccountWithoutFloor, "the account has no floor"),
    "account_unknown": (LedgerAccountUnknown, "there is no such account in the ledger"),
    "asset_unknown": (AssetUnknown, "no accounts are kept in that asset"),
    "currency_mismatch": (CurrencyMismatch, "the amount is not in the account's asset and exponent"),
    "amount_invalid": (AmountInvalid, "an amount is a whole number from 1 to 2^256 - 1"),
    "amount_overflow": (AmountOverflow, "the account would hold 2^256 or more"),
    "self_transfer": (SelfTransfer, "source and destination are one account"),
    "transfer_unknown": (TransferUnknown, "there is no such transfer"),
    "not_reversible": (NotReversible, "a reversal cannot be reversed"),
    "reversal_exceeded": (ReversalExceeded, "more would go back than is left of the posting"),
    "hold_unknown": (HoldUnknown, "there is no such hold"),
    "hold_expired": (HoldExpired, "the hold has expired"),
    "hold_ended": (HoldEnded, "the hold has ended"),
    "hold_exceeded": (HoldExceeded, "more would be captured than is left of the hold"),
    "key_reused": (LedgerKeyReused, "the key belongs to another command"),
}


Words = Mapping[str, tuple[type[Refused], str]]


def refusal(code: str, fields: Mapping[str, str | int | None], more: Words) -> Refused | Bug:
    """The refusal that a function raised. `more` are the words of functions outside of the ledger."""
    kind, message = _CLASSES.get(code) or more.get(code) or (None, "")
    return (
        Bug("a function refuses with unknown words", code=code) if kind is None else kind(message, **fields)
    )
