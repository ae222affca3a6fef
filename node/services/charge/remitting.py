"""What the node collected of markets' taxes: told by period, and paid to whom it belongs.

Invariant: of each market and asset no more is paid out than was collected and not refunded; a refund after
that lets the node's tax account fall below zero, and what comes next makes it good.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import text

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.ids import new_id
from node.kernel.money import Amount, Asset
from node.kernel.text import one_line
from node.services.charge.errors import ChargeInvalid, TaxTooLarge
from node.services.charge.models import Receiver, Remittance
from node.services.charge.tax_report import HELD, ROWS
from wallet.ledger.commands import AccountId, Ledger, Posting, Transfer, derived_key
from wallet.owners import BANK, NODE, TAX, owner_of_market

REASON_CHARS_MAX = 500
_LOCK = text("SELECT id FROM market.market WHERE id = :market_id FOR UPDATE")


class Wallets(Protocol):
    """Where owners keep what they have on the node."""

    def wallet(self, tx: Tx, owner: str, asset: Asset) -> AccountId: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From `since` on, before `until`; None is open."""

    since: dt.datetime | None = None
    until: dt.datetime | None = None


class TaxService:
    def __init__(self, clock: Clock, ledger: Ledger, wallets: Wallets) -> None:
        self._clock = clock
        self._ledger = ledger
        self._wallets = wallets

    def rows(self, tx: Tx, period: Period, *, market_id: uuid.UUID | None = None) -> Sequence[Any]:
        """As `tax_report` says, of one market or of all."""
        return self._read(tx, ROWS, market_id=market_id, since=period.since, until=period.until)

    def held(self, tx: Tx, *, market_id: uuid.UUID | None = None) -> dict[tuple[uuid.UUID, str], int]:
        """What the node has of it now, by market and asset."""
        rows = self._read(tx, HELD, market_id=market_id)
        return {(row.market_id, row.asset_id): int(row.held) for row in rows}

    def remit(
        self, tx: Tx, market_id: uuid.UUID, amount: Amount, *, to: Receiver, reason: str, by: str
    ) -> uuid.UUID:
        """Pays tax of a market out: to the market, which remits it itself, or by the node's bank.

        Raises:
            ChargeInvalid, TextInvalid: By what is wrong; a bank pays currencies of ISO 4217.
            TaxTooLarge: More than the node has of it.
        """
        if amount.value < 1:
            raise ChargeInvalid("at least one unit is paid", field="amount")
        if to is Receiver.AUTHORITY and not amount.asset.id.startswith("iso4217:"):
            raise ChargeInvalid("a bank pays currencies of ISO 4217", field="asset")
        tx.execute(_LOCK, {"market_id": market_id})  # two at once see one another
        held = self.held(tx, market_id=market_id).get((market_id, amount.asset.id), 0)
        if amount.value > held:
            raise TaxTooLarge("the node has less of the market's tax", held=str(held))
        remittance = Remittance(
            id=new_id(),
            market_id=market_id,
            asset_id=amount.asset.id,
            amount=amount.value,
            receiver=to.value,
            reason=one_line(reason, field="reason", chars_max=REASON_CHARS_MAX),
            by=by,
            at=self._clock.now(),
        )
        tx.add(remittance)
        tx.flush()
        source = self._ledger.account(tx, NODE, TAX, amount.asset, floor=None)
        key = derived_key("tax", remittance.id, "remit")
        posting = Posting(source, self._receiver(tx, market_id, amount.asset, to), amount)
        self._ledger.post(tx, Transfer(key, "tax.remit", (posting,)))
        return remittance.id

    def _receiver(self, tx: Tx, market_id: uuid.UUID, asset: Asset, to: Receiver) -> AccountId:
        if to is Receiver.AUTHORITY:
            return self._ledger.account(tx, NODE, BANK, asset, floor=None)
        return self._wallets.wallet(tx, owner_of_market(market_id), asset)

    def _read(self, tx: Tx, sql: str, **params: object) -> Sequence[Any]:
        return tx.connection().exec_driver_sql(sql, params).all()
