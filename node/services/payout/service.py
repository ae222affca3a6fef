"""Payouts of markets: on demand and by schedule, less what stays for refunds.

Invariants: what a payout takes leaves no less than the reserve, whatever happens at once (the ledger's
command locks the wallet, then the reserve is judged); a market that owes is paid nothing, and what it sells
settles its debt first, because both are one balance; money is either with the market, under way in one
payout, or with the owner.
"""

import datetime as dt
import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Refused
from node.kernel.hexes import Address
from node.kernel.ids import new_id
from node.kernel.log import get_logger
from node.kernel.money import Amount
from node.kernel.text import one_line
from node.services.payout.addresses import AddressRail
from node.services.payout.bank import Line, bank_csv, normalise_iban
from node.services.payout.errors import (
    NothingToPay,
    PayoutRailUnfit,
    PayoutUnknown,
    ReserveNeeded,
    WrongPayoutState,
)
from node.services.payout.models import BankFile, Payout, Rail, Schedule, State, Terms
from node.services.payout.moving import Moves
from wallet.ledger.commands import (
    AccountId,
    Ledger,
    Posting,
    Transfer,
    TransferId,
    derived_key,
    typed_refusals,
)
from wallet.ledger.errors import Words
from wallet.owners import BANK, NODE, WALLET, owner_of_account, owner_of_market

log = get_logger(__name__)

FUNCTIONS: Final = ((Path(__file__).parent / "functions.sql").read_text(),)
REFUSALS: Final[Words] = {
    "reserve_needed": (ReserveNeeded, "a part of what came lately stays for refunds"),
}
FILE_LINES_MAX = 5_000
NAME_CHARS_MAX = 70  # as in SEPA
REASON_CHARS_MAX = 200

_PAYABLE = text("""
    SELECT account.id, account.asset,
        posted - held - payout.reserve(:market_id, account.id, CAST(:rules AS jsonb), :now) AS free
    FROM ledger.account WHERE owner = :owner AND purpose = :purpose AND state = 'open' ORDER BY account.asset
""")
_REQUIRE_RESERVE = text("SELECT payout.require_reserve(:market_id, :account, CAST(:rules AS jsonb), :now)")
_OWNER = text("SELECT owner_account_id FROM market.market WHERE id = :market_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How and when a market is to be paid."""

    schedule: Schedule
    rail: Rail
    beneficiary: str | None = None
    iban: str | None = None
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class _Payable:
    account: AccountId
    free: int


class PayoutService:
    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        *,
        moves: Moves,
        addresses: AddressRail,
        reserve_bps: int,
        reserve_days: int,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._moves = moves
        self.addresses: Final = addresses
        self.rules_json: Final = json.dumps({"bps": reserve_bps, "days": reserve_days})
        """The node's reserve, as the functions take it."""

    def change_terms(self, tx: Tx, market_id: uuid.UUID, way: Way) -> None:
        """Raises IbanInvalid, TextInvalid, PayoutRailUnfit, PayoutAddressRefused, TreasuryMissing."""
        if way.rail is Rail.BANK and not (way.beneficiary and way.iban):
            raise PayoutRailUnfit("a bank needs to know whom to pay", field="iban")
        if (way.rail is Rail.ADDRESS) != (way.address is not None):
            raise PayoutRailUnfit("an address is paid by the rail of addresses", field="address")
        terms = self._terms(tx, market_id)
        opens = terms.address_open_at
        if way.address != terms.address:
            opens = None if way.address is None else self.addresses.opens_at(tx, market_id, way.address)
        terms.address, terms.address_open_at = way.address, opens
        terms.schedule, terms.rail = way.schedule.value, way.rail.value
        terms.iban = normalise_iban(way.iban) if way.iban else None
        terms.beneficiary = (
            one_line(way.beneficiary, field="beneficiary", chars_max=NAME_CHARS_MAX)
            if way.beneficiary
            else None
        )
        terms.next_at = following(self._clock.now(), way.schedule)
        tx.flush()

    def set_reserve(self, tx: Tx, market_id: uuid.UUID, *, bps: int | None, days: int | None) -> None:
        """An operator's word on one market; None is the node's rule. Raises PayoutUnknown."""
        if tx.execute(_OWNER, {"market_id": market_id}).scalar_one_or_none() is None:
            raise PayoutUnknown("there is no such market")
        terms = self._terms(tx, market_id)
        terms.reserve_bps, terms.reserve_days = bps, days
        tx.flush()

    def pay(
        self, tx: Tx, market_id: uuid.UUID, asset_id: str, amount: int | None, *, asked_by: uuid.UUID | None
    ) -> uuid.UUID:
        """Pays a part, or with None all that there is beyond the reserve.

        Raises:
            AssetUnknown, PayoutRailUnfit, PayoutAddressRefused, TreasuryMissing: It cannot go that way.
            PayoutAddressNew: Not yet.
            NothingToPay, ReserveNeeded, InsufficientFunds, AccountFrozen: It is not there to be paid.
        """
        terms = self._terms(tx, market_id)
        asset = self._ledger.asset(tx, asset_id)
        if terms.rail == Rail.BANK and not asset.id.startswith("iso4217:"):
            raise PayoutRailUnfit("a bank pays currencies of ISO 4217", field="asset")
        if terms.rail == Rail.ADDRESS:
            self.addresses.require_payable(tx, terms, asset.id)
        payable = self._payable(tx, market_id).get(asset.id)
        if payable is None or (amount is None and payable.free <= 0) or amount == 0:
            raise NothingToPay("there is nothing beyond the reserve and what the market owes", asset=asset.id)
        paid = Amount(asset, payable.free if amount is None else amount)
        payout = self._made(tx, terms, paid, asked_by=asked_by)
        self._take(tx, payout, payable.account, paid)
        self._moves.begin(tx, payout)
        return payout.id

    def run_due(self, tx: Tx, *, limit: int) -> int:
        """Pays markets whose time has come, all that they have; returns how many. The beat calls it."""
        now = self._clock.now()
        due = (
            select(Terms)
            .where(Terms.next_at <= now)
            .order_by(Terms.next_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        found = tx.execute(due).scalars().all()
        for terms in found:
            terms.next_at = following(now, Schedule(terms.schedule))
            for asset_id, payable in self._payable(tx, terms.market_id).items():
                if payable.free > 0:
                    self._try_to_pay(tx, terms.market_id, asset_id)
        tx.flush()
        return len(found)

    # What goes by the bank

    def make_file(self, tx: Tx, asset_id: str, *, by: str) -> uuid.UUID:
        """A file of what waits in that currency, `FILE_LINES_MAX` payouts at most. Raises NothingToPay."""
        waiting = (
            select(Payout)
            .where(Payout.state == State.WAITING, Payout.rail == Rail.BANK, Payout.asset == asset_id)
            .order_by(Payout.id)
            .limit(FILE_LINES_MAX)
            .with_for_update(skip_locked=True)
        )
        payouts = tx.execute(waiting).scalars().all()
        if not payouts:
            raise NothingToPay("nothing waits for the bank in that currency", asset=asset_id)
        made = BankFile(id=new_id(), asset=asset_id, made_at=self._clock.now(), made_by=by)
        tx.add(made)
        tx.flush()
        for payout in payouts:
            payout.file_id = made.id
            self._moves.move(tx, payout, State.FILED)
        return made.id

    def read_file(self, tx: Tx, file_id: uuid.UUID) -> str:
        """The same lines each time it is asked for. Raises PayoutUnknown."""
        found = tx.get(BankFile, file_id)
        if found is None:
            raise PayoutUnknown("there is no such file")
        asset = self._ledger.asset(tx, found.asset)
        lines = tx.execute(select(Payout).where(Payout.file_id == file_id).order_by(Payout.id)).scalars()
        return bank_csv(
            Line(str(line.id), line.beneficiary or "", line.iban or "", Amount(asset, line.amount))
            for line in lines
        )

    def settle(self, tx: Tx, payout_id: uuid.UUID) -> None:
        """The bank paid it. Again is fine. Raises PayoutUnknown, WrongPayoutState."""
        payout = self._of_bank(tx, payout_id)
        if payout.state != State.PAID:
            self._moves.move(tx, payout, State.PAID)

    def fail(self, tx: Tx, payout_id: uuid.UUID, reason: str) -> None:
        """The bank did not take it, or sent it back: the market has the money again. Again is fine.

        Raises:
            PayoutUnknown, WrongPayoutState, TextInvalid: And then nothing moved.
        """
        payout = self._of_bank(tx, payout_id)
        if payout.state == State.FAILED:
            return
        reason = one_line(reason, field="reason", chars_max=REASON_CHARS_MAX)
        self._moves.move(tx, payout, State.FAILED, reason=reason)
        amount = Amount(self._ledger.asset(tx, payout.asset), payout.amount)
        key = derived_key("payout", payout.id, "return")
        moved = TransferId(payout.transfer_id or 0)
        self._ledger.reverse(tx, key, "payout.returned", moved, [(1, amount)])

    def _made(self, tx: Tx, terms: Terms, paid: Amount, *, asked_by: uuid.UUID | None) -> Payout:
        rail, now = Rail(terms.rail), self._clock.now()
        if rail is Rail.ADDRESS:
            state = self.addresses.first_state(tx, terms.market_id, paid)
        else:
            state = State.WAITING if rail is Rail.BANK else State.PAID
        return Payout(
            id=new_id(),
            market_id=terms.market_id,
            asset=paid.asset.id,
            exponent=paid.asset.exponent,
            amount=paid.value,
            rail=rail.value,
            beneficiary=terms.beneficiary if rail is Rail.BANK else None,
            iban=terms.iban if rail is Rail.BANK else None,
            address=terms.address,
            state=state.value,
            asked_by=asked_by,
            asked_at=now,
            ended_at=now if state is State.PAID else None,
        )

    def _take(self, tx: Tx, payout: Payout, source: AccountId, amount: Amount) -> None:
        """Out of the market's wallet, or set aside there, and no further than the reserve."""
        if payout.rail == Rail.ADDRESS:
            payout.hold_id = self.addresses.hold(tx, payout, source, amount)
        else:
            key = derived_key("payout", payout.id, "pay")
            posting = Posting(source, self._destination(tx, payout, amount), amount)
            [payout.transfer_id] = self._ledger.post(tx, Transfer(key, "payout", (posting,)))
        wanted = {**self._asked(payout.market_id), "account": source}
        with typed_refusals(REFUSALS):
            tx.execute(_REQUIRE_RESERVE, wanted)

    def _destination(self, tx: Tx, payout: Payout, amount: Amount) -> AccountId:
        if payout.rail == Rail.BANK:
            return self._ledger.account(tx, NODE, BANK, amount.asset, floor=None)
        owner: uuid.UUID = tx.execute(_OWNER, {"market_id": payout.market_id}).scalar_one()
        return self._ledger.account(tx, owner_of_account(owner), WALLET, amount.asset)

    def _try_to_pay(self, tx: Tx, market_id: uuid.UUID, asset_id: str) -> None:
        """One market's refusal keeps no other from its money; it waits for the next time."""
        try:
            with tx.begin_nested():
                self.pay(tx, market_id, asset_id, None, asked_by=None)
        except Refused as refusal:
            log.warning("payout_not_made", market=str(market_id), asset=asset_id, reason=refusal.message)

    def _payable(self, tx: Tx, market_id: uuid.UUID) -> dict[str, _Payable]:
        """By asset, what there is beyond the reserve; below zero where the market owes."""
        wanted = {**self._asked(market_id), "owner": owner_of_market(market_id), "purpose": WALLET}
        return {row.asset: _Payable(AccountId(row.id), int(row.free)) for row in tx.execute(_PAYABLE, wanted)}

    def _asked(self, market_id: uuid.UUID) -> dict[str, object]:
        return {"market_id": market_id, "rules": self.rules_json, "now": self._clock.now()}

    def _terms(self, tx: Tx, market_id: uuid.UUID) -> Terms:
        """Locked: of payouts at once the second sees what the first left."""
        tx.execute(insert(Terms).values(market_id=market_id).on_conflict_do_nothing())
        return tx.execute(select(Terms).where(Terms.market_id == market_id).with_for_update()).scalar_one()

    def _of_bank(self, tx: Tx, payout_id: uuid.UUID) -> Payout:
        found = tx.get(Payout, payout_id, with_for_update=True)
        if found is None:
            raise PayoutUnknown("there is no such payout")
        if found.rail != Rail.BANK:
            raise WrongPayoutState("it does not go by a bank", state=found.state)
        return found


def following(now: dt.datetime, schedule: Schedule) -> dt.datetime | None:
    """The next midnight of UTC at which a market is paid."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if schedule is Schedule.DAILY:
        return midnight + dt.timedelta(days=1)
    if schedule is Schedule.WEEKLY:
        return midnight + dt.timedelta(days=7 - now.weekday())
    if schedule is Schedule.MONTHLY:
        return (midnight.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    return None
