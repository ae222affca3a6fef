"""Views of orders for the query path, for the parties of an order alone.

What is final comes from the order and its events. What the chain says beyond that is marked `provisional`: a
reorg can still undo it.
"""

from typing import Final, LiteralString

from node.kernel.db.keyset import Keyset

_AMOUNT_OF: Final[LiteralString] = """
    json_build_object(
        'id', shop_order.asset_id, 'code', shop_order.asset_code, 'exponent', shop_order.asset_exponent
    )
"""
_SUMMARY: Final[LiteralString] = f"""
    'id', shop_order.id,
    'market_id', shop_order.market_id,
    'product_id', shop_order.product_id,
    'title', shop_order.title,
    'quantity', shop_order.quantity,
    'state', shop_order.state,
    'out_of_stock', shop_order.out_of_stock,
    'rail', shop_order.rail,
    'roles', array_to_json(array_remove(ARRAY[
        CASE WHEN shop_order.buyer_account_id = %(account_id)s::uuid
            OR shop_order.buyer = %(wallet)s::bytea THEN 'buyer' END,
        CASE WHEN shop_order.seller = %(wallet)s::bytea OR EXISTS (
            SELECT FROM market.member
            WHERE member.market_id = shop_order.market_id AND member.account_id = %(account_id)s::uuid
        ) THEN 'seller' END,
        CASE WHEN shop_order.arbiter = %(wallet)s::bytea THEN 'arbiter' END
    ], NULL)),
    'buyer', '0x' || encode(shop_order.buyer, 'hex'),
    'seller', '0x' || encode(shop_order.seller, 'hex'),
    'arbiter', '0x' || encode(shop_order.arbiter, 'hex'),
    'unit_price', json_build_object('value', shop_order.unit_price::text, 'asset', {_AMOUNT_OF}),
    'amount', json_build_object('value', shop_order.amount::text, 'asset', {_AMOUNT_OF}),
    'breakdown', json_build_object(
        'goods', shop_order.goods::text,
        'shipping', shop_order.shipping::text,
        'tax', shop_order.tax::text,
        'total', shop_order.amount::text,
        'shipping_tax', shop_order.shipping_tax::text,
        'tax_name', shop_order.tax_name,
        'tax_bps', shop_order.tax_bps,
        'shipping_tax_bps', shop_order.shipping_tax_bps,
        'tax_included', shop_order.tax_included,
        'country', shop_order.country,
        'shipping_method_id', shop_order.shipping_method_id,
        'shipping_name', shop_order.shipping_name
    ),
    'deadline', to_char(shop_order.deadline AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'placed_at', to_char(shop_order.placed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'changed_at', to_char(shop_order.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
"""
_FINALIZED: Final[LiteralString] = """
    coalesce((
        SELECT checkpoint.finalized_number FROM chain.checkpoint
        WHERE checkpoint.chain_id = shop_order.chain_id
    ), -1)
"""
_TERMS: Final[LiteralString] = """
    json_build_object(
        'orderId', '0x' || lpad(replace(shop_order.id::text, '-', ''), 64, '0'),
        'buyer', '0x' || encode(shop_order.buyer, 'hex'),
        'seller', '0x' || encode(shop_order.seller, 'hex'),
        'arbiter', '0x' || encode(shop_order.arbiter, 'hex'),
        'asset', '0x' || encode(shop_order.asset, 'hex'),
        'amount', shop_order.amount::text,
        'feeReceiver', '0x' || encode(shop_order.fee_receiver, 'hex'),
        'feeBps', shop_order.fee_bps,
        'silenceSellerBps', shop_order.silence_seller_bps,
        'shipBy', extract(epoch FROM shop_order.ship_by)::bigint,
        'inspection', shop_order.inspection_s,
        'ruling', shop_order.ruling_s
    )
"""
_ON_CHAIN: Final[LiteralString] = f"""
    (
        SELECT json_build_object(
            'state', escrow.state,
            'deadline', to_char(escrow.deadline AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'held', escrow.held::text,
            'appeal', CASE WHEN escrow.court IS NOT NULL THEN json_build_object(
                'court', '0x' || encode(escrow.court, 'hex'),
                'window_s', escrow.appeal_window_s,
                'court_time_s', escrow.court_time_s,
                'proposed_to_seller', escrow.proposed_to_seller::text
            ) END,
            'settlements', coalesce((
                SELECT json_agg(json_build_object(
                    'by', '0x' || encode(offer.party, 'hex'),
                    'to_seller', offer.to_seller::text,
                    'to_buyer', (offer.held - offer.to_seller)::text
                ) ORDER BY offer.changed_block, offer.changed_log)
                FROM chain.escrow_settlement AS offer
                WHERE offer.chain_id = escrow.chain_id AND offer.escrow_id = escrow.escrow_id
                    AND offer.held = escrow.held AND offer.held > 0
            ), '[]'::json),
            'block', escrow.changed_block,
            'provisional', escrow.changed_block > {_FINALIZED}
        )
        FROM chain.escrow
        WHERE escrow.chain_id = shop_order.chain_id AND escrow.escrow_id = shop_order.escrow_id
    )
"""  # noqa: S608 - literals of the code
_RELEASES: Final[LiteralString] = """
    coalesce((
        SELECT json_agg(json_build_object(
            'digest', '0x' || encode(signed.digest, 'hex'),
            'state', CASE
                WHEN gone.escrow_id IS NOT NULL THEN 'used'
                WHEN gone.nonce IS NOT NULL THEN 'voided'
                WHEN signed.deadline_s < %(now_s)s THEN 'expired'
                ELSE 'open'
            END,
            'amount', signed.amount::text,
            'nonce', signed.nonce::text,
            'deadline', to_char(
                to_timestamp(signed.deadline_s) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
            ),
            'signature', '0x' || encode(signed.signature, 'hex'),
            'signed_at', to_char(signed.signed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        ) ORDER BY signed.signed_at, signed.digest)
        FROM orders.signed_release AS signed
        LEFT JOIN chain.escrow_signature AS gone ON gone.chain_id = shop_order.chain_id
            AND gone.contract = shop_order.escrow_contract AND gone.signer = shop_order.buyer
            AND gone.nonce = signed.nonce
        WHERE signed.order_id = shop_order.id
    ), '[]'::json)
"""
_STATEMENTS: Final[LiteralString] = """
    coalesce((
        SELECT json_agg(json_build_object(
            'kind', statement.kind,
            'author', statement.author,
            'text', statement.text,
            'salt', '0x' || encode(statement.salt, 'hex'),
            'digest', '0x' || encode(statement.digest, 'hex'),
            'on_chain', EXISTS (
                SELECT FROM chain.escrow_event
                WHERE escrow_event.chain_id = shop_order.chain_id
                    AND escrow_event.escrow_id = shop_order.escrow_id
                    AND escrow_event.reference = statement.digest
            ),
            'said_at', to_char(statement.said_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        ) ORDER BY statement.id)
        FROM orders.statement WHERE statement.order_id = shop_order.id
    ), '[]'::json)
"""
_TIMELINE: Final[LiteralString] = f"""
    (
        SELECT json_agg(entry ORDER BY at, rank, place) FROM (
            SELECT event.occurred_at AS at, 1 AS rank, event.version AS place, json_build_object(
                'source', 'order',
                'kind', event.type_name,
                'at', to_char(event.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                'provisional', false,
                'actor', CASE WHEN event.payload ->> 'by' LIKE '0x%%' THEN event.payload ->> 'by' END,
                'by', CASE WHEN event.payload ->> 'by' NOT LIKE '0x%%' THEN event.payload ->> 'by' END,
                'reference', NULL,
                'to_seller', event.payload ->> 'to_seller',
                'to_buyer', event.payload ->> 'to_buyer',
                'fee', event.payload ->> 'fee',
                'held', event.payload ->> 'left',
                'block', NULL,
                'tx_hash', NULL
            ) AS entry
            FROM kernel.event WHERE event.stream = 'order:' || shop_order.id
            UNION ALL
            SELECT seen.block_time, 0, seen.block_number * 1000000 + seen.log_index, json_build_object(
                'source', 'chain',
                'kind', 'escrow.' || seen.kind,
                'at', to_char(seen.block_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                'provisional', seen.block_number > {_FINALIZED},
                'actor', '0x' || encode(seen.actor, 'hex'),
                'by', NULL,
                'reference', '0x' || encode(seen.reference, 'hex'),
                'to_seller', seen.to_seller::text,
                'to_buyer', seen.to_buyer::text,
                'fee', seen.fee::text,
                'held', seen.held::text,
                'block', seen.block_number,
                'tx_hash', '0x' || encode(seen.tx_hash, 'hex')
            )
            FROM chain.escrow_event AS seen
            WHERE seen.chain_id = shop_order.chain_id AND seen.escrow_id = shop_order.escrow_id
        ) AS entries
    )
"""  # noqa: S608 - literals of the code
_PARTY: Final[LiteralString] = """
    (
        shop_order.buyer_account_id = %(account_id)s::uuid OR shop_order.buyer = %(wallet)s::bytea
        OR shop_order.seller = %(wallet)s::bytea OR shop_order.arbiter = %(wallet)s::bytea
        OR EXISTS (
            SELECT FROM market.member
            WHERE member.market_id = shop_order.market_id AND member.account_id = %(account_id)s::uuid
        )
        OR shop_order.state IN ('disputed', 'proposed', 'appealed') AND EXISTS (
            SELECT FROM identity.role_grant
            WHERE role_grant.account_id = %(account_id)s::uuid AND role_grant.role = 'arbiter'
        )
    )
"""

ORDER: Final[LiteralString] = f"""
    SELECT json_build_object(
        {_SUMMARY},
        'note', shop_order.note,
        'received', shop_order.received::text,
        'to_seller', shop_order.to_seller::text,
        'to_buyer', shop_order.to_buyer::text,
        'fee', shop_order.fee::text,
        'payment_id', shop_order.payment_id,
        'escrow', CASE WHEN shop_order.rail = 'escrow' THEN json_build_object(
            'chain_id', shop_order.chain_id,
            'contract', '0x' || encode(shop_order.escrow_contract, 'hex'),
            'escrow_id', '0x' || encode(shop_order.escrow_id, 'hex'),
            'terms', {_TERMS},
            'appeal', CASE WHEN shop_order.court IS NOT NULL THEN json_build_object(
                'court', '0x' || encode(shop_order.court, 'hex'),
                'window_s', shop_order.appeal_window_s,
                'court_time_s', shop_order.court_time_s
            ) END,
            'on_chain', {_ON_CHAIN}
        ) END,
        'releases', {_RELEASES},
        'statements', {_STATEMENTS},
        'timeline', {_TIMELINE}
    )
    FROM orders.shop_order WHERE shop_order.id = %(order_id)s AND {_PARTY}
"""  # noqa: S608 - literals of the code

_ITEM: Final[LiteralString] = f"json_build_object({_SUMMARY})"
_FILTER: Final[LiteralString] = """
    (%(state)s::text IS NULL OR shop_order.state = %(state)s::text)
    AND (%(market_id)s::uuid IS NULL OR shop_order.market_id = %(market_id)s::uuid)
"""
_KEY: Final[tuple[tuple[LiteralString, LiteralString], ...]] = (("shop_order.id", "uuid"),)

ORDERS_AS_BUYER: Final = Keyset(
    name="orders_as_buyer",
    item=_ITEM,
    source=f"FROM orders.shop_order WHERE shop_order.buyer_account_id = %(account_id)s AND {_FILTER}",
    key=_KEY,
)
ORDERS_AS_SELLER: Final = Keyset(
    name="orders_as_seller",
    item=_ITEM,
    source=f"FROM orders.shop_order WHERE shop_order.seller_account_id = %(account_id)s AND {_FILTER}",
    key=_KEY,
)
ORDERS_AS_ARBITER: Final = Keyset(
    name="orders_as_arbiter",
    item=_ITEM,
    source=f"FROM orders.shop_order WHERE shop_order.arbiter = %(wallet)s AND {_FILTER}",
    key=_KEY,
)
ORDERS_OF_MARKET: Final = Keyset(
    name="orders_of_market",
    item=_ITEM,
    source=f"FROM orders.shop_order WHERE shop_order.market_id = %(market_id)s AND {_FILTER}",
    key=_KEY,
)
ORDERS_IN_DISPUTE: Final = Keyset(
    name="orders_in_dispute",
    item=_ITEM,
    source="FROM orders.shop_order WHERE shop_order.state IN ('disputed', 'proposed', 'appealed')",
    key=_KEY,
)
