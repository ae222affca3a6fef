"""What holds of payments at any time, and what is asked of them at rest, when all have done what they do."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection
from typing import Final

from sqlalchemy import select, text

from node.kernel.db.unit_of_work import Database
from node.services.gateway.errors import GatewayAway
from node.services.gateway.service import GatewayService
from node.services.payment.models import Intent
from node.services.payment.reconciling import PaymentsAgainstLedger
from node.services.payment.states import UNPAID_ENDS, State, state_by_money
from tests.counter import Counter
from wallet.incident.models import IncidentRow
from wallet.incident.service import Incidents
from wallet.ledger.verify import examine

ROUNDS_MAX: Final = 60  # of an hour each: more than a payment that nobody knows of may take
QUIET: Final = 3  # hours, in which every deadline of an order passes
ENDED: Final = frozenset({State.CAPTURED, State.PARTLY_REFUNDED, State.REFUNDED}) | UNPAID_ENDS

# What must not be -> a query of everything that is so.
BROKEN: Final = {
    "columns are the sums of steps": """
        SELECT id::text FROM payment.intent LEFT JOIN (
            SELECT intent_id, count(*) AS steps,
                sum(amount) FILTER (WHERE kind = 'secure') AS secured,
                sum(amount) FILTER (WHERE kind = 'settle') AS settled,
                sum(amount) FILTER (WHERE kind = 'give_back') AS returned,
                sum(amount) FILTER (WHERE kind = 'refund') AS refunded
            FROM payment.step GROUP BY intent_id
        ) AS summed ON intent_id = id
        WHERE (intent.steps, intent.secured, intent.settled, intent.returned, intent.refunded) <> (
            coalesce(summed.steps, 0), coalesce(summed.secured, 0), coalesce(summed.settled, 0),
            coalesce(summed.returned, 0), coalesce(summed.refunded, 0)
        )
    """,
    "money is secured once, and wholly": """
        SELECT id::text FROM payment.intent WHERE secured NOT IN (0, amount)
        UNION ALL
        SELECT intent_id::text FROM payment.step WHERE kind = 'secure' GROUP BY 1 HAVING count(*) > 1
    """,
    "who was paid has what was not taken back": """
        SELECT intent_id::text FROM payment.step GROUP BY intent_id
        HAVING least(
            sum(CASE kind WHEN 'refund' THEN -market ELSE market END),
            sum(CASE kind WHEN 'refund' THEN -commission ELSE commission END)
        ) < 0
    """,
    "an order has one payment's money": """
        SELECT shop_order.id::text FROM orders.shop_order LEFT JOIN payment.intent ON intent.id = payment_id
        WHERE (payment_id IS NULL) <> (shop_order.received IS NULL) OR shop_order.received <> secured
    """,
    "an order tells what its payment paid": """
        SELECT shop_order.id::text FROM orders.shop_order JOIN payment.intent ON intent.id = payment_id
        WHERE shop_order.state IN ('completed', 'refunded', 'ruled')
            AND coalesce(to_seller, 0) + coalesce(to_buyer, 0) + coalesce(fee, 0) <> shop_order.received
    """,
    "no event is parked": "SELECT error FROM kernel.parked_event",
}
_STUCK = text("""
    SELECT owner, purpose, held, posted FROM ledger.account
    WHERE held <> 0 OR (purpose IN ('escrow', 'passing') AND posted <> 0)
""")
_OPEN_ORDERS = text("""
    SELECT id FROM orders.shop_order
    WHERE state NOT IN ('completed', 'refunded', 'ruled', 'cancelled', 'expired')
""")


def assert_holds(database: Database) -> None:
    """At any time, whatever is under way."""
    with database.transaction() as tx:
        for promise, query in BROKEN.items():
            assert tx.execute(text(query)).all() == [], promise
        for intent in tx.execute(select(Intent).where(Intent.secured > 0)).scalars():
            by_money = state_by_money(
                secured=intent.secured,
                settled=intent.settled,
                returned=intent.returned,
                refunded=intent.refunded,
            )
            assert intent.state == by_money, intent.id
        assert examine(tx).differences == ()
    assert PaymentsAgainstLedger().compare(database.transaction).differences == []


def assert_at_rest(till: Counter, *, wrong: Collection[uuid.UUID]) -> None:
    """Nothing is on its way or stuck, and the gateway says what the ledger says.

    `wrong` are payments of which the gateway took other money than was asked for.
    """
    assert_holds(till.shop.database)
    with till.shop.database.transaction() as tx:
        assert tx.execute(_STUCK).all() == []
        assert tx.execute(_OPEN_ORDERS).all() == []
        intents = list(tx.execute(select(Intent).where(Intent.rail == "gateway")).scalars())
        clearing = -till.node_has("clearing", "gateway:sandbox")
    theirs = defaultdict[str, int](int)
    for line in till.sandbox.report():
        theirs[str(line["payment_id"])] += int(str(line["amount"]))
    for intent in intents:
        assert State(intent.state) in ENDED, intent.state
        if intent.id not in wrong:
            ours = intent.secured - intent.returned - intent.refunded
            assert theirs[str(intent.id)] == ours, intent.id
    assert clearing == sum(one.secured - one.returned - one.refunded for one in intents)


def come_to_rest(till: Counter, gateway: GatewayService) -> None:
    """Everybody works as he should from now on, operators as well; hours pass until nothing is left to do."""
    shop, begin = till.shop, till.shop.database.transaction
    quiet = 0
    for _ in range(ROUNDS_MAX):
        till.follow()
        shop.clock.advance(dt.timedelta(hours=1))
        with begin() as tx:
            shop.order.expire_due(tx, now=shop.clock.now(), limit=1_000)
            shop.funding.expire_due(tx, now=shop.clock.now(), limit=1_000)
        moved = gateway.poll(begin, limit=1_000) + shop.order.acts.act_due(begin, limit=1_000)
        moved += _operate(till, gateway) + gateway.send_refunds(begin, limit=1_000)
        quiet = 0 if moved else quiet + 1
        if quiet == QUIET:
            till.follow()
            return
    raise AssertionError("it does not come to rest")


def _operate(till: Counter, gateway: GatewayService) -> int:
    """Refunds are sent again; of parked payments the gateway is asked once more, and then it is enough."""
    shop, begin = till.shop, till.shop.database.transaction
    with begin() as tx:
        refused = tx.execute(
            select(IncidentRow.id).where(
                IncidentRow.kind == "payment.refund", IncidentRow.resolved_at.is_(None)
            )
        ).scalars()
        incidents = list(refused)
        for incident_id in incidents:
            Incidents(shop.clock).resolve(tx, incident_id, reason="they let us again", by="ada")
        parked = list(tx.execute(select(Intent.id).where(Intent.state == State.PARKED)).scalars())
    for payment_id in parked:
        try:
            gateway.check(begin, payment_id)
        except GatewayAway:
            continue
        with begin() as tx:
            if shop.payment.locked(tx, payment_id).state == State.PARKED:
                shop.payment.decide(tx, payment_id, to=State.FAILED, reason="nothing right came", by="ada")
    return len(incidents) + len(parked)
