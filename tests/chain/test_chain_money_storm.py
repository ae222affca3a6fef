"""Chain money in random weather: deposits, sweeps and payouts amid forks of final blocks, drops and restarts.

Every payout has a receiver of its own, so one that was paid twice or not at all shows. A seed replays a run.
"""

import os
import uuid
from pathlib import Path
from random import Random

import pytest

from node.kernel.errors import Refused
from node.kernel.hexes import ZERO_ADDRESS, Address
from node.kernel.money import Asset
from tests.chain.market_payouts import Shop, gather
from tests.chain_money import COIN, ETH, Vault, vault
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.chain, pytest.mark.pg]

SEED = os.environ.get("ASOUD_SIMULATION_SEED", "20261122")
PATIENCE = 12  # rounds after the storm until nothing is on its way


class Storm:
    def __init__(self, node: Vault, random: Random) -> None:
        self.node = node
        self.random = random
        self.people = [node.account() for _ in range(3)]
        self.payouts: dict[uuid.UUID, tuple[Address, Asset, int]] = {}
        self.shops = [Shop(node, asset) for asset in (ETH, node.usd)]
        for shop in self.shops:
            shop.earn(10**6)
        self.paid_out: dict[uuid.UUID, tuple[Address, Asset, int]] = {}
        self.forks = 0

    def deposit(self) -> None:
        person, coin = self.random.choice(self.people), self.random.random() < 0.4
        amount = self.random.randint(1, COIN if coin else 10**6)
        token = ZERO_ADDRESS if coin else None
        self.node.pay(self.node.address(person), amount, token=token, sender=self.random.randrange(3))

    def withdraw(self) -> None:
        person, asset = self.random.choice(self.people), self.random.choice((ETH, self.node.usd))
        available = self.node.has(person, asset).available or 0
        if available == 0:
            return
        amount, to = self.random.randint(1, available), Address("0x" + uuid.uuid4().hex + "00000000")
        try:
            self.payouts[self.node.withdraw(person, asset, amount, to)] = (to, asset, amount)
        except Refused as refusal:
            pytest.fail(refusal.message)

    def pay_out(self) -> None:
        """Of a market, to an address of its own each time."""
        shop = self.random.choice(self.shops)
        available = shop.has().available or 0
        if available == 0:
            return
        shop.to, amount = Address("0x" + uuid.uuid4().hex + "00000000"), self.random.randint(1, available)
        shop.name(shop.to)
        self.paid_out[shop.ask(amount)] = (shop.to, shop.asset, amount)

    def gather(self) -> None:
        gather(self.node)

    def sweep(self) -> None:
        with self.node.services.database.transaction() as tx:
            self.node.services.sweeper.sweep(tx)

    def send(self) -> None:
        self.node.send()

    def turn(self) -> None:
        self.node.turn()

    def restart(self) -> None:
        self.node.restart()

    def starve(self) -> None:
        """What is sent now is dropped before a block has it."""
        chain = self.node.life.chain
        chain.rpc("evm_setAutomine", False)
        self.node.send()
        chain.rpc("anvil_dropAllTransactions")
        chain.rpc("evm_setAutomine", True)

    def fork(self) -> None:
        """The newest blocks, final ones among them, give way to empty ones."""
        if self.forks < 4:
            self.node.life.chain.reorg(self.random.randint(1, 3))
            self.forks += 1

    def weather(self, steps: int) -> None:
        doings = (
            *(self.deposit, self.withdraw, self.turn, self.send, self.sweep, self.restart, self.starve),
            *(self.pay_out, self.gather),
        )
        for step in range(steps):
            weights = (5, 4, 5, 4, 2, 1, 1, 4, 2)
            self.random.choices(doings, weights)[0]()
            if step % 12 == 11:
                self.fork()

    def calm(self) -> None:
        """Nothing new: what is on its way arrives."""
        for _ in range(PATIENCE):
            self.gather()
            self.send()
            self.turn()
            with self.node.services.database.transaction() as tx:
                self.node.services.sweeper.sweep_if_short(tx)

    def check(self) -> None:
        node = self.node
        node.assert_even()
        for one, (to, asset, amount) in self.payouts.items():
            state, arrived = node.state(one), node.lies_at(to, asset)
            assert state in ("done", "sending"), state
            assert arrived == (amount if state == "done" else 0), (one, state)
        for one, (to, asset, amount) in self.paid_out.items():
            [(state,)] = node.rows(f"SELECT state FROM payout.payout WHERE id = '{one}'")  # noqa: S608
            assert node.lies_at(to, asset) == (amount if state == "paid" else 0), (one, state)
        waiting = {row[0] for row in node.rows("SELECT reason FROM treasury.outgoing WHERE state = 'queued'")}
        assert waiting <= {"the treasury is short of it"}  # the chain took its money for good
        assert node.rows("SELECT count(*) FROM treasury.outgoing WHERE state = 'numbered'") == [(0,)]
        for result in node.services.reconciliation.reconcile(node.services.database.transaction):
            assert result.comparison is not None, result.trouble
            assert result.comparison.differences == []


def storm(url: str, folder: Path, database: DatabaseUrls, *, seed: str, steps: int) -> None:
    with vault(url, folder, database, withdrawal_cool_down_hours=0) as node:
        node.life.chain.mine(20)  # no fork reaches the treasury's own coin, without which it sends nothing
        node.turn()
        running = Storm(node, Random(seed))
        for _ in range(6):
            running.deposit()
        node.turn()
        running.weather(steps)
        running.calm()
        running.check()
        assert running.forks > 0
        assert running.payouts
        assert running.paid_out


def test_a_storm(fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path) -> None:
    storm(fresh_anvil, tmp_path, fresh_database, seed=SEED, steps=24)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(20))
def test_many_storms(fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path, number: int) -> None:
    storm(fresh_anvil, tmp_path, fresh_database, seed=f"{SEED}.{number}", steps=60)
