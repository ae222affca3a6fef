"""Addresses and hashes. Parse at the edge, trust inside.

Canonical form everywhere below the edge, in JSON too: `0x` and lower-case hex. A mixed-case address on
the way in must carry a right checksum (EIP-55); `checksummed` restores it where a standard asks for it
(EIP-4361).
"""

import re
from typing import NewType

from eth_utils.address import is_checksum_address, to_checksum_address

from node.kernel.errors import Invalid

Address = NewType("Address", str)
Hash32 = NewType("Hash32", str)

ZERO_ADDRESS = Address("0x" + "00" * 20)
ZERO_HASH = Hash32("0x" + "00" * 32)

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_HASH = re.compile(r"0x[0-9a-fA-F]{64}", re.ASCII)


def parse_address(raw: str) -> Address:
    if not _ADDRESS.fullmatch(raw):
        raise Invalid("an address is 0x and 40 hex digits", field="address")
    digits = raw[2:]
    if digits not in (digits.lower(), digits.upper()) and not is_checksum_address(raw):
        raise Invalid("the address has a wrong checksum (EIP-55)", field="address")
    return Address(raw.lower())


def parse_hash(raw: str) -> Hash32:
    if not _HASH.fullmatch(raw):
        raise Invalid("a hash is 0x and 64 hex digits", field="hash")
    return Hash32(raw.lower())


def checksummed(address: Address) -> str:
    return str(to_checksum_address(address))


def address_from_bytes(raw: bytes) -> Address:
    """20 bytes, or the 32-byte ABI word that ends in them."""
    return Address("0x" + raw[-20:].hex())


def hash_from_bytes(raw: bytes) -> Hash32:
    return Hash32("0x" + raw.hex())


def to_bytes(value: Address | Hash32) -> bytes:
    return bytes.fromhex(value[2:])
