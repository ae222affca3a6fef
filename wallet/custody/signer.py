"""What the node signs with: an address, a chain, and no way to the key.

A signer is bound to one chain, so a key that was meant for one never speaks on another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from node.kernel.errors import Bug
from node.kernel.hexes import Address, checksummed


class WrongChainToSign(Bug):
    """The signer is bound to another chain than the thing that it was to sign."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """An EIP-1559 transaction before its signature.

    `to` None makes a contract; `data` is 0x hex, money is wei.
    """

    chain_id: int
    nonce: int
    to: Address | None
    data: str
    value: int
    gas: int
    max_fee_per_gas: int
    max_priority_fee_per_gas: int

    def to_dict(self) -> dict[str, Any]:
        """As eth-account takes it."""
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": self.chain_id,
            "nonce": self.nonce,
            "data": self.data,
            "value": self.value,
            "gas": self.gas,
            "maxFeePerGas": self.max_fee_per_gas,
            "maxPriorityFeePerGas": self.max_priority_fee_per_gas,
        }
        if self.to is not None:
            fields["to"] = checksummed(self.to)
        return fields


class Signer(Protocol):
    @property
    def address(self) -> Address: ...

    @property
    def chain_id(self) -> int: ...

    def sign_transaction(self, transaction: Transaction) -> bytes:
        """The raw signed transaction."""

    def sign_typed_data(self, data: Mapping[str, Any]) -> bytes:
        """The 65 bytes (r, s, v) over an argument of `eth_signTypedData_v4` whose domain is our chain."""

    def sign_message(self, text: str) -> bytes:
        """The 65 bytes (r, s, v) of `personal_sign` (EIP-191)."""
