"""Who may do what with the deployed suite, and what a pause stops: entries, never a way out.

Every function that changes something is in one of the lists below; one that is in none fails the test, so
that nothing new goes unjudged.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from node.bootstrap.offices import DEV_ARBITER, DEV_GUARDIAN
from node.chain.abi import Function, Param
from node.chain.artifacts import load_artifact
from node.chain.client import Call
from node.chain.deployments import DeployedContract
from node.chain.errors import ExecutionReverted
from node.chain.plan import load_plan
from node.kernel.hexes import ZERO_ADDRESS
from tests.chain.suite import Suite, deployed, person
from tests.stack import rpc
from wallet.custody.dev import dev_addresses

pytestmark = pytest.mark.chain

ROLES = load_plan(31337).roles
GUARDIAN, ARBITER = dev_addresses()[DEV_GUARDIAN], dev_addresses()[DEV_ARBITER]

GATE = {"pause", "unpause", "setAuthority"}
PAYOUTS = {"withdraw", "withdrawTo"}
# What begins something new, what a role may do, and everything else: going on, ending, taking back.
ENTRIES = {
    "Exchange": {"buy", "take", "sweep", "sweepQuotes"},
    "AuctionHouse": {"create", "bid"},
    "Escrow": {"fund", "fundWith"},
    "Checkout": {"pay", "payOut"},
    "CollectionFactory": {"create"},
    "SplitterFactory": set(),
    "Deposits": set(),
    "Rewards": set(),
}
GOVERNED = {
    "Exchange": {"setFee", "setCurrency", *GATE},
    "AuctionHouse": {"setFee", "setCurrency", *GATE},
    "Escrow": GATE,
    "Checkout": GATE,
    "CollectionFactory": GATE,
    "SplitterFactory": set(),
    "Deposits": set(),
    "Rewards": {"openEpoch", "transferOwnership", "acceptOwnership", "renounceOwnership"},
}
EXITS = {
    "Exchange": {
        *("cancel", "cancelMany", "cancelGroup", "cancelAll", "collectFees"),
        *("attemptListing", "attemptQuote"),  # by the exchange itself, inside a sweep
        *PAYOUTS,
    },
    "AuctionHouse": {"cancel", "settle", "reclaim", "deliver", "collectFees", *PAYOUTS},
    "Escrow": {
        *("ship", "release", "refund", "releasePart", "refundPart", "releaseSigned", "voidSignature"),
        *("offerSettlement", "withdrawSettlement", "acceptSettlement"),
        *("dispute", "addEvidence", "rule", "appeal", "ruleAppeal", "finishRuling"),
        *("refundExpired", "releaseExpired", "ruleExpired"),
        *PAYOUTS,
    },
    "Checkout": PAYOUTS,
    "CollectionFactory": set(),
    "SplitterFactory": {"create"},  # money may wait at the address beforehand
    "Deposits": {"sweep"},
    "Rewards": {"claim", "closeEpoch", *PAYOUTS},
}
GATED = sorted(name for name in ENTRIES if ENTRIES[name])


@pytest.fixture(scope="module")
def suite(anvil: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with deployed(anvil, tmp_path_factory.mktemp("access")) as found:
        yield found


@pytest.fixture
def shut(suite: Suite) -> Iterator[Suite]:
    """All gates are shut by the guardian; the chain goes back afterwards."""
    snapshot = rpc(suite.rpc_url, "evm_snapshot")
    for contract in gates(suite):
        send(suite, DEV_GUARDIAN, contract, "pause")
    yield suite
    rpc(suite.rpc_url, "evm_revert", snapshot)


def gates(suite: Suite) -> list[DeployedContract]:
    return [contract for contract in suite.deployment if contract.artifact in GATED]


def send(suite: Suite, number: int, contract: DeployedContract, function: str, *args: object) -> None:
    steps = suite.builder.transaction(
        contract, function, args, sender=person(number).address, action="act", description="Act"
    )
    suite.send(person(number), steps)


def refusal(suite: Suite, contract: DeployedContract, function: Function) -> str | None:
    """How the contract refuses a stranger's empty call, by the name of the error; None when it does not."""
    data = function.encode([zero(item) for item in function.inputs])
    try:
        suite.client.call(Call(to=contract.address, data=data, sender=person(7).address))
    except ExecutionReverted as error:
        return error.revert.name
    return None


def zero(param: Param) -> Any:
    if param.is_list:
        return []
    if param.components:
        return {item.name: zero(item) for item in param.components}
    if param.type.startswith("bytes"):
        return b"\0" * int(param.type[5:] or "0")
    return {"address": "0x" + "00" * 20, "string": "", "bool": False}.get(param.type, 0)


def has_role(suite: Suite, role: str, account: str) -> tuple[bool, int]:
    found = suite.ask("access_manager", "hasRole", ROLES[role], account)
    assert isinstance(found, list | tuple)
    return bool(found[0]), int(found[1])


def test_every_function_that_changes_something_is_judged() -> None:
    for name, entries in ENTRIES.items():
        functions = {item.name for item in load_artifact(name).selectors.values() if not item.view}
        kinds = [entries, GOVERNED[name], EXITS[name]]
        assert set.union(*map(set, kinds)) == functions, name
        assert sum(map(len, kinds)) == len(functions), name  # none is two things
        assert ("pause" in functions) == bool(entries), name


def test_a_pause_stops_entries_and_nothing_else(shut: Suite) -> None:
    for contract in shut.deployment:
        if contract.artifact not in ENTRIES:
            continue
        for function in load_artifact(contract.artifact).selectors.values():
            if function.view:
                continue
            said = refusal(shut, contract, function)
            is_entry = function.name in ENTRIES[contract.artifact]
            assert (said == "EntriesPaused") == is_entry, (contract.name, function.name, said)


def test_a_paused_entry_is_refused_in_words_before_anything_is_signed(shut: Suite) -> None:
    terms = {"name": "", "symbol": "", "contractURI": "", "royaltyReceiver": ZERO_ADDRESS}
    terms |= {"royaltyBps": 0, "maxSupply": 0}
    with pytest.raises(ExecutionReverted, match="entries are paused"):
        send(shut, 7, shut.deployment.collection_factory, "create", terms, b"\0" * 32)


def test_open_gates_stop_nothing(suite: Suite) -> None:
    for contract in gates(suite):
        for function in load_artifact(contract.artifact).selectors.values():
            if function.name in ENTRIES[contract.artifact]:
                assert refusal(suite, contract, function) != "EntriesPaused"


def test_what_is_governed_is_refused_to_strangers(suite: Suite) -> None:
    for contract in suite.deployment:
        for function in load_artifact(contract.artifact).selectors.values():
            if function.name not in GOVERNED.get(contract.artifact, set()):
                continue
            said = refusal(suite, contract, function)
            assert said in ("AccessManagedUnauthorized", "OwnableUnauthorizedAccount"), function.name


def test_the_deployer_kept_nothing(suite: Suite) -> None:
    deployer, manager = person(0).address, suite.deployment.access_manager.address
    for role in ROLES:
        assert has_role(suite, role, deployer) == (False, 0), role
    for contract in suite.deployment:
        for function in load_artifact(contract.artifact).selectors.values():
            if function.name not in GOVERNED.get(contract.artifact, set()) or contract.name == "rewards":
                continue
            selector = bytes.fromhex(function.selector[2:])
            may = suite.client.read(
                load_artifact("AccessManager"), manager, "canCall", deployer, contract.address, selector
            )
            assert list(may) == [False, 0], (contract.name, function.name)


def test_the_treasury_rules_at_once_and_guardians_reopen_later(suite: Suite) -> None:
    timelock = suite.deployment.timelock.address
    for role in ROLES:
        if role != "ARBITER":
            assert has_role(suite, role, timelock) == (True, 0), role
    assert has_role(suite, "GUARDIAN", GUARDIAN) == (True, 0)
    assert has_role(suite, "RESUMER", GUARDIAN) == (True, 2)
    assert has_role(suite, "ARBITER", ARBITER) == (True, 0)
    for role, guarded_by in (("RESUMER", "GUARDIAN"), ("FEES", "ADMIN"), ("CURRENCIES", "ADMIN")):
        assert suite.ask("access_manager", "getRoleGuardian", ROLES[role]) == ROLES[guarded_by]
    assert suite.ask("access_manager", "getRoleAdmin", ROLES["ARBITER"]) == ROLES["ARBITERS"]


def test_a_guardian_reopens_by_what_it_scheduled(shut: Suite) -> None:
    escrow, manager = shut.deployment.escrow, shut.deployment.access_manager
    data = load_artifact("Escrow").encode("unpause")
    with pytest.raises(ExecutionReverted):
        send(shut, DEV_GUARDIAN, escrow, "unpause")
    send(shut, DEV_GUARDIAN, manager, "schedule", escrow.address, bytes.fromhex(data[2:]), 0)
    shut.pass_time(3)
    rpc(shut.rpc_url, "anvil_mine", "0x1")
    send(shut, DEV_GUARDIAN, escrow, "unpause")
    assert shut.ask("escrow", "paused") is False
