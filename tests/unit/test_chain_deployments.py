import json
from pathlib import Path

import pytest

from node.chain.deployments import (
    CurrentDeployment,
    DeployedContract,
    DeploymentBroken,
    DeploymentRegistry,
    NotDeployed,
    PartialDeployment,
    names_on,
)
from node.kernel.hexes import Address, Hash32

GENESIS = Hash32("0x" + "aa" * 32)


def contract(name: str, number: int) -> DeployedContract:
    return DeployedContract(
        name=name,
        address=Address(f"0x{number:040x}"),
        block=number,
        tx_hash=Hash32(f"0x{number:064x}"),
        code_hash=Hash32(f"0x{number + 100:064x}"),
    )


def suite(chain_id: int) -> PartialDeployment:
    contracts = {name: contract(name, number) for number, name in enumerate(names_on(chain_id), start=3)}
    return PartialDeployment(chain_id, GENESIS, contracts, {"escrow": Hash32("0x" + "bb" * 32)})


@pytest.mark.parametrize("chain_id", [31337, 1])
def test_what_was_saved_is_loaded(tmp_path: Path, chain_id: int) -> None:
    registry = DeploymentRegistry(tmp_path / "deep" / "deployments", committed=tmp_path)
    registry.save(suite(chain_id))
    loaded = registry.load(chain_id)
    assert loaded == suite(chain_id).complete()
    assert (loaded.dev_dollar is None) == (chain_id == 1)
    assert loaded.first_block == 3
    assert loaded.contracts_by_address()[loaded.exchange.address].artifact == "Exchange"
    assert [path.name for path in (tmp_path / "deep" / "deployments").iterdir()] == [f"{chain_id}.json"]


def test_a_half_done_suite_is_not_a_deployment(tmp_path: Path) -> None:
    registry = DeploymentRegistry(tmp_path, committed=tmp_path)
    half = suite(31337)
    del half.contracts["escrow"]
    registry.save(half)
    assert registry.load_partial(31337) == half
    with pytest.raises(NotDeployed) as caught:
        registry.load(31337)
    assert caught.value.fields["missing"] == "escrow"


def test_a_committed_file_serves_a_public_chain_until_there_is_an_own_one(tmp_path: Path) -> None:
    committed = tmp_path / "committed"
    DeploymentRegistry(committed).save(suite(1))
    registry = DeploymentRegistry(tmp_path / "own", committed=committed)
    assert registry.load(1) == suite(1).complete()
    own = suite(1)
    own.contracts["exchange"] = contract("exchange", 77)
    registry.save(own)
    assert registry.load(1).exchange.block == 77
    registry.forget(1)
    assert registry.load(1) == suite(1).complete()


def test_nothing_deployed(tmp_path: Path) -> None:
    registry = DeploymentRegistry(tmp_path, committed=tmp_path)
    assert registry.load_partial(31337) is None
    with pytest.raises(NotDeployed):
        registry.load(31337)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"chain_id": 1}', '{"chain_id": 31337, "genesis_hash": 5, "contracts": {}}']
)
def test_a_damaged_file_is_said_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "31337.json").write_text(text)
    with pytest.raises(DeploymentBroken):
        DeploymentRegistry(tmp_path, committed=tmp_path).load(31337)


def test_a_file_of_another_chain_is_refused(tmp_path: Path) -> None:
    registry = DeploymentRegistry(tmp_path, committed=tmp_path)
    registry.save(suite(1))
    raw = json.loads((tmp_path / "1.json").read_text())
    (tmp_path / "31337.json").write_text(json.dumps(raw))
    with pytest.raises(DeploymentBroken):
        registry.load(31337)


def test_a_replaced_file_is_read_again(tmp_path: Path) -> None:
    registry = DeploymentRegistry(tmp_path / "own", committed=tmp_path)
    current = CurrentDeployment(registry, 31337)
    with pytest.raises(NotDeployed):
        current()
    registry.save(suite(31337))
    first = current()
    assert current() is first
    moved = suite(31337)
    moved.contracts["governor"] = contract("governor", 99)
    registry.save(moved)
    assert current().governor.address == contract("governor", 99).address
