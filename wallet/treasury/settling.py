"""Booking what our own transactions did: when they are final, and back when they vanished.

To be called in the transaction that moves the book. A payment is booked from its hold to the outside; gas
from the node's account for it. When it vanishes the money is ours again, on its way (`in-transit`), as the
same transaction is sent again; its user has paid and is not asked twice.
"""

from collections.abc import Iterable

from sqlalchemy import text

from node.chain.batch_payouts import arrived
from node.events.treasury import OutgoingFinal, OutgoingVanished, outgoing_stream
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Bug
from node.kernel.money import Amount, Asset
from node.kernel.spine.record import EventRecorder
from wallet.incident.service import Incidents
from wallet.ledger.commands import AccountId, HoldId, Ledger, Posting, Transfer, derived_key
from wallet.treasury.accounts import GAS, LOSS, TRANSIT, ChainAccounts
from wallet.treasury.holds import capture_left
from wallet.treasury.models import OutgoingRow, OutgoingState
from wallet.treasury.outbox import Mined
from wallet.treasury.parts import Parts

_VANISHED = text("""
    SELECT outgoing.id FROM treasury.outgoing AS outgoing
    LEFT JOIN chain.block AS block
        ON block.chain_id = outgoing.chain_id AND block.number = outgoing.block_number
    WHERE outgoing.chain_id = :chain_id AND outgoing.state = 'final' AND outgoing.block_number > :above
        AND block.hash IS DISTINCT FROM outgoing.block_hash
    ORDER BY outgoing.nonce
""")
_IS_OPEN = text("SELECT state = 'open' FROM ledger.hold WHERE id = :hold")


class Settling:
    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        *,
        accounts: ChainAccounts,
        parts: Parts,
        events: EventRecorder,
        incidents: Incidents,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._accounts = accounts
        self._parts = parts
        self._events = events
        self._incidents = incidents

    def settle(self, tx: Tx, mined: Iterable[Mined], *, last: int) -> int:
        """Books those in blocks up to `last`; returns how many."""
        count = 0
        for item in mined:
            if item.receipt.block > last:
                continue
            row = tx.get(OutgoingRow, item.outgoing_id, with_for_update=True)
            if row is None or row.state != OutgoingState.NUMBERED:
                continue
            self._book(tx, row, item)
            count += 1
        return count

    def unsettle(self, tx: Tx, *, above: int) -> int:
        """Takes back what was booked of blocks above that one which the chain lost; returns how many."""
        ids = tx.execute(_VANISHED, {"chain_id": self._accounts.chain_id, "above": above}).scalars().all()
        for one in ids:
            row = tx.get(OutgoingRow, one, with_for_update=True)
            assert row is not None
            self._take_back(tx, row)
        return len(ids)

    def _book(self, tx: Tx, row: OutgoingRow, item: Mined) -> None:
        receipt = item.receipt
        row.state, row.changed_at = OutgoingState.FINAL, self._clock.now()
        row.tx_hash, row.block_number, row.block_hash = receipt.tx_hash, receipt.block, receipt.block_hash
        row.succeeded, row.cost = receipt.succeeded, receipt.cost
        tx.flush()
        asset, parts = self._asset(tx, row), self._parts.of(tx, row)
        if parts:
            self._parts.book(tx, row, parts, arrived(receipt, contract=row.to, payer=row.sender))
        elif receipt.succeeded and row.amount:
            self._pay(tx, row, asset)
        elif row.hold_id is not None and not row.times:
            self._ledger.void(tx, HoldId(row.hold_id))
        elif row.amount and row.times:
            self._wonder(tx, row, "reverted when it was sent again; its user has paid")
        if receipt.cost:
            gas = Amount(self._accounts.native, receipt.cost)
            self._move(
                tx,
                row,
                "gas",
                source=self._accounts.of_node(tx, GAS, gas.asset),
                destination=None,
                amount=gas,
            )
        event = OutgoingFinal(
            outgoing_id=str(row.id),
            subject=row.subject,
            chain_id=row.chain_id,
            tx_hash=receipt.tx_hash,
            block_number=receipt.block,
            succeeded=receipt.succeeded,
            cost=str(receipt.cost),
        )
        self._events.record(tx, outgoing_stream(row.id), event)

    def _pay(self, tx: Tx, row: OutgoingRow, asset: Asset) -> None:
        amount = Amount(asset, row.amount)
        if row.paid:
            self._move(
                tx,
                row,
                "paid",
                source=self._accounts.of_node(tx, TRANSIT, asset),
                destination=None,
                amount=amount,
            )
        elif row.hold_id is not None and tx.execute(_IS_OPEN, {"hold": row.hold_id}).scalar_one():
            key = derived_key("outgoing", row.id, f"paid-{row.times}")
            outside = self._accounts.outside(tx, asset)
            hold = HoldId(row.hold_id)
            capture_left(tx, self._ledger, hold, (outside, amount), key=key, kind="outgoing.paid")
        else:  # it had reverted in a block that vanished, and the money was given back
            self._move(
                tx,
                row,
                "paid",
                source=self._accounts.of_node(tx, LOSS, asset),
                destination=None,
                amount=amount,
            )
            self._wonder(tx, row, "succeeded when it was sent again; its hold was given back before")
        row.paid = True
        tx.flush()

    def _take_back(self, tx: Tx, row: OutgoingRow) -> None:
        row.times += 1
        tx_hash = row.tx_hash
        if tx_hash is None or row.cost is None:
            raise Bug("what is final has a transaction", outgoing=str(row.id))
        parts = self._parts.of(tx, row)
        if parts:
            self._parts.take_back(tx, row, parts)
        elif row.succeeded and row.amount:
            amount = Amount(self._asset(tx, row), row.amount)
            transit = self._accounts.of_node(tx, TRANSIT, amount.asset)
            self._move(tx, row, "vanished", source=None, destination=transit, amount=amount)
        if row.cost:
            gas = Amount(self._accounts.native, row.cost)
            spent = self._accounts.of_node(tx, GAS, gas.asset)
            self._move(tx, row, "gas-vanished", source=None, destination=spent, amount=gas)
        row.state, row.changed_at = OutgoingState.NUMBERED, self._clock.now()
        row.tx_hash = row.block_number = row.block_hash = row.succeeded = row.cost = None
        tx.flush()
        event = OutgoingVanished(
            outgoing_id=str(row.id),
            subject=row.subject,
            chain_id=row.chain_id,
            tx_hash=tx_hash,
            time=row.times,
        )
        self._events.record(tx, outgoing_stream(row.id), event)

    def _move(
        self,
        tx: Tx,
        row: OutgoingRow,
        step: str,
        *,
        source: AccountId | None,
        destination: AccountId | None,
        amount: Amount,
    ) -> None:
        """None stands for the outside."""
        outside = self._accounts.outside(tx, amount.asset)
        posting = Posting(source or outside, destination or outside, amount)
        key = derived_key("outgoing", row.id, f"{step}-{row.times}")
        self._ledger.post(tx, Transfer(key, f"outgoing.{step.replace('-', '_')}", (posting,)))

    def _asset(self, tx: Tx, row: OutgoingRow) -> Asset:
        asset = self._accounts.asset_of(tx, row.asset)
        if asset is None:
            raise Bug("money leaves in an asset that is not booked", asset=row.asset)
        return asset

    def _wonder(self, tx: Tx, row: OutgoingRow, what: str) -> None:
        details = {"outgoing": str(row.id), "subject": row.subject, "what": what, "tx_hash": row.tx_hash}
        self._incidents.raise_(tx, "outgoing.unexpected", f"outgoing:{row.id}:{row.times}", details)
