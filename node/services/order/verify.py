"""Whether orders and escrows tell the same story, for `asoud verify`.

Compared is what is final. An order may lag behind while the spine is being read, so a difference counts when
it is still there after the consumers have caught up.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from node.kernel.db.unit_of_work import Tx
from node.services.order.states import ESCROW_STATE, State

DIFFERENCES_MAX = 1_000  # more than a person reads; the count of the rest would not help

_PAIRS = text("""
    SELECT shop_order.id, shop_order.state, shop_order.received, escrow.state AS escrow_state,
        escrow.received AS escrow_received, shop_order.to_seller, escrow.to_seller AS escrow_to_seller,
        shop_order.to_buyer, escrow.to_buyer AS escrow_to_buyer, shop_order.fee, escrow.fee AS escrow_fee
    FROM orders.shop_order
    LEFT JOIN chain.checkpoint ON checkpoint.chain_id = shop_order.chain_id
    LEFT JOIN chain.escrow ON escrow.chain_id = shop_order.chain_id
        AND escrow.escrow_id = shop_order.escrow_id AND escrow.contract = shop_order.escrow_contract
    WHERE shop_order.rail = 'escrow'
        AND (escrow.escrow_id IS NULL OR escrow.changed_block <= checkpoint.finalized_number)
        AND (
            escrow.state IS DISTINCT FROM (CAST(:expected AS json) ->> shop_order.state)
            OR escrow.received IS DISTINCT FROM shop_order.received
            OR coalesce(escrow.to_seller, 0) <> coalesce(shop_order.to_seller, 0)
            OR coalesce(escrow.to_buyer, 0) <> coalesce(shop_order.to_buyer, 0)
            OR coalesce(escrow.fee, 0) <> coalesce(shop_order.fee, 0)
        )
    ORDER BY shop_order.id LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class OrderDifference:
    """`field` of the order is `order`, while the escrow contract's projection says `chain`."""

    order_id: uuid.UUID
    field: str
    order: str
    chain: str


def differences(tx: Tx) -> list[OrderDifference]:
    """At most `DIFFERENCES_MAX` orders; empty when all is well."""
    expected = json.dumps({state.value: escrow for state, escrow in ESCROW_STATE.items()})
    rows = tx.execute(_PAIRS, {"expected": expected, "limit": DIFFERENCES_MAX}).all()
    return [difference for row in rows for difference in _of_row(row)]


def _of_row(row: Row[Any]) -> Iterator[OrderDifference]:
    if ESCROW_STATE[State(row.state)] != row.escrow_state:
        yield OrderDifference(row.id, "state", row.state, row.escrow_state or "no escrow")
    for field in ("received", "to_seller", "to_buyer", "fee"):
        ours, theirs = getattr(row, field) or 0, getattr(row, f"escrow_{field}") or 0
        if ours != theirs:
            yield OrderDifference(row.id, field, str(ours), str(theirs))
