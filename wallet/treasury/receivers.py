"""To whom the treasury pays, and from which amount on somebody is asked first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import text

from node.chain.deployments import Deployment
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import ZERO_ADDRESS, Address, to_bytes
from node.kernel.money import Amount
from wallet.treasury.accounts import ChainAccounts
from wallet.treasury.outbox import Outbox

_OURS = text("""
    SELECT EXISTS (SELECT FROM chain.contract WHERE chain_id = :chain_id AND address = :address)
        OR EXISTS (SELECT FROM chain.collection WHERE chain_id = :chain_id AND address = :address)
        OR EXISTS (SELECT FROM chain.currency WHERE chain_id = :chain_id AND currency = :address)
        OR EXISTS (SELECT FROM treasury.nonce WHERE chain_id = :chain_id AND address = :address)
        OR EXISTS (SELECT FROM treasury.tracked WHERE chain_id = :chain_id AND address = :address)
""")


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """By asset id. Above `unapproved` an operator decides; with `asks_about_others` on all others, too."""

    unapproved: Mapping[str, int]
    asks_about_others: bool

    def needs_approval(self, amount: Amount) -> bool:
        limit = self.unapproved.get(amount.asset.id)
        return self.asks_about_others if limit is None else amount.value > limit


class Receivers:
    def __init__(self, accounts: ChainAccounts, outbox: Outbox, deployment: Callable[[], Deployment]) -> None:
        self._accounts = accounts
        self._outbox = outbox
        self._deployment = deployment

    def why_not(self, tx: Tx, to: Address) -> str | None:
        """`zero` or `ours` for an address at which money would be lost. Raises TreasuryMissing."""
        if to == ZERO_ADDRESS:
            return "zero"
        parameters = {"chain_id": self._accounts.chain_id, "address": to_bytes(to)}
        is_ours = (
            to == self._outbox.address
            or to in self._deployment().contracts_by_address()
            or tx.execute(_OURS, parameters).scalar_one()
        )
        return "ours" if is_ours else None
