"""Keeps the ledger's book of a chain: from final block to final block, money and book in one transaction.

    stand at block H (its hash is in the book)
      -> is H still on the chain?       no: take back what vanished, stand at the newest block that is shared
      -> look, without a transaction:   transfers of booked tokens to our addresses in H+1..L; balances of
                                        coin and of the treasury at L; receipts of our own transactions
      -> book, in one transaction:      only if the book still stands at H and the indexer has these blocks

Which blocks there are and which are final is the indexer's word (`chain.block`, `chain.checkpoint`); a
server's answers count only as far as their block hashes are the same. So nothing is credited before it is
final or twice, wherever a process dies, and however many follow at once.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from sqlalchemy import Row, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from node.chain.artifacts import load_artifact
from node.chain.client import ChainClient, Read
from node.chain.errors import ExecutionReverted, RpcRejected
from node.chain.rpc import Log
from node.chain.tokens import TRANSFER, ForeignMoved, Standard, decode_token
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32
from node.kernel.ids import new_id
from node.kernel.log import get_logger
from node.kernel.money import Amount
from node.services.deposit.books import DepositBooks
from node.services.deposit.holdings import Holdings
from node.services.deposit.models import AddressRow, DepositRow, DepositState
from wallet.ledger.commands import Ledger, Posting, Transfer, derived_key
from wallet.owners import owner_of_account, owner_of_market
from wallet.treasury.accounts import LOSS, OWN, ChainAccounts, Tracked
from wallet.treasury.models import BookRow, MarkRow, TrackedRow
from wallet.treasury.outbox import Mined, Outbox
from wallet.treasury.settling import Settling

log = get_logger(__name__)

Begin = Callable[[], AbstractContextManager[Tx]]

RANGE_MAX = 2_000  # blocks of one step: what public servers answer logs of
STEPS_MAX = 50  # of one run
ADDRESSES_ASKED_MAX = (
    1_000  # as topics of one question; where there are more, all transfers are looked through
)
COIN_LOOKS_MAX = 500  # addresses whose coin is looked at in a step, the longest unseen first
MARKS_KEPT = 1_000
DEPOSITS = uuid.UUID(
    "6a1f2c1e-4f0a-5c52-9d1b-7b8f0a3d5e21"
)  # the namespace of ids of deposits (RFC 9562, v5)

_STANDING = text("""
    SELECT number, finalized_number, head_number, state FROM chain.checkpoint WHERE chain_id = :chain_id
""")
_HASHES = text("SELECT number, hash FROM chain.block WHERE chain_id = :chain_id AND number = ANY(:numbers)")
_SHARED = text("""
    SELECT mark.number, mark.hash FROM treasury.mark AS mark
    JOIN chain.block AS block USING (chain_id, number)
    WHERE mark.chain_id = :chain_id AND mark.hash = block.hash ORDER BY mark.number DESC LIMIT 1
""")
_PRUNE = text("""
    DELETE FROM treasury.mark WHERE chain_id = :chain_id AND number <= (
        SELECT number FROM treasury.mark WHERE chain_id = :chain_id
        ORDER BY number DESC OFFSET :kept LIMIT 1
    )
""")


@dataclass(frozen=True, slots=True)
class Plan:
    """One step: from the book's block to `last`. `is_newest`: nothing final lies above."""

    number: int
    hash: Hash32 | None
    opened: int
    last: int
    last_hash: Hash32
    is_newest: bool
    lost: bool
    tracked: Mapping[Address, Tracked]
    recipients: Sequence[Address]
    """Empty where there are too many to ask for."""
    coin: Sequence[Address]
    treasury: Address


@dataclass(slots=True)
class Seen:
    logs: list[Log] = field(default_factory=list)
    coin: dict[Address, int] = field(default_factory=dict)
    treasury: dict[Address, int] = field(default_factory=dict)
    mined: list[Mined] = field(default_factory=list)


class Follower:
    def __init__(
        self,
        clock: Clock,
        chain: ChainClient,
        *,
        ledger: Ledger,
        accounts: ChainAccounts,
        outbox: Outbox,
        settling: Settling,
        books: DepositBooks,
        holdings: Holdings,
    ) -> None:
        self._clock = clock
        self._chain = chain
        self._ledger = ledger
        self._accounts = accounts
        self._outbox = outbox
        self._settling = settling
        self._books = books
        self._holdings = holdings

    def follow(self, begin: Begin) -> int:
        """Books what is final by now, in bounded steps; returns how many there were. Raises `Transient`."""
        if not self._outbox.is_open:
            return 0
        for steps in range(STEPS_MAX):
            if not self.step(begin):
                return steps
        return STEPS_MAX

    def step(self, begin: Begin) -> bool:
        """Whether the book moved."""
        with begin() as tx:
            book = self.open_book(tx)
            if book is None:
                return False
            if self._has_vanished(tx, book):
                self._go_back(tx, book)
                return True
            plan = self._plan(tx, book)
        if plan is None:
            return False
        seen = self._look(begin, plan)
        if seen is None:
            return False
        with begin() as tx:
            return self._book(tx, plan, seen)

    def open_book(self, tx: Tx) -> BookRow | None:
        """The book; begun below what is final now where there is none, so that a step follows at once.

        None: the chain was never read.
        """
        self._accounts.track(tx)
        book = tx.get(BookRow, self._chain.chain_id)
        if book is not None:
            return book
        standing = self._standing(tx)
        if standing is None or standing.finalized_number < 0:
            return None
        number = max(-1, standing.finalized_number - 1)
        found = self._hashes(tx, [number]).get(number)
        tx.execute(
            insert(BookRow)
            .values(chain_id=self._chain.chain_id, number=number, hash=found, opened=number, lost=False)
            .on_conflict_do_nothing()
        )
        if found is not None:
            self._mark(tx, number, found)
        return tx.get(BookRow, self._chain.chain_id)

    # What vanished

    def _has_vanished(self, tx: Tx, book: BookRow) -> bool:
        if book.hash is None:
            return False
        found = self._hashes(tx, [book.number]).get(book.number)
        if found is not None:
            return found != book.hash
        # No such block: the indexer reads it again, or the chain lost its end.
        standing = self._standing(tx)
        return (
            standing is not None
            and standing.state == "live"
            and standing.number == standing.head_number
            and standing.number < book.number
        )

    def _go_back(self, tx: Tx, book: BookRow) -> None:
        locked = tx.get(BookRow, book.chain_id, with_for_update=True, populate_existing=True)
        assert locked is not None
        if not self._has_vanished(tx, locked):
            return
        shared = tx.execute(_SHARED, {"chain_id": book.chain_id}).one_or_none()
        above = self._below(tx, locked) if shared is None else shared.number
        lost = self._books.vanish(tx, above=above)
        resent = self._settling.unsettle(tx, above=above)
        log.error("book_went_back", number=book.number, to=above, deposits=lost, outgoing=resent)
        locked.number, locked.lost, locked.whole = above, True, False
        locked.hash = None if shared is None else Hash32("0x" + bytes(shared.hash).hex())
        locked.opened = min(locked.opened, above + 1)
        gone = delete(MarkRow).where(MarkRow.chain_id == book.chain_id, MarkRow.number > above)
        tx.execute(gone)
        tx.flush()

    def _below(self, tx: Tx, book: BookRow) -> int:
        """Where to begin again when no block of the book is left: below it, or with the chain itself."""
        standing = self._standing(tx)
        is_same = standing is not None and standing.finalized_number >= book.opened
        return max(-1, book.opened - RANGE_MAX) if is_same else -1

    # Looking

    def _plan(self, tx: Tx, book: BookRow) -> Plan | None:
        standing = self._standing(tx)
        if standing is None or standing.finalized_number <= book.number:
            return None
        last = min(standing.finalized_number, book.number + RANGE_MAX)
        last_hash = self._hashes(tx, [last]).get(last)
        if last_hash is None:
            return None
        is_newest = last == standing.finalized_number
        mine = AddressRow.chain_id == self._chain.chain_id
        recipients = tx.execute(select(AddressRow.address).where(mine).limit(ADDRESSES_ASKED_MAX + 1))
        known = recipients.scalars().all()
        coin = select(AddressRow.address).where(mine).order_by(AddressRow.looked_at.nulls_first())
        return Plan(
            number=book.number,
            hash=book.hash,
            opened=book.opened,
            last=last,
            last_hash=last_hash,
            is_newest=is_newest,
            lost=book.lost,
            tracked=self._accounts.tracked(tx),
            recipients=known if len(known) <= ADDRESSES_ASKED_MAX else (),
            coin=tx.execute(coin.limit(COIN_LOOKS_MAX)).scalars().all() if is_newest else (),
            treasury=self._outbox.address,
        )

    def _look(self, begin: Begin, plan: Plan) -> Seen | None:
        """None when the server is not at the blocks of the indexer: the next run looks again."""
        seen = Seen()
        with begin() as tx:
            has_addresses = tx.execute(select(AddressRow.address).limit(1)).first() is not None
        if has_addresses:
            seen.logs = self._transfers(plan)
        seen.mined = [item for item in self._outbox.mined(begin) if item.receipt.block <= plan.last]
        if plan.is_newest:
            try:
                seen.coin = dict(zip(plan.coin, self._chain.balances(plan.coin, at=plan.last), strict=True))
                seen.treasury = self._treasury(plan)
            except RpcRejected as refusal:  # servers keep the state of a few blocks; a later one will do
                log.warning("state_not_kept", block=plan.last, reason=refusal.message)
                return None
        block = self._chain.block(plan.last)
        return seen if block is not None and block.hash == plan.last_hash else None

    def _transfers(self, plan: Plan) -> list[Log]:
        tokens = [token for token in plan.tracked.values() if token.address != ZERO_ADDRESS]
        topics: list[str | Sequence[str] | None] = [TRANSFER]
        if plan.recipients:
            topics += [None, ["0x" + "00" * 12 + address[2:] for address in plan.recipients]]
        found: list[Log] = []
        known = [token.address for token in tokens if token.booked]
        if known:
            found += self._chain.logs(addresses=known, topics=topics, first=plan.number + 1, last=plan.last)
        fresh = [token.address for token in tokens if not token.booked]
        for first in range(plan.opened + 1, plan.last + 1, RANGE_MAX) if fresh else ():
            last = min(plan.last, first + RANGE_MAX - 1)
            found += self._chain.logs(addresses=fresh, topics=topics, first=first, last=last)
        return found

    def _treasury(self, plan: Plan) -> dict[Address, int]:
        erc20 = load_artifact("IERC20Metadata")
        tokens = [address for address in plan.tracked if address != ZERO_ADDRESS]
        asked = [Read(erc20, address, "balanceOf", (plan.treasury,)) for address in tokens]
        answers = zip(tokens, self._chain.read_many(asked, at=plan.last), strict=True)
        has = {address: value for address, value in answers if not isinstance(value, ExecutionReverted)}
        return has | {ZERO_ADDRESS: self._chain.balance(plan.treasury, at=plan.last)}

    # Booking

    def _book(self, tx: Tx, plan: Plan, seen: Seen) -> bool:
        book = tx.get(BookRow, self._chain.chain_id, with_for_update=True, populate_existing=True)
        assert book is not None
        if (book.number, book.hash) != (plan.number, plan.hash):
            return True  # somebody else booked it
        told = {item.block_number: item.block_hash for item in seen.logs}
        told |= {item.receipt.block: item.receipt.block_hash for item in seen.mined}
        told[plan.last] = plan.last_hash
        if self._hashes(tx, list(told)) != told:
            return False
        self._credit(tx, seen.logs)
        self._settling.settle(tx, seen.mined, last=plan.last)
        if plan.is_newest:
            for address, has in seen.coin.items():
                self._credit_coin(tx, plan, address, has)
            self._see(tx, plan)
            for token, has in seen.treasury.items():
                self._own(tx, plan, token, has)
            book.lost = False
        book.number, book.hash, book.whole = plan.last, plan.last_hash, plan.is_newest
        self._mark(tx, plan.last, plan.last_hash)
        fresh = [token.address for token in plan.tracked.values() if not token.booked]
        if fresh:
            read = update(TrackedRow).where(
                TrackedRow.chain_id == book.chain_id, TrackedRow.address.in_(fresh)
            )
            tx.execute(read.values(booked=True))
        tx.execute(_PRUNE, {"chain_id": book.chain_id, "kept": MARKS_KEPT})
        return True

    def _credit(self, tx: Tx, logs: Sequence[Log]) -> None:
        moved = [(item, transfer) for item in logs for transfer in _transfer_of(item)]
        wanted = {transfer.recipient for _, transfer in moved}
        rows = tx.execute(
            select(AddressRow).where(
                AddressRow.chain_id == self._chain.chain_id, AddressRow.address.in_(wanted)
            )
        ).scalars()
        owners = {row.address: owner_of(row) for row in rows}
        same: Counter[str] = Counter()  # one transaction may pay the very same twice
        fresh: list[DepositRow] = []
        for item, transfer in moved:
            owner, amount = owners.get(transfer.recipient), transfer.items[0][1]
            if owner is None or amount == 0:
                continue
            what = f"{self._chain.chain_id}:{item.tx_hash}:{item.address}:{transfer.recipient}:{amount}"
            same[what] += 1
            known = tx.get(DepositRow, uuid.uuid5(DEPOSITS, f"{what}:{same[what]}"), with_for_update=True)
            if known is None:
                row = self._row(uuid.uuid5(DEPOSITS, f"{what}:{same[what]}"), transfer.recipient, owner)
                row.asset, row.amount, row.tx_hash = item.address, amount, item.tx_hash
                row.block_number, row.block_hash = item.block_number, item.block_hash
                fresh.append(row)
            elif known.state != DepositState.CREDITED:
                known.block_number, known.block_hash = item.block_number, item.block_hash
                self._books.come_back(tx, known)
        tx.add_all(fresh)
        tx.flush()
        self._books.credit(tx, fresh)

    def _credit_coin(self, tx: Tx, plan: Plan, address: Address, has: int) -> None:
        """Coin logs nothing: what came is what lies there and what was swept, less what was credited."""
        came = has + self._holdings.swept(tx, address, ZERO_ADDRESS, last=plan.last)
        more = came - self._holdings.credited(tx, address, ZERO_ADDRESS)
        if more <= 0:
            return
        for row in self._books.vanished_at(tx, address=address):
            if row.amount <= more:
                row.block_number, row.block_hash = plan.last, plan.last_hash
                self._books.come_back(tx, row)
                more -= row.amount
        if more > 0:
            known = tx.get(AddressRow, (self._chain.chain_id, address))
            assert known is not None
            row = self._row(new_id(), address, owner_of(known))
            row.asset, row.amount, row.tx_hash = ZERO_ADDRESS, more, None
            row.block_number, row.block_hash = plan.last, plan.last_hash
            tx.add(row)
            tx.flush()
            self._books.credit(tx, [row])

    def _row(self, deposit_id: uuid.UUID, address: Address, owner: str) -> DepositRow:
        now = self._clock.now()
        return DepositRow(
            id=deposit_id,
            chain_id=self._chain.chain_id,
            address=address,
            owner=owner,
            state=DepositState.CREDITED,
            times=0,
            frozen=0,
            credited_at=now,
            changed_at=now,
        )

    def _own(self, tx: Tx, plan: Plan, token: Address, has: int) -> None:
        """What the treasury has and nobody's deposit explains is the node's own.

        What it lacks is left for reconciliation to find, but where final blocks vanished: the chain took it.
        """
        tracked = plan.tracked[token]
        more = has - self._holdings.expected(tx, tracked, last=plan.last)
        if more == 0 or (more < 0 and not plan.lost):
            return
        outside = self._accounts.outside(tx, tracked.asset)
        other = self._accounts.of_node(tx, OWN if more > 0 else LOSS, tracked.asset)
        amount = Amount(tracked.asset, abs(more))
        posting = Posting(outside, other, amount) if more > 0 else Posting(other, outside, amount)
        kind = "treasury.received" if more > 0 else "treasury.lost"
        step = f"{token}-{plan.last}-{plan.last_hash[2:18]}"
        self._ledger.post(
            tx, Transfer(derived_key("treasury", f"{self._chain.chain_id}", step), kind, (posting,))
        )

    def _see(self, tx: Tx, plan: Plan) -> None:
        if plan.coin:
            seen = update(AddressRow).where(
                AddressRow.chain_id == self._chain.chain_id, AddressRow.address.in_(plan.coin)
            )
            tx.execute(seen.values(looked_at=self._clock.now()).execution_options(synchronize_session=False))

    # The indexer's word

    def _standing(self, tx: Tx) -> Row[tuple[int, int, int, str]] | None:
        return tx.execute(_STANDING, {"chain_id": self._chain.chain_id}).one_or_none()

    def _hashes(self, tx: Tx, numbers: Sequence[int]) -> dict[int, Hash32]:
        rows = tx.execute(_HASHES, {"chain_id": self._chain.chain_id, "numbers": list(numbers)})
        return {number: Hash32("0x" + bytes(raw).hex()) for number, raw in rows}

    def _mark(self, tx: Tx, number: int, block_hash: Hash32) -> None:
        made = insert(MarkRow).values(chain_id=self._chain.chain_id, number=number, hash=block_hash)
        tx.execute(
            made.on_conflict_do_update(
                index_elements=[MarkRow.chain_id, MarkRow.number], set_={"hash": block_hash}
            )
        )


def owner_of(row: AddressRow) -> str:
    """In the ledger."""
    if row.account_id is not None:
        return owner_of_account(row.account_id)
    assert row.market_id is not None
    return owner_of_market(row.market_id)


def _transfer_of(item: Log) -> list[ForeignMoved]:
    if len(item.topics) != len(("event", "from", "to")):
        return []  # a token whose parameters are not those of ERC-20 is not on the list
    moved = decode_token(Standard.ERC20, item)
    return [moved] if isinstance(moved, ForeignMoved) else []
