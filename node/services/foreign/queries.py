"""Views of tokens that are not ours: what an operator asked the indexer to read. All take `chain_id`."""

from typing import Final, LiteralString

from node.kernel.db.json_sql import address_or_null, hex_text, time_text
from node.kernel.db.keyset import Keyset

_CONTRACT: Final[LiteralString] = f"""json_build_object(
    'address', {hex_text("contract.address")},
    'standard', contract.standard,
    'state', contract.state,
    'name', contract.name,
    'symbol', contract.symbol,
    'decimals', contract.decimals,
    'from_block', contract.from_block,
    'from_birth', contract.from_birth
)"""

CONTRACTS: Final = Keyset(
    name="foreign.contracts",
    item=_CONTRACT,
    source="""FROM chain.foreign_contract AS contract
        WHERE contract.chain_id = %(chain_id)s AND contract.state <> 'removing'""",
    key=(("contract.address", "bytea"),),
    descending=False,
)

TRANSFERS: Final = Keyset(
    name="foreign.transfers",
    item=f"""json_build_object(
        'from', {address_or_null("transfer.sender")},
        'to', {address_or_null("transfer.recipient")},
        'token_id', transfer.token_id::text,
        'amount', transfer.amount::text,
        'block', transfer.block_number,
        'log_index', transfer.log_index,
        'item', transfer.item,
        'tx_hash', {hex_text("transfer.tx_hash")},
        'at', {time_text("transfer.block_time")}
    )""",
    source="""FROM chain.foreign_transfer AS transfer
        WHERE transfer.chain_id = %(chain_id)s AND transfer.contract = %(contract)s::bytea""",
    key=(
        ("transfer.block_number", "bigint"),
        ("transfer.log_index", "bigint"),
        ("transfer.item", "bigint"),
    ),
)

# Both halves are read in the order of an index that begins with the wallet.
HOLDINGS: Final = Keyset(
    name="foreign.holdings",
    item=f"""json_build_object(
        'contract', {_CONTRACT},
        'token_id', CASE contract.standard WHEN 'erc20' THEN NULL ELSE held.token_id::text END,
        'amount', held.amount::text
    )""",
    source="""FROM (
            SELECT chain_id, contract, token_id, balance AS amount FROM chain.foreign_balance
            WHERE chain_id = %(chain_id)s AND holder = %(wallet)s::bytea AND balance > 0
            UNION ALL
            SELECT chain_id, contract, token_id, 1 FROM chain.foreign_token
            WHERE chain_id = %(chain_id)s AND owner = %(wallet)s::bytea
        ) AS held
        JOIN chain.foreign_contract AS contract
            ON contract.chain_id = held.chain_id AND contract.address = held.contract
        WHERE contract.state <> 'removing'""",
    key=(("held.contract", "bytea"), ("held.token_id", "numeric")),
    descending=False,
)
