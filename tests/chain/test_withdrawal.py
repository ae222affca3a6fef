"""Withdrawals on a real chain: each is paid once, whatever is killed, lost, stuck or taken back."""

import datetime as dt
import itertools
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from node.bootstrap.build import build_services
from node.kernel.clock import FixedClock, SystemClock
from node.kernel.hexes import ZERO_ADDRESS, Address
from node.kernel.settings import DEV_CHAIN_ID
from node.services.container import Services
from node.services.spending.errors import LimitExceeded
from node.services.spending.service import Rule, SpendingService
from node.services.withdrawal.errors import (
    OwnWithdrawal,
    WithdrawalAddressRefused,
    WithdrawalStateWrong,
)
from tests.chain_life import Chain, copy_chain
from tests.chain_money import ETH, Vault, close, vault
from tests.indexed import index
from tests.kill_points import killed_at
from tests.stack import DatabaseUrls, Stack
from wallet.custody.dev import TREASURY_NUMBER, DevSigner
from wallet.custody.signer import Transaction
from wallet.ledger.errors import InsufficientFunds
from wallet.owners import owner_of_account
from wallet.treasury.errors import OutgoingMayArrive

pytestmark = [pytest.mark.chain, pytest.mark.pg]


@pytest.fixture(scope="module")
def shared(
    anvil: str, module_database: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Vault]:
    clock = FixedClock(SystemClock().now())
    folder = tmp_path_factory.mktemp("vault")
    with vault(anvil, folder, module_database, clock=clock) as found:
        yield found


def somewhere() -> Address:
    return Address("0x" + uuid.uuid4().hex + "00000000")


def rounds(node: Vault, times: int = 2) -> None:
    for _ in range(times):
        node.send()
        node.turn()


@pytest.mark.parametrize("code", ["DUSD", "ETH"])
def test_paid_once_from_the_hold(shared: Vault, code: str) -> None:
    asset = ETH if code == "ETH" else shared.usd
    account, to = shared.funded(asset, 10_000), somewhere()
    one = shared.withdraw(account, asset, 4_000, to)
    assert (shared.has(account, asset).posted, shared.has(account, asset).available) == (10_000, 6_000)
    with pytest.raises(InsufficientFunds):
        shared.withdraw(account, asset, 6_001, to)
    rounds(shared)
    assert (shared.state(one), shared.lies_at(to, asset)) == ("done", 4_000)
    assert (shared.has(account, asset).posted, shared.has(account, asset).available) == (6_000, 6_000)
    rounds(shared)
    assert shared.lies_at(to, asset) == 4_000
    shared.assert_even()


def test_waits_until_the_treasury_has_it(shared: Vault) -> None:
    """What lies at a deposit address is swept first; a later withdrawal of coin is not kept back."""
    account, to = shared.account(), somewhere()
    with_coin = shared.funded(ETH, 5_000)
    amount = shared.lies_at(shared.services.outbox.address, shared.usd) + 1_000
    shared.pay(shared.address(account), amount)
    shared.turn()
    large, small = shared.withdraw(account, shared.usd, amount, to), shared.withdraw(with_coin, ETH, 7, to)
    rounds(shared)
    assert (shared.state(large), shared.state(small)) == ("sending", "done")
    with shared.services.database.transaction() as tx:
        (waiting,) = shared.services.outbox.waiting(tx)
        assert (waiting.state, waiting.reason) == ("queued", "the treasury is short of it")
        assert shared.services.sweeper.sweep_if_short(tx) > 0
    rounds(shared, 3)
    with shared.services.database.transaction() as tx:
        assert shared.services.sweeper.sweep_if_short(tx) == 0
    assert (shared.state(large), shared.lies_at(to, shared.usd)) == ("done", amount)
    shared.assert_even()


def test_what_the_chain_refuses_goes_back(shared: Vault) -> None:
    """One is refused before it has a nonce, one reverts in its block."""
    chain, refuser, later = shared.life.chain, somewhere(), somewhere()
    chain.rpc("anvil_setCode", refuser, "0x5f5ffd")
    account = shared.funded(ETH, 1_000)
    never, reverts = shared.withdraw(account, ETH, 300, refuser), shared.withdraw(account, ETH, 200, later)
    chain.rpc("evm_setAutomine", False)
    shared.send()
    chain.rpc("anvil_setCode", later, "0x5f5ffd")
    chain.mine()
    chain.rpc("evm_setAutomine", True)
    shared.turn()
    assert (shared.state(never), shared.state(reverts)) == ("failed", "failed")
    assert (shared.has(account, ETH).posted, shared.has(account, ETH).available) == (1_000, 1_000)
    again = shared.withdraw(account, ETH, 1_000, somewhere())
    rounds(shared)
    assert shared.state(again) == "done"
    shared.assert_even()


def test_a_lost_broadcast_is_sent_again_and_a_stuck_one_replaced(shared: Vault) -> None:
    chain, to = shared.life.chain, somewhere()
    account = shared.funded(shared.usd, 1_000)
    one, two = (shared.withdraw(account, shared.usd, amount, to) for amount in (10, 20))
    chain.rpc("evm_setAutomine", False)
    try:
        shared.send()
        assert [number for _, number, _ in attempts(shared, one, two)] == [1, 1]
        for tx_hash, *_ in attempts(shared, one, two):
            chain.rpc("anvil_dropTransaction", tx_hash)
        shared.restart()
        shared.send()
        assert int(chain.rpc("txpool_status")["pending"], 16) == 2
        assert isinstance(shared.clock, FixedClock)
        for _ in range(3):
            shared.clock.advance(dt.timedelta(minutes=3))
            shared.send()
        tried = attempts(shared, one, two)
        assert [number for _, number, _ in tried] == [1, 2, 3, 4, 1]  # the first keeps the second
        fees = [fee for _, _, fee in tried[:4]]
        assert all(8 * after >= 9 * before for before, after in itertools.pairwise(fees))
        assert int(chain.rpc("txpool_status")["pending"], 16) == 2
    finally:
        chain.mine()
        chain.rpc("evm_setAutomine", True)
    rounds(shared)
    assert (shared.state(one), shared.state(two), shared.lies_at(to, shared.usd)) == ("done", "done", 30)
    shared.assert_even()


def attempts(node: Vault, *withdrawals: uuid.UUID) -> list[tuple[str, int, int]]:
    """Hash, number and fee, by nonce."""
    mine = ", ".join(f"'withdrawal:{one}'" for one in withdrawals)
    return node.rows(  # type: ignore[return-value]
        "SELECT '0x' || encode(attempt.tx_hash, 'hex'), number, max_fee::bigint FROM treasury.attempt"  # noqa: S608
        f" JOIN treasury.outgoing ON outgoing.id = outgoing_id WHERE subject IN ({mine})"
        " ORDER BY nonce, number"
    )


def test_a_replacement_never_costs_more_than_allowed(shared: Vault) -> None:
    chain, to = shared.life.chain, somewhere()
    account = shared.funded(ETH, 1_000)
    one = shared.withdraw(account, ETH, 10, to)
    rules = shared.services.outbox._rules
    chain.rpc("evm_setAutomine", False)
    try:
        shared.send()
        ((_, _, first),) = attempts(shared, one)
        most = first + first // 8 + 1
        shared.services.outbox._rules = type(rules)(max_fee=most, stuck_after=rules.stuck_after)
        assert isinstance(shared.clock, FixedClock)
        for _ in range(4):
            shared.clock.advance(dt.timedelta(minutes=3))
            shared.send()
        assert [(number, fee) for _, number, fee in attempts(shared, one)] == [(1, first), (2, most)]
    finally:
        shared.services.outbox._rules = rules
        chain.mine()
        chain.rpc("evm_setAutomine", True)
    rounds(shared)
    assert (shared.state(one), shared.lies_at(to, ETH)) == ("done", 10)
    shared.assert_even()


def test_two_processes_and_many_withdrawals(shared: Vault) -> None:
    account, to = shared.funded(shared.usd, 1_000_000), somewhere()
    asked = [shared.withdraw(account, shared.usd, 100 + number, to) for number in range(20)]
    twin = build_services(shared.settings, clock=shared.clock)

    def work(services: Services) -> None:
        for _ in range(3):
            services.outbox.advance(services.database.transaction)

    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, (shared.services, twin)))
    finally:
        close(twin)
    for _ in range(3):
        rounds(shared)
    assert {shared.state(one) for one in asked} == {"done"}
    assert shared.lies_at(to, shared.usd) == sum(100 + number for number in range(20))
    nonces = [row[0] for row in shared.rows("SELECT nonce FROM treasury.outgoing WHERE nonce IS NOT NULL")]
    assert sorted(nonces) == list(range(len(nonces)))
    shared.assert_even()


def send(services: Services) -> None:
    services.outbox.advance(services.database.transaction)


def test_killed_at_some_points(shared: Vault) -> None:
    assert kills(shared, every=21) > 2


@pytest.mark.slow
def test_killed_at_every_point(shared: Vault) -> None:
    """`kill -9` before each statement, each commit, and on both sides of each broadcast."""
    assert kills(shared, every=1) > 45


def kills(node: Vault, *, every: int) -> int:
    """A withdrawal for each point, killed there while it is sent, and again while it is booked."""
    account, to = node.funded(node.usd, 1_000), somewhere()

    def book(services: Services) -> None:
        Vault(node.life, node.settings, services, node.clock).book()

    paid = killed = 0
    is_sending = is_booking = True
    point = 1
    while is_sending or is_booking:
        one = node.withdraw(account, node.usd, 1, to)
        paid += 1
        is_sending = is_sending and killed_at(node.settings, point, send)
        node.send()
        index(node.settings)
        is_booking = is_booking and killed_at(node.settings, point, book)
        killed += is_sending + is_booking
        rounds(node, 1)
        assert (node.state(one), node.lies_at(to, node.usd)) == ("done", paid), point
        point += every
    node.assert_even()
    return killed


def test_what_vanished_is_sent_again_and_nobody_pays_twice(
    stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    with stack.anvil() as url, stack.anvil() as other_url, vault(url, tmp_path, fresh_database) as node:
        account, to = node.funded(node.usd, 1_000), somewhere()
        other = Chain(other_url)
        copy_chain(node.life.chain, other)
        one = node.withdraw(account, node.usd, 400, to)
        rounds(node)
        assert node.state(one) == "done"
        other.pass_time(9)
        other.mine(9)
        node.reach(other)
        node.turn()
        assert (node.state(one), node.lies_at(to, node.usd)) == ("sending", 0)
        assert (node.has(account, node.usd).posted, node.has(account, node.usd).available) == (600, 600)
        assert node.balance("node", "in-transit", node.usd).posted == 400
        node.assert_even()
        rounds(node)
        assert (node.state(one), node.lies_at(to, node.usd)) == ("done", 400)
        assert node.balance("node", "in-transit", node.usd).posted == 0
        assert node.has(account, node.usd).posted == 600
        assert len(attempts(node, one)) == 1
        node.assert_even()


@pytest.mark.parametrize("was_paid", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_nonce_that_somebody_else_used_up(
    stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path, was_paid: bool
) -> None:
    """It is given up when nothing of it can arrive any more, and its money goes back."""
    with stack.anvil() as url, stack.anvil() as other_url, vault(url, tmp_path, fresh_database) as node:
        account, to = node.funded(node.usd, 1_000), somewhere()
        other = Chain(other_url)
        copy_chain(node.life.chain, other)
        one = node.withdraw(account, node.usd, 400, to)
        node.send()
        if was_paid:
            node.turn()
        ((outgoing, nonce),) = node.rows("SELECT id, nonce FROM treasury.outgoing WHERE amount > 0")
        begin = node.services.database.transaction
        with pytest.raises(OutgoingMayArrive):
            node.services.outbox.give_up(begin, outgoing, reason="no")
        other.pass_time(9)
        elsewhere = Transaction(
            chain_id=DEV_CHAIN_ID,
            nonce=nonce,
            to=somewhere(),
            data="0x",
            value=0,
            gas=21_000,
            max_fee_per_gas=10**10,
            max_priority_fee_per_gas=10**9,
        )
        raw = DevSigner(TREASURY_NUMBER, chain_id=DEV_CHAIN_ID).sign_transaction(elsewhere)
        other.receipt(other.rpc("eth_sendRawTransaction", "0x" + raw.hex()))
        other.mine(3)
        node.reach(other)
        begin = node.services.database.transaction
        rounds(node)
        assert (node.state(one), node.lies_at(to, node.usd)) == ("sending", 0)
        node.services.outbox.give_up(begin, outgoing, reason="the key was used elsewhere")
        rounds(node)
        assert (node.state(one), node.lies_at(to, node.usd)) == ("failed", 0)
        assert (node.has(account, node.usd).posted, node.has(account, node.usd).available) == (1_000, 1_000)
        assert node.balance("node", "in-transit", node.usd).posted == 0
        assert node.custody(node.usd) == node.on_chain(node.usd)
        again = node.withdraw(account, node.usd, 400, to)
        rounds(node)
        assert (node.state(again), node.lies_at(to, node.usd)) == ("done", 400)
        results = node.services.reconciliation.reconcile(node.services.database.transaction)
        differing = [
            one.key for result in results if result.comparison for one in result.comparison.differences
        ]
        # The gas that somebody else spent; where final blocks vanished, it went with them.
        assert differing == ([] if was_paid else [ETH.id])


def test_not_to_just_any_address(shared: Vault) -> None:
    account = shared.funded(shared.usd, 1_000)
    ours = [shared.life.at.checkout.address, shared.dollar, shared.services.outbox.address]
    for address, reason in [(ZERO_ADDRESS, "zero"), *((one, "ours") for one in ours)]:
        with pytest.raises(WithdrawalAddressRefused) as refused:
            shared.withdraw(account, shared.usd, 10, address)
        assert refused.value.fields["reason"] == reason
    with pytest.raises(WithdrawalAddressRefused):
        shared.withdraw(account, shared.usd, 10, shared.address(account))
    neighbour = shared.account()
    one = shared.withdraw(account, shared.usd, 10, shared.address(neighbour))
    assert shared.state(one) == "booked"
    assert [shared.has(who, shared.usd).available for who in (account, neighbour)] == [990, 10]
    shared.assert_even()


def test_an_operator_decides_above_a_limit(shared: Vault) -> None:
    """And no more leaves in a day than the bounds of spending allow, what waits included."""
    account, to = shared.funded(shared.usd, 1_000), somewhere()
    rules = shared.services.withdrawals._rules
    asset = shared.usd.id
    shared.services.withdrawals._rules = type(rules)({asset: 50}, asks_about_others=True)
    bounds = SpendingService(shared.clock, {asset: Rule(day=500)}, raise_after=dt.timedelta(hours=1))
    spending, shared.services.withdrawals._spending = shared.services.withdrawals._spending, bounds
    try:
        small = shared.withdraw(account, shared.usd, 50, to)
        large, other = (shared.withdraw(account, shared.usd, 150, to) for _ in range(2))
        assert [shared.state(one) for one in (small, large, other)] == ["sending", "waiting", "waiting"]
        with pytest.raises(LimitExceeded) as refused:
            shared.withdraw(account, shared.usd, 151, to)
        assert (refused.value.fields["limit"], refused.value.fields["spent"]) == ("500", "350")
        service = shared.services.withdrawals
        with pytest.raises(OwnWithdrawal), shared.services.database.transaction() as tx:
            service.approve(tx, large, by=owner_of_account(account))
        with shared.services.database.transaction() as tx:
            service.approve(tx, large, by="cli:test")
            service.reject(tx, other, by="cli:test", reason="not like that")
        with pytest.raises(WithdrawalStateWrong), shared.services.database.transaction() as tx:
            service.approve(tx, other, by="cli:test")
        rounds(shared)
        assert [shared.state(one) for one in (small, large, other)] == ["done", "done", "rejected"]
        assert (shared.lies_at(to, shared.usd), shared.has(account, shared.usd).available) == (200, 800)
        third = shared.withdraw(account, shared.usd, 100, to)
        with shared.services.database.transaction() as tx:
            service.cancel(tx, third, account_id=account)
        assert isinstance(shared.clock, FixedClock)
        shared.clock.advance(dt.timedelta(days=1, seconds=1))
        assert shared.state(shared.withdraw(account, shared.usd, 50, to)) == "sending"
        rounds(shared)
    finally:
        shared.services.withdrawals._rules = rules
        shared.services.withdrawals._spending = spending
    shared.assert_even()
