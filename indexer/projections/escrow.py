"""Escrows and their timelines."""

from indexer.models import EscrowEventRow, EscrowRow
from indexer.projections.rules import Rule, Rules, instant
from indexer.workset import At, Ref, WorkSet
from node.chain import events as ev
from node.kernel.errors import Bug

Step = ev.Funded | ev.Shipped | ev.Released | ev.Refunded | ev.Disputed | ev.EvidenceAdded | ev.Ruled


def _escrow(_at: At, event: Step) -> list[Ref]:
    return [Ref(EscrowRow, (event.escrow_id,))]


def _note(work: WorkSet, at: At, event: Step, kind: str, **columns: object) -> None:
    """One line of the timeline; what a step does not say is NULL."""
    silent: dict[str, object] = dict.fromkeys(
        ("actor", "reference", "deadline", "received", "to_seller", "to_buyer", "fee", "silent")
    )
    work.add(
        EscrowEventRow,
        at,
        escrow_id=event.escrow_id,
        order_id=event.order_id,
        kind=kind,
        **(silent | columns),
    )


def _move(work: WorkSet, at: At, event: Step, **columns: object) -> None:
    if work.find(EscrowRow, event.escrow_id) is None:
        raise Bug("a step of an escrow that was never funded", escrow_id=event.escrow_id)
    work.put(EscrowRow, (event.escrow_id,), at, **columns)


def _funded(work: WorkSet, at: At, event: ev.Funded) -> None:
    deadline = instant(event.ship_by)
    unset: dict[str, object] = dict.fromkeys(
        (
            *("to_seller", "to_buyer", "fee", "silent", "proof", "evidence", "reason"),
            *("disputed_by", "ended_by"),
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
    _note(work, at, event, "funded", actor=event.buyer, deadline=deadline, received=event.received)


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
    escrow = work.find(EscrowRow, event.escrow_id) or {}
    _note(work, at, event, "shipped", actor=escrow["seller"], reference=event.proof, deadline=deadline)


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


def _end(
    work: WorkSet,
    at: At,
    event: ev.Released | ev.Refunded | ev.Ruled,
    state: str,
    *,
    reason: str | None = None,
    **amounts: object,
) -> None:
    """An end state: nothing is held and no deadline runs any more."""
    columns = {"to_seller": 0, "to_buyer": 0, "fee": 0, "silent": None} | amounts
    _move(
        work,
        at,
        event,
        state=state,
        deadline=None,
        held=0,
        ended_by=event.by,
        ended_at=at.time,
        ended_tx=at.tx,
        reason=reason,
        **columns,
    )
    _note(work, at, event, state, actor=event.by, reference=reason, **columns)


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


RULES: Rules = {
    ev.Funded: Rule(_escrow, _funded),
    ev.Shipped: Rule(_escrow, _shipped),
    ev.Released: Rule(_escrow, _released),
    ev.Refunded: Rule(_escrow, _refunded),
    ev.Disputed: Rule(_escrow, _disputed),
    ev.EvidenceAdded: Rule(_escrow, _evidence_added),
    ev.Ruled: Rule(_escrow, _ruled),
}
