"""The terms of an auction (`IAuctionHouse.Auction`) and the id that they make; they travel in every call."""

from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from node.chain.abi import encode_params
from node.chain.artifacts import load_artifact
from node.kernel.hexes import Address, Hash32, hash_from_bytes

AMOUNT_MAX = 2**96 - 1  # of a bid, and of the reserve


@dataclass(frozen=True, slots=True, kw_only=True)
class Auction:
    """`start` is seconds since 1970, `duration` and `extension` are seconds, `currency` zero is the coin."""

    seller: Address
    collection: Address
    token_id: int
    currency: Address
    reserve: int
    start: int
    duration: int
    extension: int
    increment_bps: int
    salt: int

    def values(self) -> dict[str, Any]:
        """By the contract's field names."""
        return {
            "seller": self.seller,
            "collection": self.collection,
            "tokenId": self.token_id,
            "currency": self.currency,
            "reserve": self.reserve,
            "start": self.start,
            "duration": self.duration,
            "extension": self.extension,
            "incrementBps": self.increment_bps,
            "salt": self.salt,
        }


def auction_id(auction: Auction, *, chain_id: int, house: Address) -> Hash32:
    """`auctionIdOf`: keccak256(abi.encode(chain id, auction house, auction))."""
    where = abi_encode(["uint256", "address"], [chain_id, house])
    inputs = load_artifact("AuctionHouse").function("auctionIdOf").inputs
    return hash_from_bytes(keccak(where + encode_params(inputs, [auction.values()])))


def least_bid(*, reserve: int, highest: int, increment_bps: int) -> int:
    """`leastBid`: one unit more than the highest at least, or the reserve while nobody bid (zero)."""
    if highest == 0:
        return reserve
    return highest + max(highest * increment_bps // 10_000, 1)
