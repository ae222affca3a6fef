"""Sales, voided signatures, fee, currencies; and the credits of everything that pays out."""

from indexer.models import (
    CreditRow,
    CurrencyRow,
    ExchangeFeeRow,
    ListingEpochRow,
    ListingNonceRow,
    QuoteFillRow,
    QuoteGroupRow,
    SaleRow,
)
from indexer.projections.rules import Rule, Rules
from indexer.workset import At, Ref, WorkSet
from node.chain import events as ev
from node.chain.suite_events import AuctionSold
from node.kernel.errors import Bug
from node.kernel.hexes import Address

SALE_KINDS = ("listing", "offer", "auction")  # by number, as `SaleKind`


def sale_kind(event: ev.Sold | AuctionSold) -> str:
    if event.kind >= len(SALE_KINDS):
        raise Bug("a sale of a kind that this node does not know", kind=event.kind)
    return SALE_KINDS[event.kind]


def _signer(event: ev.Sold) -> Address:
    """Whose nonce a sale uses up: the buyer of an offer, else the seller."""
    return event.buyer if sale_kind(event) == "offer" else event.seller


def _sold_refs(at: At, event: ev.Sold) -> list[Ref]:
    key = (at.contract, _signer(event), event.nonce)
    return [Ref(ListingNonceRow, key), Ref(QuoteFillRow, key)]


def _sold(work: WorkSet, at: At, event: ev.Sold) -> None:
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
    key = (at.contract, _signer(event), event.nonce)
    fill = work.find(QuoteFillRow, *key)
    if fill is None or fill["digest"] != event.digest:  # else `QuoteFilled` has said what became of the nonce
        work.put(ListingNonceRow, key, at, state="used", digest=event.digest, tx_hash=at.tx)


def _filled_refs(at: At, event: ev.QuoteFilled) -> list[Ref]:
    key = (at.contract, event.maker, event.nonce)
    return [Ref(QuoteFillRow, key), Ref(ListingNonceRow, key)]


def _filled(work: WorkSet, at: At, event: ev.QuoteFilled) -> None:
    key = (at.contract, event.maker, event.nonce)
    work.put(QuoteFillRow, key, at, filled=event.filled, quantity=event.quantity, digest=event.digest)
    if event.filled == event.quantity:
        work.put(ListingNonceRow, key, at, state="used", digest=event.digest, tx_hash=at.tx)


def _group_refs(at: At, event: ev.GroupCancelled) -> list[Ref]:
    return [Ref(QuoteGroupRow, (at.contract, event.signer, event.group))]


def _group_cancelled(work: WorkSet, at: At, event: ev.GroupCancelled) -> None:
    key = (at.contract, event.signer, event.group)
    if work.find(QuoteGroupRow, *key) is None:  # the first time counts
        work.put(QuoteGroupRow, key, at, tx_hash=at.tx)


def _cancelled_refs(at: At, event: ev.NonceCancelled) -> list[Ref]:
    return [Ref(ListingNonceRow, (at.contract, event.signer, event.nonce))]


def _cancelled(work: WorkSet, at: At, event: ev.NonceCancelled) -> None:
    key = (at.contract, event.signer, event.nonce)
    if work.find(ListingNonceRow, *key) is None:  # a used nonce stays used
        work.put(ListingNonceRow, key, at, state="cancelled", digest=None, tx_hash=at.tx)


def _epoch_refs(at: At, event: ev.AllCancelled) -> list[Ref]:
    return [Ref(ListingEpochRow, (at.contract, event.signer))]


def _epoch_moved(work: WorkSet, at: At, event: ev.AllCancelled) -> None:
    work.put(ListingEpochRow, (at.contract, event.signer), at, epoch=event.epoch)


def _fee_refs(at: At, _event: ev.FeeChanged) -> list[Ref]:
    return [Ref(ExchangeFeeRow, (at.contract,))]


def _fee_changed(work: WorkSet, at: At, event: ev.FeeChanged) -> None:
    work.put(ExchangeFeeRow, (at.contract,), at, receiver=event.receiver, bps=event.bps)


def _currency_refs(at: At, event: ev.CurrencyAllowed) -> list[Ref]:
    return [Ref(CurrencyRow, (at.contract, event.currency))]


def _currency_allowed(work: WorkSet, at: At, event: ev.CurrencyAllowed) -> None:
    work.put(CurrencyRow, (at.contract, event.currency), at, allowed=event.allowed)


def _credit_refs(at: At, event: ev.Credited | ev.Withdrawn) -> list[Ref]:
    return [Ref(CreditRow, (at.contract, event.account, event.asset))]


def _credited(work: WorkSet, at: At, event: ev.Credited) -> None:
    _move_credit(work, at, event, event.amount)


def _withdrawn(work: WorkSet, at: At, event: ev.Withdrawn) -> None:
    _move_credit(work, at, event, -event.amount)


def _move_credit(work: WorkSet, at: At, event: ev.Credited | ev.Withdrawn, by: int) -> None:
    key = (at.contract, event.account, event.asset)
    row = work.find(CreditRow, *key)
    work.put(CreditRow, key, at, amount=(0 if row is None else row["amount"]) + by)


RULES: Rules = {
    ev.Sold: Rule(_sold_refs, _sold),
    ev.QuoteFilled: Rule(_filled_refs, _filled),
    ev.GroupCancelled: Rule(_group_refs, _group_cancelled),
    ev.NonceCancelled: Rule(_cancelled_refs, _cancelled),
    ev.AllCancelled: Rule(_epoch_refs, _epoch_moved),
    ev.FeeChanged: Rule(_fee_refs, _fee_changed),
    ev.CurrencyAllowed: Rule(_currency_refs, _currency_allowed),
    ev.Credited: Rule(_credit_refs, _credited),
    ev.Withdrawn: Rule(_credit_refs, _withdrawn),
}
