"""Events of accounts; their stream is `account:<id>`."""

from node.kernel.spine.event import Event


class AccountOpened(Event, frozen=True, kw_only=True):
    """A person or an organisation is known to the node for the first time."""

    type_name = "account.opened"

    account_id: str
    address: str
