"""Payouts to addresses on the chain: held, decided, gathered, sent by one transaction, final.

    ask      hold in the ledger                         -> WAITING for an operator, or QUEUED
    approve  -> QUEUED        reject: the hold is void  -> FAILED
    gather   all that is queued in one asset, in one transaction of the batch contract -> SENDING
    final    the treasury captured the holds of what arrived and gave back the rest, in the transaction of its
             book; this hears of it by the spine        -> PAID or FAILED

Of each asset one batch is under way at a time, so an allowance is never used by two. Until it is queued in
the outbox a payout is a row and a hold; then the outbox sees to it that it is sent once.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final

from sqlalchemy import select, text

from node.chain.artifacts import load_artifact
from node.chain.batch_payouts import Line, batch_data
from node.chain.client import ChainClient
from node.chain.deployments import Deployment
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Bug
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32, to_bytes
from node.kernel.log import get_logger
from node.kernel.money import Amount
from node.kernel.spine.event import StoredEvent
from node.kernel.text import one_line
from node.services.payout.errors import (
    OwnPayout,
    PayoutAddressNew,
    PayoutAddressRefused,
    PayoutRailUnfit,
    PayoutUnknown,
    WrongPayoutState,
)
from node.services.payout.models import Payout, Rail, State, Terms
from node.services.payout.moving import Moves
from wallet.ledger.commands import AccountId, HoldId, Ledger, derived_key
from wallet.ledger.models import AccountRow, HoldRow
from wallet.owners import owner_of_account
from wallet.treasury.accounts import ChainAccounts
from wallet.treasury.models import PartRow, TrackedRow
from wallet.treasury.outbox import Outbox, Wish
from wallet.treasury.parts import Part
from wallet.treasury.receivers import ApprovalRules, Receivers

log = get_logger(__name__)

Begin = Callable[[], AbstractContextManager[Tx]]

BATCH_MAX = 100  # receivers of one transaction; the contract takes 200, a block far more
NEVER: Final = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)  # the chain ends the hold, no clock
REASON_CHARS_MAX = 500
SUBJECT: Final = "payouts"
ALLOWANCE: Final = "allowance"
REFUSED_FOR = dt.timedelta(days=1)  # a token that would not be approved is left alone for so long

_OPENS = text("""
    SELECT account.withdrawals_open_at, EXISTS (
        SELECT FROM identity.wallet WHERE account_id = account.id AND address = :address
    ) AS is_own
    FROM market.market JOIN identity.account ON account.id = market.owner_account_id
    WHERE market.id = :market_id
""")
_LATELY = text("""
    SELECT coalesce(sum(payout.amount), 0) FROM market.market AS this
    JOIN market.market AS own ON own.owner_account_id = this.owner_account_id
    JOIN payout.payout ON payout.market_id = own.id
    WHERE this.id = :market_id AND payout.asset = :asset AND payout.rail = 'address'
        AND payout.asked_at > :since AND payout.decided_by IS NULL AND payout.state <> 'failed'
""")
_DUE = text("""
    SELECT DISTINCT tracked.address FROM payout.payout
    JOIN treasury.tracked ON tracked.chain_id = :chain_id AND tracked.asset_id = payout.asset
    WHERE payout.state = 'queued'
""")
_MUST_WAIT = text("""
    SELECT EXISTS (
        SELECT FROM treasury.outgoing
        WHERE chain_id = :chain_id AND subject IN (:batch, :allowance) AND (
            state IN ('queued', 'numbered')
            OR subject = :allowance AND (state = 'refused' OR NOT succeeded) AND changed_at > :refused_after
        )
    ) OR EXISTS (SELECT FROM chain.gate WHERE chain_id = :chain_id AND contract = :contract AND paused)
""")
_NOT_FROZEN = (
    select(HoldRow.id).join(AccountRow, AccountRow.id == HoldRow.account_id).where(AccountRow.state == "open")
)
_OWNER = text("SELECT owner_account_id FROM market.market WHERE id = :market_id")


class AddressRail:
    def __init__(
        self,
        clock: Clock,
        chain: ChainClient,
        *,
        moves: Moves,
        ledger: Ledger,
        accounts: ChainAccounts,
        outbox: Outbox,
        deployment: Callable[[], Deployment],
        receivers: Receivers,
        depositor: Callable[[Tx, Address], str | None],
        rules: ApprovalRules,
        cool_down: dt.timedelta,
    ) -> None:
        """`depositor` names the owner of a deposit address of the node, in the ledger."""
        self._clock = clock
        self._chain = chain
        self._moves = moves
        self._ledger = ledger
        self._accounts = accounts
        self._outbox = outbox
        self._deployment = deployment
        self._receivers = receivers
        self._depositor = depositor
        self._rules = rules
        self._cool_down = cool_down

    # What terms may say

    def opens_at(self, tx: Tx, market_id: uuid.UUID, address: Address) -> dt.datetime:
        """From when on a new address is paid: a wallet of the owner as soon as its account may withdraw.

        Raises PayoutAddressRefused, TreasuryMissing.
        """
        self._require_fit(tx, address)
        now = self._clock.now()
        found = tx.execute(_OPENS, {"market_id": market_id, "address": to_bytes(address)}).one()
        wait = dt.timedelta(0) if found.is_own else self._cool_down
        return max(found.withdrawals_open_at or now, now + wait)

    def require_payable(self, tx: Tx, terms: Terms, asset_id: str) -> None:
        """Raises PayoutRailUnfit, PayoutAddressNew, PayoutAddressRefused, TreasuryMissing."""
        if all(asset_id != tracked.asset.id for tracked in self._accounts.tracked(tx).values()):
            raise PayoutRailUnfit("that is not on the node's chain", field="asset")
        if terms.address is None or terms.address_open_at is None:
            raise Bug("terms without their address", market=str(terms.market_id))
        if terms.address_open_at > self._clock.now():
            raise PayoutAddressNew("the address is new", open_at=terms.address_open_at.isoformat())
        self._require_fit(tx, terms.address)

    def _require_fit(self, tx: Tx, address: Address) -> None:
        reason = self._receivers.why_not(tx, address)
        if reason is None and self._depositor(tx, address) is not None:
            reason = "deposit"
        if reason is not None:
            raise PayoutAddressRefused("money that is sent there would be lost", reason=reason)

    # From the wish to the outbox

    def first_state(self, tx: Tx, market_id: uuid.UUID, amount: Amount) -> State:
        """Many small ones of a day, of all markets of one owner, are asked about as one large one is."""
        since = self._clock.now() - dt.timedelta(days=1)
        asked = {"market_id": market_id, "asset": amount.asset.id, "since": since}
        lately = int(tx.execute(_LATELY, asked).scalar_one())
        total = Amount(amount.asset, amount.value + lately)
        return State.WAITING if self._rules.needs_approval(total) else State.QUEUED

    def hold(self, tx: Tx, payout: Payout, source: AccountId, amount: Amount) -> HoldId:
        key = derived_key("payout", payout.id, "hold")
        return self._ledger.hold(tx, key, source, amount, expires_at=NEVER)

    def waiting(self, tx: Tx, *, limit: int) -> Sequence[Payout]:
        """What an operator has to decide, the oldest first."""
        query = select(Payout).where(Payout.state == State.WAITING, Payout.rail == Rail.ADDRESS)
        return tx.execute(query.order_by(Payout.id).limit(limit)).scalars().all()

    def approve(self, tx: Tx, payout_id: uuid.UUID, *, by: str) -> None:
        """By an operator. Raises PayoutUnknown, WrongPayoutState, OwnPayout."""
        payout = self._undecided(tx, payout_id, by)
        self._moves.move(tx, payout, State.QUEUED)

    def reject(self, tx: Tx, payout_id: uuid.UUID, *, by: str, reason: str) -> None:
        """By an operator: the market has the money again. Raises as `approve`, and TextInvalid."""
        payout = self._undecided(tx, payout_id, by)
        self._ledger.void(tx, HoldId(payout.hold_id or 0))
        reason = one_line(reason, field="reason", chars_max=REASON_CHARS_MAX)
        self._moves.move(tx, payout, State.FAILED, reason=reason)

    def _undecided(self, tx: Tx, payout_id: uuid.UUID, by: str) -> Payout:
        """Locked, and decided by them from here on."""
        payout = tx.get(Payout, payout_id, with_for_update=True)
        if payout is None:
            raise PayoutUnknown("there is no such payout")
        if payout.rail != Rail.ADDRESS or payout.state != State.WAITING:
            raise WrongPayoutState("it does not wait for a decision", state=payout.state)
        owner: uuid.UUID = tx.execute(_OWNER, {"market_id": payout.market_id}).scalar_one()
        if by in {owner_of_account(one) for one in (owner, payout.asked_by) if one}:
            raise OwnPayout("somebody else decides on one's own money")
        payout.decided_by, payout.decided_at = by, self._clock.now()
        return payout

    def send(self, begin: Begin) -> int:
        """Queues a transaction for each asset in which something waits; returns how many payouts are in them.

        Raises `Transient` when the chain is away: nothing is lost by that.
        """
        if not self._outbox.is_open:
            return 0
        with begin() as tx:
            found = tx.execute(_DUE, {"chain_id": self._accounts.chain_id}).scalars()
            tokens = [Address("0x" + bytes(raw).hex()) for raw in found]
            tokens = [token for token in tokens if not self._must_wait(tx, token)]
        count = 0
        for token in tokens:
            allowance = self._allowance(token)
            with begin() as tx:
                count += self._gather(tx, token, allowance)
        return count

    def _allowance(self, token: Address) -> int | None:
        """What the contract may take of the treasury's; None for coin, which goes along."""
        if token == ZERO_ADDRESS:
            return None
        spender = self._deployment().checkout.address
        erc20 = load_artifact("IERC20Metadata")
        return int(self._chain.read(erc20, token, "allowance", self._outbox.address, spender))

    def _gather(self, tx: Tx, token: Address, allowance: int | None) -> int:
        """Under the lock of the asset, so that who comes second finds the first one's batch under way."""
        locked = tx.get(TrackedRow, (self._accounts.chain_id, token), with_for_update=True)
        if locked is None or self._must_wait(tx, token):
            return 0
        queued = (
            select(Payout)
            .where(Payout.state == State.QUEUED, Payout.asset == locked.asset_id)
            .where(Payout.hold_id.in_(_NOT_FROZEN))
            .order_by(Payout.id)
            .limit(BATCH_MAX)
            .with_for_update()
        )
        waiting = tx.execute(queued).scalars().all()
        chosen = _within(waiting, allowance)
        if chosen:
            self._queue(tx, token, chosen)
        elif waiting and allowance is not None:
            # Some tokens change an allowance to nothing or from nothing, but from one to another never.
            needed = 0 if allowance else sum(payout.amount for payout in waiting)
            self._allow(tx, token, needed)
        return len(chosen)

    def _queue(self, tx: Tx, token: Address, payouts: Sequence[Payout]) -> None:
        total = sum(payout.amount for payout in payouts)
        lines = [Line(_receiver(payout), payout.amount, reference_of(payout.id)) for payout in payouts]
        parts = (
            Part(f"payout:{payout.id}", reference_of(payout.id), payout.amount, HoldId(payout.hold_id or 0))
            for payout in payouts
        )
        outgoing = self._outbox.queue(
            tx,
            Wish(
                subject=f"{SUBJECT}:{token}",
                to=self._deployment().checkout.address,
                data=batch_data(token, lines),
                value=total if token == ZERO_ADDRESS else 0,
                asset=token,
                amount=total,
                parts=tuple(parts),
            ),
        )
        for payout in payouts:
            payout.outgoing_id = outgoing
            self._moves.move(tx, payout, State.SENDING)
        log.info("payouts_queued", asset=token, payouts=len(payouts), outgoing=str(outgoing))

    def _allow(self, tx: Tx, token: Address, amount: int) -> None:
        """Exactly what the next batch takes: what the contract may take beyond that is nothing."""
        spender = self._deployment().checkout.address
        data = load_artifact("IERC20Metadata").encode("approve", spender, amount)
        self._outbox.queue(tx, Wish(subject=f"{ALLOWANCE}:{token}", to=token, data=bytes.fromhex(data[2:])))

    def _must_wait(self, tx: Tx, token: Address) -> bool:
        """For what is under way, for a token that would not, or while the contract is paused."""
        parameters = {
            "chain_id": self._accounts.chain_id,
            "batch": f"{SUBJECT}:{token}",
            "allowance": f"{ALLOWANCE}:{token}",
            "refused_after": self._clock.now() - REFUSED_FOR,
            "contract": to_bytes(self._deployment().checkout.address),
        }
        return bool(tx.execute(_MUST_WAIT, parameters).scalar_one())

    # What became of it

    def on_outgoing_event(self, tx: Tx, event: StoredEvent) -> None:
        """The treasury tells what became of a transaction; its parts say what of each payout, by now."""
        if not str(event.payload["subject"]).startswith(f"{SUBJECT}:"):
            return
        outgoing = uuid.UUID(event.payload["outgoing_id"])
        query = (
            select(Payout, PartRow)
            .join(PartRow, PartRow.hold_id == Payout.hold_id)
            .where(Payout.outgoing_id == outgoing)
            .order_by(Payout.id)
            .with_for_update(of=Payout)
        )
        for payout, part in tx.execute(query):
            state = State.PAID if part.arrived else State.FAILED if part.returned else State.SENDING
            if payout.state != state:
                reason = _reason(event) if state is State.FAILED else ""
                self._moves.move(tx, payout, state, reason=reason)


def reference_of(payout_id: uuid.UUID) -> Hash32:
    """What a receipt calls a payout: its id, filled up with zeros."""
    return Hash32("0x" + payout_id.bytes.rjust(32, b"\0").hex())


def _receiver(payout: Payout) -> Address:
    if payout.address is None:
        raise Bug("a payout by the chain without an address", payout=str(payout.id))
    return payout.address


def _within(payouts: Sequence[Payout], allowance: int | None) -> list[Payout]:
    """Those that fit, in order; one that does not keeps no other back."""
    chosen, left = [], allowance
    for payout in payouts:
        if left is None or payout.amount <= left:
            chosen.append(payout)
            left = None if left is None else left - payout.amount
    return chosen


def _reason(event: StoredEvent) -> str:
    if event.type_name == "outgoing.refused":
        return str(event.payload["reason"])[:REASON_CHARS_MAX]
    is_refused = event.type_name == "outgoing.final" and event.payload["succeeded"]
    return "the address did not take it" if is_refused else "the transaction reverted"
