"""What a signed raw transaction says, before we pass it on: strict decoding, no network.

Relayed are plain transactions (legacy with EIP-155, EIP-2930, EIP-1559) of our chain to our contracts.
Refused are contract creations, blobs (EIP-4844), code delegations (EIP-7702), and anything that is not
written in the one canonical way.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_utils.crypto import keccak

from node.chain.abi import SELECTOR_BYTES
from node.chain.client import tx_hash_of
from node.chain.ecdsa import recover_address
from node.kernel.errors import Forbidden, Invalid
from node.kernel.hexes import Address, Hash32, address_from_bytes

# Far above any call of ours, far below what a node takes.
RAW_BYTES_MAX = 64 * 1024

_LEGACY_ITEMS = 9
_LEGACY_LIST = 0xC0
_EIP155_BASE = 35
_ADDRESS_BYTES = 20

_TYPE_NAMES = {3: "blob (EIP-4844)", 4: "code delegation (EIP-7702)"}


class NotRelayed(Forbidden):
    """A right transaction that is none of our business."""


@dataclass(frozen=True, slots=True)
class RelayFacts:
    """What is known of a transaction by looking at it. `selector` is None for a plain payment."""

    tx_hash: Hash32
    type: int
    chain_id: int
    sender: Address
    nonce: int
    to: Address
    value: int
    gas: int
    max_fee_per_gas: int
    data: bytes

    @property
    def selector(self) -> str | None:
        return "0x" + self.data[:SELECTOR_BYTES].hex() if len(self.data) >= SELECTOR_BYTES else None


def check_relay(raw: bytes, *, chain_id: int, allowed: Container[Address]) -> RelayFacts:
    """Raises `Invalid` for what is no transaction, `NotRelayed` for what we don't pass on."""
    facts = decode_transaction(raw)
    if facts.chain_id != chain_id:
        raise NotRelayed("the transaction is for another chain", chain_id=facts.chain_id, expected=chain_id)
    if facts.to not in allowed:
        raise NotRelayed("the transaction goes to a contract that is not of this market", to=facts.to)
    return facts


def decode_transaction(raw: bytes) -> RelayFacts:
    if len(raw) > RAW_BYTES_MAX:
        raise Invalid("the transaction is too large", bytes=len(raw), bytes_max=RAW_BYTES_MAX)
    if not raw:
        raise Invalid("the transaction is empty")
    if raw[0] >= _LEGACY_LIST:
        return _legacy(raw)
    if raw[0] in _LAYOUTS:
        return _typed(raw)
    name = _TYPE_NAMES.get(raw[0], "unknown")
    raise NotRelayed(f"transactions of this type are not relayed: {name}", type=raw[0])


# Places of the fields: nonce, fee, gas, to, value, data; and how many items there are in all.
@dataclass(frozen=True, slots=True)
class _Layout:
    nonce: int
    fee: int
    gas: int
    items: int


_LAYOUTS = {1: _Layout(nonce=1, fee=2, gas=3, items=11), 2: _Layout(nonce=1, fee=3, gas=4, items=12)}


def _typed(raw: bytes) -> RelayFacts:
    """After the payload come the access list, the parity and r, s; the payload is signed with its type."""
    layout = _LAYOUTS[raw[0]]
    items = _items(raw[1:], layout.items)
    unsigned = raw[:1] + rlp.encode(items[:-3])
    parity, r, s = (_number(item) for item in items[-3:])
    if not isinstance(items[layout.gas + 4], list):
        raise Invalid("the transaction's access list is damaged")
    sender = _sender(unsigned, parity, r, s)
    return _facts(raw, items, layout, tx_type=raw[0], chain_id=_number(items[0]), sender=sender)


def _legacy(raw: bytes) -> RelayFacts:
    layout = _Layout(nonce=0, fee=1, gas=2, items=_LEGACY_ITEMS)
    items = _items(raw, layout.items)
    v, r, s = (_number(item) for item in items[6:])
    if v < _EIP155_BASE:
        raise NotRelayed("the transaction is not bound to a chain (EIP-155)")
    chain_id, parity = divmod(v - _EIP155_BASE, 2)
    unsigned = rlp.encode([*items[:6], _minimal(chain_id), b"", b""])
    sender = _sender(unsigned, parity, r, s)
    return _facts(raw, items, layout, tx_type=0, chain_id=chain_id, sender=sender)


def _facts(
    raw: bytes, items: list[Any], layout: _Layout, *, tx_type: int, chain_id: int, sender: Address
) -> RelayFacts:
    to, value, data = items[layout.gas + 1 : layout.gas + 4]
    if not to:
        raise NotRelayed("contract creations are not relayed")
    if not isinstance(to, bytes) or len(to) != _ADDRESS_BYTES or not isinstance(data, bytes):
        raise Invalid("the transaction's receiver or data is damaged")
    return RelayFacts(
        tx_hash=tx_hash_of(raw),
        type=tx_type,
        chain_id=chain_id,
        sender=sender,
        nonce=_number(items[layout.nonce]),
        to=address_from_bytes(to),
        value=_number(value),
        gas=_number(items[layout.gas]),
        max_fee_per_gas=_number(items[layout.fee]),
        data=data,
    )


def _items(body: bytes, count: int) -> list[Any]:
    try:
        items = rlp.decode(body, strict=True)
    except rlp.DecodingError as error:
        raise Invalid("this is not a transaction: its RLP is damaged") from error
    except RecursionError as error:
        raise Invalid("this is not a transaction: its RLP is too deep") from error
    if not isinstance(items, list) or len(items) != count:
        raise Invalid("this is not a transaction: wrong number of fields")
    return items


def _number(item: Any) -> int:  # noqa: ANN401 - bytes or a list, by RLP
    """At most 32 bytes, without leading zeros."""
    if not isinstance(item, bytes) or len(item) > 32 or item[:1] == b"\0":  # noqa: PLR2004 - a word
        raise Invalid("a number in the transaction is damaged")
    return int.from_bytes(item)


def _minimal(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _sender(unsigned: bytes, parity: int, r: int, s: int) -> Address:
    sender = recover_address(keccak(unsigned), r=r, s=s, parity=parity)
    if sender is None:
        raise Invalid("the transaction's signature is damaged, or not canonical (EIP-2)")
    return sender
