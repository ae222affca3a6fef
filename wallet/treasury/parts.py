"""What one transaction of ours pays to many: each part has a hold of its own, and an end of its own.

    held ──arrived──► outside ──vanished──► in transit ──arrived──► outside
      └────refused, reverted, given up──► its payer ◄──the same──┘

A part that was given back and arrives all the same, as the chain took its transaction in another block, is
the node's loss (`chain-loss`), with an incident. So whatever a chain does and takes back: the outside has
what arrived, a payer pays once for what arrived, and nothing twice.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlalchemy import select

from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Bug
from node.kernel.hexes import Hash32
from node.kernel.money import Amount, Asset
from wallet.incident.service import Incidents
from wallet.ledger.commands import AccountId, HoldId, Ledger, Posting, Transfer, derived_key
from wallet.treasury.accounts import LOSS, TRANSIT, ChainAccounts
from wallet.treasury.holds import capture_left, source_of
from wallet.treasury.models import OutgoingRow, PartRow

# What a receiver may burn, its new account and the telling of it, at worst. With a limit made of the estimate
# alone, one that changes its mind afterwards would revert all the others with it.
GAS_EACH = 100_000


@dataclass(frozen=True, slots=True)
class Part:
    """`subject` is `<noun>:<id>` of what it pays, `reference` what the chain's receipt calls it."""

    subject: str
    reference: Hash32
    amount: int
    hold: HoldId


class Parts:
    def __init__(self, ledger: Ledger, accounts: ChainAccounts, incidents: Incidents) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._incidents = incidents

    def add(self, tx: Tx, outgoing: OutgoingRow, parts: Sequence[Part]) -> None:
        if sum(part.amount for part in parts) != outgoing.amount:
            raise Bug("the parts are not the whole", outgoing=str(outgoing.id))
        tx.add_all(
            PartRow(
                outgoing_id=outgoing.id,
                number=number,
                subject=part.subject,
                reference=part.reference,
                amount=part.amount,
                hold_id=part.hold,
                captured=False,
                returned=False,
                arrived=False,
            )
            for number, part in enumerate(parts, 1)
        )
        tx.flush()

    def of(self, tx: Tx, outgoing: OutgoingRow) -> Sequence[PartRow]:
        """Empty for what pays one or nobody. The outgoing row's lock is theirs, too."""
        query = select(PartRow).where(PartRow.outgoing_id == outgoing.id).order_by(PartRow.number)
        return tx.execute(query).scalars().all()

    def gas_least(self, tx: Tx, outgoing: OutgoingRow) -> int:
        """With this much none of them can keep the others from their money."""
        count = len(self.of(tx, outgoing))
        return GAS_EACH * (count + 1) if count else 0

    def book(self, tx: Tx, row: OutgoingRow, parts: Sequence[PartRow], arrived: AbstractSet[Hash32]) -> None:
        """The transaction is final: `arrived` did, the rest did not."""
        for part in parts:
            if part.reference in arrived:
                self._pay(tx, row, part)
            else:
                self._give_back(tx, row, part)
        tx.flush()

    def take_back(self, tx: Tx, row: OutgoingRow, parts: Sequence[PartRow]) -> None:
        """The transaction is in no block any more, and sent again: what it paid is ours for now."""
        for part in parts:
            if part.arrived:
                bearer = self._node(tx, row, LOSS if part.returned else TRANSIT)
                self._move(tx, row, part, "vanished", source=None, destination=bearer)
                part.arrived = False
        tx.flush()

    def give_up(self, tx: Tx, row: OutgoingRow) -> None:
        """It never arrives: all go back."""
        self.book(tx, row, self.of(tx, row), frozenset())

    def _pay(self, tx: Tx, row: OutgoingRow, part: PartRow) -> None:
        if part.returned:
            self._move(tx, row, part, "sent", source=self._node(tx, row, LOSS), destination=None)
            details = {"outgoing": str(row.id), "subject": part.subject, "tx_hash": row.tx_hash}
            what = "arrived after its money had gone back to its payer"
            key = f"{part.subject}:{row.times}"
            self._incidents.raise_(tx, "outgoing.unexpected", key, {**details, "what": what})
        elif part.captured:
            self._move(tx, row, part, "sent", source=self._node(tx, row, TRANSIT), destination=None)
        else:
            asset = self._asset(tx, row)
            to = (self._accounts.outside(tx, asset), Amount(asset, part.amount))
            kind, key = self._named(row, part, "sent")
            capture_left(tx, self._ledger, HoldId(part.hold_id), to, key=key, kind=kind)
            part.captured = True
        part.arrived = True

    def _give_back(self, tx: Tx, row: OutgoingRow, part: PartRow) -> None:
        if part.returned:
            return
        if part.captured:
            payer = source_of(tx, HoldId(part.hold_id))
            transit = self._node(tx, row, TRANSIT)
            self._move(tx, row, part, "returned", source=transit, destination=payer)
        else:
            self._ledger.void(tx, HoldId(part.hold_id))
        part.returned = True

    def _move(
        self,
        tx: Tx,
        row: OutgoingRow,
        part: PartRow,
        step: str,
        *,
        source: AccountId | None,
        destination: AccountId | None,
    ) -> None:
        """None stands for the outside."""
        asset = self._asset(tx, row)
        outside = self._accounts.outside(tx, asset)
        posting = Posting(source or outside, destination or outside, Amount(asset, part.amount))
        kind, key = self._named(row, part, step)
        self._ledger.post(tx, Transfer(key, kind, (posting,)))

    def _named(self, row: OutgoingRow, part: PartRow, step: str) -> tuple[str, str]:
        """Kind and key: once for each time that the transaction came or went."""
        noun, _, number = part.subject.partition(":")
        return f"{noun}.{step}", derived_key(noun, number, f"{step}-{row.times}")

    def _node(self, tx: Tx, row: OutgoingRow, purpose: str) -> AccountId:
        return self._accounts.of_node(tx, purpose, self._asset(tx, row))

    def _asset(self, tx: Tx, row: OutgoingRow) -> Asset:
        asset = self._accounts.asset_of(tx, row.asset)
        if asset is None:
            raise Bug("money leaves in an asset that is not booked", asset=row.asset)
        return asset
