"""Whether the exchange would settle a listing now, read from the projections of the chain each time.

Invariant: no table holds a listing's state. It follows from nonce, epoch, owner, currency and time, which
the chain decides; so a reorg, a sale elsewhere or a transfer needs nobody to tell us.
"""

from enum import StrEnum
from typing import Final, LiteralString


class ListingState(StrEnum):
    """`invalid` has a reason beside it: any finding below that is not a state of its own."""

    ACTIVE = "active"
    SCHEDULED = "scheduled"
    EXPIRED = "expired"
    SOLD = "sold"
    CANCELLED = "cancelled"
    INVALID = "invalid"


# What the chain says of a listing; follows a `FROM listing.listing AS listing`.
CHAIN_JOINS: Final[LiteralString] = """
    LEFT JOIN chain.listing_nonce AS nonce
        ON nonce.chain_id = listing.chain_id AND nonce.exchange = listing.exchange
        AND nonce.signer = listing.seller AND nonce.nonce = listing.nonce
    LEFT JOIN chain.listing_epoch AS epoch
        ON epoch.chain_id = listing.chain_id AND epoch.exchange = listing.exchange
        AND epoch.signer = listing.seller
    LEFT JOIN chain.token AS held
        ON held.chain_id = listing.chain_id AND held.collection = listing.collection
        AND held.token_id = listing.token_id
    LEFT JOIN chain.currency AS payable
        ON payable.chain_id = listing.chain_id AND payable.exchange = listing.exchange
        AND payable.currency = listing.currency
"""

# The same with what follows from it; `%(now_s)s` is the time to judge by.
STATE_JOINS: Final[LiteralString] = f"""
    {CHAIN_JOINS}
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN nonce.state = 'used' AND nonce.digest = listing.digest THEN 'sold'
            WHEN nonce.state = 'cancelled' THEN 'cancelled'
            WHEN nonce.state IS NOT NULL THEN 'nonce_used'
            WHEN coalesce(epoch.epoch, 0) <> listing.epoch THEN 'epoch_moved'
            WHEN listing.end_s < %(now_s)s::bigint THEN 'expired'
            WHEN held.owner IS NULL THEN 'token_unknown'
            WHEN held.owner <> listing.seller THEN 'owner_changed'
            WHEN listing.currency <> '\\x0000000000000000000000000000000000000000'::bytea
                AND payable.allowed IS NOT TRUE THEN 'currency_refused'
            WHEN listing.start_s > %(now_s)s::bigint THEN 'scheduled'
            ELSE 'active'
        END AS finding
    ) AS found
"""

STATE: Final[LiteralString] = """
    CASE WHEN found.finding IN ('active', 'scheduled', 'expired', 'sold', 'cancelled')
        THEN found.finding ELSE 'invalid' END
"""

REASON: Final[LiteralString] = """
    CASE WHEN found.finding IN ('active', 'scheduled', 'expired', 'sold', 'cancelled')
        THEN NULL ELSE found.finding END
"""

_INVALID: Final[LiteralString] = (
    "'nonce_used', 'epoch_moved', 'token_unknown', 'owner_changed', 'currency_refused'"
)

# Conditions by the state that a client may filter for. As a CASE, and not as a comparison, they make Postgres
# expect that every second listing fits: it then walks an index in the page's order and stops, where it would
# otherwise judge all listings first and sort them.
FINDINGS: Final[dict[ListingState, LiteralString]] = {
    ListingState.ACTIVE: "CASE WHEN found.finding = 'active' THEN true ELSE false END",
    ListingState.SCHEDULED: "CASE WHEN found.finding = 'scheduled' THEN true ELSE false END",
    ListingState.EXPIRED: "CASE WHEN found.finding = 'expired' THEN true ELSE false END",
    ListingState.SOLD: "CASE WHEN found.finding = 'sold' THEN true ELSE false END",
    ListingState.CANCELLED: "CASE WHEN found.finding = 'cancelled' THEN true ELSE false END",
    ListingState.INVALID: f"CASE WHEN found.finding IN ({_INVALID}) THEN true ELSE false END",
}
