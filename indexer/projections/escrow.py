"""Escrows, their timelines, what their parties offer, and signatures that are used up."""

from indexer.codec import Row
from indexer.models import EscrowEventRow, EscrowRow, EscrowSettlementRow, EscrowSignatureRow
from indexer.projections.rules import Rule, Rules, instant
from indexer.workset import At, Ref, WorkSet
from node.chain import events as ev
from node.kernel.errors import Bug
from node.kernel.hexes import ZERO_HASH

Part = ev.PartReleased | ev.PartRefunded
End = ev.Released | ev.Refunded | ev.Ruled | ev.Settled
Offer = ev.SettlementOffered | ev.SettlementWithdrawn
Step = (
    ev.Funded
    | ev.AppealAgreed
    | ev.Shipped
    | Part
    | ev.Disputed
    | ev.EvidenceAdded
    | ev.RulingProposed
    | ev.Appealed
    | Offer
    | End
)


def _escrow(_at: At, event: Step) -> list[Ref]:
    return [Ref(EscrowRow, (event.escrow_id,))]


def _note(work: WorkSet, at: At, event: Step, kind: str, **columns: object) -> None:
    """One line of the timeline; what a step does not say is NULL."""
    silent: dict[str, object] = dict.fromkeys(
        ("actor", "reference", "deadline", "received", "to_seller", "to_buyer", "fee", "held", "silent")
    )
    work.add(
        EscrowEventRow,
        at,
        escrow_id=event.escrow_id,
        order_id=event.order_id,
        kind=kind,
        **(silent | columns),
    )


def _present(work: WorkSet, event: Step) -> Row:
    row = work.find(EscrowRow, event.escrow_id)
    if row is None:
        raise Bug("a step of an escrow that was never funded", escrow_id=event.escrow_id)
    return row


def _move(work: WorkSet, at: At, event: Step, **columns: object) -> None:
    _present(work, event)
    work.put(EscrowRow, (event.escrow_id,), at, **columns)


def _paid_out(row: Row, amounts: dict[str, int]) -> dict[str, int]:
    """What was paid in all, with these amounts; and what is held after them."""
    columns = {name: (row[name] or 0) + amounts.get(name, 0) for name in ("to_seller", "to_buyer", "fee")}
    return columns | {"held": row["held"] - sum(amounts.values())}


def _funded(work: WorkSet, at: At, event: ev.Funded) -> None:
    deadline = instant(event.ship_by)
    unset: dict[str, object] = dict.fromkeys(
        (
            *("to_seller", "to_buyer", "fee", "silent", "proof", "evidence", "reason"),
            *("court", "appeal_window_s", "court_time_s", "proposed_to_seller", "proposed_reason"),
            *("appealed_by", "disputed_by", "ended_by"),
            *(f"{step}_{what}" for step in ("shipped", "disputed", "ended") for what in ("at", "tx")),
        )
    )
    work.put(
        EscrowRow,
        (event.escrow_id,),
        at,
        contract=at.contract,
        order_id=event.order_id,
        buyer=event.buyer,
        seller=event.seller,
        arbiter=event.arbiter,
        asset=event.asset,
        amount=event.amount,
        received=event.received,
        fee_receiver=event.fee_receiver,
        fee_bps=event.fee_bps,
        silence_seller_bps=event.silence_seller_bps,
        ship_by=deadline,
        inspection_s=event.inspection,
        ruling_s=event.ruling,
        state="funded",
        deadline=deadline,
        held=event.received,
        funded_block=at.block,
        funded_log=at.log,
        funded_at=at.time,
        funded_tx=at.tx,
        **unset,
    )
    _note(
        work,
        at,
        event,
        "funded",
        actor=event.buyer,
        deadline=deadline,
        received=event.received,
        held=event.received,
    )


def _appeal_agreed(work: WorkSet, at: At, event: ev.AppealAgreed) -> None:
    terms = {"court": event.court, "appeal_window_s": event.window, "court_time_s": event.court_time}
    _move(work, at, event, **terms)
    _note(work, at, event, "appeal_agreed")


def _shipped(work: WorkSet, at: At, event: ev.Shipped) -> None:
    deadline = instant(event.inspection_ends)
    _move(
        work,
        at,
        event,
        state="shipped",
        deadline=deadline,
        proof=event.proof,
        shipped_at=at.time,
        shipped_tx=at.tx,
    )
    seller = _present(work, event)["seller"]
    _note(work, at, event, "shipped", actor=seller, reference=event.proof, deadline=deadline)


def _part(work: WorkSet, at: At, event: Part, kind: str, **amounts: int) -> None:
    """The state stays, and so does its deadline."""
    columns = _paid_out(_present(work, event), amounts)
    if columns["held"] != event.left:
        raise Bug("an escrow holds something else than was counted", escrow_id=event.escrow_id)
    _move(work, at, event, **columns)
    shown = {"to_seller": 0, "to_buyer": 0, "fee": 0} | amounts
    _note(work, at, event, kind, actor=event.by, held=event.left, **shown)


def _part_released(work: WorkSet, at: At, event: ev.PartReleased) -> None:
    _part(work, at, event, "part_released", to_seller=event.to_seller, fee=event.fee)


def _part_refunded(work: WorkSet, at: At, event: ev.PartRefunded) -> None:
    _part(work, at, event, "part_refunded", to_buyer=event.to_buyer)


def _disputed(work: WorkSet, at: At, event: ev.Disputed) -> None:
    deadline = instant(event.ruling_ends)
    _move(
        work,
        at,
        event,
        state="disputed",
        deadline=deadline,
        evidence=event.evidence,
        disputed_by=event.by,
        disputed_at=at.time,
        disputed_tx=at.tx,
    )
    _note(work, at, event, "disputed", actor=event.by, reference=event.evidence, deadline=deadline)


def _evidence_added(work: WorkSet, at: At, event: ev.EvidenceAdded) -> None:
    _note(work, at, event, "evidence_added", actor=event.by, reference=event.evidence)


def _ruling_proposed(work: WorkSet, at: At, event: ev.RulingProposed) -> None:
    deadline = instant(event.appeal_ends)
    ruling = {"proposed_to_seller": event.to_seller, "proposed_reason": event.reason}
    _move(work, at, event, state="proposed", deadline=deadline, **ruling)
    _note(
        work,
        at,
        event,
        "ruling_proposed",
        actor=event.by,
        reference=event.reason,
        deadline=deadline,
        to_seller=event.to_seller,
    )


def _appealed(work: WorkSet, at: At, event: ev.Appealed) -> None:
    deadline = instant(event.court_ends)
    _move(work, at, event, state="appealed", deadline=deadline, appealed_by=event.by)
    _note(work, at, event, "appealed", actor=event.by, reference=event.evidence, deadline=deadline)


def _offer_refs(_at: At, event: Offer) -> list[Ref]:
    return [Ref(EscrowSettlementRow, (event.escrow_id, event.by))]


def _settlement_offered(work: WorkSet, at: At, event: ev.SettlementOffered) -> None:
    key, split = (event.escrow_id, event.by), {"to_seller": event.to_seller, "held": event.held}
    work.put(EscrowSettlementRow, key, at, contract=at.contract, **split)
    _note(work, at, event, "settlement_offered", actor=event.by, **split)


def _settlement_withdrawn(work: WorkSet, at: At, event: ev.SettlementWithdrawn) -> None:
    """Of nothing, it is nothing: the contract lets anybody withdraw from terms that were never funded."""
    key = (event.escrow_id, event.by)
    if work.find(EscrowSettlementRow, *key) is None:
        return
    work.put(EscrowSettlementRow, key, at, to_seller=0, held=0)
    _note(work, at, event, "settlement_withdrawn", actor=event.by)


def _signature_refs(at: At, event: ev.SignatureUsed) -> list[Ref]:
    return [Ref(EscrowSignatureRow, (at.contract, event.signer, event.nonce))]


def _signature_used(work: WorkSet, at: At, event: ev.SignatureUsed) -> None:
    used_for = None if event.escrow_id == ZERO_HASH else event.escrow_id
    key = (at.contract, event.signer, event.nonce)
    work.put(EscrowSignatureRow, key, at, escrow_id=used_for, tx_hash=at.tx)


def _end(
    work: WorkSet,
    at: At,
    event: End,
    state: str,
    *,
    reason: str | None = None,
    silent: bool | None = None,
    **amounts: int,
) -> None:
    """An end state: nothing is held and no deadline runs any more."""
    columns = _paid_out(_present(work, event), amounts)
    if columns["held"]:
        raise Bug("an escrow ended with something left", escrow_id=event.escrow_id)
    _move(
        work,
        at,
        event,
        state=state,
        deadline=None,
        ended_by=event.by,
        ended_at=at.time,
        ended_tx=at.tx,
        reason=reason,
        silent=silent,
        **columns,
    )
    shown = {"to_seller": 0, "to_buyer": 0, "fee": 0} | amounts
    _note(work, at, event, state, actor=event.by, reference=reason, silent=silent, held=0, **shown)


def _released(work: WorkSet, at: At, event: ev.Released) -> None:
    _end(work, at, event, "released", to_seller=event.to_seller, fee=event.fee)


def _refunded(work: WorkSet, at: At, event: ev.Refunded) -> None:
    _end(work, at, event, "refunded", to_buyer=event.to_buyer)


def _ruled(work: WorkSet, at: At, event: ev.Ruled) -> None:
    _end(
        work,
        at,
        event,
        "ruled",
        reason=event.reason,
        to_seller=event.to_seller,
        to_buyer=event.to_buyer,
        fee=event.fee,
        silent=event.silent,
    )


def _settled(work: WorkSet, at: At, event: ev.Settled) -> None:
    _end(work, at, event, "settled", to_seller=event.to_seller, to_buyer=event.to_buyer, fee=event.fee)


RULES: Rules = {
    ev.Funded: Rule(_escrow, _funded),
    ev.AppealAgreed: Rule(_escrow, _appeal_agreed),
    ev.Shipped: Rule(_escrow, _shipped),
    ev.Released: Rule(_escrow, _released),
    ev.Refunded: Rule(_escrow, _refunded),
    ev.Disputed: Rule(_escrow, _disputed),
    ev.EvidenceAdded: Rule(_escrow, _evidence_added),
    ev.Ruled: Rule(_escrow, _ruled),
    ev.PartReleased: Rule(_escrow, _part_released),
    ev.PartRefunded: Rule(_escrow, _part_refunded),
    ev.SignatureUsed: Rule(_signature_refs, _signature_used),
    ev.SettlementOffered: Rule(_offer_refs, _settlement_offered),
    ev.SettlementWithdrawn: Rule(_offer_refs, _settlement_withdrawn),
    ev.Settled: Rule(_escrow, _settled),
    ev.RulingProposed: Rule(_escrow, _ruling_proposed),
    ev.Appealed: Rule(_escrow, _appealed),
}
