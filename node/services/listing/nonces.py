"""Nonces of listings, handed out one after the other: neighbours share a storage word of the exchange."""

from sqlalchemy import text

from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import Address, to_bytes
from node.services.listing.errors import NoncesExhausted

LOOK_AHEAD = 1_000  # nonces in a row that other tools may have used up

# Also locks the row, so that two at once get two nonces.
_NEXT = text("""
    INSERT INTO listing.nonce_counter AS counter (chain_id, exchange, seller, next_nonce)
    VALUES (:chain_id, :exchange, :seller, 0)
    ON CONFLICT (chain_id, exchange, seller) DO UPDATE SET next_nonce = counter.next_nonce
    RETURNING next_nonce
""")
_FREE = text("""
    SELECT candidate FROM generate_series(CAST(:first AS numeric), CAST(:last AS numeric)) AS candidate
    WHERE NOT EXISTS (
        SELECT FROM chain.listing_nonce AS gone
        WHERE gone.chain_id = :chain_id AND gone.exchange = :exchange AND gone.signer = :seller
            AND gone.nonce = candidate
    ) AND NOT EXISTS (
        SELECT FROM listing.listing AS listed
        WHERE listed.chain_id = :chain_id AND listed.exchange = :exchange AND listed.seller = :seller
            AND listed.nonce = candidate
    ) AND NOT EXISTS (
        SELECT FROM listing.quote AS quoted
        WHERE quoted.chain_id = :chain_id AND quoted.exchange = :exchange AND quoted.maker = :seller
            AND quoted.nonce = candidate
    )
    ORDER BY candidate LIMIT 1
""")
_MOVE = text("""
    UPDATE listing.nonce_counter SET next_nonce = :next
    WHERE chain_id = :chain_id AND exchange = :exchange AND seller = :seller
""")


def take_nonce(tx: Tx, *, chain_id: int, exchange: Address, seller: Address) -> int:
    """A nonce of the seller that no sale, cancellation or listing here has, and that we gave nobody yet.

    Raises:
        NoncesExhausted: The next `LOOK_AHEAD` are all gone; the seller starts a new epoch, or picks its own.
    """
    key = {"chain_id": chain_id, "exchange": to_bytes(exchange), "seller": to_bytes(seller)}
    first = int(tx.execute(_NEXT, key).scalar_one())
    bounds = {"first": first, "last": first + LOOK_AHEAD - 1}
    free = tx.execute(_FREE, {**key, **bounds}).scalar_one_or_none()
    if free is None:
        raise NoncesExhausted("the next nonces are all used", first=str(first), looked_at=LOOK_AHEAD)
    tx.execute(_MOVE, {**key, "next": int(free) + 1})
    return int(free)
