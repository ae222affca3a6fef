"""Markets that are paid to addresses, for tests of chain money."""

import uuid

from node.kernel.hexes import ZERO_ADDRESS, Address
from node.kernel.money import Amount, Asset
from node.services.deposit.service import Owner
from node.services.identity.models import Account
from node.services.market.service import MarketDraft
from node.services.payout.models import Rail, Schedule
from node.services.payout.service import Way
from tests.chain_money import ETH, Vault
from wallet.ledger.commands import Posting, Transfer
from wallet.ledger.statements import Balance
from wallet.owners import WALLET, owner_of_account, owner_of_market

ROUNDS_MAX = 4  # an allowance, taken away and given, and a batch
_ON_ITS_WAY = """
    SELECT EXISTS (SELECT FROM payout.payout WHERE state IN ('queued', 'sending'))
        OR EXISTS (SELECT FROM treasury.outgoing WHERE state IN ('queued', 'numbered'))
"""


class Shop:
    """A market that is paid to an address of its own, and keeps no reserve."""

    def __init__(self, node: Vault, asset: Asset, *, owner: uuid.UUID | None = None) -> None:
        self.node = node
        self.asset = asset
        self.to = Address("0x" + uuid.uuid4().hex + "00000000")
        self.owner = owner or uuid.uuid4()
        services = node.services
        with services.database.transaction() as tx:
            if owner is None:
                tx.add(Account(id=self.owner, opened_at=services.clock.now()))
                tx.flush()
            draft = MarketDraft(name=f"Shop {self.owner}", language="en")
            opened = services.market.open(tx, account_id=self.owner, wallet=self.to, draft=draft)
            self.id = opened.id
            services.payouts.set_reserve(tx, self.id, bps=0, days=None)
        self.name(self.to)

    def earn(self, amount: int, buyer: uuid.UUID | None = None) -> None:
        """From somebody on the node, or by the chain."""
        services = self.node.services
        if buyer is None:
            address = services.deposits.address(services.database.transaction, Owner(market_id=self.id))
            self.node.pay(address, amount, token=ZERO_ADDRESS if self.asset == ETH else None)
            return
        with services.database.transaction() as tx:
            source, own = (
                services.balance.wallet(tx, owner, self.asset)
                for owner in (owner_of_account(buyer), owner_of_market(self.id))
            )
            postings = (Posting(source, own, Amount(self.asset, amount)),)
            services.ledger.post(tx, Transfer(f"sale:{uuid.uuid4()}", "sale", postings))

    def name(self, to: Address | None, schedule: Schedule = Schedule.NEVER) -> None:
        with self.node.services.database.transaction() as tx:
            rail = Rail.WALLET if to is None else Rail.ADDRESS
            self.node.services.payouts.change_terms(
                tx, self.id, Way(schedule=schedule, rail=rail, address=to)
            )

    def ask(self, amount: int | None = None) -> uuid.UUID:
        with self.node.services.database.transaction() as tx:
            return self.node.services.payouts.pay(tx, self.id, self.asset.id, amount, asked_by=self.owner)

    def has(self) -> Balance:
        return self.node.balance(owner_of_market(self.id), WALLET, self.asset)

    def got(self) -> int:
        return self.node.lies_at(self.to, self.asset)


def funded(node: Vault, buyer: uuid.UUID, asset: Asset, *amounts: int) -> list[Shop]:
    shops = [Shop(node, asset) for _ in amounts]
    for shop, amount in zip(shops, amounts, strict=True):
        shop.earn(amount, buyer)
    return shops


def gather(node: Vault) -> int:
    return node.services.payouts.addresses.send(node.services.database.transaction)


def rounds(node: Vault, times: int = ROUNDS_MAX) -> None:
    """Until nothing is on its way; the first transaction may be an allowance."""
    for _ in range(times):
        gather(node)
        node.send()
        node.turn()
        if node.rows(_ON_ITS_WAY) == [(False,)]:
            return


def assert_even(node: Vault) -> None:
    node.assert_even()
    for result in node.services.reconciliation.reconcile(node.services.database.transaction):
        assert result.comparison is not None, result.trouble
        assert result.comparison.differences == []
