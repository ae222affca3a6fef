"""Invoices, payouts, deposits, rewards: what was paid."""

from msgspec.structs import asdict

from indexer.models import (
    DepositSweepRow,
    FeesCollectedRow,
    PaymentRow,
    PayoutRow,
    RewardClaimRow,
    RewardEpochRow,
)
from indexer.projections.rules import Rule, Rules, instant, nothing
from indexer.workset import At, Ref, WorkSet
from node.chain import suite_events as ev
from node.kernel.errors import Bug


def _invoice_paid(work: WorkSet, at: At, event: ev.InvoicePaid) -> None:
    work.add(PaymentRow, at, checkout=at.contract, **asdict(event))


def _paid_out(work: WorkSet, at: At, event: ev.PaidOut) -> None:
    work.add(PayoutRow, at, checkout=at.contract, refused=False, **asdict(event))


def _refused(work: WorkSet, at: At, event: ev.PayoutRefused) -> None:
    work.add(PayoutRow, at, checkout=at.contract, refused=True, **asdict(event))


def _swept(work: WorkSet, at: At, event: ev.DepositSwept) -> None:
    work.add(DepositSweepRow, at, deposits=at.contract, **asdict(event))


def _stuck(work: WorkSet, at: At, event: ev.DepositStuck) -> None:
    work.add(DepositSweepRow, at, deposits=at.contract, amount=None, **asdict(event))


def _fees_collected(work: WorkSet, at: At, event: ev.FeesCollected) -> None:
    work.add(FeesCollectedRow, at, exchange=at.contract, **asdict(event))


def _epoch(at: At, event: ev.EpochOpened | ev.RewardClaimed | ev.EpochClosed) -> list[Ref]:
    return [Ref(RewardEpochRow, (at.contract, event.epoch))]


def _opened(work: WorkSet, at: At, event: ev.EpochOpened) -> None:
    work.put(
        RewardEpochRow,
        (at.contract, event.epoch),
        at,
        root=event.root,
        asset=event.asset,
        total=event.total,
        left_over=event.total,
        until=instant(event.until),
        closed=False,
    )


def _claimed(work: WorkSet, at: At, event: ev.RewardClaimed) -> None:
    key = (at.contract, event.epoch)
    row = work.find(RewardEpochRow, *key)
    if row is None:
        raise Bug("a reward of an epoch that was never opened", epoch=str(event.epoch))
    work.put(RewardEpochRow, key, at, left_over=row["left_over"] - event.amount)
    work.add(RewardClaimRow, at, rewards=at.contract, **asdict(event))


def _closed(work: WorkSet, at: At, event: ev.EpochClosed) -> None:
    work.put(RewardEpochRow, (at.contract, event.epoch), at, left_over=0, closed=True)


RULES: Rules = {
    ev.InvoicePaid: Rule(nothing, _invoice_paid),
    ev.PaidOut: Rule(nothing, _paid_out),
    ev.PayoutRefused: Rule(nothing, _refused),
    ev.DepositSwept: Rule(nothing, _swept),
    ev.DepositStuck: Rule(nothing, _stuck),
    ev.FeesCollected: Rule(nothing, _fees_collected),
    ev.EpochOpened: Rule(_epoch, _opened),
    ev.RewardClaimed: Rule(_epoch, _claimed),
    ev.EpochClosed: Rule(_epoch, _closed),
}
