"""Deposits on a real chain: credited once and when final, made good when the chain loses them, swept."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from node.chain.artifacts import load_artifact
from node.chain.deposits import deposit_address
from node.kernel.hexes import ZERO_ADDRESS, Hash32
from node.kernel.settings import DEV_CHAIN_ID
from node.services.deposit.models import AddressRow
from tests.chain_life import PRICE, Chain, Life, copy_chain
from tests.chain_money import COIN, ETH, Vault, vault
from tests.indexed import index
from tests.stack import DatabaseUrls, Stack
from tests.suite_life import SuiteLife

pytestmark = [pytest.mark.chain, pytest.mark.pg]


@pytest.fixture(scope="module")
def shared(
    anvil: str, module_database: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Vault]:
    with vault(anvil, tmp_path_factory.mktemp("vault"), module_database) as found:
        yield found


def test_the_address_is_that_of_the_contract(shared: Vault) -> None:
    contract, artifact = shared.life.at.deposits.address, load_artifact("Deposits")
    implementation = shared.life.chain.read(artifact, contract, "implementation")
    numbers = random.Random(7)
    for _ in range(5):
        destination = "0x" + numbers.randbytes(20).hex()
        deposit_id = Hash32("0x" + numbers.randbytes(32).hex())
        ours = deposit_address(
            deposits=contract, implementation=implementation, destination=destination, deposit_id=deposit_id
        )
        assert ours == shared.life.chain.read(artifact, contract, "addressOf", destination, deposit_id)


def test_what_came_is_credited_once(shared: Vault) -> None:
    somebody, other = shared.account(), shared.account()
    address = shared.address(somebody)
    assert shared.address(somebody) == address != shared.address(other)
    shared.pay(address, 5_000_000)
    shared.pay(address, 5_000_000)
    shared.pay(address, 3 * COIN, token=ZERO_ADDRESS)
    with shared.life.chain.one_block():
        for _ in range(2):
            shared.life.call(shared.life.others[1], "IERC20Metadata", shared.dollar, "transfer", address, 7)
    for _ in range(2):
        shared.turn()
        shared.restart()
        assert shared.has(somebody, shared.usd).available == 10_000_014
        assert shared.has(somebody, ETH).available == 3 * COIN
        assert shared.has(other, shared.usd).posted == shared.has(other, ETH).posted == 0
        shared.assert_even()
    shared.pay(address, COIN, token=ZERO_ADDRESS)
    shared.turn()
    assert shared.has(somebody, ETH).available == 4 * COIN
    shared.assert_even()


def test_swept_in_batches_and_its_cost_is_booked(shared: Vault) -> None:
    people = [shared.account() for _ in range(3)]
    addresses = [shared.address(person) for person in people]
    for number, address in enumerate(addresses):
        shared.pay(address, 1_000 + number)
        shared.pay(address, COIN + number, token=ZERO_ADDRESS)
    shared.turn()
    before = shared.balance("node", "gas", ETH).posted
    with shared.services.database.transaction() as tx:
        assert shared.services.sweeper.sweep(tx) >= 6
        assert shared.services.sweeper.sweep(tx) == 0  # one run at a time
    shared.send()
    shared.turn()
    shared.send()
    shared.turn()
    rows = shared.rows("SELECT state, succeeded, cost FROM treasury.outgoing")
    assert len(rows) == 2
    assert {(state, succeeded) for state, succeeded, _ in rows} == {("final", True)}
    assert before - shared.balance("node", "gas", ETH).posted == sum(row[2] for row in rows) > 0
    erc20 = load_artifact("IERC20Metadata")
    for person, address in zip(people, addresses, strict=True):
        assert shared.life.chain.read(erc20, shared.dollar, "balanceOf", address) == 0
        assert int(shared.life.chain.rpc("eth_getBalance", address, "latest"), 16) == 0
        assert shared.has(person, shared.usd).available >= 1_000
    shared.assert_even()
    # What comes to a swept address, before anybody looked and swept again by a stranger, counts as well.
    shared.pay(addresses[0], 2 * COIN, token=ZERO_ADDRESS)
    with shared.services.database.transaction() as tx:
        row = tx.get(AddressRow, (DEV_CHAIN_ID, addresses[0]))
        assert row is not None
        deposit_id = row.deposit_id
    treasury = shared.services.outbox.address
    stranger = shared.life.others[2]
    deposits = shared.life.at.deposits.address
    ids, assets = [deposit_id], [ZERO_ADDRESS]
    shared.life.chain.receipt(
        shared.life.call(stranger, "Deposits", deposits, "sweep", treasury, ids, assets)
    )
    shared.turn()
    assert shared.has(people[0], ETH).available == 3 * COIN
    shared.assert_even()


def test_the_spine_hears_of_checkout_and_sweeps(shared: Vault) -> None:
    living = SuiteLife(shared.life)
    living.payments()
    living.deposits()
    index(shared.settings)
    told = shared.rows(
        "SELECT type_name, stream, payload->>'amount' FROM kernel.event"
        " WHERE type_name LIKE 'checkout.%' OR type_name LIKE 'deposit_address.%'"
    )
    assert {(kind, stream.partition(":")[0]) for kind, stream, _ in told} >= {
        ("checkout.invoice_paid", "invoice"),
        ("checkout.paid_out", "payout"),
        ("deposit_address.swept", "deposit-address"),
    }
    assert {(kind, amount) for kind, _, amount in told} >= {("checkout.invoice_paid", str(PRICE))}


def test_only_what_is_final_is_credited(stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path) -> None:
    with stack.anvil() as url, vault(url, tmp_path, fresh_database, confirmations=3) as node:
        node.life.chain.mine(3)
        node.turn()
        somebody = node.account()
        address = node.address(somebody)
        node.pay(address, 1_000)
        node.pay(address, COIN, token=ZERO_ADDRESS)
        node.turn()
        node.life.chain.mine(1)
        node.turn()
        assert node.has(somebody, node.usd).posted == node.has(somebody, ETH).posted == 0
        node.life.chain.mine(2)
        node.turn()
        assert node.has(somebody, node.usd).posted == 1_000
        node.life.chain.mine(1)
        node.turn()
        assert node.has(somebody, ETH).posted == COIN
        node.assert_even()


def test_what_the_chain_lost_is_made_good_and_comes_back(
    stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    """The chain is swapped for a shorter past of itself after the credit, as a node that lost its end."""
    with stack.anvil() as url, stack.anvil() as other_url, vault(url, tmp_path, fresh_database) as node:
        rich, spender = node.account(), node.account()
        addresses = [node.address(rich), node.address(spender)]
        other = Chain(other_url)
        copy_chain(node.life.chain, other)
        sent = [node.pay(address, 1_000_000) for address in addresses]
        node.pay(addresses[0], COIN, token=ZERO_ADDRESS)
        raws = [node.life.chain.rpc("eth_getRawTransactionByHash", one) for one in sent]
        node.turn()
        node.spend(spender, node.usd, 999_000)
        assert node.has(rich, node.usd).available == 1_000_000
        other.pass_time(9)
        other.mine(9)
        node.reach(other)
        node.turn()
        assert [node.has(rich, asset).available for asset in (node.usd, ETH)] == [0, 0]
        assert [node.has(rich, asset).posted for asset in (node.usd, ETH)] == [1_000_000, COIN]
        assert node.has(spender, node.usd).available == 0
        assert node.balance("node", "chain-loss", node.usd).posted == -2_000_000
        assert {row[0] for row in node.rows("SELECT state FROM deposit.deposit")} == {"vanished"}
        incidents = node.rows("SELECT details->>'frozen' FROM incident.incident WHERE resolved_at IS NULL")
        assert sorted(int(row[0]) for row in incidents) == [1_000, 1_000_000, COIN]
        told = node.rows("SELECT count(*) FROM kernel.event WHERE type_name = 'deposit.vanished'")
        assert told == [(3,)]
        node.assert_even()
        for raw in raws:
            other.rpc("eth_sendRawTransaction", raw)
        node.pay(addresses[0], COIN, token=ZERO_ADDRESS)
        for _ in range(2):
            node.turn()
            assert node.has(rich, node.usd).available == 1_000_000
            assert node.has(rich, ETH).available == COIN
            assert node.has(spender, node.usd).available == 1_000
            assert node.balance("node", "chain-loss", node.usd).posted == 0
            assert {row[0] for row in node.rows("SELECT state FROM deposit.deposit")} == {"credited"}
            assert node.rows("SELECT count(*) FROM incident.incident WHERE resolved_at IS NULL") == [(0,)]
            node.assert_even()


def test_a_server_at_other_blocks_is_not_believed(
    stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    """The indexer reads one fork, the server that is asked for transfers is at another."""
    with stack.anvil() as url, stack.anvil() as other_url, vault(url, tmp_path, fresh_database) as node:
        somebody, chain = node.account(), node.life.chain
        address = node.address(somebody)
        other = Chain(other_url)
        copy_chain(chain, other)
        other.pass_time(9)
        index(node.settings)
        node.pay(address, 5)
        index(node.settings)
        node.life.chain = other
        node.pay(address, 1_000_000)
        node.pay(address, COIN, token=ZERO_ADDRESS)
        ours, node.settings = (
            node.settings,
            node.settings.model_copy(update={"rpc_url": SecretStr(other_url)}),
        )
        node.restart()
        assert not node.services.follower.step(node.services.database.transaction)
        assert node.has(somebody, node.usd).posted == node.has(somebody, ETH).posted == 0
        node.settings, node.life.chain = ours, chain
        node.restart()
        node.turn()
        assert (node.has(somebody, node.usd).posted, node.has(somebody, ETH).posted) == (5, 0)
        node.assert_even()


def test_a_chain_that_was_started_anew_takes_everything_with_it(
    stack: Stack, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    with stack.anvil() as url, vault(url, tmp_path, fresh_database) as node:
        somebody = node.funded(node.usd, 1_000)
        node.pay(node.address(somebody), COIN, token=ZERO_ADDRESS)
        node.turn()
        with stack.anvil() as other_url:
            fresh = Life.begin(other_url, tmp_path)
            node.life = fresh
            node.reach(fresh.chain)
            node.turn()
            assert [node.has(somebody, asset).available for asset in (node.usd, ETH)] == [0, 0]
            assert node.balance("node", "chain-loss", node.usd).posted == -1_000
            node.assert_even()
            fresh.call(fresh.others[0], "DevDollar", node.dollar, "mint", fresh.others[0], 10**9)
            node.pay(node.address(somebody), 70)
            node.pay(node.services.outbox.address, COIN, token=ZERO_ADDRESS)
            for _ in range(2):  # the sweep of the old chain is tried again, and finds what there is
                node.send()
                node.turn()
            assert node.has(somebody, node.usd).available == 70
            node.assert_even()
