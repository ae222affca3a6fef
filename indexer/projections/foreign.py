"""Tokens of strangers, and events of declared ABIs. Nothing that they log may break a rule."""

from indexer.declared import DeclaredEvent
from indexer.models import ForeignBalanceRow, ForeignTokenRow, ForeignTransferRow
from indexer.projections.rules import Rule, Rules, nothing
from indexer.workset import At, Ref, WorkSet
from node.chain.tokens import ForeignMoved, ForeignTokenMoved
from node.kernel.hexes import ZERO_ADDRESS


def _balances(at: At, event: ForeignMoved) -> list[Ref]:
    holders = {event.sender, event.recipient} - {ZERO_ADDRESS}
    ids = {token_id or 0 for token_id, _ in event.items}
    return [Ref(ForeignBalanceRow, (at.contract, holder, token_id)) for holder in holders for token_id in ids]


def _moved(work: WorkSet, at: At, event: ForeignMoved) -> None:
    for item, (token_id, amount) in enumerate(event.items):
        work.add(
            ForeignTransferRow,
            at,
            item=item,
            contract=at.contract,
            sender=event.sender,
            recipient=event.recipient,
            token_id=token_id,
            amount=amount,
        )
        for holder, by in ((event.sender, -amount), (event.recipient, amount)):
            if holder == ZERO_ADDRESS:
                continue
            key = (at.contract, holder, token_id or 0)
            row = work.find(ForeignBalanceRow, *key)
            work.put(ForeignBalanceRow, key, at, balance=(0 if row is None else row["balance"]) + by)


def _token(at: At, event: ForeignTokenMoved) -> list[Ref]:
    return [Ref(ForeignTokenRow, (at.contract, event.token_id))]


def _token_moved(work: WorkSet, at: At, event: ForeignTokenMoved) -> None:
    work.add(
        ForeignTransferRow,
        at,
        item=0,
        contract=at.contract,
        sender=event.sender,
        recipient=event.recipient,
        token_id=event.token_id,
        amount=1,
    )
    work.put(ForeignTokenRow, (at.contract, event.token_id), at, owner=event.recipient)


def _declared(work: WorkSet, at: At, event: DeclaredEvent) -> None:
    work.add(event.model, at, contract=at.contract, **event.columns)


RULES: Rules = {
    ForeignMoved: Rule(_balances, _moved),
    ForeignTokenMoved: Rule(_token, _token_moved),
    DeclaredEvent: Rule(nothing, _declared),
}
