"""The tax that payments and remittances tell of, against the node's account for it."""

from typing import Final, LiteralString

from node.services.charge.tax_report import HELD
from wallet.incident.comparing import Begin, Comparison, Difference
from wallet.ledger.statements import POSTED
from wallet.owners import NODE, TAX

# One statement, so that both are of one moment.
_COMPARED: Final[LiteralString] = f"""
    SELECT * FROM (
        SELECT account.asset, {POSTED} AS booked, coalesce((
            SELECT sum(held) FROM ({HELD}) AS of_market WHERE of_market.asset_id = account.asset
        ), 0) AS told
        FROM ledger.account WHERE account.owner = %(owner)s AND account.purpose = %(purpose)s
    ) AS compared WHERE booked <> told ORDER BY asset
"""  # noqa: S608 - literals of the code


class TaxAgainstLedger:
    @property
    def name(self) -> str:
        return "tax"

    def compare(self, begin: Begin) -> Comparison:
        of_all = {"owner": NODE, "purpose": TAX, "market_id": None}
        with begin() as tx:
            rows = tx.connection().exec_driver_sql(_COMPARED, of_all).all()
        found = [
            Difference(f"tax:{row.asset}", f"{row.booked} booked", f"{row.told} by payments and remittances")
            for row in rows
        ]
        return Comparison(found, ["tax that the node collected"])
