"""English auctions: their state, their bids, the sales that they end in."""

from indexer.codec import Row
from indexer.models import AuctionRow, BidRow, SaleRow
from indexer.projections.exchange import sale_kind
from indexer.projections.rules import Rule, Rules, instant, nothing
from indexer.workset import At, Ref, WorkSet
from node.chain import suite_events as ev
from node.kernel.errors import Bug

Step = (
    ev.AuctionCreated
    | ev.BidPlaced
    | ev.AuctionCancelled
    | ev.AuctionSettled
    | ev.AuctionVoided
    | ev.TokenReclaimed
)


def _auction(_at: At, event: Step) -> list[Ref]:
    return [Ref(AuctionRow, (event.auction_id,))]


def _present(work: WorkSet, event: Step) -> Row:
    row = work.find(AuctionRow, event.auction_id)
    if row is None:
        raise Bug("a step of an auction that was never created", auction_id=event.auction_id)
    return row


def _created(work: WorkSet, at: At, event: ev.AuctionCreated) -> None:
    work.put(
        AuctionRow,
        (event.auction_id,),
        at,
        house=at.contract,
        seller=event.seller,
        collection=event.collection,
        token_id=event.token_id,
        currency=event.currency,
        reserve=event.reserve,
        starts_at=instant(event.start),
        start_s=event.start,
        duration_s=event.duration,
        extension_s=event.extension,
        increment_bps=event.increment_bps,
        salt=event.salt,
        fee_bps=event.fee_bps,
        state="open",
        ends_at=None,
        bidder=None,
        amount=0,
        bids=0,
        created_block=at.block,
        created_log=at.log,
        created_at=at.time,
        created_tx=at.tx,
        ended_at=None,
        ended_tx=None,
    )


def _bid(work: WorkSet, at: At, event: ev.BidPlaced) -> None:
    ends_at, bids = instant(event.end), _present(work, event)["bids"] + 1
    highest = {"bidder": event.bidder, "amount": event.amount}
    work.put(AuctionRow, (event.auction_id,), at, state="live", ends_at=ends_at, bids=bids, **highest)
    work.add(BidRow, at, auction_id=event.auction_id, ends_at=ends_at, **highest)


def _end(work: WorkSet, at: At, event: Step, state: str) -> None:
    _present(work, event)
    work.put(AuctionRow, (event.auction_id,), at, state=state, ended_at=at.time, ended_tx=at.tx)


def _cancelled(work: WorkSet, at: At, event: ev.AuctionCancelled | ev.TokenReclaimed) -> None:
    _end(work, at, event, "cancelled")


def _settled(work: WorkSet, at: At, event: ev.AuctionSettled) -> None:
    _end(work, at, event, "settled")


def _voided(work: WorkSet, at: At, event: ev.AuctionVoided) -> None:
    _end(work, at, event, "voided")


def _sold(work: WorkSet, at: At, event: ev.AuctionSold) -> None:
    work.add(
        SaleRow,
        at,
        exchange=at.contract,
        digest=event.digest,
        kind=sale_kind(event),
        seller=event.seller,
        buyer=event.buyer,
        collection=event.collection,
        token_id=event.token_id,
        quantity=event.quantity,
        currency=event.currency,
        price=event.price,
        royalty_receiver=event.royalty_receiver,
        royalty=event.royalty,
        fee=event.fee,
        nonce=event.nonce,
    )


RULES: Rules = {
    ev.AuctionCreated: Rule(_auction, _created),
    ev.BidPlaced: Rule(_auction, _bid),
    ev.AuctionCancelled: Rule(_auction, _cancelled),
    ev.AuctionSettled: Rule(_auction, _settled),
    ev.AuctionVoided: Rule(_auction, _voided),
    ev.TokenReclaimed: Rule(_auction, _cancelled),
    ev.AuctionSold: Rule(nothing, _sold),
}
