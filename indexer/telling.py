"""Which spine event a final log becomes, and on which stream; none, where nobody needs to hear of it."""

from collections.abc import Callable, Mapping
from typing import Any

from indexer.projections.exchange import sale_kind
from node.chain import events as ev
from node.chain import suite_events as suite
from node.chain.logs import mended
from node.events import checkout, deposit, escrow, governance, listing, nft
from node.events.chain import ChainEvent
from node.kernel.hexes import ZERO_ADDRESS

Where = dict[str, Any]  # the fields of `ChainEvent`
Told = tuple[str, ChainEvent]  # stream and event
Teller = Callable[[Where, Any], Told | None]


def tell(where: Where, event: ev.ChainLog) -> Told | None:
    teller = TELLERS.get(type(event))
    return None if teller is None else teller(where, event)


def _collection_created(where: Where, e: ev.CollectionCreated) -> Told:
    return nft.collection_stream(e.collection), nft.CollectionCreated(
        **where,
        collection=e.collection,
        creator=e.creator,
        salt=e.salt,
        name=e.name,
        symbol=e.symbol,
        contract_uri=e.contract_uri,
        royalty_receiver=e.royalty_receiver,
        royalty_bps=e.royalty_bps,
        max_supply=str(e.max_supply),
    )


def _collection_owner(where: Where, e: ev.OwnershipTransferred) -> Told | None:
    collection = where["contract"]
    if e.old_owner == ZERO_ADDRESS:  # its making, told as collection.created
        return None
    return nft.collection_stream(collection), nft.CollectionOwnerChanged(
        **where, collection=collection, old_owner=e.old_owner, new_owner=e.new_owner
    )


def _collection_uri(where: Where, e: ev.ContractURIChanged) -> Told:
    collection = where["contract"]
    return nft.collection_stream(collection), nft.CollectionMetadataChanged(
        **where, collection=collection, contract_uri=e.uri
    )


def _collection_royalty(where: Where, e: ev.RoyaltyChanged) -> Told:
    collection = where["contract"]
    return nft.collection_stream(collection), nft.CollectionRoyaltyChanged(
        **where, collection=collection, royalty_receiver=e.receiver, royalty_bps=e.bps
    )


def _collection_frozen(where: Where, _: ev.MetadataFrozen) -> Told:
    collection = where["contract"]
    return nft.collection_stream(collection), nft.CollectionFrozen(**where, collection=collection)


def _token(where: Where, token_id: int) -> tuple[str, dict[str, Any]]:
    collection = where["contract"]
    stream = nft.token_stream(where["chain_id"], collection, token_id)
    return stream, {"collection": collection, "token_id": str(token_id)}


def _minted(where: Where, e: ev.Minted) -> Told:
    stream, token = _token(where, e.token_id)
    return stream, nft.TokenMinted(**where, **token, to=e.to, uri=e.uri)


def _transferred(where: Where, e: ev.TokenTransfer) -> Told | None:
    if e.sender == ZERO_ADDRESS:
        return None
    stream, token = _token(where, e.token_id)
    return stream, nft.TokenTransferred(**where, **token, sender=e.sender, recipient=e.recipient)


def _token_uri(where: Where, e: ev.TokenURIChanged) -> Told:
    stream, token = _token(where, e.token_id)
    return stream, nft.TokenMetadataChanged(**where, **token, uri=e.uri)


def _sold(where: Where, e: ev.Sold) -> Told:
    return nft.token_stream(where["chain_id"], e.collection, e.token_id), listing.TokenSold(
        **where,
        digest=e.digest,
        kind=sale_kind(e),
        seller=e.seller,
        buyer=e.buyer,
        collection=e.collection,
        token_id=str(e.token_id),
        quantity=str(e.quantity),
        currency=e.currency,
        price=str(e.price),
        royalty_receiver=e.royalty_receiver,
        royalty=str(e.royalty),
        fee=str(e.fee),
        nonce=str(e.nonce),
    )


def _nonce_cancelled(where: Where, e: ev.NonceCancelled) -> Told:
    event = listing.NonceCancelled(**where, signer=e.signer, nonce=str(e.nonce))
    return listing.signer_stream(where["chain_id"], e.signer), event


def _quote_filled(where: Where, e: ev.QuoteFilled) -> Told:
    return listing.signer_stream(where["chain_id"], e.maker), listing.QuoteFilled(
        **where,
        digest=e.digest,
        maker=e.maker,
        nonce=str(e.nonce),
        units=str(e.units),
        filled=str(e.filled),
        quantity=str(e.quantity),
    )


def _group_cancelled(where: Where, e: ev.GroupCancelled) -> Told:
    event = listing.GroupCancelled(**where, signer=e.signer, group=str(e.group))
    return listing.signer_stream(where["chain_id"], e.signer), event


def _all_cancelled(where: Where, e: ev.AllCancelled) -> Told:
    event = listing.AllCancelled(**where, signer=e.signer, epoch=str(e.epoch))
    return listing.signer_stream(where["chain_id"], e.signer), event


def _fee_changed(where: Where, e: ev.FeeChanged) -> Told:
    event = listing.ExchangeFeeChanged(**where, receiver=e.receiver, bps=e.bps)
    return listing.exchange_stream(where["contract"]), event


def _currency_allowed(where: Where, e: ev.CurrencyAllowed) -> Told:
    event = listing.CurrencyAllowed(**where, currency=e.currency, allowed=e.allowed)
    return listing.exchange_stream(where["contract"]), event


def _credited(where: Where, e: ev.Credited) -> Told:
    event = escrow.PayoutCredited(**where, account=e.account, asset=e.asset, amount=str(e.amount))
    return escrow.credit_stream(where["contract"], e.account), event


def _withdrawn(where: Where, e: ev.Withdrawn) -> Told:
    event = escrow.PayoutWithdrawn(**where, account=e.account, asset=e.asset, to=e.to, amount=str(e.amount))
    return escrow.credit_stream(where["contract"], e.account), event


def _funded(where: Where, e: ev.Funded) -> Told:
    return escrow.escrow_stream(e.escrow_id), escrow.EscrowFunded(
        **where,
        escrow_id=e.escrow_id,
        order_id=e.order_id,
        buyer=e.buyer,
        seller=e.seller,
        arbiter=e.arbiter,
        asset=e.asset,
        amount=str(e.amount),
        received=str(e.received),
        fee_receiver=e.fee_receiver,
        fee_bps=e.fee_bps,
        silence_seller_bps=e.silence_seller_bps,
        ship_by=e.ship_by,
        inspection=e.inspection,
        ruling=e.ruling,
    )


def _shipped(where: Where, e: ev.Shipped) -> Told:
    return escrow.escrow_stream(e.escrow_id), escrow.EscrowShipped(
        **where,
        escrow_id=e.escrow_id,
        order_id=e.order_id,
        proof=e.proof,
        inspection_ends=e.inspection_ends,
    )


def _released(where: Where, e: ev.Released) -> Told:
    return escrow.escrow_stream(e.escrow_id), escrow.EscrowReleased(
        **where,
        escrow_id=e.escrow_id,
        order_id=e.order_id,
        by=e.by,
        to_seller=str(e.to_seller),
        fee=str(e.fee),
    )


def _refunded(where: Where, e: ev.Refunded) -> Told:
    return escrow.escrow_stream(e.escrow_id), escrow.EscrowRefunded(
        **where, escrow_id=e.escrow_id, order_id=e.order_id, by=e.by, to_buyer=str(e.to_buyer)
    )


def _disputed(where: Where, e: ev.Disputed) -> Told:
    return escrow.escrow_stream(e.escrow_id), escrow.EscrowDisputed(
        **where,
        escrow_id=e.escrow_id,
        order_id=e.order_id,
        by=e.by,
        evidence=e.evidence,
        ruling_ends=e.ruling_ends,
    )


def _evidence_added(where: Where, e: ev.EvidenceAdded) -> Told:
    return escrow.escrow_stream(e.escrow_id), escrow.EscrowEvidenceAdded(
        **where, escrow_id=e.escrow_id, order_id=e.order_id, by=e.by, evidence=e.evidence
    )


def _ruled(where: Where, e: ev.Ruled) -> Told:
    return escrow.escrow_stream(e.escrow_id), escrow.EscrowRuled(
        **where,
        escrow_id=e.escrow_id,
        order_id=e.order_id,
        by=e.by,
        silent=e.silent,
        to_seller=str(e.to_seller),
        to_buyer=str(e.to_buyer),
        fee=str(e.fee),
        reason=e.reason,
    )


def _appeal_agreed(where: Where, e: ev.AppealAgreed) -> Told:
    return escrow.escrow_stream(e.escrow_id), escrow.EscrowAppealAgreed(
        **where,
        escrow_id=e.escrow_id,
        order_id=e.order_id,
        court=e.court,
        window=e.window,
        court_time=e.court_time,
    )


def _part_released(where: Where, e: ev.PartReleased) -> Told:
    return escrow.escrow_stream(e.escrow_id), escrow.EscrowPartReleased(
        **where,
        escrow_id=e.escrow_id,
        order_id=e.order_id,
        by=e.by,
        to_seller=str(e.to_seller),
        fee=str(e.fee),
        left=str(e.left),
    )


def _part_refunded(where: Where, e: ev.PartRefunded) -> Told:
    return escrow.escrow_stream(e.escrow_id), escrow.EscrowPartRefunded(
        **where,
        escrow_id=e.escrow_id,
        order_id=e.order_id,
        by=e.by,
        to_buyer=str(e.to_buyer),
        left=str(e.left),
    )


def _signature_used(where: Where, e: ev.SignatureUsed) -> Told:
    event = escrow.EscrowSignatureUsed(**where, signer=e.signer, nonce=str(e.nonce), escrow_id=e.escrow_id)
    return escrow.escrow_signer_stream(where["contract"], e.signer), event


def _settlement_offered(where: Where, e: ev.SettlementOffered) -> Told:
    return escrow.escrow_stream(e.escrow_id), escrow.EscrowSettlementOffered(
        **where,
        escrow_id=e.escrow_id,
        order_id=e.order_id,
        by=e.by,
        to_seller=str(e.to_seller),
        held=str(e.held),
    )


def _settlement_withdrawn(where: Where, e: ev.SettlementWithdrawn) -> Told:
    return escrow.escrow_stream(e.escrow_id), escrow.EscrowSettlementWithdrawn(
        **where, escrow_id=e.escrow_id, order_id=e.order_id, by=e.by
    )


def _settled(where: Where, e: ev.Settled) -> Told:
    return escrow.escrow_stream(e.escrow_id), escrow.EscrowSettled(
        **where,
        escrow_id=e.escrow_id,
        order_id=e.order_id,
        by=e.by,
        to_seller=str(e.to_seller),
        to_buyer=str(e.to_buyer),
        fee=str(e.fee),
    )


def _ruling_proposed(where: Where, e: ev.RulingProposed) -> Told:
    return escrow.escrow_stream(e.escrow_id), escrow.EscrowRulingProposed(
        **where,
        escrow_id=e.escrow_id,
        order_id=e.order_id,
        by=e.by,
        to_seller=str(e.to_seller),
        reason=e.reason,
        appeal_ends=e.appeal_ends,
    )


def _appealed(where: Where, e: ev.Appealed) -> Told:
    return escrow.escrow_stream(e.escrow_id), escrow.EscrowAppealed(
        **where,
        escrow_id=e.escrow_id,
        order_id=e.order_id,
        by=e.by,
        evidence=e.evidence,
        court_ends=e.court_ends,
    )


def _proposed(where: Where, e: ev.ProposalCreated) -> Told:
    return governance.proposal_stream(e.proposal_id), governance.ProposalCreated(
        **where,
        proposal_id=str(e.proposal_id),
        proposer=e.proposer,
        targets=list(e.targets),
        values=[str(value) for value in e.values],
        calldatas=["0x" + calldata.hex() for calldata in e.calldatas],
        description=mended(e.description),
        vote_start=e.vote_start,
        vote_end=e.vote_end,
    )


def _queued(where: Where, e: ev.ProposalQueued) -> Told:
    event = governance.ProposalQueued(**where, proposal_id=str(e.proposal_id), eta=e.eta_seconds)
    return governance.proposal_stream(e.proposal_id), event


def _executed(where: Where, e: ev.ProposalExecuted) -> Told:
    event = governance.ProposalExecuted(**where, proposal_id=str(e.proposal_id))
    return governance.proposal_stream(e.proposal_id), event


def _canceled(where: Where, e: ev.ProposalCanceled) -> Told:
    event = governance.ProposalCanceled(**where, proposal_id=str(e.proposal_id))
    return governance.proposal_stream(e.proposal_id), event


def _extended(where: Where, e: ev.ProposalExtended) -> Told:
    event = governance.ProposalExtended(
        **where, proposal_id=str(e.proposal_id), extended_deadline=e.extended_deadline
    )
    return governance.proposal_stream(e.proposal_id), event


def _voted(where: Where, e: ev.VoteCast | ev.VoteCastWithParams) -> Told:
    return governance.proposal_stream(e.proposal_id), governance.VoteCast(
        **where,
        proposal_id=str(e.proposal_id),
        voter=e.voter,
        support=e.support,
        weight=str(e.weight),
        reason=e.reason,
    )


def _delegated(where: Where, e: ev.DelegateChanged) -> Told:
    event = governance.DelegationChanged(
        **where, delegator=e.delegator, from_delegate=e.from_delegate, to_delegate=e.to_delegate
    )
    return governance.delegator_stream(where["contract"], e.delegator), event


def _invoice_paid(where: Where, e: suite.InvoicePaid) -> Told:
    return checkout.invoice_stream(e.invoice_hash), checkout.InvoicePaid(
        **where,
        invoice_hash=e.invoice_hash,
        invoice_id=e.invoice_id,
        payee=e.payee,
        payer=e.payer,
        asset=e.asset,
        amount=str(e.amount),
        sent=str(e.sent),
        to_payee=str(e.to_payee),
        fee_receiver=e.fee_receiver,
        fee=str(e.fee),
    )


def _paid_out(where: Where, e: suite.PaidOut | suite.PayoutRefused) -> Told:
    told = checkout.PaidOut if isinstance(e, suite.PaidOut) else checkout.PayoutRefused
    return checkout.payout_stream(where["chain_id"], e.sender), told(
        **where,
        payer=e.sender,
        recipient=e.recipient,
        reference=e.reference,
        asset=e.asset,
        amount=str(e.amount),
    )


def _deposit_swept(where: Where, e: suite.DepositSwept) -> Told:
    return deposit.deposit_address_stream(where["chain_id"], e.forwarder), deposit.DepositSwept(
        **where,
        forwarder=e.forwarder,
        destination=e.destination,
        deposit_id=e.deposit_id,
        asset=e.asset,
        amount=str(e.amount),
    )


def _deposit_stuck(where: Where, e: suite.DepositStuck) -> Told:
    return deposit.deposit_address_stream(where["chain_id"], e.forwarder), deposit.DepositStuck(
        **where,
        forwarder=e.forwarder,
        destination=e.destination,
        deposit_id=e.deposit_id,
        asset=e.asset,
    )


TELLERS: Mapping[type[ev.ChainLog], Teller] = {
    ev.CollectionCreated: _collection_created,
    ev.OwnershipTransferred: _collection_owner,
    ev.ContractURIChanged: _collection_uri,
    ev.RoyaltyChanged: _collection_royalty,
    ev.MetadataFrozen: _collection_frozen,
    ev.Minted: _minted,
    ev.TokenTransfer: _transferred,
    ev.TokenURIChanged: _token_uri,
    ev.Sold: _sold,
    ev.NonceCancelled: _nonce_cancelled,
    ev.QuoteFilled: _quote_filled,
    ev.GroupCancelled: _group_cancelled,
    ev.AllCancelled: _all_cancelled,
    ev.FeeChanged: _fee_changed,
    ev.CurrencyAllowed: _currency_allowed,
    ev.Credited: _credited,
    ev.Withdrawn: _withdrawn,
    ev.Funded: _funded,
    ev.Shipped: _shipped,
    ev.Released: _released,
    ev.Refunded: _refunded,
    ev.Disputed: _disputed,
    ev.EvidenceAdded: _evidence_added,
    ev.Ruled: _ruled,
    ev.AppealAgreed: _appeal_agreed,
    ev.PartReleased: _part_released,
    ev.PartRefunded: _part_refunded,
    ev.SignatureUsed: _signature_used,
    ev.SettlementOffered: _settlement_offered,
    ev.SettlementWithdrawn: _settlement_withdrawn,
    ev.Settled: _settled,
    ev.RulingProposed: _ruling_proposed,
    ev.Appealed: _appealed,
    ev.ProposalCreated: _proposed,
    ev.ProposalQueued: _queued,
    ev.ProposalExecuted: _executed,
    ev.ProposalCanceled: _canceled,
    ev.ProposalExtended: _extended,
    ev.VoteCast: _voted,
    ev.VoteCastWithParams: _voted,
    ev.DelegateChanged: _delegated,
    suite.InvoicePaid: _invoice_paid,
    suite.PaidOut: _paid_out,
    suite.PayoutRefused: _paid_out,
    suite.DepositSwept: _deposit_swept,
    suite.DepositStuck: _deposit_stuck,
}
