"""The accounts that payments move money between, and how money comes back out of them.

A market that has spent what a refund takes from it owes: the floor of its account goes down to exactly what
it owes, no further than the node's limit, and up again with the next money it gets.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from node.kernel.db.unit_of_work import Tx
from node.kernel.money import Asset
from node.services.payment.models import Intent
from node.services.payment.split import Parts
from wallet.ledger.commands import AccountId, Ledger, Posting, Transfer, derived_key
from wallet.ledger.statements import balance
from wallet.owners import NODE, TAX, TOLERANCE, owner_of_account, owner_of_market

UNBOUNDED: Final = -(2**255)  # a floor that no refund reaches


class Wallets(Protocol):
    """Where owners keep what they have on the node."""

    def wallet(self, tx: Tx, owner: str, asset: Asset) -> AccountId: ...


class Books:
    """`debt_max`: how far a market may owe, by currency code; one that is not named has no limit."""

    def __init__(self, ledger: Ledger, wallets: Wallets, *, debt_max: Mapping[str, int]) -> None:
        self.ledger = ledger
        self._wallets = wallets
        self._debt_max = debt_max

    def payer(self, tx: Tx, intent: Intent) -> AccountId:
        return self._wallets.wallet(tx, owner_of_account(intent.payer_account_id), intent.asset)

    def held_for(self, tx: Tx, intent: Intent) -> AccountId:
        """Where money of a gateway waits until it is clear whose it is."""
        return self._account(tx, f"payment:{intent.id}", "escrow", intent.asset, floor=0)

    def passing(self, tx: Tx, asset: Asset) -> AccountId:
        """What leaves a hold for where it came from passes here: a hold cannot pay its own account.

        Without a floor, or everybody who gets money back would wait for everybody else's commit.
        """
        return self._account(tx, NODE, "passing", asset, floor=None)

    def tolerance(self, tx: Tx, asset: Asset) -> AccountId:
        """Pays what deposits that were almost enough fell short of."""
        return self._account(tx, NODE, TOLERANCE, asset, floor=None)

    def cover(self, tx: Tx, intent: Intent, value: int) -> None:
        """The node adds what is missing, once."""
        added = Posting(self.tolerance(tx, intent.asset), self.payer(tx, intent), intent.of(value))
        key = derived_key("payment", intent.id, "cover")
        self.ledger.post(tx, Transfer(key, "payment.cover", (added,)))

    def gateway(self, tx: Tx, name: str, asset: Asset) -> AccountId:
        """What the gateway owes us: it falls with each payment there, and rises with refunds and payouts."""
        return self._account(tx, f"gateway:{name}", "clearing", asset, floor=None)

    def receivers(self, tx: Tx, intent: Intent, parts: Parts) -> list[tuple[AccountId, int]]:
        """Who gets the parts, but for empty ones."""
        asset = intent.asset
        named = (
            (self.market(tx, intent), parts.market),
            (self._account(tx, NODE, "commission", asset, floor=None), parts.commission),
            (self._account(tx, NODE, TAX, asset, floor=None), parts.tax),
            (self.market(tx, intent), parts.shipping),
        )
        return [(account, value) for account, value in named if value]

    def market(self, tx: Tx, intent: Intent) -> AccountId:
        return self._wallets.wallet(tx, owner_of_market(intent.market_id), intent.asset)

    def pay_out(self, tx: Tx, intent: Intent, source: AccountId, *, key: str, parts: Parts) -> None:
        postings = [
            Posting(source, account, intent.of(value)) for account, value in self.receivers(tx, intent, parts)
        ]
        self.ledger.post(tx, Transfer(key, "payment.settle", tuple(postings)))
        self.raise_floor(tx, intent)

    def claw_back(self, tx: Tx, intent: Intent, destination: AccountId, *, key: str, parts: Parts) -> None:
        """To the payer no more than they paid; what the node added goes back to it last.

        Raises:
            InsufficientFunds: The market would owe more than it may.
        """
        market = self.market(tx, intent)
        limit = self._debt_max.get(intent.asset.code)
        self.ledger.set_floor(tx, market, UNBOUNDED if limit is None else -limit)
        left, givers = intent.to_payer(parts.total), self.receivers(tx, intent, parts)
        postings = []
        for account, value in givers:
            own = min(value, left)
            left -= own
            postings += [Posting(account, destination, intent.of(own))] if own else []
            if value > own:
                postings.append(Posting(account, self.tolerance(tx, intent.asset), intent.of(value - own)))
        self.ledger.post(tx, Transfer(key, "payment.refund", tuple(postings)))
        self.raise_floor(tx, intent)

    def move_back(
        self,
        tx: Tx,
        intent: Intent,
        givers: Sequence[tuple[AccountId, int]],
        destination: AccountId,
        *,
        key: str,
    ) -> None:
        postings = [Posting(account, destination, intent.of(value)) for account, value in givers]
        self.ledger.post(tx, Transfer(key, "payment.refund", tuple(postings)))

    def raise_floor(self, tx: Tx, intent: Intent) -> None:
        """To zero, or to what the market owes: nothing beyond that can leave."""
        market = self.market(tx, intent)
        now = balance(tx, market)
        assert now.available is not None  # a wallet has a floor
        free = now.posted - now.held
        if free - now.available < 0:
            self.ledger.set_floor(tx, market, min(0, free))

    def _account(self, tx: Tx, owner: str, purpose: str, asset: Asset, *, floor: int | None) -> AccountId:
        self.ledger.register(tx, asset)
        return self.ledger.account(tx, owner, purpose, asset, floor=floor)
