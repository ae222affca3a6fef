"""Recovering the address behind an ECDSA signature over secp256k1; strict, and without exceptions."""

from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from node.kernel.hexes import Address, address_from_bytes

# Above it lies the twin of each signature (EIP-2); no wallet makes those, and most contracts refuse them.
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def recover_address(digest: bytes, *, r: int, s: int, parity: int) -> Address | None:
    """None when nobody's key made this signature."""
    if parity not in (0, 1) or s > HALF_ORDER:
        return None
    try:
        key = Signature(vrs=(parity, r, s)).recover_public_key_from_msg_hash(digest)
    except (BadSignature, ValidationError):
        return None
    return address_from_bytes(key.to_canonical_address())
