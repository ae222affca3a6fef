"""Quotes (`IExchange.Quote`): signed promises to sell or buy, of everything that a listing cannot say.

Pure: the digests, trees and prices here are those of the contract, which property tests hold them against.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from node.chain.artifacts import load_artifact
from node.chain.eip712 import Domain, Struct, digest, typed_data
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32


class Side(IntEnum):
    SELL = 0
    BUY = 1


class Scope(IntEnum):
    TOKEN = 0
    COLLECTION = 1
    TRAIT = 2
    BUNDLE = 3


class Standard(IntEnum):
    ERC721 = 0
    ERC1155 = 1


@dataclass(frozen=True, slots=True)
class Item:
    """A part of a bundle."""

    standard: Standard
    collection: Address
    token_id: int
    quantity: int

    def values(self) -> dict[str, Any]:
        """By the contract's field names."""
        return {
            "standard": int(self.standard),
            "collection": self.collection,
            "tokenId": self.token_id,
            "quantity": self.quantity,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """As the contract has it; see `IExchange.Quote`. Prices are of a unit, times seconds since 1970."""

    maker: Address
    side: Side
    scope: Scope
    standard: Standard = Standard.ERC721
    collection: Address
    criteria: int
    quantity: int = 1
    currency: Address
    start_price: int
    end_price: int
    min_proceeds: int = 0
    taker: Address = ZERO_ADDRESS
    start: int
    end: int
    nonce: int
    group: int = 0
    epoch: int

    def values(self) -> dict[str, Any]:
        """By the contract's field names."""
        return {
            "maker": self.maker,
            "side": int(self.side),
            "scope": int(self.scope),
            "standard": int(self.standard),
            "collection": self.collection,
            "criteria": self.criteria,
            "quantity": self.quantity,
            "currency": self.currency,
            "startPrice": self.start_price,
            "endPrice": self.end_price,
            "minProceeds": self.min_proceeds,
            "taker": self.taker,
            "start": self.start,
            "end": self.end,
            "nonce": self.nonce,
            "group": self.group,
            "epoch": self.epoch,
        }

    def digest(self, domain: Domain) -> Hash32:
        return digest(domain, quote_struct(), self.values())

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        return typed_data(domain, quote_struct(), self.values())

    def price_at(self, now: int) -> int:
        """Of a unit, as `priceOf`; before its start that of the start, after its end that of the end."""
        now = min(max(now, self.start), self.end)
        distance = abs(self.start_price - self.end_price)
        if distance == 0 or self.start == self.end:
            return self.start_price
        falls = self.start_price > self.end_price
        moved = distance * (now - self.start)
        whole = self.end - self.start
        # Rounded in favour of the maker.
        moved = -(-moved // whole) if falls == (self.side is Side.BUY) else moved // whole
        return self.start_price - moved if falls else self.start_price + moved


@dataclass(frozen=True, slots=True)
class Take:
    """What the taker adds (`IExchange.Take`). `limit` is for all units together."""

    token_id: int
    units: int
    limit: int
    proof: Sequence[bytes] = ()
    items: Sequence[Item] = ()

    def values(self) -> dict[str, Any]:
        """By the contract's field names."""
        return {
            "tokenId": self.token_id,
            "units": self.units,
            "limit": self.limit,
            "proof": list(self.proof),
            "items": [item.values() for item in self.items],
            "bulkProof": [],
        }


def quote_struct() -> Struct:
    return Struct.of_argument(load_artifact("Exchange"), "hashQuote", "Quote")


def bundle_criteria(items: Sequence[Item]) -> int:
    """keccak256(abi.encode(items))."""
    parts = [(int(item.standard), item.collection, item.token_id, item.quantity) for item in items]
    return int.from_bytes(keccak(abi_encode(["(uint8,address,uint256,uint256)[]"], [parts])))


def trait_criteria(token_ids: Sequence[int]) -> int:
    """The root of the tree of these ids."""
    return int.from_bytes(_layers(token_ids)[-1][0])


def trait_proof(token_ids: Sequence[int], token_id: int) -> list[bytes]:
    """That `token_id` is among the ids, for the contract; it has to be."""
    layers = _layers(token_ids)
    place = layers[0].index(_leaf(token_id))
    proof = []
    for layer in layers[:-1]:
        sibling = place ^ 1
        if sibling < len(layer):
            proof.append(layer[sibling])
        place //= 2
    return proof


def _layers(token_ids: Sequence[int]) -> list[list[bytes]]:
    """From the leaves up to the root. Sorted, so that one set has one root; an odd one goes up as it is."""
    layers = [sorted({_leaf(token_id) for token_id in token_ids})]
    while len(layers[-1]) > 1:
        below = layers[-1]
        layers.append([_joined(below[place : place + 2]) for place in range(0, len(below), 2)])
    return layers


def _leaf(token_id: int) -> bytes:
    """Hashed twice, so that no inner node can pass for a leaf."""
    return keccak(keccak(abi_encode(["uint256"], [token_id])))


def _joined(pair: Sequence[bytes]) -> bytes:
    return pair[0] if len(pair) == 1 else keccak(b"".join(sorted(pair)))
