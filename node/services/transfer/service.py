"""Transfers from wallet to wallet, in two steps: who gets it and what it costs is shown, then confirmed.

Invariants: money moves once, by the confirmation of what was shown; a transfer to a phone does and tells the
same whether or not the node knows the phone. So its money always goes into transit and is held there; a
consumer of the spine gives it to whoever has the phone, then or as soon as somebody proves to have it; what
nobody came for goes back.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import structlog
from sqlalchemy import select, text

from node.events.transfer import TransferReturned
from node.kernel.clock import Clock
from node.kernel.db.query_pool import StatementPool
from node.kernel.db.unit_of_work import Tx, rows_touched
from node.kernel.hexes import Address, to_bytes
from node.kernel.ids import new_id
from node.kernel.money import BASIS_POINTS, Amount
from node.kernel.spine.event import StoredEvent
from node.kernel.spine.record import EventRecorder
from node.kernel.text import one_line
from node.services.transfer.errors import (
    AmountMissing,
    OwnWallet,
    PhonesTakeNoMoney,
    ReceiverGone,
    ReceiverUnknown,
    RequestFixed,
    RequestOver,
    RequestUnknown,
    TransferLapsed,
    WalletTransferUnknown,
)
from node.services.transfer.models import MoneyRequest, State, WalletTransfer, Way
from node.services.transfer.together import Confirmation, confirmations
from node.services.transfer.words import came
from wallet.ledger.commands import (
    AccountId,
    HoldId,
    Ledger,
    Posting,
    Transfer,
    derived_key,
    typed_refusals,
)
from wallet.ledger.errors import AccountClosed, AmountInvalid, AmountOverflow, InsufficientFunds, Words
from wallet.owners import FEES, NODE, TRANSIT, WALLET, owner_of_account, owner_of_market

FUNCTIONS: Final = tuple(
    (Path(__file__).parent / name).read_text() for name in ("functions.sql", "together.sql")
)
NOTE_CHARS_MAX = 140
DELIVERED_MAX = 500  # to one phone at its first sign-in; what is beyond waits for the beat
PRUNE_MAX = 5_000
KEPT = dt.timedelta(days=1)  # of what nobody confirmed

_CONFIRM: Final = """
    SELECT transfer.confirm_and_tell(
        :id, :account_id, :session_id, CAST(:market_id AS uuid), CAST(:rules AS jsonb), :is_proved, :event,
        :request_id, :now
    )
"""
_REQUIRE_PEOPLE = text("SELECT transfer.require_people(:accounts)")
_SOURCE = text("""
    SELECT id FROM ledger.account WHERE owner = :owner AND purpose = :purpose AND asset = :asset
""")
_OF_HANDLE = text("""
    SELECT handle.account_id FROM identity.handle JOIN identity.account ON account.id = handle.account_id
    WHERE handle = :handle AND is_current AND closed_at IS NULL
""")
_OF_ADDRESS = text("SELECT account_id FROM identity.wallet WHERE address = :address")
_OF_PHONE = text("SELECT account_id FROM identity.phone WHERE phone = :phone")
_OWN_PHONE = text("""
    SELECT EXISTS (SELECT FROM identity.phone WHERE account_id = :account_id AND phone = :phone)
""")  # asks of the sender's phones alone
_WAITING_FOR = text("""
    SELECT id FROM transfer.transfer
    WHERE state = 'sent' AND target IN (SELECT phone FROM identity.phone WHERE account_id = :account_id)
    ORDER BY id LIMIT :limit
""")
_TOLD = text("""
    SELECT sent.owner, sent.asset, sent.amount, account.language,
        CASE WHEN sent.way = 'phone' THEN sent.target ELSE (
            SELECT phone FROM identity.phone WHERE phone.account_id = sent.receiver_account_id
            ORDER BY linked_at, phone LIMIT 1
        ) END AS phone,
        coalesce(
            (SELECT slug FROM market.market WHERE market.id = sent.market_id),
            transfer.shown_name(sent.account_id, NULL)
        ) AS sender
    FROM transfer.transfer AS sent
    LEFT JOIN identity.account ON account.id = sent.receiver_account_id AND sent.way <> 'phone'
    WHERE sent.id = :id
""")
_OVERLOOKED = text("""
    SELECT transfer.id, phone.account_id FROM transfer.transfer
    JOIN identity.phone ON phone.phone = transfer.target
    WHERE state = 'sent' ORDER BY transfer.id LIMIT :limit
""")
_PRUNE = text("""
    DELETE FROM transfer.transfer WHERE id IN (
        SELECT id FROM transfer.transfer WHERE state = 'quoted' AND expires_at <= :before
        ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
""")
_REFUSALS: Final[Words] = {
    "wallet_transfer_unknown": (WalletTransferUnknown, "there is no such transfer"),
    "transfer_lapsed": (TransferLapsed, "the transfer was not confirmed in time; prepare it again"),
    "request_over": (RequestOver, "the request was paid, cancelled, or has run out"),
    "receiver_gone": (ReceiverGone, "the receiver takes no money any more"),
}

Begin = Callable[[], AbstractContextManager[Tx]]


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose wallet pays: the account's own, or that of a market in which it may."""

    account_id: uuid.UUID
    session_id: uuid.UUID
    market_id: uuid.UUID | None = None

    @property
    def owner(self) -> str:
        return _owner(self.account_id, self.market_id)


@dataclass(frozen=True, slots=True)
class Target:
    """Who gets it, as the sender says it: the value is in its one spelling."""

    way: Way
    value: str


@dataclass(frozen=True, slots=True)
class _Receiver:
    account_id: uuid.UUID | None = None
    request: MoneyRequest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRules:
    fee_bps: int
    quote_life: dt.timedelta
    claim_life: dt.timedelta
    """How long money waits for somebody to sign in by the phone that it was sent to."""


class Notices(Protocol):
    """Text messages that people did not ask for."""

    @property
    def is_on(self) -> bool:
        """Whether the node sends any, and phones sign in."""

    def send(
        self, begin: Begin, phone: str, write: Callable[[str], str], *, by: str, profile: str | None
    ) -> None:
        """Within bounds. Raises Transient, Refused."""


class TransferService:
    def __init__(
        self,
        clock: Clock,
        events: EventRecorder,
        ledger: Ledger,
        notices: Notices,
        rules: TransferRules,
        *,
        bounds: str,
        refusals: Words,
    ) -> None:
        """`bounds` (`p_rules`) and `refusals` are those of the nouns whose functions ours calls."""
        self._clock = clock
        self._events = events
        self._ledger = ledger
        self._notices = notices
        self._rules = rules
        self._bounds = bounds
        self._refusals = {**_REFUSALS, **refusals}
        self._confirmations = confirmations()

    def prepare(
        self, tx: Tx, sender: Sender, target: Target, money: tuple[str, int] | None, note: str
    ) -> uuid.UUID:
        """A transfer to be confirmed; nothing moves yet.

        Args:
            money: Id of the asset and amount; None to pay what the request asks for.

        Raises:
            ReceiverUnknown, OwnWallet: Nobody, or the sender. A phone that nobody has is no reason.
            PhonesTakeNoMoney: Nobody signs in by phone here.
            RequestUnknown, RequestOver, RequestFixed, AmountMissing: Of a request.
            AssetUnknown, InsufficientFunds, TextInvalid: By what is wrong.
        """
        if target.way is Way.PHONE and not self._notices.is_on:
            raise PhonesTakeNoMoney("nobody signs in by phone on this node")
        receiver = self._receiver(tx, sender, target)
        amount = self._amount(tx, receiver.request, money)
        now = self._clock.now()
        is_phone = target.way is Way.PHONE
        asset = amount.asset
        gets = sender.owner if receiver.account_id is None else owner_of_account(receiver.account_id)
        transfer = WalletTransfer(
            id=new_id(),
            account_id=sender.account_id,
            market_id=sender.market_id,
            way=target.way.value,
            target=target.value,
            receiver_account_id=receiver.account_id,
            request_id=None if receiver.request is None else receiver.request.id,
            owner=sender.owner,
            source=self._source(tx, sender, amount),
            destination=self._ledger.account(tx, gets, TRANSIT if is_phone else WALLET, asset),
            fees=self._ledger.account(tx, NODE, FEES, asset, floor=None),
            asset=asset.id,
            exponent=asset.exponent,
            amount=amount.value,
            fee=-(-amount.value * self._rules.fee_bps // BASIS_POINTS),
            note=one_line(note, field="note", chars_max=NOTE_CHARS_MAX) if note else "",
            state=State.QUOTED.value,
            quoted_at=now,
            expires_at=now + self._rules.quote_life,
            returns_at=now + self._rules.claim_life if is_phone else None,
        )
        tx.add(transfer)
        tx.flush()
        return transfer.id

    def confirm(
        self, tx: Tx, sender: Sender, transfer_id: uuid.UUID, *, is_proved: bool
    ) -> dict[str, object] | None:
        """Moves the money, and tells the transfer as its sender sees it. Again is fine, and moves nothing.

        Args:
            is_proved: Whether the sender gave a second proof. None comes back where one is needed.

        Raises:
            WalletTransferUnknown, TransferLapsed, RequestOver, ReceiverGone: By what is in the way.
            InsufficientFunds, AccountFrozen, and the refusals of other nouns: The wallet does not give it.
        """
        with self._typed():
            found = tx.execute(text(_CONFIRM), self._arguments(sender, transfer_id, is_proved=is_proved))
            told: dict[str, object] | None = found.scalar_one()
        return told

    async def confirm_at_once(
        self, statements: StatementPool, sender: Sender, transfer_id: uuid.UUID, *, is_proved: bool
    ) -> bytes | None:
        """As `confirm`, as one statement that is a transaction, perhaps together with others."""
        arguments = self._arguments(sender, transfer_id, is_proved=is_proved)
        with self._typed():
            return await self._confirmations.ask(Confirmation(statements, arguments))

    def tell(self, begin: Begin, transfer_id: uuid.UUID) -> None:
        """A message to the receiver's phone, if there is one. The worker calls it; at least once.

        Raises:
            Transient, Refused: As carriers do.
        """
        with begin() as tx:
            row = tx.execute(_TOLD, {"id": transfer_id}).one()
            amount = Amount(self._ledger.asset(tx, row.asset), int(row.amount))
        if row.phone is not None:
            self._notices.send(
                begin,
                row.phone,
                lambda language: came(language, amount, row.sender),
                by=row.owner,
                profile=row.language,
            )

    # What goes to phones

    def on_sent(self, tx: Tx, event: StoredEvent) -> None:
        """The consumer of `transfer.sent`: to a phone that somebody has, the money goes on to them."""
        found = self._waiting(tx, uuid.UUID(event.payload["transfer_id"]))
        if found is None:
            return
        account_id = tx.execute(_OF_PHONE, {"phone": found.target}).scalar_one_or_none()
        if account_id is not None:
            self._deliver(tx, found, account_id)

    def on_phone(self, tx: Tx, event: StoredEvent) -> None:
        """The consumer of what brings a phone to an account: what waited for it is theirs."""
        account_id = uuid.UUID(event.payload["account_id"])
        waiting = tx.execute(_WAITING_FOR, {"account_id": account_id, "limit": DELIVERED_MAX}).scalars()
        for transfer_id in waiting.all():
            found = self._waiting(tx, transfer_id)
            if found is not None:
                self._deliver(tx, found, account_id)

    def deliver_rest(self, tx: Tx, *, limit: int) -> int:
        """What was beyond the bound of one delivery; returns how many. The beat calls it."""
        rest = [(row.id, row.account_id) for row in tx.execute(_OVERLOOKED, {"limit": limit})]
        for transfer_id, account_id in rest:
            found = self._waiting(tx, transfer_id)
            if found is not None:
                self._deliver(tx, found, account_id)
        return len(rest)

    def return_due(self, tx: Tx, *, limit: int) -> int:
        """Gives back what nobody came for in time; returns how many transfers. The beat calls it."""
        due = (
            select(WalletTransfer)
            .where(WalletTransfer.state == State.SENT, WalletTransfer.returns_at <= self._clock.now())
            .order_by(WalletTransfer.returns_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        found = tx.execute(due).scalars().all()
        for transfer in found:
            self._return(tx, transfer)
        return len(found)

    def prune(self, tx: Tx) -> int:
        """Forgets what nobody confirmed, at most `PRUNE_MAX`; returns how many. The beat calls it."""
        return rows_touched(tx, _PRUNE, {"before": self._clock.now() - KEPT, "limit": PRUNE_MAX})

    def _arguments(self, sender: Sender, transfer_id: uuid.UUID, *, is_proved: bool) -> dict[str, object]:
        return {
            "id": transfer_id,
            "account_id": sender.account_id,
            "session_id": sender.session_id,
            "market_id": sender.market_id,
            "rules": self._bounds,
            "is_proved": is_proved,
            "event": new_id(),
            "request_id": structlog.contextvars.get_contextvars().get("request_id"),
            "now": self._clock.now(),
        }

    @contextmanager
    def _typed(self) -> Iterator[None]:
        try:
            with typed_refusals(self._refusals):
                yield
        except (AmountOverflow, AccountClosed):  # their fields name the receiver's account
            raise ReceiverGone("the receiver takes no money any more") from None

    def _waiting(self, tx: Tx, transfer_id: uuid.UUID) -> WalletTransfer | None:
        waiting = select(WalletTransfer).where(
            WalletTransfer.id == transfer_id,
            WalletTransfer.state == State.SENT,
            WalletTransfer.returns_at > self._clock.now(),
        )
        return tx.execute(waiting.with_for_update()).scalar_one_or_none()

    def _deliver(self, tx: Tx, transfer: WalletTransfer, account_id: uuid.UUID) -> None:
        with typed_refusals(self._refusals):
            tx.execute(_REQUIRE_PEOPLE, {"accounts": [account_id]})
        amount = self._amount_of(tx, transfer)
        wallet = self._ledger.account(tx, owner_of_account(account_id), WALLET, amount.asset)
        assert transfer.hold_id is not None  # what is sent to a phone is held
        key = derived_key("transfer", transfer.id, "deliver")
        self._ledger.capture(tx, key, "transfer", HoldId(transfer.hold_id), [(wallet, amount)])
        transfer.receiver_account_id = account_id
        self._end(tx, transfer, State.DELIVERED)

    def _return(self, tx: Tx, transfer: WalletTransfer) -> None:
        """With its fee. The account may have become another one's meanwhile (a merge)."""
        amount = self._amount_of(tx, transfer)
        owner = _owner(transfer.account_id, transfer.market_id)
        wallet = self._ledger.account(tx, owner, WALLET, amount.asset)
        assert transfer.hold_id is not None
        self._ledger.void(tx, HoldId(transfer.hold_id))
        postings = [Posting(AccountId(transfer.destination), wallet, amount)]
        if transfer.fee:
            postings.append(Posting(AccountId(transfer.fees), wallet, Amount(amount.asset, transfer.fee)))
        key = derived_key("transfer", transfer.id, "return")
        self._ledger.post(tx, Transfer(key, "transfer.returned", tuple(postings)))
        self._end(tx, transfer, State.RETURNED)
        returned = TransferReturned(transfer_id=str(transfer.id))
        self._events.record(tx, f"transfer:{transfer.id}", returned)

    def _end(self, tx: Tx, transfer: WalletTransfer, state: State) -> None:
        transfer.state, transfer.ended_at = state.value, self._clock.now()
        tx.flush()

    def _amount_of(self, tx: Tx, transfer: WalletTransfer) -> Amount:
        return Amount(self._ledger.asset(tx, transfer.asset), transfer.amount)

    # Who gets what

    def _receiver(self, tx: Tx, sender: Sender, target: Target) -> _Receiver:
        find: dict[Way, Callable[[Tx, str], _Receiver]] = {
            Way.PHONE: lambda *_: _Receiver(),
            Way.HANDLE: _by_handle,
            Way.ADDRESS: _by_address,
            Way.REQUEST: self._by_request,
        }
        found = find[target.way](tx, target.value)
        mine = {"account_id": sender.account_id, "phone": target.value}
        is_own_phone = target.way is Way.PHONE and tx.execute(_OWN_PHONE, mine).scalar_one()
        if sender.market_id is None and (is_own_phone or found.account_id == sender.account_id):
            raise OwnWallet("the receiver is yourself", field="to")
        return found

    def _source(self, tx: Tx, sender: Sender, amount: Amount) -> int:
        """What never had money is not opened by asking: what opens it says how low it may go."""
        wanted = {"owner": sender.owner, "purpose": WALLET, "asset": amount.asset.id}
        found: int | None = tx.execute(_SOURCE, wanted).scalar_one_or_none()
        if found is None:
            raise InsufficientFunds("there is no money in that asset", need=str(amount.value), have="0")
        return found

    def _by_request(self, tx: Tx, code: str) -> _Receiver:
        request = tx.execute(select(MoneyRequest).where(MoneyRequest.code == code)).scalar_one_or_none()
        if request is None:
            raise RequestUnknown("there is no such request for money")
        is_paid = request.is_once and request.paid > 0
        if is_paid or request.cancelled_at is not None or request.expires_at <= self._clock.now():
            raise RequestOver("the request was paid, cancelled, or has run out")
        return _Receiver(request.account_id, request)

    def _amount(self, tx: Tx, request: MoneyRequest | None, money: tuple[str, int] | None) -> Amount:
        asked = (None, None) if request is None else (request.asset, request.amount)
        asset_id, value = money or (None, None)
        for said, fixed in zip((asset_id, value), asked, strict=True):
            if said is not None and fixed is not None and said != fixed:
                raise RequestFixed("the request names another asset or amount")
        asset_id = asked[0] if asset_id is None else asset_id
        value = asked[1] if value is None else value
        if asset_id is None or value is None:
            raise AmountMissing("say how much of which asset", field="amount")
        if value == 0:
            raise AmountInvalid("nothing is no amount", field="amount")
        return Amount(self._ledger.asset(tx, asset_id), value)


def _owner(account_id: uuid.UUID, market_id: uuid.UUID | None) -> str:
    return owner_of_account(account_id) if market_id is None else owner_of_market(market_id)


def _by_handle(tx: Tx, handle: str) -> _Receiver:
    found = tx.execute(_OF_HANDLE, {"handle": handle}).scalar_one_or_none()
    if found is None:
        raise ReceiverUnknown("nobody goes by that handle", field="to")
    return _Receiver(found)


def _by_address(tx: Tx, address: str) -> _Receiver:
    found = tx.execute(_OF_ADDRESS, {"address": to_bytes(Address(address))}).scalar_one_or_none()
    if found is None:
        raise ReceiverUnknown("nobody on this node has linked that address; this does not send on the chain")
    return _Receiver(found)
