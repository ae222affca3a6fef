"""What the exchange says of a listing now: one batch of views, asked of the chain itself.

The projections may be a moment behind; what somebody is about to sign must not be.
"""

from dataclasses import dataclass
from typing import Any

from node.chain.artifacts import load_artifact
from node.chain.client import ChainClient, Read
from node.chain.errors import ExecutionReverted, NotAContract
from node.kernel.hexes import ZERO_ADDRESS, Address
from node.kernel.money import BASIS_POINTS
from node.services.listing.errors import ListedTokenUnknown


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Where the price would go now: `fee` + `royalty` + `proceeds` is all of it; the dust is the seller's."""

    price: int
    fee: int
    fee_bps: int
    royalty: int
    royalty_receiver: Address | None
    proceeds: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What the chain says of a token, its seller and a currency."""

    owner: Address
    epoch: int
    nonce_used: bool
    currency_allowed: bool
    breakdown: Breakdown


@dataclass(frozen=True, slots=True)
class Question:
    seller: Address
    collection: Address
    token_id: int
    currency: Address
    price: int
    nonce: int


def ask_exchange(client: ChainClient, exchange: Address, question: Question) -> Standing:
    """Raises `ListedTokenUnknown` when the collection knows no such token."""
    ours, nft = load_artifact("Exchange"), load_artifact("IERC721Metadata")
    reads = [
        Read(nft, question.collection, "ownerOf", (question.token_id,)),
        Read(ours, exchange, "epochOf", (question.seller,)),
        Read(ours, exchange, "nonceUsed", (question.seller, question.nonce)),
        Read(ours, exchange, "currencyAllowed", (question.currency,)),
        Read(ours, exchange, "fee"),
        Read(ours, exchange, "royaltyOf", (question.collection, question.token_id, question.price)),
    ]
    owner, *answers = client.read_many(reads)
    if isinstance(owner, ExecutionReverted):
        raise ListedTokenUnknown(
            "there is no such token", collection=question.collection, token_id=str(question.token_id)
        )
    if any(isinstance(answer, ExecutionReverted) for answer in answers):
        raise NotAContract("the exchange does not answer", contract=exchange)
    epoch, nonce_used, currency_allowed, fee, royalty = answers
    return Standing(
        owner, epoch, nonce_used, currency_allowed, _breakdown(question, fee=fee, royalty=royalty)
    )


def _breakdown(question: Question, *, fee: Any, royalty: Any) -> Breakdown:  # noqa: ANN401 - ABI values
    """As `Exchange._split` does it: rounded down, and no royalty of the seller to itself."""
    receiver, royalty_amount = royalty
    if receiver in (question.seller, ZERO_ADDRESS):
        receiver, royalty_amount = None, 0
    _, fee_bps = fee
    fee_amount = question.price * fee_bps // BASIS_POINTS
    return Breakdown(
        price=question.price,
        fee=fee_amount,
        fee_bps=fee_bps,
        royalty=royalty_amount,
        royalty_receiver=receiver,
        proceeds=question.price - fee_amount - royalty_amount,
    )
