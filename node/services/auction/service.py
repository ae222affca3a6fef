"""What people do with auctions, as steps; what the auction house would refuse is refused in words.

Nothing is stored here: the contract is the judge, the projections of the chain tell what it decided.
"""

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from indexer.models import AuctionRow, CollectionRow
from node.chain.artifacts import load_artifact
from node.chain.auction import AMOUNT_MAX, Auction, least_bid
from node.chain.auction_actions import AuctionActions
from node.chain.client import Read
from node.chain.steps import StepBuilder, TransactionStep
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import Address, Hash32
from node.services.auction.errors import (
    AuctionInvalid,
    AuctionTokenNotOwned,
    AuctionUnknown,
    BidTooLow,
    NotAuctionSeller,
    OwnAuction,
    WrongAuctionState,
)
from node.services.auction.queries import AuctionState

Begin = Callable[[], AbstractContextManager[Tx]]

DURATION_S_MAX = 90 * 86_400  # `IAuctionHouse.MAX_DURATION`
EXTENSION_S_MAX = 86_400  # `IAuctionHouse.MAX_EXTENSION`
BPS_MAX = 10_000
SALT_BITS = 64  # tells auctions of the same terms apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a seller wants. `start` None is now."""

    collection: Address
    token_id: int
    currency: Address
    reserve: int
    start: int | None
    duration_s: int
    extension_s: int
    increment_bps: int


@dataclass(frozen=True, slots=True)
class Found:
    """An auction as the projections tell of it, judged by our clock."""

    auction: Auction
    house: Address
    state: AuctionState
    least: int


class AuctionService:
    def __init__(self, clock: Clock, steps: Callable[[], StepBuilder], *, chain_id: int) -> None:
        self.chain_id = chain_id
        self._clock = clock
        self._steps = steps

    def create(
        self, begin: Begin, wish: Wish, *, seller: Address
    ) -> tuple[Auction, Hash32, list[TransactionStep]]:
        """The auction, the id that it will have, and the transactions that make it.

        Raises:
            AuctionInvalid, AuctionTokenNotOwned: By what is wrong.
            ExecutionReverted, Transient: As the chain says, of the currency for one.
        """
        if not 0 < wish.reserve <= AMOUNT_MAX:
            raise AuctionInvalid("a reserve is above zero and below 2^96", field="reserve")
        now = int(self._clock.now().timestamp())
        start = now if wish.start is None else wish.start
        if start > now + DURATION_S_MAX:
            raise AuctionInvalid("an auction starts within 90 days", field="start")
        with begin() as tx:
            if tx.get(CollectionRow, (self.chain_id, wish.collection)) is None:
                raise AuctionInvalid("there is no such collection", field="collection")
        auction = Auction(
            seller=seller,
            collection=wish.collection,
            token_id=wish.token_id,
            currency=wish.currency,
            reserve=wish.reserve,
            start=start,
            duration=wish.duration_s,
            extension=wish.extension_s,
            increment_bps=wish.increment_bps,
            salt=secrets.randbits(SALT_BITS),
        )
        actions = self._actions()
        _check_owner(actions, auction)
        return auction, actions.id_of(auction), actions.create(auction)

    def bid(self, begin: Begin, auction_id: Hash32, *, amount: int, bidder: Address) -> list[TransactionStep]:
        """Raises `AuctionUnknown`, `OwnAuction`, `WrongAuctionState`, `BidTooLow`; and as the chain says."""
        found = self._find(begin, auction_id)
        if found.auction.seller == bidder:
            raise OwnAuction("a seller does not bid", auction_id=auction_id)
        _check_state(found, AuctionState.OPEN, AuctionState.LIVE)
        if not found.least <= amount <= AMOUNT_MAX:
            raise BidTooLow(f"a bid is {found.least} at least", least=str(found.least))
        return self._actions().bid(found.auction, amount=amount, bidder=bidder)

    def settle(self, begin: Begin, auction_id: Hash32, *, by: Address) -> list[TransactionStep]:
        """Anybody may. Raises `AuctionUnknown`, `WrongAuctionState`."""
        found = self._find(begin, auction_id)
        _check_state(found, AuctionState.ENDED)
        return self._actions().settle(found.auction, by=by)

    def cancel(self, begin: Begin, auction_id: Hash32, *, caller: Address) -> list[TransactionStep]:
        """Before the first bid. Raises `AuctionUnknown`, `NotAuctionSeller`, `WrongAuctionState`."""
        found = self._find(begin, auction_id)
        if found.auction.seller != caller:
            raise NotAuctionSeller("an auction is taken back by its seller", auction_id=auction_id)
        _check_state(found, AuctionState.SCHEDULED, AuctionState.OPEN)
        return self._actions().cancel(found.auction)

    def reclaim(self, begin: Begin, auction_id: Hash32, *, by: Address) -> list[TransactionStep]:
        """Anybody may, for the seller. Raises `AuctionUnknown`, `WrongAuctionState`."""
        found = self._find(begin, auction_id)
        _check_state(found, AuctionState.VOIDED)
        return self._actions().reclaim(found.auction, by=by)

    def _find(self, begin: Begin, auction_id: Hash32) -> Found:
        with begin() as tx:
            row = tx.get(AuctionRow, (self.chain_id, auction_id))
            house = self._actions().steps.deployment.auction_house.address
            if row is None or row.house != house:
                raise AuctionUnknown("no auction of that id was seen on the chain", auction_id=auction_id)
            least = least_bid(reserve=row.reserve, highest=row.amount, increment_bps=row.increment_bps)
            return Found(_auction(row), row.house, self._state(row), least)

    def _state(self, row: AuctionRow) -> AuctionState:
        """As `queries` shows it."""
        now = self._clock.now()
        if row.state == "open" and row.start_s > int(now.timestamp()):
            return AuctionState.SCHEDULED
        if row.state == "live" and row.ends_at is not None and row.ends_at < now.replace(microsecond=0):
            return AuctionState.ENDED
        return AuctionState(row.state)

    def _actions(self) -> AuctionActions:
        return AuctionActions(self._steps())


def _check_owner(actions: AuctionActions, auction: Auction) -> None:
    """The contract looks at the first bid only, and then the bidder would wonder."""
    read = Read(load_artifact("IERC721Metadata"), auction.collection, "ownerOf", (auction.token_id,))
    if actions.steps.client.read_many([read]) != [auction.seller]:
        raise AuctionTokenNotOwned("only who owns a token can auction it", token_id=str(auction.token_id))


def _check_state(found: Found, *wanted: AuctionState) -> None:
    if found.state not in wanted:
        needs = " or ".join(wanted)
        raise WrongAuctionState(
            f"the auction is {found.state}, and this can be done while it is {needs}", state=found.state.value
        )


def _auction(row: AuctionRow) -> Auction:
    return Auction(
        seller=row.seller,
        collection=row.collection,
        token_id=row.token_id,
        currency=row.currency,
        reserve=row.reserve,
        start=row.start_s,
        duration=row.duration_s,
        extension=row.extension_s,
        increment_bps=row.increment_bps,
        salt=row.salt,
    )
