"""Closing listings for good, from final events alone, so that pages of what can be bought stay short to read.

Not a state: views judge each listing by the projections, closed or not. A final event is never taken back, so
what is closed here cannot come to life again.
"""

import datetime as dt

from sqlalchemy import text, update

from node.events.listing import AllCancelled, NonceCancelled, TokenSold
from node.kernel.db.unit_of_work import Tx, rows_touched
from node.kernel.errors import Bug
from node.kernel.hexes import Address, to_bytes
from node.kernel.spine.event import StoredEvent
from node.services.listing.models import ListingRow

SETTLING_EVENTS = tuple(event.type_name for event in (TokenSold, NonceCancelled, AllCancelled))

EXPIRED_FOR = dt.timedelta(days=1)  # far more than clocks of chains and nodes differ
EXPIRED_MAX = 5_000  # in one transaction: keeps its locks short

_SETTLE_EXPIRED = text("""
    UPDATE listing.listing SET settled_at = :now WHERE (chain_id, digest) IN (
        SELECT chain_id, digest FROM listing.listing
        WHERE chain_id = :chain_id AND settled_at IS NULL AND end_s < :before
        ORDER BY end_s LIMIT :limit FOR UPDATE SKIP LOCKED
    )
""")

_SETTLE_SOLD = text("""
    UPDATE listing.listing SET settled_at = :now
    WHERE chain_id = :chain_id AND exchange = :exchange AND seller = :signer AND nonce = :nonce
        AND settled_at IS NULL
        AND (digest = :digest OR EXISTS (
            SELECT FROM chain.listing_nonce AS gone
            WHERE gone.chain_id = :chain_id AND gone.exchange = :exchange AND gone.signer = :signer
                AND gone.nonce = :nonce
        ))
""")


def settle(tx: Tx, event: StoredEvent, *, now: dt.datetime) -> None:
    """Closes what the event made impossible. Idempotent."""
    told = event.decode()
    if isinstance(told, TokenSold):
        _settle_sold(tx, told, now=now)
    elif isinstance(told, NonceCancelled):
        _settle_nonce(tx, told, signer=told.signer, nonce=int(told.nonce), now=now)
    elif isinstance(told, AllCancelled):
        _settle_epochs(tx, told, now=now)
    else:
        raise Bug("not an event that closes listings", type_name=event.type_name)


def settle_expired(tx: Tx, *, chain_id: int, now: dt.datetime) -> int:
    before = int((now - EXPIRED_FOR).timestamp())
    parameters = {"chain_id": chain_id, "now": now, "before": before, "limit": EXPIRED_MAX}
    return rows_touched(tx, _SETTLE_EXPIRED, parameters)


def _settle_sold(tx: Tx, told: TokenSold, *, now: dt.datetime) -> None:
    """The listing that was sold, and others of its nonce unless that lives on: as of a quote sold in part."""
    signer = told.buyer if told.kind == "offer" else told.seller
    key = {
        "chain_id": told.chain_id,
        "exchange": to_bytes(told.contract),
        "signer": to_bytes(signer),
        "nonce": int(told.nonce),
    }
    tx.execute(_SETTLE_SOLD, {**key, "digest": to_bytes(told.digest), "now": now})


def _settle_nonce(tx: Tx, told: NonceCancelled, *, signer: Address, nonce: int, now: dt.datetime) -> None:
    tx.execute(
        update(ListingRow)
        .where(
            ListingRow.chain_id == told.chain_id,
            ListingRow.exchange == told.contract,
            ListingRow.seller == signer,
            ListingRow.nonce == nonce,
            ListingRow.settled_at.is_(None),
        )
        .values(settled_at=now)
    )


def _settle_epochs(tx: Tx, told: AllCancelled, *, now: dt.datetime) -> None:
    tx.execute(
        update(ListingRow)
        .where(
            ListingRow.chain_id == told.chain_id,
            ListingRow.exchange == told.contract,
            ListingRow.seller == told.signer,
            ListingRow.epoch < int(told.epoch),
            ListingRow.settled_at.is_(None),
        )
        .values(settled_at=now)
    )
