"""Passing on what a wallet signed: intent -> call -> outcome.

Invariants: a row is there before the chain hears of a transaction, and nothing of ours is decided by what
the call answered: the chain is asked again whenever somebody wants to know. A transaction is named by its
hash, so relaying it twice, by two callers or after a crash, is relaying it once.
"""

import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert

from node.chain.client import Call, ChainClient, Receipt
from node.chain.deployments import Deployment
from node.chain.errors import ExecutionReverted
from node.chain.relay import RelayFacts, check_relay, decode_transaction
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import AsoudError, Refused, Transient
from node.kernel.hexes import Address, Hash32, to_bytes
from node.kernel.log import get_logger
from node.services.transaction.errors import NotSender, TransactionUnknown
from node.services.transaction.limiter import RelayLimiter
from node.services.transaction.models import RelayedRow, RelayState

log = get_logger(__name__)

Begin = Callable[[], AbstractContextManager[Tx]]

REASON_CHARS_MAX = 500

# What may follow what. MINED can be left, also for another block: a reorg takes blocks back.
NEXT: Mapping[RelayState, frozenset[RelayState]] = {
    RelayState.SENDING: frozenset(RelayState) - {RelayState.SENDING},
    RelayState.SENT: frozenset({RelayState.MINED, RelayState.UNKNOWN}),
    RelayState.UNKNOWN: frozenset({RelayState.SENDING, RelayState.SENT, RelayState.MINED}),
    RelayState.REFUSED: frozenset({RelayState.SENDING, RelayState.SENT, RelayState.MINED}),
    RelayState.MINED: frozenset({RelayState.MINED, RelayState.SENT, RelayState.UNKNOWN}),
}

_OURS = text("""
    SELECT EXISTS (
        SELECT FROM chain.collection WHERE chain_id = :chain_id AND address = :address
    ) OR EXISTS (
        SELECT FROM chain.currency
        WHERE chain_id = :chain_id AND exchange = :exchange AND currency = :address AND allowed
    )
""")
_INDEXED = text("""
    SELECT EXISTS (
        SELECT FROM chain.checkpoint
        JOIN chain.block ON block.chain_id = checkpoint.chain_id AND block.number = :number
        WHERE checkpoint.chain_id = :chain_id AND checkpoint.number >= :number AND block.hash = :hash
    )
""")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a transaction stands. `indexed`: our tables tell of everything that it did."""

    tx_hash: Hash32
    state: RelayState
    block: int | None = None
    block_hash: Hash32 | None = None
    succeeded: bool | None = None
    reason: str | None = None
    indexed: bool = False


class TransactionService:
    def __init__(
        self,
        clock: Clock,
        chain: ChainClient,
        deployment: Callable[[], Deployment],
        limiter: RelayLimiter,
    ) -> None:
        self._clock = clock
        self._chain = chain
        self._deployment = deployment
        self._limiter = limiter

    def relay(self, begin: Begin, raw: bytes, *, account_id: uuid.UUID, wallet: Address) -> Outcome:
        """Passes on a transaction of the signed-in wallet to a contract of ours.

        An answer in the state UNKNOWN means that the chain fell silent while it was told: ask `outcome`.

        Raises:
            Invalid, NotRelayed, NotSender: It is not one that we pass on.
            RelayRateExceeded: Too many in a minute.
            ExecutionReverted: A contract would refuse it; it was not sent.
            Refused: The chain did not take it; the words are its own.
            Transient: The chain is away; it was not sent.
        """
        self._limiter.take(account_id)
        facts = decode_transaction(raw)
        if facts.sender != wallet:
            raise NotSender("the transaction is signed by another wallet", sender=facts.sender)
        with begin() as tx:
            allowed = self._ours(tx, facts.to)
        check_relay(raw, chain_id=self._chain.chain_id, allowed=allowed)
        known = self._seen(facts.tx_hash)
        if known is None:
            self._rehearse(facts)
        self._intend(begin, facts, raw, account_id)
        outcome = known or self._send(begin, facts, raw)
        self._observe(begin, outcome)
        return self._with_progress(begin, outcome)

    def outcome(self, begin: Begin, tx_hash: Hash32) -> Outcome:
        """Where a transaction stands by the chain's word, whoever sent it; the row of a relayed one follows.

        Raises:
            TransactionUnknown: We never relayed it and the chain has not heard of it.
            Transient: The chain is away.
        """
        with begin() as tx:
            row = tx.get(RelayedRow, (self._chain.chain_id, tx_hash))
        seen = self._seen(tx_hash)
        if seen is None and row is None:
            raise TransactionUnknown("neither this node nor the chain knows that transaction", hash=tx_hash)
        if seen is None and row is not None and row.state == RelayState.REFUSED:
            return Outcome(tx_hash, RelayState.REFUSED, reason=row.reason)
        outcome = seen or Outcome(tx_hash, RelayState.UNKNOWN)
        if outcome.succeeded is False:
            outcome = replace(outcome, reason=self._why_reverted(row, outcome))
        if row is not None:
            self._observe(begin, outcome)
        return self._with_progress(begin, outcome)

    # The chain

    def _seen(self, tx_hash: Hash32) -> Outcome | None:
        receipt = self._chain.receipt(tx_hash)
        if receipt is not None:
            return _mined(receipt)
        return Outcome(tx_hash, RelayState.SENT) if self._chain.is_known(tx_hash) else None

    def _rehearse(self, facts: RelayFacts) -> None:
        """Says what a contract would refuse, while the sender can still keep its gas."""
        self._chain.call(_call(facts), at="pending")

    def _send(self, begin: Begin, facts: RelayFacts, raw: bytes) -> Outcome:
        try:
            self._chain.send_raw(raw)
        except Refused as refusal:
            reason = refusal.message[:REASON_CHARS_MAX]
            self._observe(begin, Outcome(facts.tx_hash, RelayState.REFUSED, reason=reason))
            raise
        except Transient as trouble:
            log.warning("relay_unknown", tx_hash=facts.tx_hash, error=trouble.message)
            return Outcome(facts.tx_hash, RelayState.UNKNOWN)
        except BaseException:
            self._observe(begin, Outcome(facts.tx_hash, RelayState.UNKNOWN))
            raise
        return Outcome(facts.tx_hash, RelayState.SENT)

    def _why_reverted(self, row: RelayedRow | None, outcome: Outcome) -> str | None:
        """Runs it again on the states before and after its block: one is near to what it met there."""
        if row is None or outcome.block is None:
            return None
        if row.state == RelayState.MINED and row.block_hash == outcome.block_hash and row.reason:
            return row.reason
        for state in (outcome.block - 1, outcome.block):
            try:
                self._chain.call(_call(decode_transaction(row.raw)), at=state)
            except ExecutionReverted as refusal:
                return refusal.message[:REASON_CHARS_MAX]
            except AsoudError:  # a server may not keep old states
                log.info("revert_without_words", tx_hash=outcome.tx_hash, block=state)
        return None

    # Our tables

    def _ours(self, tx: Tx, address: Address) -> frozenset[Address]:
        """The address when it is a contract of ours, else nothing."""
        deployment = self._deployment()
        if address in deployment.contracts_by_address():
            return frozenset({address})
        parameters = {
            "chain_id": self._chain.chain_id,
            "address": to_bytes(address),
            "exchange": to_bytes(deployment.exchange.address),
        }
        return frozenset({address} if tx.execute(_OURS, parameters).scalar_one() else ())

    def _intend(self, begin: Begin, facts: RelayFacts, raw: bytes, account_id: uuid.UUID) -> None:
        now = self._clock.now()
        with begin() as tx:
            tx.execute(
                insert(RelayedRow)
                .values(
                    chain_id=facts.chain_id,
                    tx_hash=facts.tx_hash,
                    account_id=account_id,
                    sender=facts.sender,
                    recipient=facts.to,
                    nonce=facts.nonce,
                    value=facts.value,
                    selector=facts.selector,
                    raw=raw,
                    state=RelayState.SENDING,
                    intended_at=now,
                    changed_at=now,
                )
                .on_conflict_do_nothing()
            )
            self._move(tx, Outcome(facts.tx_hash, RelayState.SENDING))

    def _observe(self, begin: Begin, outcome: Outcome) -> None:
        with begin() as tx:
            self._move(tx, outcome)

    def _move(self, tx: Tx, outcome: Outcome) -> None:
        """The one place that changes a state. What may not follow is left as it is: somebody was faster."""
        from_states = [state for state, following in NEXT.items() if outcome.state in following]
        tx.execute(
            update(RelayedRow)
            .where(
                RelayedRow.chain_id == self._chain.chain_id,
                RelayedRow.tx_hash == outcome.tx_hash,
                RelayedRow.state.in_(from_states),
            )
            .values(
                state=outcome.state,
                reason=outcome.reason,
                block_number=outcome.block,
                block_hash=outcome.block_hash,
                succeeded=outcome.succeeded,
                changed_at=self._clock.now(),
            )
        )

    def _with_progress(self, begin: Begin, outcome: Outcome) -> Outcome:
        if outcome.block is None or outcome.block_hash is None:
            return outcome
        parameters = {
            "chain_id": self._chain.chain_id,
            "number": outcome.block,
            "hash": to_bytes(outcome.block_hash),
        }
        with begin() as tx:
            return replace(outcome, indexed=tx.execute(_INDEXED, parameters).scalar_one())


def _call(facts: RelayFacts) -> Call:
    data = "0x" + facts.data.hex()
    return Call(to=facts.to, data=data, sender=facts.sender, value=facts.value, gas=facts.gas)


def _mined(receipt: Receipt) -> Outcome:
    return Outcome(
        receipt.tx_hash,
        RelayState.MINED,
        block=receipt.block,
        block_hash=receipt.block_hash,
        succeeded=receipt.succeeded,
    )
