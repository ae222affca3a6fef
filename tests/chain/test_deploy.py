"""The suite on a real chain: whole, again, resumed, and when the chain was swapped or lost its tail."""

import json
from pathlib import Path

import pytest
from eth_abi.abi import decode
from eth_account import Account

from node.bootstrap.deploy import (
    DEV_DOLLARS_EACH,
    DEV_VOTES_EACH,
    DeployerMissing,
    DeploymentMismatch,
    deploy,
    deployer_of,
)
from node.bootstrap.verification import verification_of
from node.chain.artifacts import load_artifact
from node.chain.client import ChainClient
from node.chain.deployments import Deployment, DeploymentRegistry
from node.chain.errors import RpcUnavailable, WrongChain
from node.kernel.settings import Settings
from tests.chain.server import passing_on, serving
from tests.stack import free_port, rpc
from wallet.custody.dev import dev_addresses

pytestmark = pytest.mark.chain


def settings_for(rpc_url: str, data_dir: Path, **more: object) -> Settings:
    return Settings(rpc_url=rpc_url, data_dir=data_dir, **more)


def public_settings(rpc_url: str, data_dir: Path) -> Settings:
    """Chain 1, deployed with a key of a keystore file."""
    keystore, password = data_dir / "key.json", data_dir / "password"
    keystore.write_text(json.dumps(Account.encrypt("0x" + "7" * 64, "open", iterations=2)))
    password.write_text("open\n")
    return settings_for(
        rpc_url,
        data_dir,
        chain_id=1,
        keystore_path=keystore,
        keystore_password_file=password,
        votes_holders={dev_addresses()[1]: 10**24},
        guardians=dev_addresses()[5],
    )


def nonce_of_deployer(rpc_url: str) -> int:
    with ChainClient(rpc_url, chain_id=31337) as client:
        return client.nonce(dev_addresses()[0])


def run(rpc_url: str, data_dir: Path) -> tuple[Deployment, list[str]]:
    told: list[str] = []
    return deploy(settings_for(rpc_url, data_dir), echo=told.append), told


def test_the_suite_is_deployed_wired_and_funded(anvil: str, tmp_path: Path) -> None:
    deployment, told = run(anvil, tmp_path)
    assert "deploying Exchange" in told
    assert DeploymentRegistry(tmp_path / "deployments").load(31337) == deployment
    assert deployment.dev_dollar is not None
    with ChainClient(anvil, chain_id=31337) as client:
        for contract in deployment:
            assert load_artifact(contract.artifact).matches(client.code(contract.address))

        def ask(contract: str, function: str, *args: object) -> object:
            found = getattr(deployment, contract)
            return client.read(load_artifact(found.artifact), found.address, function, *args)

        timelock, governor = deployment.timelock.address, deployment.governor.address
        for house in ("exchange", "auction_house"):
            assert ask(house, "fee") == (timelock, 250)
            assert ask(house, "currencyAllowed", deployment.dev_dollar.address) is True
        assert ask("rewards", "owner") == timelock
        gates = ("exchange", "auction_house", "escrow", "checkout")
        for name in (*gates, *(f"{kind}_factory" for kind in ("collection", "badge", "batch", "editions"))):
            assert ask(name, "authority") == deployment.access_manager.address
        assert ask("governor", "token") == deployment.votes_token.address
        assert ask("governor", "timelock") == timelock
        for kind in ("collection", "badge", "batch", "editions"):
            code = getattr(deployment, f"{kind}_implementation").address
            assert ask(f"{kind}_factory", "implementation") == code
        for makes_its_own in ("deposits", "splitter_factory"):
            assert client.code(ask(makes_its_own, "implementation"))
        for role in ("PROPOSER_ROLE", "CANCELLER_ROLE"):
            assert ask("timelock", "hasRole", ask("timelock", role), governor) is True
        admin = ask("timelock", "DEFAULT_ADMIN_ROLE")
        assert ask("timelock", "hasRole", admin, dev_addresses()[0]) is False
        for account in dev_addresses():
            assert ask("votes_token", "balanceOf", account) == DEV_VOTES_EACH
            assert ask("dev_dollar", "balanceOf", account) == DEV_DOLLARS_EACH


def test_explorers_are_told_address_source_and_arguments(anvil: str, tmp_path: Path) -> None:
    deployment, _ = run(anvil, tmp_path)
    told = {item["name"]: item for item in verification_of(settings_for(anvil, tmp_path))}
    assert set(told) == {contract.name for contract in deployment}
    factory = told["editions_factory"]
    assert factory["contract"] == "contracts/src/CollectionFactory.sol:CollectionFactory"
    arguments = decode(["address", "address"], bytes.fromhex(factory["constructor_arguments"]))
    assert arguments == (deployment.access_manager.address, deployment.editions_implementation.address)
    assert told["deposits"]["constructor_arguments"] == ""


def test_a_second_run_sends_nothing(fresh_anvil: str, tmp_path: Path) -> None:
    first, _ = run(fresh_anvil, tmp_path)
    sent = nonce_of_deployer(fresh_anvil)
    second, told = run(fresh_anvil, tmp_path)
    assert (second, told) == (first, [])
    assert nonce_of_deployer(fresh_anvil) == sent


def test_a_crash_at_any_step_is_finished_by_the_next_run(fresh_anvil: str, tmp_path: Path) -> None:
    """Interrupts each announced step in turn; every contract is made once."""

    class Crash(Exception):
        pass

    whole, steps = run(fresh_anvil, tmp_path / "whole")
    sent_by_whole = nonce_of_deployer(fresh_anvil)

    for number in range(len(steps)):

        def crash(text: str, at: str = steps[number]) -> None:
            if text == at:
                raise Crash

        with pytest.raises(Crash):
            deploy(settings_for(fresh_anvil, tmp_path / "cut"), echo=crash)
        made = DeploymentRegistry(tmp_path / "cut" / "deployments").load_partial(31337)
        assert (made is None) == (number == 0)
    finished, told = run(fresh_anvil, tmp_path / "cut")
    assert told == steps[-1:]
    assert {contract.name for contract in finished} == {contract.name for contract in whole}
    assert nonce_of_deployer(fresh_anvil) - sent_by_whole == sent_by_whole


def test_a_chain_that_goes_away_behind_a_sent_creation_makes_no_second_one(
    fresh_anvil: str, tmp_path: Path
) -> None:
    healthy, sent = passing_on(fresh_anvil), []

    def going_away(request: dict[str, str]) -> tuple[int, bytes]:
        if sent:
            return 503, b""
        if request["method"] == "eth_sendRawTransaction":
            sent.append(request)
        return healthy(request)

    with serving(going_away) as server, pytest.raises(RpcUnavailable):
        run(server.url, tmp_path)
    finished, told = run(fresh_anvil, tmp_path)
    assert finished.timelock.block == 1
    assert "deploying TimelockController" not in told
    assert told[0] == "deploying VotesToken"


def test_a_creation_that_was_sent_before_the_crash_is_adopted(fresh_anvil: str, tmp_path: Path) -> None:
    first, _ = run(fresh_anvil, tmp_path)
    registry = DeploymentRegistry(tmp_path / "deployments")
    state = registry.load_partial(31337)
    assert state is not None
    state.pending["escrow"] = state.contracts.pop("escrow").tx_hash
    registry.save(state)
    sent = nonce_of_deployer(fresh_anvil)
    again, told = run(fresh_anvil, tmp_path)
    assert (again, told) == (first, [])
    assert nonce_of_deployer(fresh_anvil) == sent


def test_a_creation_that_never_got_out_is_made(fresh_anvil: str, tmp_path: Path) -> None:
    first, _ = run(fresh_anvil, tmp_path)
    registry = DeploymentRegistry(tmp_path / "deployments")
    state = registry.load_partial(31337)
    assert state is not None
    del state.contracts["deposits"]
    state.pending["deposits"] = state.contracts["exchange"].code_hash  # a hash that no transaction has
    registry.save(state)
    again, told = run(fresh_anvil, tmp_path)
    assert told == ["deploying Deposits"]
    assert again.deposits.address != first.deposits.address


def test_a_managed_contract_that_is_new_gets_a_manager_that_knows_it(
    fresh_anvil: str, tmp_path: Path
) -> None:
    """The manager of before was handed over, so the deployer can tell it nothing any more."""
    first, _ = run(fresh_anvil, tmp_path)
    registry = DeploymentRegistry(tmp_path / "deployments")
    state = registry.load_partial(31337)
    assert state is not None
    del state.contracts["checkout"]
    registry.save(state)
    again, _ = run(fresh_anvil, tmp_path)
    assert again.access_manager != first.access_manager
    assert again.timelock == first.timelock
    manager = load_artifact("AccessManager")
    with ChainClient(fresh_anvil, chain_id=31337) as client:
        pause = bytes.fromhex(load_artifact("Checkout").function("pause").selector[2:])
        for contract in (again.checkout, again.escrow):
            role = client.read(
                manager, again.access_manager.address, "getTargetFunctionRole", contract.address, pause
            )
            assert role == 3


def test_another_chain_under_the_same_id_gets_its_own_suite(fresh_anvil: str, tmp_path: Path) -> None:
    old, _ = run(fresh_anvil, tmp_path)
    registry = DeploymentRegistry(tmp_path / "deployments")
    state = registry.load_partial(31337)
    assert state is not None
    state.genesis_hash = state.contracts["exchange"].code_hash
    registry.save(state)
    new, told = run(fresh_anvil, tmp_path)
    assert told[0] == "this is a new chain: deploying anew"
    assert new.genesis_hash == old.genesis_hash
    assert {contract.address for contract in new}.isdisjoint({contract.address for contract in old})


def test_a_chain_that_lost_its_tail_gets_the_rest_again(fresh_anvil: str, tmp_path: Path) -> None:
    snapshot = rpc(fresh_anvil, "evm_snapshot")
    first, _ = run(fresh_anvil, tmp_path)
    rpc(fresh_anvil, "evm_revert", snapshot)
    second, told = run(fresh_anvil, tmp_path)
    assert "deploying TimelockController" in told
    assert second.genesis_hash == first.genesis_hash
    with ChainClient(fresh_anvil, chain_id=31337) as client:
        assert all(client.code(contract.address) for contract in second)


def test_what_depends_on_a_lost_contract_is_made_again(fresh_anvil: str, tmp_path: Path) -> None:
    first, _ = run(fresh_anvil, tmp_path)
    rpc(fresh_anvil, "anvil_setCode", first.votes_token.address, "0x00")
    second, told = run(fresh_anvil, tmp_path)
    made = {text.removeprefix("deploying ") for text in told if text.startswith("deploying ")}
    factories = {f"{kind}Factory" for kind in ("Collection", "Badge", "Batch", "Editions")}
    managed = {"AccessManager", "Exchange", "AuctionHouse", "Escrow", "Checkout", *factories}
    assert made == {"VotesToken", "AsoudGovernor", "TimelockController", "Rewards", *managed}
    assert second.deposits == first.deposits
    with ChainClient(fresh_anvil, chain_id=31337) as client:
        governor = load_artifact("AsoudGovernor")
        assert client.read(governor, second.governor.address, "token") == second.votes_token.address
        assert client.read(governor, second.governor.address, "timelock") == second.timelock.address


def test_a_public_chain_is_never_deployed_over(fresh_anvil: str, tmp_path: Path) -> None:
    rpc(fresh_anvil, "anvil_setChainId", 1)
    settings = public_settings(fresh_anvil, tmp_path)
    rpc(fresh_anvil, "anvil_setBalance", deployer_of(settings).address, hex(10**20))
    first = deploy(settings, echo=print)
    assert first.dev_dollar is None
    assert deploy(settings, echo=print) == first
    rpc(fresh_anvil, "anvil_setCode", first.escrow.address, "0x00")
    with pytest.raises(DeploymentMismatch):
        deploy(settings, echo=print)
    assert DeploymentRegistry(tmp_path / "deployments").load(1) == first


def test_a_public_chain_gets_what_is_new_beside_what_stands(fresh_anvil: str, tmp_path: Path) -> None:
    rpc(fresh_anvil, "anvil_setChainId", 1)
    settings = public_settings(fresh_anvil, tmp_path)
    rpc(fresh_anvil, "anvil_setBalance", deployer_of(settings).address, hex(10**20))
    first = deploy(settings, echo=print)
    registry = DeploymentRegistry(tmp_path / "deployments")
    older = registry.load_partial(1)
    assert older is not None
    for name in ("checkout", "batch_factory"):
        del older.contracts[name]
    registry.save(older)
    told: list[str] = []
    second = deploy(settings, echo=told.append)
    handed_over = "AccessManager: was handed over; the DAO may still want setTargetFunctionRole"
    assert told == ["deploying BatchFactory", "deploying Checkout", handed_over]
    changed = {one.name for one, other in zip(first, second, strict=True) if one != other}
    assert changed == {"checkout", "batch_factory"}


def test_a_server_of_another_chain_is_refused(anvil: str, tmp_path: Path) -> None:
    with pytest.raises(WrongChain):
        deploy(public_settings(anvil, tmp_path), echo=print)


def test_a_public_chain_needs_a_key_and_first_holders(anvil: str, tmp_path: Path) -> None:
    with pytest.raises(DeployerMissing):
        deploy(settings_for(anvil, tmp_path, chain_id=1), echo=print)
    rpc(anvil, "anvil_setChainId", 1)
    with pytest.raises(DeployerMissing):
        deploy(public_settings(anvil, tmp_path).model_copy(update={"votes_holders": {}}), echo=print)
    with pytest.raises(DeployerMissing):
        deploy(public_settings(anvil, tmp_path).model_copy(update={"guardians": ""}), echo=print)
    rpc(anvil, "anvil_setChainId", 31337)


def test_no_chain_at_all_is_a_passing_trouble(tmp_path: Path) -> None:
    with pytest.raises(RpcUnavailable):
        deploy(settings_for(f"http://127.0.0.1:{free_port()}", tmp_path), echo=print)
