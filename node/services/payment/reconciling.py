"""Payments against the ledger: what each intent says that moved, moved, and what it holds is held.

The rail through a contract has no entries; `asoud verify` compares it with the chain.
"""

from sqlalchemy import text

from wallet.incident.comparing import Begin, Comparison, Difference
from wallet.ledger.statements import POSTED
from wallet.owners import NODE, TOLERANCE

FOUND_MAX = 1_000

# Steps that move money: their transfer has their key and their amount. Of a hold, what secures it and what
# goes back last move nothing: it is placed, and voided.
_STEPS = text("""
    SELECT step.key, step.kind, step.amount, coalesce(sum(posting.amount), 0) AS moved
    FROM payment.step AS step
    JOIN payment.intent AS intent ON intent.id = step.intent_id
    LEFT JOIN ledger.transfer AS transfer ON transfer.key = step.key
    LEFT JOIN ledger.posting AS posting ON posting.transfer_id = transfer.id
    WHERE intent.rail <> 'escrow' AND (step.kind IN ('settle', 'refund') OR intent.rail = 'gateway')
    GROUP BY step.key, step.kind, step.amount
    HAVING step.amount <> coalesce(sum(posting.amount), 0)
    ORDER BY step.key LIMIT :limit
""")
_HELD = text("""
    SELECT * FROM (
        SELECT intent.id, intent.rail, intent.secured - intent.settled - intent.returned AS held,
            coalesce((
                SELECT amount - captured FROM ledger.hold WHERE hold.id = hold_id AND state = 'open'
            ), 0) + coalesce((
                SELECT posted FROM ledger.account WHERE owner = concat_ws(:colon, 'payment', intent.id)
                    AND purpose = 'escrow' AND asset = intent.asset_id
            ), 0) AS booked
        FROM payment.intent AS intent WHERE intent.rail <> 'escrow'
    ) AS compared WHERE held <> booked ORDER BY id LIMIT :limit
""")


# What the node added to deposits and did not get again: the last units of what went back are its own.
_ADDED = text(f"""
    SELECT * FROM (
        SELECT account.asset, -({POSTED}) AS booked, coalesce((
            SELECT sum(least(covered, secured - returned - refunded))
            FROM payment.intent WHERE covered > 0 AND intent.asset_id = account.asset
        ), 0) AS added
        FROM ledger.account WHERE account.owner = :owner AND account.purpose = :purpose
    ) AS compared WHERE booked <> added ORDER BY asset LIMIT :limit
""")  # noqa: S608 - literals of the code


class PaymentsAgainstLedger:
    @property
    def name(self) -> str:
        return "payments"

    def compare(self, begin: Begin) -> Comparison:
        limit = {"limit": FOUND_MAX}
        with begin() as tx:
            steps = tx.execute(_STEPS, limit).all()
            held = tx.execute(_HELD, {**limit, "colon": ":"}).all()
            added = tx.execute(_ADDED, {**limit, "owner": NODE, "purpose": TOLERANCE}).all()
        found = [
            Difference(f"step:{row.key}", f"{row.moved} moved", f"{row.amount} by {row.kind}")
            for row in steps
        ]
        found += [
            Difference(
                f"held:{row.id}", f"{row.booked} held", f"{row.held} by the intent", {"rail": row.rail}
            )
            for row in held
        ]
        found += [
            Difference(f"tolerance:{row.asset}", f"{row.booked} booked", f"{row.added} added by intents")
            for row in added
        ]
        return Comparison(found, ["payments that go by the ledger"])
