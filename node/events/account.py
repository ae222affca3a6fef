"""Events of accounts; their stream is `account:<id>`."""

from node.kernel.spine.event import Event


class AccountOpened(Event, frozen=True, kw_only=True):
    """A person or an organisation is known to the node for the first time."""

    type_name = "account.opened"

    account_id: str
    address: str | None
    """Null where it was opened by a phone: numbers are not told."""


class WalletLinked(Event, frozen=True, kw_only=True):
    """A wallet signs in to the account from now on."""

    type_name = "account.wallet_linked"

    account_id: str
    address: str


class WalletUnlinked(Event, frozen=True, kw_only=True):
    """A wallet does not sign in to the account any more."""

    type_name = "account.wallet_unlinked"

    account_id: str
    address: str


class PhoneLinked(Event, frozen=True, kw_only=True):
    """A phone signs in to the account from now on."""

    type_name = "account.phone_linked"

    account_id: str


class PhoneUnlinked(Event, frozen=True, kw_only=True):
    """A phone does not sign in to the account any more."""

    type_name = "account.phone_unlinked"

    account_id: str


class AccountFrozen(Event, frozen=True, kw_only=True):
    """An operator shut the account out: it is signed out, and neither signs in nor acts by a key."""

    type_name = "account.frozen"

    account_id: str


class AccountUnfrozen(Event, frozen=True, kw_only=True):
    """The account may sign in again."""

    type_name = "account.unfrozen"

    account_id: str


class PhoneCodeRequested(Event, frozen=True, kw_only=True):
    """A code waits to be sent. Neither it nor the number is in here."""

    type_name = "phone.code_requested"

    challenge_id: str


class PhoneCodeUndelivered(Event, frozen=True, kw_only=True):
    """The carrier that took a code says that it did not arrive: another one may bring it."""

    type_name = "phone.code_undelivered"

    challenge_id: str


class AccountMerged(Event, frozen=True, kw_only=True):
    """The account was given up by its owner, and what it had belongs to another one of theirs."""

    type_name = "account.merged"

    account_id: str
    into: str


class AccountClosed(Event, frozen=True, kw_only=True):
    """The account was deleted by its owner. What the books need stays, without the person."""

    type_name = "account.closed"

    account_id: str


class RecoveryAsked(Event, frozen=True, kw_only=True):
    """A wallet, a phone or an authenticator app is said to be lost: all that sign in are told."""

    type_name = "account.recovery_asked"

    account_id: str
    recovery_id: str
