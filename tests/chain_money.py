"""A node that takes deposits on a real chain, one turn at a time: for tests of chain money."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from pydantic import SecretStr

from node.bootstrap.build import build_services
from node.bootstrap.handlers import subscriptions
from node.bootstrap.reactions import reactions
from node.chain.artifacts import load_artifact
from node.kernel.clock import Clock, SystemClock
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32
from node.kernel.money import Amount, Asset, erc20_asset, native_asset
from node.kernel.settings import DEV_CHAIN_ID, Settings
from node.kernel.spine.consumer import Consumer
from node.kernel.spine.sequencer import Sequencer
from node.services.container import Services
from node.services.deposit.service import Owner
from node.services.withdrawal.models import WithdrawalRow
from node.services.withdrawal.service import Request
from tests.chain_life import Chain, Life
from tests.indexed import index
from tests.stack import DatabaseUrls
from wallet.ledger.commands import Posting, Transfer
from wallet.ledger.statements import Balance, balance
from wallet.ledger.verify import examine
from wallet.owners import WALLET, owner_of_account

ETH = native_asset(DEV_CHAIN_ID)
COIN = 10**18
FUNDS = 50 * COIN  # what the treasury has of its own for gas


@dataclass
class Vault:
    """`services` stand where a process would: `restart` makes them anew."""

    life: Life
    settings: Settings
    services: Services
    clock: Clock

    @property
    def dollar(self) -> Address:
        assert self.life.at.dev_dollar is not None
        return self.life.at.dev_dollar.address

    @property
    def usd(self) -> Asset:
        return erc20_asset(DEV_CHAIN_ID, self.dollar, code="DUSD", exponent=6)

    def restart(self) -> None:
        close(self.services)
        self.services = build_services(self.settings, clock=self.clock)

    def turn(self) -> None:
        """What is on the chain by now is indexed and booked."""
        index(self.settings)
        self.services.assets.learn_all(self.services.database.transaction)
        self.book()

    def book(self) -> None:
        """What is indexed by now is booked, and withdrawals and payouts hear of it."""
        services = self.services
        services.follower.follow(services.database.transaction)
        Sequencer(services.database).number_once()
        for subscription in subscriptions(reactions(services), lambda _task, _arguments: None):
            if subscription.name in ("withdrawal.outgoing", "payout.outgoing"):
                while Consumer(services.database, subscription, services.clock).run_once().handled:
                    pass

    def send(self) -> None:
        """The outbox goes one round; what it sends is mined at once."""
        self.services.outbox.advance(self.services.database.transaction)

    def sweep(self) -> None:
        """What lies at deposit addresses comes to the treasury."""
        with self.services.database.transaction() as tx:
            self.services.sweeper.sweep(tx)
        self.send()
        self.turn()

    def account(self) -> uuid.UUID:
        """Somebody new."""
        return uuid.uuid4()

    def address(self, account: uuid.UUID) -> Address:
        return self.services.deposits.address(self.services.database.transaction, Owner(account_id=account))

    def pay(self, to: Address, amount: int, *, token: Address | None = None, sender: int = 0) -> Hash32:
        """From somebody outside: dollars, or coin where `token` is the zero address."""
        payer = self.life.others[sender]
        if token == ZERO_ADDRESS:
            sent = self.life.chain.send(payer, to, "0x", value=amount)
        else:
            sent = self.life.call(payer, "IERC20Metadata", token or self.dollar, "transfer", to, amount)
        self.life.chain.receipt(sent)
        return sent

    def reach(self, chain: Chain) -> None:
        """From now on the node's server serves that chain."""
        self.life.chain = chain
        self.settings = self.settings.model_copy(update={"rpc_url": SecretStr(chain.url)})
        self.restart()

    def withdraw(self, account: uuid.UUID, asset: Asset, amount: int, to: Address) -> uuid.UUID:
        with self.services.database.transaction() as tx:
            return self.services.withdrawals.request(tx, Request(account, asset.id, amount, to)).id

    def state(self, withdrawal_id: uuid.UUID) -> str:
        with self.services.database.transaction() as tx:
            row = tx.get(WithdrawalRow, withdrawal_id)
            assert row is not None
            return row.state

    def funded(self, asset: Asset, amount: int) -> uuid.UUID:
        """Somebody with that on the node, and at the treasury."""
        account = self.account()
        token = ZERO_ADDRESS if asset == ETH else None
        self.pay(self.address(account), amount, token=token)
        self.turn()
        self.sweep()
        return account

    def lies_at(self, address: Address, asset: Asset) -> int:
        if asset == ETH:
            return int(self.life.chain.rpc("eth_getBalance", address, "latest"), 16)
        return int(self.life.chain.read(load_artifact("IERC20Metadata"), self.dollar, "balanceOf", address))

    def spend(self, account: uuid.UUID, asset: Asset, value: int) -> None:
        """Somebody gives it to somebody else on the node."""
        ledger = self.services.ledger
        with self.services.database.transaction() as tx:
            own, other = (
                ledger.account(tx, owner_of_account(one), WALLET, asset) for one in (account, uuid.uuid4())
            )
            postings = (Posting(own, other, Amount(asset, value)),)
            ledger.post(tx, Transfer(f"gift:{uuid.uuid4()}", "gift", postings))

    def has(self, account: uuid.UUID, asset: Asset) -> Balance:
        return self.balance(owner_of_account(account), WALLET, asset)

    def balance(self, owner: str, purpose: str, asset: Asset) -> Balance:
        floor = 0 if purpose == WALLET else None
        with self.services.database.transaction() as tx:
            self.services.ledger.register(tx, asset)
            account = self.services.ledger.account(tx, owner, purpose, asset, floor=floor)
            return balance(tx, account)

    def custody(self, asset: Asset) -> int:
        """What the ledger says that the node holds on the chain."""
        return -self.balance(f"chain:{DEV_CHAIN_ID}", "outside", asset).posted

    def on_chain(self, asset: Asset) -> int:
        """What lies at the treasury and all deposit addresses."""
        with psycopg.connect(self.settings.database_url.get_secret_value()) as connection:
            rows = connection.execute("SELECT address FROM deposit.address").fetchall()
        places = [Address("0x" + bytes(row[0]).hex()) for row in rows] + [self.services.outbox.address]
        if asset == ETH:
            return sum(int(self.life.chain.rpc("eth_getBalance", place, "latest"), 16) for place in places)
        erc20 = load_artifact("IERC20Metadata")
        return sum(self.life.chain.read(erc20, self.dollar, "balanceOf", place) for place in places)

    def assert_even(self) -> None:
        """Ledger equals chain to the unit, and keeps all its promises."""
        for asset in (ETH, self.usd):
            assert self.custody(asset) == self.on_chain(asset), asset.code
        with self.services.database.transaction() as tx:
            assert examine(tx).differences == ()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.settings.database_url.get_secret_value()) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]


def close(services: Services) -> None:
    services.chain.close()
    services.database.dispose()


@contextmanager
def vault(
    url: str, folder: Path, database: DatabaseUrls, *, clock: Clock | None = None, **more: object
) -> Iterator[Vault]:
    """With contracts, an indexer, and coin in the treasury."""
    life = Life.begin(url, folder)
    settings = Settings(
        rpc_url=url,
        data_dir=folder,
        database_url=database.app,
        poll_interval_s=0.02,
        **more,  # type: ignore[arg-type]
    )
    clock = clock or SystemClock()
    found = Vault(life, settings, build_services(settings, clock=clock), clock)
    try:
        for person in life.others:
            life.call(person, "DevDollar", found.dollar, "mint", person, 10**12)
        found.pay(found.services.outbox.address, FUNDS, token=ZERO_ADDRESS)
        found.turn()
        yield found
    finally:
        close(found.services)
