"""The money that an account has on the node: an account of the ledger for each currency.

It is opened by the first money that comes. Who owns it is written as `account:<id>` or `market:<id>`.
"""

from collections.abc import Sequence

from sqlalchemy import text

from node.kernel.db.unit_of_work import Tx
from node.kernel.ids import new_id
from node.kernel.money import Amount, Asset
from node.services.balance.errors import FaucetClosed
from wallet.ledger.commands import AccountId, Ledger, Posting, Transfer, derived_key
from wallet.owners import FAUCET, NODE, WALLET

_OF_OWNER = text("SELECT id FROM ledger.account WHERE owner = :owner AND purpose = :purpose ORDER BY id")


class BalanceService:
    """`money_is_play`: the chain is a development chain, so money out of nothing harms nobody."""

    def __init__(self, ledger: Ledger, *, money_is_play: bool) -> None:
        self._ledger = ledger
        self._money_is_play = money_is_play

    def wallet(self, tx: Tx, owner: str, asset: Asset) -> AccountId:
        """The owner's account in that currency, opened when there is none."""
        self._ledger.register(tx, asset)
        return self._ledger.account(tx, owner, WALLET, asset)

    def top_up(self, tx: Tx, owner: str, amount: Amount) -> None:
        """Play money, by an operator's hand.

        Raises:
            FaucetClosed: The node's chain is a real one.
        """
        if not self._money_is_play:
            raise FaucetClosed("play money flows on a development chain only")
        wallet = self.wallet(tx, owner, amount.asset)
        faucet = self._ledger.account(tx, NODE, FAUCET, amount.asset, floor=None)
        key = derived_key("faucet", new_id(), "top_up")
        self._ledger.post(tx, Transfer(key, "top_up", (Posting(faucet, wallet, amount),)))

    def freeze(self, tx: Tx, owner: str) -> int:
        """Stops what leaves the owner's accounts, in every currency there is; returns how many."""
        accounts = self._accounts(tx, owner)
        for account in accounts:
            self._ledger.freeze(tx, account)
        return len(accounts)

    def unfreeze(self, tx: Tx, owner: str) -> int:
        accounts = self._accounts(tx, owner)
        for account in accounts:
            self._ledger.unfreeze(tx, account)
        return len(accounts)

    def _accounts(self, tx: Tx, owner: str) -> Sequence[AccountId]:
        """In the order in which the ledger locks them."""
        found = tx.execute(_OF_OWNER, {"owner": owner, "purpose": WALLET}).scalars()
        return [AccountId(number) for number in found]
