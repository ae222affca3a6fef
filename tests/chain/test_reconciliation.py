"""The books against each other: even after everything, and whatever was taken or tampered with is found."""

from collections.abc import Iterator

import psycopg
import pytest
from click.testing import CliRunner
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from node.cli.chain_money import deposit, incident, reconcile
from node.kernel.hexes import ZERO_ADDRESS, Address
from tests.chain.test_withdrawal import rounds, somewhere
from tests.chain_life import Chain, copy_chain
from tests.chain_money import COIN, ETH, Vault, vault
from tests.stack import DatabaseUrls, Stack

pytestmark = [pytest.mark.chain, pytest.mark.pg]


@pytest.fixture(scope="module")
def shared(
    anvil: str, module_database: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Vault]:
    with vault(anvil, tmp_path_factory.mktemp("vault"), module_database) as found:
        yield found


def found(node: Vault) -> dict[str, tuple[str, str]]:
    """What differs: (found, expected) by source and key."""
    results = node.services.reconciliation.reconcile(node.services.database.transaction)
    assert [result.source for result in results] == ["chain", "intents", "payments", "tax"]
    differences = {}
    for result in results:
        assert result.comparison is not None, result.trouble
        for one in result.comparison.differences:
            differences[f"{result.source}:{one.key}"] = (one.found, one.expected)
    return differences


def open_incidents(node: Vault) -> list[str]:
    rows = node.rows("SELECT key FROM incident.incident WHERE resolved_at IS NULL ORDER BY key")
    return [row[0] for row in rows]


def set_coin(node: Vault, address: Address, value: int) -> None:
    """As if somebody had the key. A block makes it known."""
    node.life.chain.rpc("anvil_setBalance", address, hex(value))
    node.life.chain.mine()
    node.turn()


def set_dollars(node: Vault, address: Address, value: int) -> None:
    slot = "0x" + keccak(encode(["address", "uint256"], [address, 0])).hex()
    node.life.chain.rpc("anvil_setStorageAt", node.dollar, slot, f"0x{value:064x}")
    node.life.chain.mine()
    node.turn()
    assert node.lies_at(address, node.usd) == value


def test_even_after_everything(shared: Vault) -> None:
    account, neighbour = shared.funded(shared.usd, 5_000), shared.funded(ETH, 3 * COIN)
    shared.pay(shared.address(account), 700)
    shared.pay(shared.services.outbox.address, 123)  # own funds
    done = shared.withdraw(account, shared.usd, 1_000, somewhere())
    shared.withdraw(neighbour, ETH, COIN, shared.address(account))
    assert found(shared) == {}
    rounds(shared)
    shared.withdraw(neighbour, ETH, COIN // 3, somewhere())
    shared.send()
    assert shared.state(done) == "done"
    assert found(shared) == {}
    rounds(shared)
    assert found(shared) == {}
    assert open_incidents(shared) == []


def test_coin_that_nobody_looked_at_yet_is_no_difference(shared: Vault) -> None:
    address = shared.address(shared.account())
    shared.pay(address, 5 * COIN, token=ZERO_ADDRESS)
    assert found(shared) == {}  # above the book's block
    shared.turn()
    assert found(shared) == {}


def test_what_is_missing_is_found_until_it_is_back(shared: Vault) -> None:
    treasury = shared.services.outbox.address
    account = shared.funded(shared.usd, 9_000)
    has_coin, has_dollars = shared.lies_at(treasury, ETH), shared.lies_at(treasury, shared.usd)
    set_coin(shared, treasury, has_coin - 5)
    set_dollars(shared, treasury, has_dollars - 70)
    waiting = shared.address(account)
    shared.pay(waiting, 400)
    shared.turn()
    set_dollars(shared, waiting, 399)
    keys = [f"reconciliation.chain:{asset.id}" for asset in (shared.usd, ETH)]
    coin, dollars = shared.custody(ETH), shared.custody(shared.usd)
    for _ in range(2):
        assert found(shared) == {
            f"chain:{ETH.id}": (str(coin - 5), str(coin)),
            f"chain:{shared.usd.id}": (str(dollars - 71), str(dollars)),
        }
        assert open_incidents(shared) == keys
    set_coin(shared, treasury, has_coin)
    set_dollars(shared, treasury, has_dollars)
    assert set(found(shared)) == {f"chain:{shared.usd.id}"}
    set_dollars(shared, waiting, 400)
    assert found(shared) == {}
    assert open_incidents(shared) == []
    reasons = shared.rows("SELECT DISTINCT resolved_by, reason FROM incident.incident")
    assert ("node", "the books are even again") in reasons


def test_intents_that_say_something_else_than_the_entries(
    shared: Vault, module_database: DatabaseUrls
) -> None:
    account = shared.funded(shared.usd, 1_000)
    one = shared.withdraw(account, shared.usd, 10, somewhere())
    rounds(shared)
    with psycopg.connect(module_database.owner) as connection:
        change = "UPDATE withdrawal.withdrawal SET state = 'cancelled', outgoing_id = NULL WHERE id = %s"
        connection.execute(change, (one,))
    assert found(shared) == {f"intents:withdrawal:{one}": ("hold captured", "hold voided")}
    with psycopg.connect(module_database.owner) as connection:
        back = """
            UPDATE withdrawal.withdrawal SET state = 'done', outgoing_id = (
                SELECT id FROM treasury.outgoing WHERE subject = 'withdrawal:' || %(id)s
            ) WHERE id = %(id)s
        """
        connection.execute(back, {"id": one})
        connection.execute("UPDATE deposit.deposit SET times = 1 WHERE owner LIKE %s", (f"%{account}",))
    assert [key.split(":")[1] for key in found(shared)] == ["deposit"]
    with psycopg.connect(module_database.owner) as connection:
        connection.execute("UPDATE deposit.deposit SET times = 0 WHERE owner LIKE %s", (f"%{account}",))
    assert found(shared) == {}


def test_an_operator_resolves_with_a_reason_and_words_mend_nothing(
    shared: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, runner = shared.settings, CliRunner()
    monkeypatch.setenv("ASOUD_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("ASOUD_RPC_URL", settings.rpc_url.get_secret_value())
    monkeypatch.setenv("ASOUD_DATA_DIR", str(settings.data_dir))
    even = runner.invoke(reconcile)
    assert (even.exit_code, even.output.splitlines()[-1]) == (0, "0 differences")
    treasury = shared.services.outbox.address
    has = shared.lies_at(treasury, ETH)
    set_coin(shared, treasury, has - 1)
    short = runner.invoke(reconcile)
    assert (short.exit_code, short.output.splitlines()[-1]) == (1, "1 differences")
    listed = runner.invoke(incident, ["list"])
    (row,) = shared.rows("SELECT id::text FROM incident.incident WHERE resolved_at IS NULL")
    assert row[0] in listed.output
    assert runner.invoke(incident, ["resolve", row[0], "--reason", " "]).exit_code == 1
    assert runner.invoke(incident, ["resolve", row[0], "--reason", "lost a wei"]).exit_code == 0
    assert runner.invoke(incident, ["resolve", row[0], "--reason", "again"]).exit_code == 1
    assert row[0] not in runner.invoke(incident, ["list"]).output
    assert "lost a wei" in runner.invoke(incident, ["list", "--all"]).output
    runner.invoke(reconcile)
    assert len(open_incidents(shared)) == 1
    set_coin(shared, treasury, has)
    assert runner.invoke(reconcile).exit_code == 0


@pytest.mark.parametrize("decision", ["--claw-back", pytest.param("--forgive", marks=pytest.mark.slow)])
def test_a_loss_for_good_is_settled_by_an_operator(
    stack: Stack,
    fresh_database: DatabaseUrls,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    decision: str,
) -> None:
    folder = tmp_path_factory.mktemp("vault")
    with stack.anvil() as url, stack.anvil() as other_url, vault(url, folder, fresh_database) as node:
        account = node.account()
        address, other = node.address(account), Chain(other_url)
        copy_chain(node.life.chain, other)
        node.pay(address, 1_000)
        node.turn()
        node.spend(account, node.usd, 300)
        other.pass_time(9)
        other.mine(9)
        node.reach(other)
        node.turn()
        assert found(node) == {}
        (row,) = node.rows("SELECT id::text FROM deposit.deposit")
        monkeypatch.setenv("ASOUD_DATABASE_URL", node.settings.database_url.get_secret_value())
        monkeypatch.setenv("ASOUD_RPC_URL", url)
        monkeypatch.setenv("ASOUD_DATA_DIR", str(node.settings.data_dir))
        arguments = ["settle", row[0], decision, "--reason", "it does not come back"]
        assert CliRunner().invoke(deposit, arguments).exit_code == 0
        assert CliRunner().invoke(deposit, arguments).exit_code == 1
        left = 0 if decision == "--claw-back" else 700
        assert (node.has(account, node.usd).posted, node.has(account, node.usd).held) == (left, 0)
        assert node.balance("node", "chain-loss", node.usd).posted == (-300 if left == 0 else -1_000)
        assert found(node) == {}
        node.assert_even()
