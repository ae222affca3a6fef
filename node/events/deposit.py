"""Deposits of users, and what left a deposit address.

Streams: `deposit:<id>`, and `deposit-address:<chain id>:<address>` of what the contract tells.
"""

from node.events.chain import ChainEvent
from node.kernel.hexes import Address, Hash32
from node.kernel.spine.event import Event


def deposit_stream(deposit_id: object) -> str:
    return f"deposit:{deposit_id}"


def deposit_address_stream(chain_id: int, address: Address) -> str:
    return f"deposit-address:{chain_id}:{address}"


class _Deposit(Event, frozen=True, kw_only=True):
    """`owner` is its account or market in the ledger; `amount` is in the smallest unit of `asset_id`."""

    deposit_id: str
    owner: str
    asset_id: str
    amount: str


class DepositCredited(_Deposit, frozen=True, kw_only=True):
    type_name = "deposit.credited"


class DepositVanished(_Deposit, frozen=True, kw_only=True):
    """The chain lost it after it was final. `frozen` of it was still there to be set aside."""

    type_name = "deposit.vanished"
    frozen: str
    time: int


class DepositReturned(_Deposit, frozen=True, kw_only=True):
    """It is on the chain and final again: what was frozen is free."""

    type_name = "deposit.returned"


class DepositSwept(ChainEvent, frozen=True, kw_only=True):
    """Everything of an asset left a deposit address for its destination."""

    type_name = "deposit_address.swept"
    forwarder: Address
    destination: Address
    deposit_id: Hash32
    asset: Address
    amount: str


class DepositStuck(ChainEvent, frozen=True, kw_only=True):
    """The destination or the token refused: it stays where it is."""

    type_name = "deposit_address.stuck"
    forwarder: Address
    destination: Address
    deposit_id: Hash32
    asset: Address
