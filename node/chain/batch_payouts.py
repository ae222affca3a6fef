"""Paying many in one transaction (`ICheckout.payOut`): what is sent, and what its receipt says of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from node.chain.artifacts import load_artifact
from node.chain.client import Receipt, logs_of
from node.chain.logs import Kind, decode
from node.chain.suite_events import PaidOut
from node.kernel.hexes import Address, Hash32, to_bytes


@dataclass(frozen=True, slots=True)
class Line:
    """`reference` is what its payer knows it by."""

    to: Address
    amount: int
    reference: Hash32


def batch_data(asset: Address, lines: Sequence[Line]) -> bytes:
    """The call. Coin goes along as value, a token by allowance."""
    payouts = [(line.to, line.amount, to_bytes(line.reference)) for line in lines]
    return bytes.fromhex(load_artifact("Checkout").encode("payOut", asset, payouts)[2:])


def arrived(receipt: Receipt, *, contract: Address, payer: Address) -> frozenset[Hash32]:
    """The references of what arrived; of a batch that reverted nothing did."""
    if not receipt.succeeded:
        return frozenset()
    found = set()
    for log in logs_of(receipt):
        if log.address != contract:
            continue
        event = decode(Kind.CHECKOUT, log)
        if isinstance(event, PaidOut) and event.sender == payer:
            found.add(event.reference)
    return frozenset(found)
