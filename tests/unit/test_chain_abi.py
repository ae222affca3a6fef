from dataclasses import dataclass

import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from node.chain.abi import Param, decode_params, encode_params, parse_event, parse_function
from node.chain.artifacts import ARTIFACTS_DIR, ArtifactMissing, all_artifacts, load_artifact
from node.kernel.errors import Bug

PAIR = {
    "type": "tuple[]",
    "name": "pairs",
    "components": [{"type": "address", "name": "to"}, {"type": "uint256", "name": "theAmount"}],
}
ADDRESS = "0x" + "ab" * 20


def test_signatures_of_structs() -> None:
    function = parse_function(
        {
            "name": "pay",
            "inputs": [PAIR, {"type": "bytes4", "name": "x"}],
            "outputs": [],
            "stateMutability": "view",
        }
    )
    assert function.signature == "pay((address,uint256)[],bytes4)"
    assert function.selector == "0x" + keccak(text="pay((address,uint256)[],bytes4)")[:4].hex()
    assert function.view
    assert not function.payable


def test_events_tell_indexed_from_plain() -> None:
    event = parse_event(
        {
            "name": "Paid",
            "inputs": [
                {"type": "address", "name": "who", "indexed": True},
                {"type": "uint256", "name": "amount", "indexed": False},
            ],
        }
    )
    assert event.topic == "0x" + keccak(text="Paid(address,uint256)").hex()
    assert [item.name for item in event.indexed] == ["who"]
    assert [item.name for item in event.plain] == ["amount"]


@dataclass
class Pair:
    to: str
    the_amount: int


@given(amounts=st.lists(st.integers(0, 2**256 - 1), max_size=4), word=st.binary(min_size=4, max_size=4))
def test_what_goes_in_comes_out(amounts: list[int], word: bytes) -> None:
    params = [Param.parse(PAIR), Param("x", "bytes4"), Param("", "bool")]
    expected = {
        "pairs": [{"to": ADDRESS, "theAmount": n} for n in amounts],
        "x": "0x" + word.hex(),
        "arg2": True,
    }
    for pairs in (expected["pairs"], [(ADDRESS, n) for n in amounts], [Pair(ADDRESS, n) for n in amounts]):
        data = encode_params(params, [pairs, word, True])
        assert data == encode_params(params, [pairs, "0x" + word.hex(), True])
        assert decode_params(params, data) == expected


def test_a_wrong_number_of_arguments() -> None:
    with pytest.raises(Bug):
        encode_params([Param("x", "bool")], [])


def test_an_overloaded_name_wants_its_signature() -> None:
    collection = load_artifact("Collection")
    with pytest.raises(Bug):
        collection.function("safeTransferFrom")
    assert collection.function("safeTransferFrom(address,address,uint256)").inputs[2].name == "id"
    with pytest.raises(Bug):
        collection.event("Nope")


def test_every_artifact_loads_and_knows_its_own_code() -> None:
    assert set(all_artifacts()) == {path.stem for path in ARTIFACTS_DIR.glob("*.json")}
    for artifact in all_artifacts().values():
        code = artifact.deployed_bytecode
        assert artifact.matches(code) == bool(code)
        if not code:
            continue
        filled = bytearray(code)
        for start, length in artifact.immutables:
            filled[start : start + length] = b"\x55" * length
        assert artifact.matches(bytes(filled))
        filled[-min(60, len(code))] ^= 1
        assert not artifact.matches(bytes(filled))
        assert not artifact.matches(code + b"\0")
        assert not artifact.matches(b"")


def test_no_such_artifact() -> None:
    with pytest.raises(ArtifactMissing):
        load_artifact("Nope")
