"""Intents against entries.

Each withdrawal's state is what the ledger did with its hold, and so is that of each payout to an address;
each deposit has the entries of its life, and each of our transactions is final within its time.
"""

import datetime as dt

from sqlalchemy import text

from node.chain.client import ChainClient
from node.kernel.clock import Clock
from wallet.incident.comparing import Begin, Comparison, Difference
from wallet.treasury.outbox import Outbox

FOUND_MAX = 1_000
PATIENCE = dt.timedelta(hours=1)  # what is on its way longer is somebody's to look at

# What the ledger must have done with the hold. What vanished from the chain is paid and sent again.
_HOLDS = text("""
    SELECT * FROM (
        SELECT withdrawal.id, withdrawal.state, hold.state AS hold, hold.amount = withdrawal.amount AS fits,
            CASE
                WHEN withdrawal.state IN ('done', 'booked') THEN 'captured'
                WHEN withdrawal.state = 'failed' AND outgoing.paid THEN 'captured'  -- and paid back
                WHEN withdrawal.state IN ('cancelled', 'rejected', 'failed') THEN 'voided'
                WHEN withdrawal.state = 'waiting' THEN 'open'
                WHEN outgoing.paid THEN 'captured'
                WHEN outgoing.state IN ('final', 'refused') THEN 'voided'
                WHEN outgoing.times > 0 THEN 'voided'
                ELSE 'open'
            END AS expected
        FROM withdrawal.withdrawal AS withdrawal
        JOIN ledger.hold AS hold ON hold.id = withdrawal.hold_id
        LEFT JOIN treasury.outgoing AS outgoing ON outgoing.id = withdrawal.outgoing_id
    ) AS compared WHERE hold <> expected OR NOT fits ORDER BY id LIMIT :limit
""")
# A payout's hold is what its part of the transaction says, and where it has none yet what its state says.
_PAYOUTS = text("""
    SELECT * FROM (
        SELECT payout.id, payout.state, hold.state AS hold,
            hold.amount = payout.amount AND coalesce(part.amount, payout.amount) = payout.amount
                AND (part.hold_id IS NULL) = (payout.outgoing_id IS NULL) AS fits,
            CASE
                WHEN payout.state = 'paid' AND part.returned IS NOT TRUE THEN 'captured'
                WHEN payout.state = 'failed' AND part.returned IS NOT TRUE THEN 'voided'
                WHEN part.captured THEN 'captured'  -- and paid back, where it was returned
                WHEN part.returned THEN 'voided'
                ELSE 'open'
            END AS expected
        FROM payout.payout AS payout
        JOIN ledger.hold AS hold ON hold.id = payout.hold_id
        LEFT JOIN treasury.part AS part ON part.hold_id = payout.hold_id
    ) AS compared WHERE hold <> expected OR NOT fits ORDER BY id LIMIT :limit
""")
_UNSENT = text("""
    SELECT id, asset FROM payout.payout WHERE state = 'queued' AND coalesce(decided_at, asked_at) < :before
    ORDER BY id LIMIT :limit
""")
_CREDITS = text("""
    SELECT deposit.id, deposit.state, deposit.times, count(transfer.id) AS entries
    FROM deposit.deposit AS deposit
    LEFT JOIN ledger.transfer AS transfer ON transfer.key IN (
        concat_ws(:colon, 'deposit', deposit.id, 'credit'),
        concat_ws(:colon, 'deposit', deposit.id, 'vanished-' || deposit.times),
        concat_ws(:colon, 'deposit', deposit.id, 'returned-' || deposit.times)
    )
    GROUP BY deposit.id
    HAVING count(transfer.id) <> CASE
        WHEN deposit.times = 0 THEN 1 WHEN deposit.state = 'credited' THEN 3 ELSE 2 END
    ORDER BY deposit.id LIMIT :limit
""")
_LATE = text("""
    SELECT id, subject, state, nonce, reason FROM treasury.outgoing
    WHERE chain_id = :chain_id AND state IN ('queued', 'numbered') AND changed_at < :before
    ORDER BY id LIMIT :limit
""")


class IntentsAgainstEntries:
    def __init__(self, clock: Clock, chain: ChainClient, *, outbox: Outbox) -> None:
        self._clock = clock
        self._chain = chain
        self._outbox = outbox

    @property
    def name(self) -> str:
        return "intents"

    def compare(self, begin: Begin) -> Comparison:
        limit = {"limit": FOUND_MAX}
        late = {**limit, "chain_id": self._chain.chain_id, "before": self._clock.now() - PATIENCE}
        with begin() as tx:
            holds, credits_ = (
                tx.execute(_HOLDS, limit).all(),
                tx.execute(_CREDITS, {**limit, "colon": ":"}).all(),
            )
            payouts, unsent = tx.execute(_PAYOUTS, limit).all(), tx.execute(_UNSENT, late).all()
            waiting = tx.execute(_LATE, late).all()
        found = [
            Difference(f"{noun}:{row.id}", f"hold {row.hold}", f"hold {row.expected}", {"state": row.state})
            for noun, rows in (("withdrawal", holds), ("payout", payouts))
            for row in rows
        ]
        found += [
            Difference(f"payout:{row.id}", "still queued", "sent within an hour", {"asset": row.asset})
            for row in unsent
        ]
        found += [
            Difference(
                f"deposit:{row.id}",
                f"{row.entries} entries",
                "one for each time that it came or vanished",
                {"state": row.state, "times": row.times},
            )
            for row in credits_
        ]
        used = self._chain.nonce(self._outbox.address, at="latest") if waiting else 0
        found += [
            Difference(
                f"outgoing:{row.id}",
                "its nonce is used up"
                if row.nonce is not None and row.nonce < used
                else f"still {row.state}",
                "final within an hour",
                {"subject": row.subject, "nonce": row.nonce, "reason": row.reason},
            )
            for row in waiting
        ]
        return Comparison(
            found, [f"withdrawals, payouts, deposits, {len(waiting)} transactions that take long"]
        )
