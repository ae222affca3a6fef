"""Views of escrows for the query path. The chain is public, and so are these."""

from typing import Final, LiteralString

_FINALIZED: Final[LiteralString] = """
    coalesce((
        SELECT checkpoint.finalized_number FROM chain.checkpoint
        WHERE checkpoint.chain_id = %(chain_id)s
    ), -1)
"""

ESCROW: Final[LiteralString] = f"""
    SELECT json_build_object(
        'chain_id', escrow.chain_id,
        'contract', '0x' || encode(escrow.contract, 'hex'),
        'escrow_id', '0x' || encode(escrow.escrow_id, 'hex'),
        'order_id', '0x' || encode(escrow.order_id, 'hex'),
        'state', escrow.state,
        'provisional', escrow.changed_block > {_FINALIZED},
        'buyer', '0x' || encode(escrow.buyer, 'hex'),
        'seller', '0x' || encode(escrow.seller, 'hex'),
        'arbiter', '0x' || encode(escrow.arbiter, 'hex'),
        'asset', '0x' || encode(escrow.asset, 'hex'),
        'amount', escrow.amount::text,
        'received', escrow.received::text,
        'held', escrow.held::text,
        'court', '0x' || encode(escrow.court, 'hex'),
        'appeal_window_s', escrow.appeal_window_s,
        'court_time_s', escrow.court_time_s,
        'proposed_to_seller', escrow.proposed_to_seller::text,
        'to_seller', escrow.to_seller::text,
        'to_buyer', escrow.to_buyer::text,
        'fee', escrow.fee::text,
        'silent', escrow.silent,
        'fee_receiver', '0x' || encode(escrow.fee_receiver, 'hex'),
        'fee_bps', escrow.fee_bps,
        'silence_seller_bps', escrow.silence_seller_bps,
        'ship_by', to_char(escrow.ship_by AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'inspection_s', escrow.inspection_s,
        'ruling_s', escrow.ruling_s,
        'deadline', to_char(escrow.deadline AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'timeline', coalesce((
            SELECT json_agg(json_build_object(
                'kind', seen.kind,
                'at', to_char(seen.block_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                'provisional', seen.block_number > {_FINALIZED},
                'actor', '0x' || encode(seen.actor, 'hex'),
                'reference', '0x' || encode(seen.reference, 'hex'),
                'to_seller', seen.to_seller::text,
                'to_buyer', seen.to_buyer::text,
                'fee', seen.fee::text,
                'held', seen.held::text,
                'block', seen.block_number,
                'tx_hash', '0x' || encode(seen.tx_hash, 'hex')
            ) ORDER BY seen.block_number, seen.log_index)
            FROM chain.escrow_event AS seen
            WHERE seen.chain_id = escrow.chain_id AND seen.escrow_id = escrow.escrow_id
        ), '[]'::json)
    )
    FROM chain.escrow
    WHERE escrow.chain_id = %(chain_id)s AND escrow.escrow_id = %(escrow_id)s
"""  # noqa: S608 - literals of the code
