"""Listings: prepared for a wallet to sign, checked when they come back, turned into steps to buy or cancel.

Invariants: a row is a listing that the exchange would have settled when it was taken in; it is named by its
digest and never changes. Whether it still counts is read from the projections each time, and the chain has
the last word when somebody buys.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from sqlalchemy.dialects.postgresql import insert

from indexer.models import CollectionRow
from node.chain.actions import ExchangeActions
from node.chain.eip712 import Listing
from node.chain.signatures import verify_signature
from node.chain.steps import Step, StepBuilder
from node.events.listing import ListingCreated, listing_stream
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32, to_bytes
from node.kernel.money import Asset
from node.kernel.spine.event import StoredEvent
from node.kernel.spine.record import EventRecorder
from node.services.listing.errors import (
    ListingCollectionUnknown,
    ListingCurrencyRefused,
    ListingEpochMoved,
    ListingInvalid,
    ListingNonceUsed,
    ListingNotActive,
    ListingSignatureInvalid,
    ListingUnknown,
    NotForCaller,
    NotSeller,
    NotTokenOwner,
    OwnListing,
    ProceedsTooLow,
)
from node.services.listing.exchange import Breakdown, Question, Standing, ask_exchange
from node.services.listing.models import ListingRow
from node.services.listing.nonces import take_nonce
from node.services.listing.queries import FINDING
from node.services.listing.settling import settle, settle_expired
from wallet.asset.service import AssetService

Begin = Callable[[], AbstractContextManager[Tx]]

LIFE_DEFAULT = dt.timedelta(days=30)
START_SLACK = dt.timedelta(minutes=1)  # so old may the block be that a buyer's gas is estimated on
LIFE_MAX = dt.timedelta(days=400)  # a forgotten price should not stand for ever

# Why a listing cannot be bought, by what the projections find.
_NOT_ACTIVE = {
    "sold": "the listing was sold",
    "cancelled": "the seller cancelled the listing",
    "nonce_used": "the seller used the listing's nonce for another sale",
    "epoch_moved": "the seller cancelled everything of the listing's epoch",
    "expired": "the listing has run out",
    "scheduled": "the listing has not begun yet",
    "token_unknown": "the token is not known yet",
    "owner_changed": "the seller no longer owns the token",
    "currency_refused": "the exchange no longer takes the listing's currency",
}
_CANNOT_BE_CANCELLED = ("sold", "cancelled", "nonce_used")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a seller wants. None takes the default: all that a sale would bring now, anyone, now, 30 days."""

    collection: Address
    token_id: int
    currency: Address
    price: int
    min_proceeds: int | None = None
    buyer: Address | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class PreparedListing:
    """Ready to be signed, with what the seller would get now."""

    listing: Listing
    digest: Hash32
    breakdown: Breakdown
    asset: Asset
    steps: list[Step]


class ListingService:
    def __init__(
        self,
        clock: Clock,
        events: EventRecorder,
        steps: Callable[[], StepBuilder],
        assets: AssetService,
        *,
        chain_id: int,
    ) -> None:
        self.chain_id = chain_id
        self._clock = clock
        self._events = events
        self._steps = steps
        self._assets = assets

    def prepare(self, begin: Begin, wish: Wish, *, seller: Address, post_to: str) -> PreparedListing:
        """A listing for the seller's wallet to sign; the signature goes to `post_to`. Nothing is offered yet.

        Raises:
            ListingInvalid, ListingCurrencyRefused, ProceedsTooLow, NotTokenOwner, ListedTokenUnknown,
            ListingCollectionUnknown: By what is wrong.
            Transient, ExecutionReverted: As the chain says.
        """
        draft = self._draft(wish, seller)
        self._check_terms(draft)
        with begin() as tx:
            self._check_collection(tx, draft.collection)
        actions = ExchangeActions(self._steps())
        standing = self._ask(actions, draft)
        if wish.min_proceeds is None:
            draft = replace(draft, min_proceeds=standing.breakdown.proceeds)
        _check_standing(draft, standing)
        asset = self._assets.learn(begin, draft.currency)
        with begin() as tx:
            exchange = actions.domain.contract
            nonce = take_nonce(tx, chain_id=self.chain_id, exchange=exchange, seller=seller)
        listing = replace(draft, nonce=nonce, epoch=standing.epoch)
        steps = actions.list_token(listing, post_to=post_to)
        digest = listing.digest(actions.domain)
        return PreparedListing(listing, digest, standing.breakdown, asset, steps)

    def create(
        self, begin: Begin, listing: Listing, signature: bytes, *, account_id: uuid.UUID, caller: Address
    ) -> Hash32:
        """Takes in a signed listing that the exchange would settle now. Posting it again changes nothing.

        Raises:
            NotSeller, ListingSignatureInvalid, ListingNonceUsed, ListingEpochMoved: And as `prepare`.
        """
        if listing.seller != caller:
            raise NotSeller("a listing is posted by its seller", seller=listing.seller)
        actions = ExchangeActions(self._steps())
        digest = listing.digest(actions.domain)
        with begin() as tx:
            if tx.get(ListingRow, (self.chain_id, digest)) is not None:
                return digest
            self._check_collection(tx, listing.collection)
        self._check_terms(listing)
        standing = self._ask(actions, listing)
        if standing.nonce_used:
            raise ListingNonceUsed(
                "the nonce is used up; prepare the listing again", nonce=str(listing.nonce)
            )
        if standing.epoch != listing.epoch:
            raise ListingEpochMoved(
                "the listing names another epoch than the present one", epoch=str(standing.epoch)
            )
        _check_standing(listing, standing)
        check = verify_signature(
            actions.steps.client, address=listing.seller, digest=digest, signature=signature
        )
        if not check.valid:
            raise ListingSignatureInvalid(
                "the signature is not the seller's over this listing", digest=digest
            )
        self._assets.learn(begin, listing.currency)
        with begin() as tx:
            self._insert(
                tx,
                listing,
                digest,
                check.signature,
                exchange=actions.domain.contract,
                account_id=account_id,
            )
        return digest

    def buy(self, begin: Begin, digest: Hash32, *, buyer: Address) -> list[Step]:
        """The transactions that buy it: the approval of its price when it is missing, and the purchase.

        Raises:
            ListingUnknown, ListingNotActive, NotForCaller, OwnListing: By what is wrong.
            InsufficientTokenFunds, InsufficientNativeFunds, ExecutionReverted, Transient: As the chain says.
        """
        actions = ExchangeActions(self._steps())
        listing, signature = self.buyable(begin, digest, buyer=buyer, exchange=actions.domain.contract)
        return [*actions.buy(listing, signature=signature, buyer=buyer)]

    def buyable(
        self, begin: Begin, digest: Hash32, *, buyer: Address, exchange: Address
    ) -> tuple[Listing, bytes]:
        """The listing and its signature. Raises as `buy` does before it asks the chain."""
        with begin() as tx:
            row, finding = self._found(tx, digest)
        if row.seller == buyer:
            raise OwnListing("the seller cannot buy its own listing", digest=digest)
        if row.buyer not in (ZERO_ADDRESS, buyer):
            raise NotForCaller("the listing is for another buyer", digest=digest)
        if finding != "active":
            raise ListingNotActive(_NOT_ACTIVE[finding], digest=digest, reason=finding)
        if row.exchange != exchange:
            raise ListingNotActive("the listing is for another exchange", digest=digest, reason="exchange")
        return _signed(row), row.signature

    def cancel(self, begin: Begin, digest: Hash32, *, caller: Address) -> list[Step]:
        """The transaction that voids it, and whatever else the seller signed with its nonce.

        Raises:
            ListingUnknown, NotSeller, ListingNotActive: By what is wrong.
        """
        with begin() as tx:
            row, finding = self._found(tx, digest)
        if row.seller != caller:
            raise NotSeller("a listing is cancelled by its seller", digest=digest)
        if finding in _CANNOT_BE_CANCELLED:
            raise ListingNotActive(_NOT_ACTIVE[finding], digest=digest, reason=finding)
        return [*ExchangeActions(self._steps()).cancel(signer=caller, nonces=[row.nonce])]

    def cancel_all(self, *, caller: Address) -> list[Step]:
        """The transaction that voids everything that the caller ever signed for the exchange."""
        return [*ExchangeActions(self._steps()).cancel_all(signer=caller)]

    def on_exchange_event(self, tx: Tx, event: StoredEvent) -> None:
        """A final sale or cancellation: pages of what can be bought pass over its listings from then on."""
        settle(tx, event, now=self._clock.now())

    def settle_expired(self, tx: Tx) -> int:
        """As `on_exchange_event`, for those that ran out; at most `EXPIRED_MAX`, returns how many."""
        return settle_expired(tx, chain_id=self.chain_id, now=self._clock.now())

    def _draft(self, wish: Wish, seller: Address) -> Listing:
        now = self._clock.now()
        return Listing(
            seller=seller,
            collection=wish.collection,
            token_id=wish.token_id,
            currency=wish.currency,
            price=wish.price,
            min_proceeds=wish.min_proceeds or 0,
            buyer=wish.buyer or ZERO_ADDRESS,
            start=int((now - START_SLACK).timestamp()) if wish.start is None else wish.start,
            end=int((now + LIFE_DEFAULT).timestamp()) if wish.end is None else wish.end,
            nonce=0,
            epoch=0,
        )

    def _check_terms(self, listing: Listing) -> None:
        """What can be told by looking at it."""
        if listing.price == 0:
            raise ListingInvalid("a price is above zero", field="price")
        if listing.min_proceeds > listing.price:
            raise ListingInvalid("the least proceeds lie above the price", field="min_proceeds")
        if listing.buyer == listing.seller:
            raise ListingInvalid("the seller cannot be the buyer", field="buyer")
        now = self._clock.now()
        if listing.end < listing.start or listing.end <= int(now.timestamp()):
            raise ListingInvalid("the end lies before the start, or has passed", field="end")
        if listing.end > int((now + LIFE_MAX).timestamp()):
            raise ListingInvalid(f"a listing ends within {LIFE_MAX.days} days", field="end")

    def _check_collection(self, tx: Tx, collection: Address) -> None:
        if tx.get(CollectionRow, (self.chain_id, collection)) is None:
            raise ListingCollectionUnknown("there is no such collection", collection=collection)

    def _ask(self, actions: ExchangeActions, listing: Listing) -> Standing:
        question = Question(
            listing.seller,
            listing.collection,
            listing.token_id,
            listing.currency,
            listing.price,
            listing.nonce,
        )
        return ask_exchange(actions.steps.client, actions.domain.contract, question)

    def _found(self, tx: Tx, digest: Hash32) -> tuple[ListingRow, str]:
        """The row, and what the projections find of it now."""
        row = tx.get(ListingRow, (self.chain_id, digest))
        if row is None:
            raise ListingUnknown("there is no such listing", digest=digest)
        parameters = {
            "chain_id": self.chain_id,
            "digest": to_bytes(digest),
            "now_s": int(self._clock.now().timestamp()),
        }
        finding: str = tx.connection().exec_driver_sql(FINDING, parameters).scalar_one()
        return row, finding

    def _insert(
        self,
        tx: Tx,
        listing: Listing,
        digest: Hash32,
        signature: bytes,
        *,
        exchange: Address,
        account_id: uuid.UUID,
    ) -> None:
        """The unique digest decides about two at once, so the event is recorded once."""
        inserted = tx.execute(
            insert(ListingRow)
            .values(
                chain_id=self.chain_id,
                digest=digest,
                exchange=exchange,
                seller=listing.seller,
                collection=listing.collection,
                token_id=listing.token_id,
                currency=listing.currency,
                price=listing.price,
                min_proceeds=listing.min_proceeds,
                buyer=listing.buyer,
                start_s=listing.start,
                end_s=listing.end,
                nonce=listing.nonce,
                epoch=listing.epoch,
                signature=signature,
                account_id=account_id,
                created_at=self._clock.now(),
            )
            .on_conflict_do_nothing()
            .returning(ListingRow.digest)
        ).scalar_one_or_none()
        if inserted is None:
            return
        created = ListingCreated(
            chain_id=self.chain_id,
            digest=digest,
            exchange=exchange,
            seller=listing.seller,
            collection=listing.collection,
            token_id=str(listing.token_id),
            currency=listing.currency,
            price=str(listing.price),
            buyer=listing.buyer,
            start=listing.start,
            end=listing.end,
        )
        self._events.record(tx, listing_stream(digest), created, expected_version=0)


def _check_standing(listing: Listing, standing: Standing) -> None:
    """What both a listing to be signed and a signed one need of the chain."""
    if standing.owner != listing.seller:
        raise NotTokenOwner("only who owns the token can list it", owner=standing.owner)
    if not standing.currency_allowed:
        raise ListingCurrencyRefused(
            "the exchange does not take that currency", field="currency", currency=listing.currency
        )
    if standing.breakdown.proceeds < listing.min_proceeds:
        raise ProceedsTooLow(
            "fee and royalty leave the seller less than the least proceeds",
            field="min_proceeds",
            proceeds=str(standing.breakdown.proceeds),
        )


def _signed(row: ListingRow) -> Listing:
    return Listing(
        seller=row.seller,
        collection=row.collection,
        token_id=row.token_id,
        currency=row.currency,
        price=row.price,
        min_proceeds=row.min_proceeds,
        buyer=row.buyer,
        start=row.start_s,
        end=row.end_s,
        nonce=row.nonce,
        epoch=row.epoch,
    )
