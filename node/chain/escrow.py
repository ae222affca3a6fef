"""The terms of an escrow (`IEscrow.Terms`) and the id that they make.

The contract stores one word per escrow and is told the terms in every call, so whoever drops a field here
loses the money's key: terms are kept whole with the order.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from node.chain.abi import Param, encode_params
from node.chain.artifacts import load_artifact
from node.chain.eip712 import Domain, Struct, digest, typed_data
from node.kernel.hexes import Address, Hash32, hash_from_bytes


class EscrowState(IntEnum):
    NONE = 0
    FUNDED = 1
    SHIPPED = 2
    DISPUTED = 3
    RELEASED = 4
    REFUNDED = 5
    RULED = 6
    PROPOSED = 7
    APPEALED = 8
    SETTLED = 9


@dataclass(frozen=True, slots=True)
class Terms:
    """What the buyer agrees to by funding.

    `asset` zero is the native coin. `amount` is in the smallest unit, `_bps` are ten-thousandths, `ship_by`
    is seconds since 1970; `inspection` and `ruling` are lengths in seconds.
    """

    order_id: Hash32
    buyer: Address
    seller: Address
    arbiter: Address
    asset: Address
    amount: int
    fee_receiver: Address
    fee_bps: int
    silence_seller_bps: int
    ship_by: int
    inspection: int
    ruling: int

    def values(self) -> dict[str, Any]:
        """By the contract's field names."""
        return {
            "orderId": self.order_id,
            "buyer": self.buyer,
            "seller": self.seller,
            "arbiter": self.arbiter,
            "asset": self.asset,
            "amount": self.amount,
            "feeReceiver": self.fee_receiver,
            "feeBps": self.fee_bps,
            "silenceSellerBps": self.silence_seller_bps,
            "shipBy": self.ship_by,
            "inspection": self.inspection,
            "ruling": self.ruling,
        }


@dataclass(frozen=True, slots=True)
class AppealTerms:
    """Who judges an appeal; `window` and `court_time` are seconds. No part of the escrow's id."""

    court: Address
    window: int
    court_time: int

    def values(self) -> dict[str, Any]:
        """By the contract's field names."""
        return {"court": self.court, "window": self.window, "courtTime": self.court_time}


@dataclass(frozen=True, slots=True)
class Release:
    """What a buyer signs so that anybody may release `amount`, until and with `deadline`."""

    escrow_id: Hash32
    amount: int
    nonce: int
    deadline: int

    def values(self) -> dict[str, Any]:
        """By the names of the signed type."""
        return {
            "escrowId": self.escrow_id,
            "amount": self.amount,
            "nonce": self.nonce,
            "deadline": self.deadline,
        }

    def digest(self, domain: Domain) -> Hash32:
        return digest(domain, RELEASE, self.values())

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        return typed_data(domain, RELEASE, self.values())


# No function takes it as a struct, so no ABI shows it: see `IEscrow.releaseSigned`.
RELEASE = Struct(
    "Release",
    (
        Param("escrowId", "bytes32"),
        Param("amount", "uint256"),
        Param("nonce", "uint256"),
        Param("deadline", "uint64"),
    ),
)


def escrow_domain(*, chain_id: int, escrow: Address) -> Domain:
    return Domain("ASOUD Escrow", "1", chain_id, escrow)


def escrow_id(terms: Terms, *, chain_id: int, escrow: Address) -> Hash32:
    """`escrowIdOf`: keccak256(abi.encode(chain id, escrow contract, terms))."""
    where = abi_encode(["uint256", "address"], [chain_id, escrow])
    inputs = load_artifact("Escrow").function("escrowIdOf").inputs
    return hash_from_bytes(keccak(where + encode_params(inputs, [terms.values()])))
