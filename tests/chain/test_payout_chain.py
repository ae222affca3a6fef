"""Payouts of markets to addresses on a real chain: many in one transaction, each to its own end, once."""

import datetime as dt
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from node.chain.artifacts import load_artifact
from node.kernel.clock import FixedClock, SystemClock
from node.kernel.hexes import ZERO_ADDRESS, Address
from node.services.container import Services
from node.services.deposit.service import Owner
from node.services.identity.models import Wallet
from node.services.payout.errors import (
    OwnPayout,
    PayoutAddressNew,
    PayoutAddressRefused,
    PayoutRailUnfit,
    ReserveNeeded,
    WrongPayoutState,
)
from node.services.payout.models import Payout, Rail, Schedule
from node.services.payout.service import Way
from tests.chain.market_payouts import Shop, assert_even, funded, gather, rounds
from tests.chain_life import Chain, copy_chain
from tests.chain_money import ETH, Vault, vault
from tests.indexed import index
from tests.kill_points import killed_at
from tests.stack import DatabaseUrls, Stack
from wallet.owners import owner_of_account, owner_of_market

pytestmark = [pytest.mark.chain, pytest.mark.pg]

REFUSES = "0x5f5ffd"
BURNS = "0x5b5f56"  # all the gas that it gets


@pytest.fixture(scope="module")
def shared(
    anvil: str, module_database: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Vault]:
    clock = FixedClock(SystemClock().now())
    folder = tmp_path_factory.mktemp("vault")
    with vault(anvil, folder, module_database, clock=clock, withdrawal_cool_down_hours=0) as found:
        yield found


@pytest.fixture(scope="module")
def buyer(shared: Vault) -> uuid.UUID:
    """Somebody who has of both what lies at the treasury."""
    account = shared.account()
    address = shared.address(account)
    shared.pay(address, 10**6)
    shared.pay(address, 10**6, token=ZERO_ADDRESS)
    shared.turn()
    shared.sweep()
    return account


def states(node: Vault, *payouts: uuid.UUID) -> list[str]:
    with node.services.database.transaction() as tx:
        rows = [tx.get(Payout, one) for one in payouts]
        return [row.state for row in rows if row is not None]


def batches(node: Vault, *payouts: uuid.UUID) -> int:
    """In how many transactions they went."""
    with node.services.database.transaction() as tx:
        rows = [tx.get(Payout, one) for one in payouts]
        return len({row.outgoing_id for row in rows if row is not None and row.outgoing_id is not None})


def allowance(node: Vault) -> int:
    spender, owner = node.life.at.checkout.address, node.services.outbox.address
    erc20 = load_artifact("IERC20Metadata")
    return int(node.life.chain.read(erc20, node.dollar, "allowance", owner, spender))


def govern(node: Vault, function: str) -> None:
    """As a proposal that passed."""
    timelock, chain = node.life.at.timelock.address, node.life.chain
    chain.rpc("anvil_impersonateAccount", timelock)
    chain.rpc("anvil_setBalance", timelock, hex(10**18))
    chain.receipt(node.life.call(timelock, "Checkout", node.life.at.checkout.address, function))


@pytest.mark.parametrize("code", ["DUSD", "ETH"])
def test_many_in_one_transaction_and_who_refuses_stops_nobody(
    shared: Vault, buyer: uuid.UUID, code: str
) -> None:
    asset = ETH if code == "ETH" else shared.usd
    shops, chain = funded(shared, buyer, asset, 1_000, 2_000, 3_000), shared.life.chain
    refuser = shops[1]
    payouts = [shop.ask(amount) for shop, amount in zip(shops, (400, None, 3_000), strict=True)]
    assert [shop.has().available for shop in shops] == [600, 0, 0]
    assert [shop.has().posted for shop in shops] == [1_000, 2_000, 3_000]
    if asset == ETH:  # changes its mind when the gas was estimated
        gather(shared)
        chain.rpc("evm_setAutomine", False)
        shared.send()
        chain.rpc("anvil_setCode", refuser.to, BURNS)
        chain.mine()
        chain.rpc("evm_setAutomine", True)
    rounds(shared)
    assert batches(shared, *payouts) == 1
    if asset == ETH:
        assert states(shared, *payouts) == ["paid", "failed", "paid"]
        assert ([shop.got() for shop in shops], refuser.has().available) == ([400, 0, 3_000], 2_000)
        reasons = shared.rows(f"SELECT reason FROM payout.payout WHERE id = '{payouts[1]}'")  # noqa: S608
        assert reasons == [("the address did not take it",)]
    else:
        assert states(shared, *payouts) == ["paid"] * 3
        assert [shop.got() for shop in shops] == [400, 2_000, 3_000]
    assert [shop.has().held for shop in shops] == [0, 0, 0]
    assert allowance(shared) == 0
    rounds(shared)
    assert shops[0].got() == 400
    assert_even(shared)


def test_what_must_not_leave_is_refused(shared: Vault, buyer: uuid.UUID) -> None:
    [shop] = funded(shared, buyer, shared.usd, 1_000)
    services, begin = shared.services, shared.services.database.transaction
    other = services.deposits.address(begin, Owner(account_id=uuid.uuid4()))
    ours = (shared.life.at.checkout.address, shared.dollar, services.outbox.address)
    for address, reason in ((ZERO_ADDRESS, "zero"), *((one, "ours") for one in ours), (other, "deposit")):
        with pytest.raises(PayoutAddressRefused) as refused:
            shop.name(address)
        assert refused.value.fields["reason"] == reason
    with pytest.raises(PayoutRailUnfit), begin() as tx:
        services.payouts.change_terms(tx, shop.id, Way(schedule=Schedule.NEVER, rail=Rail.ADDRESS))
    with begin() as tx:
        services.payouts.set_reserve(tx, shop.id, bps=1_000, days=14)
    with pytest.raises(ReserveNeeded):
        shop.ask(901)
    one = shop.ask()
    assert (shop.has().held, states(shared, one)) == (900, ["queued"])
    rounds(shared)
    assert (shop.got(), shop.has().posted) == (900, 100)
    assert_even(shared)


def test_a_new_address_waits_and_a_wallet_of_the_owner_does_not(shared: Vault, buyer: uuid.UUID) -> None:
    [shop] = funded(shared, buyer, shared.usd, 1_000)
    rail, clock = shared.services.payouts.addresses, shared.clock
    assert isinstance(clock, FixedClock)
    was, rail._cool_down = rail._cool_down, dt.timedelta(hours=24)
    try:
        shop.ask(1)
        shop.to = Address("0x" + uuid.uuid4().hex + "00000001")
        for _ in range(2):  # naming it again does not begin anew
            shop.name(shop.to)
            with pytest.raises(PayoutAddressNew):
                shop.ask(10)
            clock.advance(dt.timedelta(hours=12))
        one = shop.ask(10)
        proven = Address("0x" + uuid.uuid4().hex + "00000002")
        with shared.services.database.transaction() as tx:
            tx.add(Wallet(address=proven, account_id=shop.owner, linked_at=clock.now()))
        shop.name(proven)
        two = shop.ask(20)
        shop.name(None)
        shop.name(shop.to)
        with pytest.raises(PayoutAddressNew):
            shop.ask(10)
    finally:
        rail._cool_down = was
    rounds(shared)
    assert states(shared, one, two) == ["paid", "paid"]
    assert (shop.got(), shared.lies_at(proven, shared.usd)) == (10, 20)
    assert_even(shared)


def test_an_operator_decides_above_a_limit_and_on_many_small_ones(shared: Vault, buyer: uuid.UUID) -> None:
    [shop] = funded(shared, buyer, shared.usd, 1_000)
    service = shared.services.payouts
    rules, begin = service.addresses._rules, shared.services.database.transaction
    service.addresses._rules = type(rules)({shared.usd.id: 100}, asks_about_others=True)
    try:
        small, large, third = shop.ask(60), shop.ask(200), shop.ask(41)
        sister = Shop(shared, shared.usd, owner=shop.owner)
        sister.earn(41, buyer)
        assert states(shared, sister.ask()) == ["waiting"]
    finally:
        service.addresses._rules = rules
    assert states(shared, small, large, third) == ["queued", "waiting", "waiting"]
    with begin() as tx:
        assert {row.id for row in service.addresses.waiting(tx, limit=10)} >= {large, third}
    with pytest.raises(OwnPayout), begin() as tx:
        service.addresses.approve(tx, large, by=owner_of_account(shop.owner))
    for one in (large, small):
        with pytest.raises(WrongPayoutState), begin() as tx:
            service.settle(tx, one)
        with pytest.raises(WrongPayoutState), begin() as tx:
            service.fail(tx, one, "no bank has it")
    rounds(shared)
    with begin() as tx:
        service.addresses.approve(tx, large, by="cli:test")
        service.addresses.reject(tx, third, by="cli:test", reason="not like that")
    with pytest.raises(WrongPayoutState), begin() as tx:
        service.addresses.approve(tx, third, by="cli:test")
    rounds(shared)
    assert states(shared, small, large, third) == ["paid", "paid", "failed"]
    assert (shop.got(), shop.has().available, shop.has().held) == (260, 740, 0)
    assert_even(shared)


def test_frozen_and_paused(shared: Vault, buyer: uuid.UUID) -> None:
    """A freeze keeps what is not sent; what has left the chain is booked all the same."""
    first, second = funded(shared, buyer, shared.usd, 1_000, 1_000)
    services, begin = shared.services, shared.services.database.transaction
    on_its_way, kept = first.ask(100), second.ask(100)
    with begin() as tx:
        services.balance.freeze(tx, owner_of_market(second.id))
    rounds(shared, 1)  # the allowance
    gather(shared)
    shared.send()
    with begin() as tx:
        services.balance.freeze(tx, owner_of_market(first.id))
    shared.turn()
    assert states(shared, on_its_way, kept) == ["paid", "queued"]
    [(state,)] = shared.rows(
        f"SELECT state FROM ledger.account WHERE owner = '{owner_of_market(first.id)}'"  # noqa: S608
    )
    assert state == "frozen"
    with begin() as tx:
        services.balance.unfreeze(tx, owner_of_market(second.id))
    govern(shared, "pause")
    shared.turn()
    assert gather(shared) == 0
    govern(shared, "unpause")
    shared.turn()
    rounds(shared)
    assert (states(shared, kept), first.got(), second.got()) == (["paid"], 100, 100)
    assert_even(shared)


def test_a_batch_that_reverts_or_is_refused_gives_everything_back(shared: Vault, buyer: uuid.UUID) -> None:
    shops, chain = funded(shared, buyer, ETH, 500, 700), shared.life.chain
    code = chain.rpc("eth_getCode", shared.life.at.checkout.address, "latest")
    payouts = [shop.ask() for shop in shops]
    gather(shared)
    chain.rpc("evm_setAutomine", False)
    shared.send()
    chain.rpc("anvil_setCode", shared.life.at.checkout.address, REFUSES)
    chain.mine()
    chain.rpc("evm_setAutomine", True)
    shared.turn()
    assert states(shared, *payouts) == ["failed", "failed"]
    again = [shop.ask() for shop in shops]
    rounds(shared, 1)  # never had a nonce
    assert states(shared, *again) == ["failed", "failed"]
    chain.rpc("anvil_setCode", shared.life.at.checkout.address, code)
    assert [shop.has().available for shop in shops] == [500, 700]
    last = [shop.ask() for shop in shops]
    rounds(shared, 1)
    assert (states(shared, *last), [shop.got() for shop in shops]) == (["paid", "paid"], [500, 700])
    assert_even(shared)


def test_a_batch_that_nobody_could_pay_the_gas_of_takes_no_nonce(shared: Vault, buyer: uuid.UUID) -> None:
    [shop], chain, outbox = funded(shared, buyer, ETH, 100), shared.life.chain, shared.services.outbox
    rules, one = outbox._rules, shop.ask()
    gather(shared)
    chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(10**15))
    chain.mine()
    outbox._rules = type(rules)(max_fee=10**18, stuck_after=rules.stuck_after)
    try:
        shared.send()
        with shared.services.database.transaction() as tx:
            (waiting,) = outbox.waiting(tx)
            assert (waiting.state, waiting.reason) == ("queued", "the treasury is short of it")
    finally:
        outbox._rules = rules
        chain.rpc("anvil_setNextBlockBaseFeePerGas", hex(10**9))
        chain.mine()
    rounds(shared)
    assert (states(shared, one), shop.got()) == (["paid"], 100)
    assert_even(shared)


def test_an_allowance_that_does_not_fit(shared: Vault, buyer: uuid.UUID) -> None:
    """What is left of an older one is taken away first; a payout that fits goes meanwhile."""
    small, large = funded(shared, buyer, shared.usd, 30, 1_000)
    with shared.services.database.transaction() as tx:
        shared.services.payouts.addresses._allow(tx, shared.dollar, 40)
    shared.send()
    shared.turn()
    one, two = large.ask(), small.ask()
    rounds(shared, 1)
    assert (states(shared, one, two), allowance(shared)) == (["queued", "paid"], 10)
    rounds(shared, 1)
    assert allowance(shared) == 0
    rounds(shared, 1)
    assert allowance(shared) == 1_000
    rounds(shared, 1)
    assert (states(shared, one), large.got(), allowance(shared)) == (["paid"], 1_000, 0)
    assert_even(shared)


def test_a_schedule_pays_to_addresses_and_a_stuck_batch_is_replaced(shared: Vault, buyer: uuid.UUID) -> None:
    shops, chain, clock = funded(shared, buyer, ETH, 300, 400), shared.life.chain, shared.clock
    assert isinstance(clock, FixedClock)
    for shop in shops:
        shop.name(shop.to, Schedule.DAILY)
    clock.advance(dt.timedelta(days=1))
    with shared.services.database.transaction() as tx:
        assert shared.services.payouts.run_due(tx, limit=10) == 2
    gather(shared)
    chain.rpc("evm_setAutomine", False)
    try:
        shared.send()
        chain.rpc("anvil_dropAllTransactions")
        shared.restart()
        clock.advance(dt.timedelta(minutes=3))
        shared.send()
        assert gather(shared) == 0
    finally:
        chain.mine()
        chain.rpc("evm_setAutomine", True)
    tried = shared.rows("SELECT count(*) FROM treasury.attempt GROUP BY outgoing_id ORDER BY 1 DESC LIMIT 1")
    assert tried == [(2,)]
    rounds(shared)
    for shop in shops:
        shop.name(None)
    assert [shop.got() for shop in shops] == [300, 400]
    assert_even(shared)


def test_payouts_that_say_something_else_than_the_entries(
    shared: Vault, buyer: uuid.UUID, module_database: DatabaseUrls
) -> None:
    [shop] = funded(shared, buyer, shared.usd, 100)
    one = shop.ask(10)
    rounds(shared)
    for change, expected in (
        ("state = 'failed'", "hold voided"),
        ("amount = 11", "hold captured"),
    ):
        with psycopg.connect(module_database.owner) as connection:
            connection.execute(f"UPDATE payout.payout SET {change} WHERE id = '{one}'")  # type: ignore[arg-type] # noqa: S608
        results = shared.services.reconciliation.reconcile(shared.services.database.transaction)
        found = [each for result in results if result.comparison for each in result.comparison.differences]
        assert [(each.key, each.expected) for each in found] == [(f"payout:{one}", expected)]
        with psycopg.connect(module_database.owner) as connection:
            connection.execute("UPDATE payout.payout SET state = 'paid', amount = 10 WHERE id = %s", (one,))
    assert_even(shared)


def test_killed_at_some_points(shared: Vault, buyer: uuid.UUID) -> None:
    assert kills(shared, buyer, every=41) > 2


@pytest.mark.slow
def test_killed_at_every_point(shared: Vault, buyer: uuid.UUID) -> None:
    """`kill -9` before each statement, each commit, and on both sides of each broadcast."""
    assert kills(shared, buyer, every=1) > 45


@pytest.mark.slow
def test_a_run_takes_a_hundred(shared: Vault, buyer: uuid.UUID) -> None:
    """Of one that refuses the others hear nothing, and those that are left go with the next."""
    [shop, refuser] = funded(shared, buyer, ETH, 1_000, 1_000)
    shared.life.chain.rpc("anvil_setCode", refuser.to, REFUSES)
    payouts = [(refuser if number == 50 else shop).ask(7) for number in range(103)]
    rounds(shared)
    assert batches(shared, *payouts) == 2
    assert [number for number, state in enumerate(states(shared, *payouts)) if state != "paid"] == [50]
    assert (shop.got(), refuser.has().available) == (102 * 7, 1_000)
    assert_even(shared)


def kills(node: Vault, buyer: uuid.UUID, *, every: int) -> int:
    """Two markets are paid for each point, killed there while they are sent, and while that is booked."""
    shops = funded(node, buyer, ETH, 1_000, 1_000)

    def send(services: Services) -> None:
        services.payouts.addresses.send(services.database.transaction)
        services.outbox.advance(services.database.transaction)

    def book(services: Services) -> None:
        Vault(node.life, node.settings, services, node.clock).book()

    paid = killed = 0
    is_sending = is_booking = True
    point = 1
    while is_sending or is_booking:
        payouts = [shop.ask(1) for shop in shops]
        paid += 1
        is_sending = is_sending and killed_at(node.settings, point, send)
        gather(node)
        node.send()
        index(node.settings)
        is_booking = is_booking and killed_at(node.settings, point, book)
        killed += is_sending + is_booking
        rounds(node, 1)
        assert states(node, *payouts) == ["paid", "paid"], point
        assert [shop.got() for shop in shops] == [paid, paid], point
        point += every
    assert_even(node)
    return killed


@pytest.mark.parametrize("takes_it_then", [pytest.param(False, marks=pytest.mark.slow), True])
def test_what_vanished_is_sent_again_and_each_part_ends_right(
    stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path, takes_it_then: bool
) -> None:
    """Who refused may take it in the other past, and who took it refuse: nobody is paid or charged twice."""
    with (
        stack.anvil() as url,
        stack.anvil() as other_url,
        vault(url, tmp_path, fresh_database, withdrawal_cool_down_hours=0) as node,
    ):
        shops = funded(node, node.funded(ETH, 6_000), ETH, 1_000, 2_000, 3_000)
        other = Chain(other_url)
        copy_chain(node.life.chain, other)
        payouts = [shop.ask() for shop in shops]
        node.life.chain.rpc("anvil_setCode", shops[1].to, REFUSES)
        rounds(node)
        assert states(node, *payouts) == ["paid", "failed", "paid"]
        other.pass_time(9)
        other.mine(9)
        other.rpc("anvil_setCode", shops[2].to, REFUSES)
        if not takes_it_then:
            other.rpc("anvil_setCode", shops[1].to, REFUSES)
        node.reach(other)
        for shop in shops:
            shop.node = node
        node.turn()
        assert states(node, *payouts) == ["sending", "failed", "sending"]
        assert [shop.got() for shop in shops] == [0, 0, 0]
        assert node.balance("node", "in-transit", ETH).posted == 4_000
        assert_even(node)
        rounds(node)
        got_late = 2_000 if takes_it_then else 0
        assert states(node, *payouts) == ["paid", "paid" if takes_it_then else "failed", "failed"]
        assert [shop.got() for shop in shops] == [1_000, got_late, 0]
        assert [shop.has().available for shop in shops] == [0, 2_000, 3_000]
        assert node.balance("node", "in-transit", ETH).posted == 0
        assert node.balance("node", "chain-loss", ETH).posted == -got_late
        incidents = node.rows("SELECT key FROM incident.incident WHERE kind = 'outgoing.unexpected'")
        assert len(incidents) == (1 if takes_it_then else 0)
        assert_even(node)
