"""Buying much at once: listings and quotes in one transaction each, where one that fails stops no other.

Guards: nothing costs more than its own limit, everything together not more than the caller allows, and the
contract reverts when fewer sales were made than asked for. Which ones were made, the sales of the
transaction tell.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from node.chain.eip712 import Listing
from node.chain.quote import Quote, Scope, Side, Take
from node.chain.quote_actions import QuoteActions
from node.chain.steps import StepBuilder, TransactionStep
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Refused
from node.kernel.hexes import Address, Hash32
from node.services.listing.errors import ListingUnknown, NothingToSweep, QuoteInvalid, QuoteNotActive
from node.services.listing.quotes import QuoteService, why_not
from node.services.listing.service import ListingService

Begin = Callable[[], AbstractContextManager[Tx]]

SWEEP_MAX = 50  # `IExchange.MAX_SWEEP`


@dataclass(frozen=True, slots=True)
class LeftOut:
    digest: Hash32
    refusal: Refused


@dataclass(slots=True)
class Sweep:
    """What can be bought, and what it costs at most."""

    listings: list[tuple[Listing, bytes]] = field(default_factory=list)
    quotes: list[tuple[Quote, Take, bytes]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    steps: list[TransactionStep] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(listing.price for listing, _ in self.listings) + sum(
            how.limit for _, how, _ in self.quotes
        )

    @property
    def currencies(self) -> set[Address]:
        return {listing.currency for listing, _ in self.listings} | {
            quote.currency for quote, _, _ in self.quotes
        }


class SweepService:
    def __init__(
        self, steps: Callable[[], StepBuilder], listings: ListingService, quotes: QuoteService
    ) -> None:
        self._steps = steps
        self._listings = listings
        self._quotes = quotes

    def plan(
        self, begin: Begin, digests: Sequence[Hash32], *, buyer: Address, max_total: int | None, at_least: int
    ) -> Sweep:
        """Leaves out what cannot be bought now, each with its reason.

        Raises:
            QuoteInvalid: They are sold for different currencies.
            NothingToSweep: Fewer than `at_least` are left, or they cost more than `max_total`.
            InsufficientTokenFunds, InsufficientNativeFunds, ExecutionReverted, Transient: As the chain says.
        """
        actions = QuoteActions(self._steps())
        sweep = Sweep()
        for digest in dict.fromkeys(digests):
            try:
                self._add(begin, sweep, digest, buyer=buyer, exchange=actions.exchange)
            except Refused as refusal:
                sweep.left_out.append(LeftOut(digest, refusal))
        self._check(sweep, max_total=max_total, at_least=at_least)
        (currency,) = sweep.currencies
        sweep.steps = actions.sweep(
            listings=sweep.listings,
            quotes=sweep.quotes,
            currency=currency,
            buyer=buyer,
            at_least=at_least,
        )
        return sweep

    def _add(self, begin: Begin, sweep: Sweep, digest: Hash32, *, buyer: Address, exchange: Address) -> None:
        try:
            sweep.listings.append(self._listings.buyable(begin, digest, buyer=buyer, exchange=exchange))
        except ListingUnknown:
            sweep.quotes.append(self._takeable(begin, digest, buyer=buyer, exchange=exchange))

    def _takeable(
        self, begin: Begin, digest: Hash32, *, buyer: Address, exchange: Address
    ) -> tuple[Quote, Take, bytes]:
        """One unit of it, at what it may cost soon."""
        found = self._quotes.find(begin, digest)
        refusal = why_not(found, taker=buyer, exchange=exchange)
        if refusal is not None:
            raise refusal
        quote = found.quote
        if quote.side is not Side.SELL:
            raise QuoteNotActive("an offer is not for sale", reason="side")
        is_bundle = quote.scope is Scope.BUNDLE
        how = Take(0 if is_bundle else quote.criteria, 1, self._quotes.price_now(quote))
        return quote, replace(how, items=found.tokens.items), found.signature

    @staticmethod
    def _check(sweep: Sweep, *, max_total: int | None, at_least: int) -> None:
        left = len(sweep.listings) + len(sweep.quotes)
        if left < max(at_least, 1):
            raise NothingToSweep("fewer of them can be bought now", left=left, at_least=at_least)
        if len(sweep.currencies) > 1:
            raise QuoteInvalid("a sweep pays in one currency", field="digests")
        if max_total is not None and sweep.total > max_total:
            raise NothingToSweep("they cost more", total=str(sweep.total), max_total=str(max_total))
