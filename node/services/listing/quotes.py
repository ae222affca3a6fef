"""Quotes: offers, bundles, private sales and prices that move; prepared, taken in, taken, cancelled.

Invariants: a row is a quote that the exchange would have settled when it was taken in, as far as that can be
told without a taker; it is named by its digest and never changes. Whether it still counts is read from the
projections each time, and the chain has the last word when somebody takes it.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from indexer.models import CollectionRow
from node.chain.actions import ExchangeActions
from node.chain.quote import (
    Item,
    Quote,
    Scope,
    Side,
    Standard,
    Take,
    bundle_criteria,
    trait_criteria,
    trait_proof,
)
from node.chain.quote_actions import QuoteActions
from node.chain.signatures import verify_signature
from node.chain.steps import Step, StepBuilder, TransactionStep
from node.events.listing import QuoteCreated, quote_stream
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32, to_bytes
from node.kernel.spine.record import EventRecorder
from node.services.listing.errors import (
    ListingCollectionUnknown,
    NotMaker,
    OwnQuote,
    QuoteForAnother,
    QuoteInvalid,
    QuoteNotActive,
    QuoteSignatureInvalid,
    QuoteUnknown,
    TokenNotWanted,
)
from node.services.listing.models import QuoteRow
from node.services.listing.nonces import take_nonce
from node.services.listing.quote_checks import (
    Tokens,
    ask_standing,
    check_currency,
    check_owner,
    check_proceeds,
    check_standing,
    check_terms,
    pieces,
    proceeds_of,
)
from node.services.listing.quote_queries import FINDING, PROMISED
from wallet.asset.service import AssetService

Begin = Callable[[], AbstractContextManager[Tx]]

LIFE_DEFAULT = dt.timedelta(days=30)
START_SLACK = dt.timedelta(minutes=1)  # so old may the block be that a taker's gas is estimated on
PRICE_SLACK_S = 300  # so long may a transaction wait before a moving price is out of its limit

NOT_ACTIVE = {
    "filled": "all units of the quote went",
    "cancelled": "the maker cancelled the quote",
    "nonce_used": "the maker used the quote's nonce for something else",
    "epoch_moved": "the maker cancelled everything of the quote's epoch",
    "expired": "the quote has run out",
    "scheduled": "the quote has not begun yet",
    "token_unknown": "a token is not known yet",
    "owner_changed": "the maker no longer owns what it sells",
    "currency_refused": "the exchange no longer takes the quote's currency",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteWish:
    """What a maker wants. None takes the default: from now, 30 days, all that a sale would bring now."""

    side: Side
    scope: Scope
    standard: Standard
    collection: Address
    token_id: int | None
    tokens: Tokens
    quantity: int
    currency: Address
    price: int
    end_price: int | None
    min_proceeds: int | None
    taker: Address | None
    start: int | None
    end: int | None
    group: int


@dataclass(frozen=True, slots=True)
class PreparedQuote:
    quote: Quote
    digest: Hash32
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class Signed:
    """A quote of ours with all that its settlement needs; `finding` is what the projections say of it."""

    quote: Quote
    tokens: Tokens
    exchange: Address
    signature: bytes
    finding: str


class QuoteService:
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

    # ------------------------------------------------------------------------------ by the maker

    def prepare(self, begin: Begin, wish: QuoteWish, *, maker: Address, post_to: str) -> PreparedQuote:
        """A quote for the maker's wallet to sign; the signature goes to `post_to`. Nothing is offered yet.

        Raises:
            QuoteInvalid, ListingCurrencyRefused, ProceedsTooLow, NotTokenOwner, ListingCollectionUnknown: By
                what is wrong.
            InsufficientTokenFunds: An offer's maker has too little of the currency.
            Transient, ExecutionReverted: As the chain says.
        """
        draft = self._draft(wish, maker)
        check_terms(draft, wish.tokens, now=self._clock.now())
        self._check_collections(begin, draft, wish.tokens)
        actions = self._actions()
        standing = ask_standing(actions.steps.client, actions.exchange, draft)
        check_currency(draft, standing)
        if draft.side is Side.SELL:
            proceeds = self._check_sale(actions, draft, wish.tokens)
            if wish.min_proceeds is None:
                draft = replace(draft, min_proceeds=proceeds)
            check_proceeds(draft, proceeds)
        self._assets.learn(begin, draft.currency)
        with begin() as tx:
            nonce = take_nonce(tx, chain_id=self.chain_id, exchange=actions.exchange, seller=maker)
            promised = self._promised(tx, draft, exchange=actions.exchange)
        quote = replace(draft, nonce=nonce, epoch=standing.epoch)
        steps = actions.make(quote, items=_sold(quote, wish.tokens), promised=promised, post_to=post_to)
        return PreparedQuote(quote, quote.digest(actions.domain), steps)

    def create(
        self,
        begin: Begin,
        quote: Quote,
        tokens: Tokens,
        signature: bytes,
        *,
        account_id: uuid.UUID,
        caller: Address,
    ) -> Hash32:
        """Takes in a signed quote. Posting it again changes nothing.

        Raises:
            NotMaker, QuoteSignatureInvalid, ListingNonceUsed, ListingEpochMoved: And as `prepare`.
        """
        if quote.maker != caller:
            raise NotMaker("a quote is posted by its maker", maker=quote.maker)
        actions = self._actions()
        digest = quote.digest(actions.domain)
        with begin() as tx:
            if tx.get(QuoteRow, (self.chain_id, digest)) is not None:
                return digest
        check_terms(quote, tokens, now=self._clock.now())
        self._check_collections(begin, quote, tokens)
        client = actions.steps.client
        check_standing(quote, ask_standing(client, actions.exchange, quote))
        if quote.side is Side.SELL:
            check_proceeds(quote, self._check_sale(actions, quote, tokens))
        check = verify_signature(client, address=quote.maker, digest=digest, signature=signature)
        if not check.valid:
            raise QuoteSignatureInvalid("the signature is not the maker's over this quote", digest=digest)
        self._assets.learn(begin, quote.currency)
        signed = Signed(quote, tokens, actions.exchange, check.signature, "active")
        with begin() as tx:
            self._insert(tx, signed, digest, account_id=account_id)
        return digest

    def cancel(self, begin: Begin, digest: Hash32, *, caller: Address) -> list[TransactionStep]:
        """The transaction that voids the quote, and whatever else was signed with its nonce.

        Raises:
            QuoteUnknown, NotMaker, QuoteNotActive: By what is wrong.
        """
        found = self.find(begin, digest)
        if found.quote.maker != caller:
            raise NotMaker("a quote is cancelled by its maker", digest=digest)
        if found.finding in ("filled", "cancelled", "nonce_used"):
            raise QuoteNotActive(NOT_ACTIVE[found.finding], digest=digest, reason=found.finding)
        return ExchangeActions(self._steps()).cancel(signer=caller, nonces=[found.quote.nonce])

    def cancel_group(self, group: int, *, caller: Address) -> list[TransactionStep]:
        """Raises `QuoteInvalid` for the group zero, which is none."""
        if group == 0:
            raise QuoteInvalid("zero is no group", field="group")
        return self._actions().cancel_group(signer=caller, group=group)

    # ------------------------------------------------------------------------------ by the taker

    def take(
        self,
        begin: Begin,
        digest: Hash32,
        *,
        taker: Address,
        token_id: int | None,
        units: int,
        limit: int | None,
    ) -> tuple[int, list[TransactionStep]]:
        """The limit, and the transactions that settle it: missing approvals, and the settlement.

        The limit that is left out leaves room for a price that moves for `PRICE_SLACK_S`.

        Raises:
            QuoteUnknown, QuoteNotActive, QuoteForAnother, OwnQuote, TokenNotWanted, NotTokenOwner: By what is
                wrong.
            InsufficientTokenFunds, InsufficientNativeFunds, ExecutionReverted, Transient: As the chain says.
        """
        found = self.find(begin, digest)
        quote, actions = found.quote, self._actions()
        reason = why_not(found, taker=taker, exchange=actions.exchange)
        if reason is not None:
            raise reason
        how = self._how(found, token_id=token_id, units=units)
        items = pieces(quote, found.tokens, token_id=how.token_id, units=units)
        if quote.side is Side.BUY:
            check_owner(actions.steps.client, taker, items)
        if limit is None:
            limit = self._limit(actions, found, items, taker=taker, units=units)
        how = replace(how, limit=limit)
        steps = actions.take(quote, how, items=items, signature=found.signature, taker=taker)
        return limit, steps

    def find(self, begin: Begin, digest: Hash32) -> Signed:
        """Raises `QuoteUnknown`."""
        with begin() as tx:
            row = tx.get(QuoteRow, (self.chain_id, digest))
            if row is None:
                raise QuoteUnknown("there is no such quote", digest=digest)
            parameters = {
                "chain_id": self.chain_id,
                "digest": to_bytes(digest),
                "now_s": int(self._clock.now().timestamp()),
            }
            finding: str = tx.connection().exec_driver_sql(FINDING, parameters).scalar_one()
            return Signed(_quote(row), _tokens(row), row.exchange, row.signature, finding)

    def price_now(self, quote: Quote) -> int:
        """The most that a unit costs within `PRICE_SLACK_S`."""
        now = int(self._clock.now().timestamp())
        return max(quote.price_at(now), quote.price_at(now + PRICE_SLACK_S))

    def _how(self, found: Signed, *, token_id: int | None, units: int) -> Take:
        quote, tokens = found.quote, found.tokens
        if units == 0 or (units > 1 and quote.standard is Standard.ERC721):
            raise QuoteInvalid("an ERC-721 token, or a bundle, is one unit", field="units")
        if quote.scope is Scope.BUNDLE:
            return Take(0, units, 0, items=tokens.items)
        if quote.scope is Scope.TOKEN:
            if token_id not in (None, quote.criteria):
                raise TokenNotWanted("the quote is about another token", token_id=str(token_id))
            return Take(quote.criteria, units, 0)
        if token_id is None:
            raise QuoteInvalid("say which token you sell", field="token_id")
        if quote.scope is Scope.COLLECTION:
            return Take(token_id, units, 0)
        if token_id not in tokens.token_ids:
            raise TokenNotWanted("the offer is not for that token", token_id=str(token_id))
        return Take(token_id, units, 0, proof=trait_proof(tokens.token_ids, token_id))

    def _limit(
        self, actions: QuoteActions, found: Signed, items: tuple[Item, ...], *, taker: Address, units: int
    ) -> int:
        quote, now = found.quote, int(self._clock.now().timestamp())
        if quote.side is Side.SELL:
            return self.price_now(quote) * units
        least = min(quote.price_at(now), quote.price_at(now + PRICE_SLACK_S)) * units
        client, exchange = actions.steps.client, actions.exchange
        return proceeds_of(client, exchange, seller=taker, items=items, price=least)

    # ------------------------------------------------------------------------------ small parts

    def _actions(self) -> QuoteActions:
        return QuoteActions(self._steps())

    def _draft(self, wish: QuoteWish, maker: Address) -> Quote:
        now = self._clock.now()
        return Quote(
            maker=maker,
            side=wish.side,
            scope=wish.scope,
            standard=wish.standard,
            collection=wish.collection,
            criteria=_criteria(wish),
            quantity=wish.quantity,
            currency=wish.currency,
            start_price=wish.price,
            end_price=wish.price if wish.end_price is None else wish.end_price,
            min_proceeds=wish.min_proceeds or 0,
            taker=wish.taker or ZERO_ADDRESS,
            start=int((now - START_SLACK).timestamp()) if wish.start is None else wish.start,
            end=int((now + LIFE_DEFAULT).timestamp()) if wish.end is None else wish.end,
            nonce=0,
            group=wish.group,
            epoch=0,
        )

    def _promised(self, tx: Tx, quote: Quote, *, exchange: Address) -> int:
        """The allowance that other offers of the maker need beside this one's."""
        parameters = {
            "chain_id": self.chain_id,
            "exchange": to_bytes(exchange),
            "maker": to_bytes(quote.maker),
            "currency": to_bytes(quote.currency),
            "now_s": int(self._clock.now().timestamp()),
        }
        return int(tx.connection().exec_driver_sql(PROMISED, parameters).scalar_one())

    def _check_sale(self, actions: QuoteActions, quote: Quote, tokens: Tokens) -> int:
        """What the maker would get at its lowest price, for what it has to own."""
        items, client = _sold(quote, tokens), actions.steps.client
        check_owner(client, quote.maker, items)
        lowest = min(quote.start_price, quote.end_price)
        return proceeds_of(client, actions.exchange, seller=quote.maker, items=items, price=lowest)

    def _check_collections(self, begin: Begin, quote: Quote, tokens: Tokens) -> None:
        named = {item.collection for item in tokens.items} or {quote.collection}
        with begin() as tx:
            for collection in sorted(named):
                if tx.get(CollectionRow, (self.chain_id, collection)) is None:
                    raise ListingCollectionUnknown("there is no such collection", collection=collection)

    def _insert(self, tx: Tx, signed: Signed, digest: Hash32, *, account_id: uuid.UUID) -> None:
        """The unique digest decides about two at once, so the event is recorded once."""
        row = _row(signed) | {
            "chain_id": self.chain_id,
            "digest": digest,
            "account_id": account_id,
            "created_at": self._clock.now(),
        }
        statement = insert(QuoteRow).values(**row).on_conflict_do_nothing().returning(QuoteRow.digest)
        if tx.execute(statement).scalar_one_or_none() is None:
            return
        created = QuoteCreated(
            chain_id=self.chain_id, digest=digest, exchange=signed.exchange, **_told(signed.quote)
        )
        self._events.record(tx, quote_stream(digest), created, expected_version=0)


def why_not(
    found: Signed, *, taker: Address, exchange: Address
) -> OwnQuote | QuoteForAnother | QuoteNotActive | None:
    """Why this taker cannot take it now."""
    quote = found.quote
    if quote.maker == taker:
        return OwnQuote("the maker cannot take its own quote")
    if quote.taker not in (ZERO_ADDRESS, taker):
        return QuoteForAnother("the quote is for another taker")
    if found.exchange != exchange:
        return QuoteNotActive("the quote is for another exchange", reason="exchange")
    if found.finding != "active":
        return QuoteNotActive(NOT_ACTIVE[found.finding], reason=found.finding)
    return None


def _criteria(wish: QuoteWish) -> int:
    if wish.scope is Scope.BUNDLE:
        return bundle_criteria(wish.tokens.items)
    if wish.scope is Scope.TRAIT and wish.tokens.token_ids:
        return trait_criteria(wish.tokens.token_ids)
    if wish.scope is Scope.TOKEN and wish.token_id is None:
        raise QuoteInvalid("say which token it is about", field="token_id")
    return wish.token_id or 0


def _sold(quote: Quote, tokens: Tokens) -> tuple[Item, ...]:
    """What the maker of a sale has to own."""
    return pieces(quote, tokens, token_id=quote.criteria, units=quote.quantity)


def _row(signed: Signed) -> dict[str, object]:
    quote, tokens = signed.quote, signed.tokens
    items = [{name: str(value) for name, value in item.values().items()} for item in tokens.items]
    return {
        "exchange": signed.exchange,
        "maker": quote.maker,
        "side": quote.side.name.lower(),
        "scope": quote.scope.name.lower(),
        "standard": quote.standard.name.lower(),
        "collection": quote.collection,
        "criteria": quote.criteria,
        "quantity": quote.quantity,
        "currency": quote.currency,
        "start_price": quote.start_price,
        "end_price": quote.end_price,
        "min_proceeds": quote.min_proceeds,
        "taker": quote.taker,
        "start_s": quote.start,
        "end_s": quote.end,
        "nonce": quote.nonce,
        "group_id": quote.group,
        "epoch": quote.epoch,
        "items": items or None,
        "token_ids": list(tokens.token_ids) or None,
        "signature": signed.signature,
    }


def _quote(row: QuoteRow) -> Quote:
    return Quote(
        maker=row.maker,
        side=Side[row.side.upper()],
        scope=Scope[row.scope.upper()],
        standard=Standard[row.standard.upper()],
        collection=row.collection,
        criteria=row.criteria,
        quantity=row.quantity,
        currency=row.currency,
        start_price=row.start_price,
        end_price=row.end_price,
        min_proceeds=row.min_proceeds,
        taker=row.taker,
        start=row.start_s,
        end=row.end_s,
        nonce=row.nonce,
        group=row.group_id,
        epoch=row.epoch,
    )


def _tokens(row: QuoteRow) -> Tokens:
    items = tuple(
        Item(
            Standard(int(item["standard"])),
            Address(item["collection"]),
            int(item["tokenId"]),
            int(item["quantity"]),
        )
        for item in row.items or ()
    )
    return Tokens(items, tuple(int(token_id) for token_id in row.token_ids or ()))


def _told(quote: Quote) -> dict[str, Any]:
    numbers = ("criteria", "quantity", "start_price", "end_price")
    return {
        "maker": quote.maker,
        "side": quote.side.name.lower(),
        "scope": quote.scope.name.lower(),
        "collection": quote.collection,
        "currency": quote.currency,
        "taker": quote.taker,
        "start": quote.start,
        "end": quote.end,
        **{name: str(getattr(quote, name)) for name in numbers},
    }
