"""The development accounts that every tool knows, anvil's too. The whole world has their keys.

They work on chain id 31337 only: anywhere else making such a signer raises.
"""

from functools import cache

from node.kernel.errors import Bug
from node.kernel.hexes import Address
from node.kernel.settings import DEV_CHAIN_ID
from wallet.custody.keys import KeySigner, key_of_mnemonic

DEV_MNEMONIC = "test test test test test test test test test test test junk"
# How many of them anvil gives coin to.
DEV_ACCOUNTS = 10
# The account behind them is the treasury of a node on a development chain; anvil gives it nothing.
TREASURY_NUMBER = 10


class DevKeyOnPublicChain(Bug):
    """A key that the whole world has was to be used where money is real."""


class DevSigner(KeySigner):
    """`number` counts from 0; 0 is the deployer."""

    __slots__ = ()

    def __init__(self, number: int, *, chain_id: int) -> None:
        if chain_id != DEV_CHAIN_ID:
            raise DevKeyOnPublicChain("development keys work on chain 31337 only", chain_id=chain_id)
        super().__init__(key_of_mnemonic(DEV_MNEMONIC, number), chain_id=chain_id)


@cache
def dev_addresses() -> tuple[Address, ...]:
    return tuple(DevSigner(number, chain_id=DEV_CHAIN_ID).address for number in range(DEV_ACCOUNTS))
