import re

import pytest
from eth_abi.abi import encode as abi_encode
from hypothesis import given
from hypothesis import strategies as st

from node.chain.abi import CustomError
from node.chain.artifacts import all_artifacts
from node.chain.errors import (
    ExecutionReverted,
    InsufficientNativeFunds,
    NonceTooLow,
    RpcRejected,
    from_rpc_error,
)
from node.chain.reverts import ERROR_STRING, PANIC, SENTENCES, decode_revert, known_errors

DECLARED = [item for artifact in all_artifacts().values() for item in artifact.errors.values()]
ERRORS = list({item.signature: item for item in DECLARED}.values())
SAMPLES = {"address": "0x" + "aa" * 20, "string": "the field", "bytes32": b"\x07" * 32, "bytes4": b"\x07" * 4}


def data_of(error: CustomError, *values: object) -> bytes:
    types = [item.type for item in error.inputs]
    return bytes.fromhex(error.selector[2:]) + abi_encode(types, values)


@pytest.mark.parametrize("error", ERRORS, ids=lambda item: item.signature)
def test_every_error_of_our_contracts_is_readable(error: CustomError) -> None:
    revert = decode_revert(data_of(error, *[SAMPLES.get(item.type, 3) for item in error.inputs]))
    assert revert.name == error.name
    assert list(revert.args) == [item.name for item in error.inputs]
    assert "{" not in revert.words
    assert revert.words[0] == revert.words[0].lower() or revert.words[:2].isupper()


def test_every_sentence_belongs_to_an_error_and_names_its_arguments() -> None:
    declared: dict[str, list[set[str]]] = {}
    for error in [*known_errors().values(), *DECLARED]:
        declared.setdefault(error.name, []).append({item.name for item in error.inputs})
    for name, sentence in SENTENCES.items():
        holes = set(re.findall(r"{(\w+)}", sentence))
        assert name in declared, name
        assert all(holes <= names for names in declared[name]), name


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (data_of(ERROR_STRING, "too late"), "Error", "the contract says: too late"),
        (data_of(PANIC, 0x11), "Panic", "the contract broke: a number left its range"),
        (data_of(PANIC, 0x99), "Panic", "the contract broke: panic 0x99"),
        (b"\x01\x02\x03\x04", "Unknown", "the contract refused with an unknown error (0x01020304)"),
        (b"", "Unknown", "the contract refused without a reason"),
        (b"\x01", "Unknown", "the contract refused without a reason"),
        (data_of(ERROR_STRING, "x")[:20], "Error", "error (with damaged arguments)"),
    ],
)
def test_words(data: bytes, name: str, words: str) -> None:
    revert = decode_revert(data)
    assert (revert.name, revert.words) == (name, words)


@given(data=st.binary(max_size=200), error=st.sampled_from([*ERRORS, ERROR_STRING, PANIC]))
def test_noise_behind_a_known_selector_never_breaks(data: bytes, error: CustomError) -> None:
    assert decode_revert(bytes.fromhex(error.selector[2:]) + data).words


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 3, "message": "execution reverted", "data": "0x"}, ExecutionReverted),
        ({"code": -32000, "message": "execution reverted"}, ExecutionReverted),
        (
            {"code": -32015, "message": "VM execution error.", "data": "Reverted 0x08c379a0"},
            ExecutionReverted,
        ),
        ({"code": -32000, "message": "gas required exceeds allowance (0)"}, ExecutionReverted),
        ({"code": -32000, "message": "nonce too low: next nonce 5, tx nonce 4"}, NonceTooLow),
        ({"code": -32000, "message": "insufficient funds for gas * price + value"}, InsufficientNativeFunds),
        ({"code": -32601, "message": "the method does not exist"}, RpcRejected),
        ({"code": "odd"}, RpcRejected),
        ({}, RpcRejected),
    ],
)
def test_what_servers_say(error: dict[str, object], kind: type[Exception]) -> None:
    assert type(from_rpc_error(error, method="eth_call")) is kind


def test_a_reason_wrapped_in_an_object() -> None:
    data = "0x" + data_of(ERROR_STRING, "no").hex()
    failure = from_rpc_error({"message": "x", "data": {"data": data}}, method="eth_call")
    assert failure.message == "the contract says: no"
