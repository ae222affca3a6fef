"""Views of deposit addresses and deposits for the query path. Parameters: `chain_id` and an owner's id."""

from typing import Final, LiteralString

from node.kernel.db.json_sql import hex_text, time_text
from node.kernel.db.keyset import Keyset

_NATIVE: Final[LiteralString] = "tracked.address = '\\x0000000000000000000000000000000000000000'::bytea"
# As `node.chain.deposits.payment_uri` (EIP-681).
_URI: Final[LiteralString] = f"""CASE WHEN {_NATIVE}
    THEN 'ethereum:' || {hex_text("known.address")} || '@' || known.chain_id
    ELSE 'ethereum:' || {hex_text("tracked.address")} || '@' || known.chain_id || '/transfer?address='
        || {hex_text("known.address")} END"""
_ITEM: Final[LiteralString] = f"""json_build_object(
    'address', {hex_text("known.address")},
    'chain_id', known.chain_id,
    'made_at', {time_text("known.made_at")},
    'payments', (
        SELECT coalesce(json_agg(json_build_object(
            'asset', json_build_object(
                'id', tracked.asset_id, 'code', tracked.code, 'exponent', tracked.exponent
            ),
            'token', {hex_text("tracked.address")},
            'uri', {_URI}
        ) ORDER BY tracked.address), '[]')
        FROM treasury.tracked AS tracked WHERE tracked.chain_id = known.chain_id
    )
)"""  # noqa: S608 - literals
_FROM: Final[LiteralString] = "FROM deposit.address AS known WHERE known.chain_id = %(chain_id)s"

ADDRESSES_OF_ACCOUNT: Final = Keyset(
    name="deposit.addresses",
    item=_ITEM,
    source=f"{_FROM} AND known.account_id = %(account_id)s",
    key=(("known.made_at", "timestamptz"), ("known.address", "bytea")),
)
ADDRESSES_OF_MARKET: Final = Keyset(
    name="deposit.market_addresses",
    item=_ITEM,
    source=f"{_FROM} AND known.market_id = %(market_id)s",
    key=(("known.made_at", "timestamptz"), ("known.address", "bytea")),
)
ADDRESS_OF_ACCOUNT: Final[LiteralString] = f"""
    SELECT {_ITEM} {_FROM} AND known.address = %(address)s AND known.account_id = %(account_id)s
"""

_DEPOSIT: Final[LiteralString] = f"""json_build_object(
    'id', deposit.id,
    'address', {hex_text("deposit.address")},
    'amount', json_build_object('value', deposit.amount::text, 'asset', json_build_object(
        'id', tracked.asset_id, 'code', tracked.code, 'exponent', tracked.exponent
    )),
    'state', deposit.state,
    'frozen', deposit.frozen::text,
    'tx_hash', {hex_text("deposit.tx_hash")},
    'block', deposit.block_number,
    'credited_at', {time_text("deposit.credited_at")}
)"""
DEPOSITS: Final = Keyset(
    name="deposits",
    item=_DEPOSIT,
    source="""FROM deposit.deposit AS deposit
    JOIN treasury.tracked AS tracked
        ON tracked.chain_id = deposit.chain_id AND tracked.address = deposit.asset
    WHERE deposit.owner = %(owner)s""",
    key=(("deposit.credited_at", "timestamptz"), ("deposit.id", "uuid")),
)
