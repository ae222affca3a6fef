"""Views of credits for the query path. Takes `chain_id` and `account`."""

from typing import Final

from node.kernel.db.json_sql import hex_text
from node.kernel.db.keyset import Keyset
from wallet.asset.queries import amount_json, asset_join

_AMOUNT: Final = amount_json("credit.amount", "money", chain_id="credit.chain_id", address="credit.asset")

CREDITS: Final = Keyset(
    name="credits",
    item=f"""json_build_object(
        'contract', {hex_text("credit.contract")},
        'asset', {hex_text("credit.asset")},
        'amount', {_AMOUNT}
    )""",
    source=f"""FROM chain.credit AS credit
        {asset_join("money", chain_id="credit.chain_id", address="credit.asset")}
        WHERE credit.chain_id = %(chain_id)s AND credit.account = %(account)s AND credit.amount > 0""",
    key=(("credit.contract", "bytea"), ("credit.asset", "bytea")),
)
