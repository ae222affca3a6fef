"""The tasks and their schedule. Each is idempotent and calls a service; none holds logic of its own."""

import datetime as dt
import uuid
from collections.abc import Callable

from node.bootstrap.build import build_services
from node.kernel.db import idempotency
from node.kernel.errors import Transient
from node.kernel.hexes import parse_address
from node.kernel.log import get_logger
from node.kernel.settings import Settings
from node.kernel.spine.failed_tasks import take_retries
from node.services.content.store import LocalContentStore
from node.worker.celery_app import Sender, make_celery, parking_task
from wallet.ledger.sealing import seal

log = get_logger(__name__)
settings = Settings()
services = build_services(settings, application_name="asoud-worker")
app = make_celery(settings)
send = Sender(app)
Parking = parking_task(services.database)

EXPIRE_BATCH = 100  # orders or holds in one transaction: keeps its locks short
EXPIRE_ROUNDS_MAX = 50
PAYOUT_BATCH = 10  # markets in one transaction: each has several currencies
PRUNE_ROUNDS_MAX = 20  # transactions of one run; what is left waits for the next one
POLL_BATCH = 5  # payments of one run: even when every request times out it ends before its limit
UPLOAD_TIME_MAX = dt.timedelta(hours=1)  # no upload takes longer


@app.task(name="kernel.retry_failed", base=Parking)
def retry_failed() -> None:
    """Sends again what an operator marked with `asoud tasks retry`."""
    with services.database.transaction() as tx:
        for failed in take_retries(tx):
            send(failed.task, failed.arguments)


@app.task(name="kernel.prune", base=Parking)
def prune() -> None:
    """Removes answers, nonces, sessions, codes and invitations that are past their time."""
    for _ in range(PRUNE_ROUNDS_MAX):
        with services.database.transaction() as tx:
            removed = idempotency.prune(tx, now=services.clock.now())
            removed += services.identity.prune_nonces(tx)
            removed += services.sessions.prune(tx)
            removed += services.phones.prune(tx)
            removed += services.members.prune(tx)
            removed += services.transfers.prune(tx)
            removed += services.spending.prune(tx)
            removed += services.exchanges.prune(tx)
            removed += services.rates_of_money.prune(tx)
        if not removed:
            return


@app.task(name="sms.send", base=Parking)
def send_code(challenge: str) -> None:
    """Sends the code of a challenge. The arguments lie in the queue: they hold no code and no number."""
    services.phones.deliver(services.database.transaction, uuid.UUID(challenge))


@app.task(name="identity.tell_of_recovery", base=Parking)
def tell_of_recovery(recovery: str) -> None:
    """Tells every phone of the account that something of it is said to be lost."""
    services.recoveries.tell(services.database.transaction, uuid.UUID(recovery))


@app.task(name="rate.refresh", base=Parking)
def refresh_rates() -> None:
    """Asks the sources what currencies are worth."""
    services.rates_of_money.refresh(services.database.transaction)


@app.task(name="payout.run_due", base=Parking)
def pay_markets() -> None:
    """Pays the markets whose time has come."""
    for _ in range(EXPIRE_ROUNDS_MAX):
        with services.database.transaction() as tx:
            if services.payouts.run_due(tx, limit=PAYOUT_BATCH) < PAYOUT_BATCH:
                return


@app.task(name="transfer.tell", base=Parking)
def tell_of_transfer(transfer: str) -> None:
    """Tells the receiver's phone of money that came."""
    services.transfers.tell(services.database.transaction, uuid.UUID(transfer))


@app.task(name="transfer.deliver_rest", base=Parking)
def deliver_transfers() -> None:
    """Gives on what waited in great number for a phone."""
    for _ in range(EXPIRE_ROUNDS_MAX):
        with services.database.transaction() as tx:
            if services.transfers.deliver_rest(tx, limit=EXPIRE_BATCH) < EXPIRE_BATCH:
                return


@app.task(name="transfer.return_due", base=Parking)
def return_transfers() -> None:
    """Gives back what nobody came for."""
    for _ in range(EXPIRE_ROUNDS_MAX):
        with services.database.transaction() as tx:
            if services.transfers.return_due(tx, limit=EXPIRE_BATCH) < EXPIRE_BATCH:
                return


@app.task(name="identity.watch_codes", base=Parking)
def watch_codes() -> None:
    """Tells the operator where codes are asked for and not used."""
    with services.database.transaction() as tx:
        found = services.phones.unused(tx)
    for entry in found:
        log.error("codes_not_used", prefix=entry.prefix, asked=entry.asked, used=entry.used)


@app.task(name="nft.refresh_metadata", base=Parking)
def refresh_metadata(collection: str, token_id: str) -> None:
    """Reads what the token's URI points at, for the views."""
    services.nft.refresh_metadata(services.database.transaction, parse_address(collection), int(token_id))


@app.task(name="listing.settle_expired", base=Parking)
def settle_expired_listings() -> None:
    """Puts listings that ran out long ago out of the way of those that can be bought."""
    for _ in range(PRUNE_ROUNDS_MAX):
        with services.database.transaction() as tx:
            if not services.listing.settle_expired(tx):
                return


@app.task(name="asset.learn", base=Parking)
def learn_assets() -> None:
    """Asks each currency without a name what it is called."""
    services.assets.learn_all(services.database.transaction)


@app.task(name="order.expire_due", base=Parking)
def expire_orders() -> None:
    """Ends orders whose money did not come in time, and gives their units back."""
    for _ in range(EXPIRE_ROUNDS_MAX):
        with services.database.transaction() as tx:
            if services.order.expire_due(tx, now=services.clock.now(), limit=EXPIRE_BATCH) < EXPIRE_BATCH:
                return


@app.task(name="order.act_due", base=Parking)
def act_on_due_orders() -> None:
    """Does what deadlines decide about orders that no contract judges."""
    services.order.acts.act_due(services.database.transaction, limit=EXPIRE_BATCH)


@app.task(name="gateway.poll", base=Parking)
def poll_gateways() -> None:
    """Asks gateways about payments that are not sure, and tells them of refunds that they don't know."""
    services.gateway.poll(services.database.transaction, limit=POLL_BATCH)
    services.gateway.send_refunds(services.database.transaction, limit=POLL_BATCH)


@app.task(name="payment.expire_due", base=Parking)
def expire_payments() -> None:
    """Ends payments that waited for money by the chain until their time was over."""
    for _ in range(EXPIRE_ROUNDS_MAX):
        with services.database.transaction() as tx:
            if services.funding.expire_due(tx, now=services.clock.now(), limit=EXPIRE_BATCH) < EXPIRE_BATCH:
                return


@app.task(name="gateway.refund", base=Parking)
def send_refund(payment: str, number: str) -> None:
    """Tells the gateway of one refund."""
    services.gateway.send_refund(services.database.transaction, uuid.UUID(payment), int(number))


@app.task(name="ledger.seal", base=Parking)
def seal_ledger() -> None:
    """Links new transfers into the hash chain, and brings the accounts of the node up to date."""
    seal(services.database.transaction)


@app.task(name="ledger.expire_holds", base=Parking)
def expire_holds() -> None:
    """Gives back what is left of holds past their time."""
    for _ in range(EXPIRE_ROUNDS_MAX):
        with services.database.transaction() as tx:
            if services.ledger.expire_holds(tx, limit=EXPIRE_BATCH) < EXPIRE_BATCH:
                return


def _or_next_time(work: Callable[[], object]) -> None:
    """For what the schedule runs again in a moment: while the chain is away, tries would only pile up."""
    try:
        work()
    except Transient as trouble:
        log.warning("put_off", reason=trouble.message)


@app.task(name="treasury.follow", base=Parking)
def follow_chain() -> None:
    """Books deposits and our own transactions that are final by now."""
    _or_next_time(lambda: services.follower.follow(services.database.transaction))


@app.task(name="treasury.send", base=Parking)
def send_outgoing() -> None:
    """Signs, broadcasts and replaces what the node is to send."""
    _or_next_time(lambda: services.outbox.advance(services.database.transaction))
    with services.database.transaction() as tx:
        services.sweeper.sweep_if_short(tx)


@app.task(name="payout.send", base=Parking)
def send_payouts() -> None:
    """Gathers payouts to addresses, and has them sent."""
    _or_next_time(lambda: services.payouts.addresses.send(services.database.transaction))
    _or_next_time(lambda: services.outbox.advance(services.database.transaction))


@app.task(name="treasury.sweep", base=Parking)
def sweep_deposits() -> None:
    """Brings what waits at deposit addresses to the treasury."""
    with services.database.transaction() as tx:
        services.sweeper.sweep(tx)


@app.task(name="reconciliation.run", base=Parking)
def reconcile() -> None:
    """Holds the books against each other; what differs becomes an incident."""
    services.reconciliation.reconcile(services.database.transaction)


@app.task(name="content.sweep", base=Parking)
def sweep_content() -> None:
    """Removes what uploads left that a crash cut off."""
    if isinstance(services.content, LocalContentStore):
        services.content.sweep_partial(before=services.clock.now() - UPLOAD_TIME_MAX)


app.conf.beat_schedule = {
    "sweep-content": {"task": "content.sweep", "schedule": 3600.0},
    "retry-failed": {"task": "kernel.retry_failed", "schedule": 30.0},
    "settle-expired-listings": {"task": "listing.settle_expired", "schedule": 600.0},
    "learn-assets": {"task": "asset.learn", "schedule": 60.0},
    "seal-ledger": {"task": "ledger.seal", "schedule": 2.0},
    "expire-holds": {"task": "ledger.expire_holds", "schedule": 10.0},
    "follow-chain": {"task": "treasury.follow", "schedule": 3.0},
    "send-outgoing": {"task": "treasury.send", "schedule": 3.0},
    "send-payouts": {"task": "payout.send", "schedule": 5.0},
    "sweep-deposits": {"task": "treasury.sweep", "schedule": 300.0},
    "reconcile": {"task": "reconciliation.run", "schedule": 600.0},
    "expire-orders": {"task": "order.expire_due", "schedule": 10.0},
    "expire-payments": {"task": "payment.expire_due", "schedule": 10.0},
    "poll-gateways": {"task": "gateway.poll", "schedule": 5.0},
    "deliver-transfers": {"task": "transfer.deliver_rest", "schedule": 60.0},
    "return-transfers": {"task": "transfer.return_due", "schedule": 60.0},
    "refresh-rates": {"task": "rate.refresh", "schedule": 60.0},
    "act-on-due-orders": {"task": "order.act_due", "schedule": 10.0},
    "pay-markets": {"task": "payout.run_due", "schedule": 600.0},
    "watch-codes": {"task": "identity.watch_codes", "schedule": 600.0},
    "prune": {"task": "kernel.prune", "schedule": 600.0},
}
