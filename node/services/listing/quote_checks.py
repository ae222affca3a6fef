"""What can be said of a quote by looking at it, and what the chain says of its tokens now."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from node.chain.artifacts import load_artifact
from node.chain.client import ChainClient, Read
from node.chain.errors import ExecutionReverted, NotAContract
from node.chain.quote import Item, Quote, Scope, Side, Standard, bundle_criteria, trait_criteria
from node.kernel.hexes import ZERO_ADDRESS, Address
from node.kernel.money import BASIS_POINTS
from node.services.listing.errors import (
    ListingCurrencyRefused,
    ListingEpochMoved,
    ListingNonceUsed,
    NotTokenOwner,
    ProceedsTooLow,
    QuoteInvalid,
)

LIFE_MAX = dt.timedelta(days=400)  # a forgotten promise should not stand for ever
ITEMS_MAX = 50  # `IExchange.MAX_ITEMS`
TOKEN_IDS_MAX = 1_000  # of a trait: the tree is built anew for each taker
AMOUNT_MAX = 2**200  # far above all money, far below what products of the contract overflow at


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a quote is about besides its terms: the parts of a bundle, the ids of a trait."""

    items: tuple[Item, ...] = ()
    token_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What the exchange says of a maker now."""

    epoch: int
    nonce_used: bool
    currency_allowed: bool


def check_terms(quote: Quote, tokens: Tokens, *, now: dt.datetime) -> None:
    """Raises `QuoteInvalid` for what the exchange would never settle, or what its maker cannot mean."""
    _check_prices(quote)
    _check_scope(quote, tokens)
    if quote.standard is Standard.ERC721 and quote.scope is not Scope.BUNDLE:
        _must(quote.scope is not Scope.TOKEN or quote.quantity == 1, "quantity", "there is one of each token")
    _must(quote.taker != quote.maker, "taker", "nobody takes its own quote")
    in_time = quote.start <= quote.end and now.timestamp() < quote.end
    _must(in_time, "end", "the end lies before the start, or has passed")
    latest = (now + LIFE_MAX).timestamp()
    _must(quote.end <= latest, "end", f"a quote ends within {LIFE_MAX.days} days")


def _check_prices(quote: Quote) -> None:
    _must(quote.start_price > 0 and quote.end_price > 0, "price", "a price is above zero")
    _must(quote.quantity > 0, "quantity", "a quote is about one unit at least")
    most = max(quote.start_price, quote.end_price) * quote.quantity
    _must(most <= AMOUNT_MAX, "price", "that is more money than there is")
    if quote.side is Side.BUY:
        _must(quote.currency != ZERO_ADDRESS, "currency", "an offer pays in a token: coin cannot be pulled")
        _must(quote.min_proceeds == 0, "min_proceeds", "the taker of an offer sets its own limit")
    least = min(quote.start_price, quote.end_price)
    _must(quote.min_proceeds <= least, "min_proceeds", "the least proceeds lie above the price")


def _check_scope(quote: Quote, tokens: Tokens) -> None:
    is_bundle, is_trait = quote.scope is Scope.BUNDLE, quote.scope is Scope.TRAIT
    _must(bool(tokens.items) == is_bundle, "items", "a bundle has items, nothing else has")
    _must(bool(tokens.token_ids) == is_trait, "token_ids", "an offer for a trait has its tokens")
    _must((quote.collection == ZERO_ADDRESS) == is_bundle, "collection", "only a bundle has no collection")
    if is_bundle:
        _check_bundle(quote, tokens.items)
    elif is_trait:
        _must(len(tokens.token_ids) <= TOKEN_IDS_MAX, "token_ids", f"at most {TOKEN_IDS_MAX} tokens")
        _must(quote.criteria == trait_criteria(tokens.token_ids), "criteria", "not the root of these tokens")
    elif quote.scope is Scope.COLLECTION:
        _must(quote.criteria == 0, "criteria", "of a whole collection it is zero")
    if quote.scope in (Scope.COLLECTION, Scope.TRAIT):
        _must(quote.side is Side.BUY, "scope", "only offers leave the choice of the token to the taker")


def _check_bundle(quote: Quote, items: Sequence[Item]) -> None:
    _must(len(items) <= ITEMS_MAX, "items", f"at most {ITEMS_MAX} items")
    _must(quote.quantity == 1, "quantity", "a bundle is one unit")
    _must(quote.standard is Standard.ERC721, "standard", "the items of a bundle have their own")
    _must(quote.criteria == bundle_criteria(items), "criteria", "not the hash of these items")
    _must(min(quote.start_price, quote.end_price) >= len(items), "price", "an item costs one unit at least")
    for item in items:
        fits = item.quantity == 1 if item.standard is Standard.ERC721 else item.quantity > 0
        _must(fits, "items", "an ERC-721 token is one, of others there is one at least")
    names = {(item.collection, item.token_id) for item in items}
    _must(len(names) == len(items), "items", "each token is in it once")


def _must(holds: bool, field: str, words: str) -> None:  # noqa: FBT001 - the condition is the point
    if not holds:
        raise QuoteInvalid(words, field=field)


def pieces(quote: Quote, tokens: Tokens, *, token_id: int, units: int) -> tuple[Item, ...]:
    """What changes hands when so much is taken."""
    if quote.scope is Scope.BUNDLE:
        return tokens.items
    return (Item(quote.standard, quote.collection, token_id, units),)


def ask_standing(client: ChainClient, exchange: Address, quote: Quote) -> Standing:
    ours = load_artifact("Exchange")
    reads = [
        Read(ours, exchange, "epochOf", (quote.maker,)),
        Read(ours, exchange, "nonceUsed", (quote.maker, quote.nonce)),
        Read(ours, exchange, "currencyAllowed", (quote.currency,)),
    ]
    return Standing(*_answers(client, reads))


def check_standing(quote: Quote, standing: Standing) -> None:
    """Raises what keeps the exchange from settling a signed quote."""
    if standing.nonce_used:
        raise ListingNonceUsed("the nonce is used up; prepare the quote again", nonce=str(quote.nonce))
    if standing.epoch != quote.epoch:
        raise ListingEpochMoved("the quote names another epoch than now", epoch=str(standing.epoch))
    check_currency(quote, standing)


def check_currency(quote: Quote, standing: Standing) -> None:
    if not standing.currency_allowed:
        raise ListingCurrencyRefused(
            "the exchange does not take that currency", field="currency", currency=quote.currency
        )


def check_owner(client: ChainClient, owner: Address, items: Sequence[Item]) -> None:
    """Raises `NotTokenOwner` unless `owner` has all of them."""
    reads = [
        Read(load_artifact("IERC721Metadata"), item.collection, "ownerOf", (item.token_id,))
        if item.standard is Standard.ERC721
        else Read(load_artifact("Editions"), item.collection, "balanceOf", (owner, item.token_id))
        for item in items
    ]
    for item, answer in zip(items, client.read_many(reads), strict=True):
        has = answer == owner if item.standard is Standard.ERC721 else answer
        enough = has is True or (type(has) is int and has >= item.quantity)
        if isinstance(answer, ExecutionReverted) or not enough:
            raise NotTokenOwner(
                "only who owns a token can sell it", collection=item.collection, token_id=str(item.token_id)
            )


def proceeds_of(
    client: ChainClient, exchange: Address, *, seller: Address, items: Sequence[Item], price: int
) -> int:
    """What the seller would get now, as the contract splits it: equal shares, the last one with the dust."""
    ours, share = load_artifact("Exchange"), price // len(items)
    shares = [share] * (len(items) - 1) + [price - share * (len(items) - 1)]
    reads = [
        Read(ours, exchange, "royaltyOf", (item.collection, item.token_id, part))
        for item, part in zip(items, shares, strict=True)
    ]
    (_, fee_bps), *royalties = _answers(client, [Read(ours, exchange, "fee"), *reads])
    proceeds = 0
    for part, (receiver, royalty) in zip(shares, royalties, strict=True):
        proceeds += part - part * fee_bps // BASIS_POINTS - (0 if receiver == seller else royalty)
    return proceeds


def check_proceeds(quote: Quote, proceeds: int) -> None:
    if proceeds < quote.min_proceeds:
        raise ProceedsTooLow(
            "fee and royalty leave the seller less than the least proceeds",
            field="min_proceeds",
            proceeds=str(proceeds),
        )


def _answers(client: ChainClient, reads: Sequence[Read]) -> list[Any]:
    answers = client.read_many(reads)
    if any(isinstance(answer, ExecutionReverted) for answer in answers):
        raise NotAContract("the exchange does not answer")
    return answers
