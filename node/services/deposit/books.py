"""What deposits do to the ledger: credit, vanish, return. One transaction each, that of the book's block.

credited   chain/outside -> owner/wallet
vanished   node/chain-loss -> chain/outside, and a hold on what is left of it in the owner's wallet
returned   the hold is void, chain/outside -> node/chain-loss
forgiven   the hold is void: the node bears the loss
clawed     the hold -> node/chain-loss
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, text

from node.events.deposit import DepositCredited, DepositReturned, DepositVanished, deposit_stream
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Bug
from node.kernel.money import Amount, Asset
from node.kernel.spine.record import EventRecorder
from node.services.deposit.errors import DepositNotVanished
from node.services.deposit.models import NEXT, DepositRow, DepositState
from wallet.incident.service import Incidents
from wallet.ledger.commands import AccountId, HoldId, Ledger, Posting, Transfer, derived_key
from wallet.ledger.errors import AccountFrozen, InsufficientFunds
from wallet.ledger.statements import balance
from wallet.owners import WALLET
from wallet.treasury.accounts import LOSS, ChainAccounts

FREEZE_TRIES = 3  # somebody may spend between the look and the hold
NEVER: Final = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)  # an operator ends it, no clock

_VANISHED = text("""
    SELECT deposit.id FROM deposit.deposit AS deposit
    LEFT JOIN chain.block AS block
        ON block.chain_id = deposit.chain_id AND block.number = deposit.block_number
    WHERE deposit.chain_id = :chain_id AND deposit.state = 'credited' AND deposit.block_number > :above
        AND block.hash IS DISTINCT FROM deposit.block_hash
    ORDER BY deposit.id
""")


@dataclass(frozen=True, slots=True)
class _Frozen:
    hold: HoldId
    amount: int


class DepositBooks:
    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        accounts: ChainAccounts,
        events: EventRecorder,
        incidents: Incidents,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._accounts = accounts
        self._events = events
        self._incidents = incidents

    def credit(self, tx: Tx, rows: Sequence[DepositRow]) -> None:
        """New rows of this transaction: their money, in one command."""
        transfers = []
        for row in rows:
            amount = self._amount(tx, row)
            posting = Posting(self._accounts.outside(tx, amount.asset), self._wallet(tx, row), amount)
            transfers.append(Transfer(derived_key("deposit", row.id, "credit"), "deposit", (posting,)))
        if transfers:
            self._ledger.post(tx, *transfers)
        for row in rows:
            self._events.record(tx, deposit_stream(row.id), DepositCredited(**self._told(tx, row)))

    def vanish(self, tx: Tx, *, above: int) -> int:
        """Makes good what blocks above that one told of and the chain lost; returns how many deposits."""
        ids = tx.execute(_VANISHED, {"chain_id": self._accounts.chain_id, "above": above}).scalars().all()
        for one in ids:
            row = tx.get(DepositRow, one, with_for_update=True)
            assert row is not None
            self._vanish(tx, row)
        return len(ids)

    def come_back(self, tx: Tx, row: DepositRow) -> None:
        """It is final again, in the block that the row names now."""
        was = DepositState(row.state)
        amount = self._amount(tx, row)
        outside, loss = self._accounts.outside(tx, amount.asset), self._loss(tx, amount.asset)
        if was is DepositState.VANISHED and row.hold_id is not None:
            self._ledger.void(tx, HoldId(row.hold_id))
        postings = [Posting(outside, loss, amount)]
        if was is DepositState.CLAWED_BACK and row.frozen:
            postings.append(Posting(loss, self._wallet(tx, row), Amount(amount.asset, row.frozen)))
        key = derived_key("deposit", row.id, f"returned-{row.times}")
        self._ledger.post(tx, Transfer(key, "deposit.returned", tuple(postings)))
        self._move(row, DepositState.CREDITED)
        row.hold_id, row.frozen = None, 0
        tx.flush()
        self._events.record(tx, deposit_stream(row.id), DepositReturned(**self._told(tx, row)))
        self._incidents.settle(tx, incident_key(row), reason="the deposit is on the chain again")

    def settle_loss(self, tx: Tx, row: DepositRow, *, claw_back: bool) -> None:
        """What an operator decides about a deposit that does not come back. Raises DepositNotVanished."""
        if row.state != DepositState.VANISHED:
            raise DepositNotVanished("there is no open loss of that deposit", state=row.state)
        if row.hold_id is not None and claw_back:
            asset = self._amount(tx, row).asset
            key = derived_key("deposit", row.id, f"clawed-{row.times}")
            parts = [(self._loss(tx, asset), Amount(asset, row.frozen))]
            self._ledger.capture(tx, key, "deposit.clawed_back", HoldId(row.hold_id), parts)
        elif row.hold_id is not None:
            self._ledger.void(tx, HoldId(row.hold_id))
        self._move(row, DepositState.CLAWED_BACK if claw_back else DepositState.FORGIVEN)
        tx.flush()

    def vanished_at(self, tx: Tx, *, address: object) -> Sequence[DepositRow]:
        """Coin that vanished there, the oldest first: the first to be taken for returned."""
        query = select(DepositRow).where(
            DepositRow.chain_id == self._accounts.chain_id,
            DepositRow.address == address,
            DepositRow.tx_hash.is_(None),
            DepositRow.state != DepositState.CREDITED,
        )
        return tx.execute(query.order_by(DepositRow.id).with_for_update()).scalars().all()

    def _vanish(self, tx: Tx, row: DepositRow) -> None:
        row.times += 1
        self._move(row, DepositState.VANISHED)
        amount = self._amount(tx, row)
        outside, loss = self._accounts.outside(tx, amount.asset), self._loss(tx, amount.asset)
        key = derived_key("deposit", row.id, f"vanished-{row.times}")
        self._ledger.post(tx, Transfer(key, "deposit.vanished", (Posting(loss, outside, amount),)))
        frozen = self._freeze(tx, row, amount)
        row.hold_id, row.frozen = (frozen.hold, frozen.amount) if frozen else (None, 0)
        tx.flush()
        told = self._told(tx, row)
        event = DepositVanished(**told, frozen=str(row.frozen), time=row.times)
        self._events.record(tx, deposit_stream(row.id), event)
        details: dict[str, str | int | None] = {
            **told,
            "block": row.block_number,
            "block_hash": row.block_hash,
            "tx_hash": row.tx_hash,
            "frozen": str(row.frozen),
            "spent": str(row.amount - row.frozen),
        }
        self._incidents.raise_(tx, "deposit.vanished", incident_key(row), details)

    def _freeze(self, tx: Tx, row: DepositRow, amount: Amount) -> _Frozen | None:
        """Sets aside what the owner still has of it."""
        wallet = self._wallet(tx, row)
        for _ in range(FREEZE_TRIES):
            available = balance(tx, wallet).available
            least = min(amount.value, available or 0)
            if least <= 0:
                return None
            key = derived_key("deposit", row.id, f"frozen-{row.times}")
            try:
                with tx.begin_nested():
                    held = self._ledger.hold(tx, key, wallet, Amount(amount.asset, least), expires_at=NEVER)
            except InsufficientFunds:
                continue
            except AccountFrozen:  # nothing leaves it as it is
                return None
            return _Frozen(held, least)
        return None

    def _move(self, row: DepositRow, state: DepositState) -> None:
        """The one place that changes a state."""
        if state not in NEXT[DepositState(row.state)]:
            raise Bug("a deposit does not go that way", deposit=str(row.id), state=row.state, to=state)
        row.state, row.changed_at = state, self._clock.now()

    def _wallet(self, tx: Tx, row: DepositRow) -> AccountId:
        return self._ledger.account(tx, row.owner, WALLET, self._amount(tx, row).asset)

    def _loss(self, tx: Tx, asset: Asset) -> AccountId:
        return self._accounts.of_node(tx, LOSS, asset)

    def _amount(self, tx: Tx, row: DepositRow) -> Amount:
        asset = self._accounts.asset_of(tx, row.asset)
        if asset is None:
            raise Bug("a deposit in an asset that is not booked", asset=row.asset)
        return Amount(asset, row.amount)

    def _told(self, tx: Tx, row: DepositRow) -> dict[str, str]:
        return {
            "deposit_id": str(row.id),
            "owner": row.owner,
            "asset_id": self._amount(tx, row).asset.id,
            "amount": str(row.amount),
        }


def incident_key(row: DepositRow) -> str:
    return f"deposit:{row.id}"
