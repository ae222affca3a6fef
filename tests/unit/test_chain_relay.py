import pytest
import rlp
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from node.chain.client import tx_hash_of
from node.chain.relay import RAW_BYTES_MAX, NotRelayed, RelayFacts, check_relay, decode_transaction
from node.kernel.errors import Invalid, Refused
from node.kernel.hexes import Address, checksummed, hash_from_bytes

ACCOUNT = Account.from_key("0x" + "3" * 64)
SENDER = Address(ACCOUNT.address.lower())
TO = Address("0x" + "ab" * 20)
STORAGE_KEYS = [{"address": checksummed(TO), "storageKeys": ["0x" + "01" * 32]}]
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

COMMON = {
    "chainId": 31337,
    "nonce": 7,
    "to": checksummed(TO),
    "value": 10**18,
    "gas": 90_000,
    "data": "0xdeadbeef01",
}
LEGACY = {**COMMON, "gasPrice": 5}
ACCESS_LIST = {**LEGACY, "type": 1, "accessList": STORAGE_KEYS}
DYNAMIC = {**COMMON, "type": 2, "maxFeePerGas": 5, "maxPriorityFeePerGas": 1, "accessList": STORAGE_KEYS}
PLAIN = {"type": 2, "chainId": 31337, "nonce": 0, "to": checksummed(TO), "value": 0, "gas": 21_000}
PLAIN |= {"maxFeePerGas": 5, "maxPriorityFeePerGas": 0, "data": "0x"}


def signed(fields: dict[str, object]) -> bytes:
    return bytes(ACCOUNT.sign_transaction(fields).raw_transaction)


@pytest.mark.parametrize(("fields", "tx_type"), [(LEGACY, 0), (ACCESS_LIST, 1), (DYNAMIC, 2)])
def test_what_a_transaction_says(fields: dict[str, object], tx_type: int) -> None:
    raw = signed(fields)
    facts = check_relay(raw, chain_id=31337, allowed={TO})
    assert facts == RelayFacts(
        tx_hash=hash_from_bytes(bytes(ACCOUNT.sign_transaction(fields).hash)),
        type=tx_type,
        chain_id=31337,
        sender=SENDER,
        nonce=7,
        to=TO,
        value=10**18,
        gas=90_000,
        max_fee_per_gas=5,
        data=bytes.fromhex("deadbeef01"),
    )
    assert facts.tx_hash == tx_hash_of(raw)
    assert facts.selector == "0xdeadbeef"


def test_zeros_and_a_plain_payment() -> None:
    facts = decode_transaction(signed(PLAIN))
    assert (facts.nonce, facts.value, facts.data, facts.selector) == (0, 0, b"", None)


@pytest.mark.parametrize("fields", [LEGACY, ACCESS_LIST, DYNAMIC])
def test_another_chain_and_another_receiver(fields: dict[str, object]) -> None:
    with pytest.raises(NotRelayed, match="another chain"):
        check_relay(signed({**fields, "chainId": 1}), chain_id=31337, allowed={TO})
    with pytest.raises(NotRelayed, match="not of this market"):
        check_relay(signed(fields), chain_id=31337, allowed={SENDER})


def test_a_transaction_for_every_chain() -> None:
    """Before EIP-155."""
    fields = {key: value for key, value in LEGACY.items() if key != "chainId"}
    with pytest.raises(NotRelayed, match="EIP-155"):
        decode_transaction(signed(fields))


@pytest.mark.parametrize("fields", [LEGACY, DYNAMIC])
def test_a_contract_creation(fields: dict[str, object]) -> None:
    with pytest.raises(NotRelayed, match="creations"):
        decode_transaction(signed({key: value for key, value in fields.items() if key != "to"}))


def test_a_code_delegation() -> None:
    authorization = ACCOUNT.sign_authorization({"chainId": 31337, "address": checksummed(TO), "nonce": 1})
    raw = signed({**DYNAMIC, "type": 4, "authorizationList": [authorization]})
    with pytest.raises(NotRelayed, match="EIP-7702"):
        decode_transaction(raw)


@pytest.mark.parametrize("first", [0x00, 0x03, 0x05, 0x7F, 0x80, 0xBF])
def test_other_types(first: int) -> None:
    with pytest.raises(NotRelayed):
        decode_transaction(bytes([first]) + signed(DYNAMIC)[1:])


def test_size() -> None:
    with pytest.raises(Invalid):
        decode_transaction(b"")
    largest = signed({**PLAIN, "gas": 10**7, "data": "0x" + "11" * (RAW_BYTES_MAX - 200)})
    assert decode_transaction(largest).gas == 10**7
    with pytest.raises(Invalid, match="too large"):
        decode_transaction(signed({**PLAIN, "gas": 10**7, "data": "0x" + "11" * RAW_BYTES_MAX}))


@pytest.mark.parametrize("fields", [LEGACY, ACCESS_LIST, DYNAMIC])
def test_bytes_behind_the_end_and_missing_ones(fields: dict[str, object]) -> None:
    raw = signed(fields)
    for damaged in (raw + b"\0", raw[:-1], raw[:1]):
        with pytest.raises(Invalid):
            decode_transaction(damaged)


def changed(raw: bytes, place: int, value: object) -> bytes:
    items = rlp.decode(raw[1:])
    items[place] = value
    return raw[:1] + bytes(rlp.encode(items))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (1, b"\0\x07"),
        (1, [b"\x07"]),
        (5, b"\xab" * 19),
        (5, [b""]),
        (6, b"\x01" * 33),
        (7, [b""]),
        (8, b""),
        (9, b"\x02"),
        (10, b""),
        (11, b""),
    ],
)
def test_damaged_fields(place: int, value: object) -> None:
    with pytest.raises(Invalid):
        decode_transaction(changed(signed(DYNAMIC), place, value))


def test_the_twin_of_a_signature() -> None:
    raw = signed(DYNAMIC)
    items = rlp.decode(raw[1:])
    parity, s = int.from_bytes(items[9]), int.from_bytes(items[11])
    twin = changed(changed(raw, 11, (ORDER - s).to_bytes(32)), 9, b"" if parity else b"\x01")
    with pytest.raises(Invalid, match="EIP-2"):
        decode_transaction(twin)


def test_a_changed_transaction_has_another_sender() -> None:
    facts = decode_transaction(changed(signed(DYNAMIC), 6, b"\x01"))
    assert facts.value == 1
    assert facts.sender != SENDER


@given(raw=st.binary(max_size=400), prefix=st.sampled_from([b"", b"\x01", b"\x02", b"\xf8"]))
def test_noise_is_refused(raw: bytes, prefix: bytes) -> None:
    with pytest.raises(Refused):
        decode_transaction(prefix + raw)


def test_deep_nesting_is_refused() -> None:
    deep = b"\xc0"
    for _ in range(3000):
        deep = list_of(deep)
    with pytest.raises(Refused):
        decode_transaction(b"\x02" + deep)


def list_of(inner: bytes) -> bytes:
    """RLP of a list with one item that is RLP already."""
    if len(inner) < 56:
        return bytes([0xC0 + len(inner)]) + inner
    size = len(inner).to_bytes((len(inner).bit_length() + 7) // 8)
    return bytes([0xF7 + len(size)]) + size + inner
