"""Calls as people write them, and actions in words: no chain is asked."""

import pytest

from node.chain.artifacts import load_artifact
from node.chain.deployments import DeployedContract, Deployment, names_on
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32
from node.services.governance.actions import Action, ActionBook, coins, percent
from node.services.governance.calls import Argument, encode_call
from node.services.governance.errors import ActionInvalid
from node.services.governance.service import guarded

SOMEBODY = Address("0x" + "ab" * 20)


def deployment() -> Deployment:
    found = {
        name: DeployedContract(name, Address(f"0x{n:040x}"), n, Hash32(f"0x{n:064x}"), Hash32(f"0x{n:064x}"))
        for n, name in enumerate(names_on(31337), start=1)
    }
    return Deployment(chain_id=31337, genesis_hash=Hash32("0x" + "00" * 32), **found)


BOOK = ActionBook(deployment())


def test_a_written_call_is_that_of_the_abi() -> None:
    written = encode_call("setFee(address,uint16)", [SOMEBODY, "300"])
    assert "0x" + written.hex() == load_artifact("Exchange").encode("setFee", SOMEBODY, 300)


@pytest.mark.parametrize(
    ("signature", "arguments"),
    [
        ("f(uint8)", ["256"]),
        ("f(uint8)", ["-1"]),
        ("f(uint8)", ["0x1"]),
        ("f(uint8)", [True]),
        ("f(bool)", ["true"]),
        ("f(uint)", ["1"]),
        ("f(unheard)", ["1"]),
        ("f((uint256))", ["1"]),
        ("f(uint256,)", ["1", ""]),
        ("f(uint256 a)", ["1"]),
        ("f", []),
        ("f(uint256)", []),
        ("f(address)", ["0x12"]),
        ("f(bytes4)", ["0x1234"]),
        ("f(bytes)", ["1234"]),
        ("f(uint256[2])", [["1"]]),
        ("f(uint256[])", ["1"]),
        ("f(string)", ["\ud800"]),
        ("f(function)", ["0x" + "00" * 24]),
    ],
)
def test_what_does_not_fit_is_refused(signature: str, arguments: list[Argument]) -> None:
    with pytest.raises(ActionInvalid):
        encode_call(signature, arguments)


def test_arrays_nest() -> None:
    one = encode_call("f(uint256[][2])", [[["1"], ["2", "3"]]])
    assert len(one) == 4 + 32 * 8


def test_a_fee_reads_as_one() -> None:
    action = BOOK.set_exchange_fee(bps=205, receiver=None)
    described = BOOK.describe(BOOK.checked(action))
    timelock = deployment().timelock.address
    assert described.words == f"set the exchange's fee to 2.05 %, paid to the treasury ({timelock})"
    assert described.arguments == {"receiver": timelock, "bps": "205"}


def test_money_reads_as_money() -> None:
    action = BOOK.transfer(asset=ZERO_ADDRESS, to=SOMEBODY, amount=15 * 10**17)
    assert BOOK.describe(action).words == f"send 1.5 of the native coin from the treasury to {SOMEBODY}"
    token = Address("0x" + "cd" * 20)
    action = BOOK.transfer(asset=token, to=SOMEBODY, amount=7)
    words = f"transfer 7 of the token {token} (in its smallest unit) from the treasury to {SOMEBODY}"
    assert BOOK.describe(action).words == words


def test_a_token_of_ours_reads_as_any_other() -> None:
    dollar = deployment().dev_dollar
    assert dollar is not None
    action = BOOK.transfer(asset=dollar.address, to=SOMEBODY, amount=7)
    assert BOOK.describe(action).words.startswith("transfer 7 of the token the dev dollar (0x")


def test_what_nobody_knows_is_said_so() -> None:
    described = BOOK.describe(Action(SOMEBODY, 0, bytes.fromhex("deadbeef")))
    assert (described.contract, described.function, described.arguments) == (None, None, None)
    assert "0xdeadbeef" in described.words
    damaged = Action(deployment().exchange.address, 0, bytes.fromhex(load_artifact("Exchange").encode(
        "setFee", SOMEBODY, 1)[2:20]))  # fmt: skip
    assert "cannot read" in BOOK.describe(damaged).words


def test_money_for_a_function_that_takes_none_is_refused() -> None:
    action = BOOK.set_exchange_fee(bps=1, receiver=None)
    with pytest.raises(ActionInvalid):
        BOOK.checked(Action(action.to, 1, action.data))


def test_amounts_in_words_are_exact() -> None:
    assert coins(1) == "0.000000000000000001 of the native coin"
    assert coins(10**18) == "1 of the native coin"
    assert [percent(bps) for bps in (0, 5, 50, 100, 255, 10_000)] == [
        "0 %", "0.05 %", "0.5 %", "1 %", "2.55 %", "100 %"
    ]  # fmt: skip


def test_a_description_is_bound_to_its_proposer() -> None:
    assert guarded("Title", "Text", SOMEBODY) == f"# Title\n\nText\n\n#proposer={SOMEBODY}"
    assert guarded("Title", "", SOMEBODY) == f"# Title\n\n#proposer={SOMEBODY}"
