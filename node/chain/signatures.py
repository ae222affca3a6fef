"""Who signed a digest: a key (ECDSA) or a contract wallet (ERC-1271).

The key is tried first, and against the address asked for, because an account with code (EIP-7702) may still
sign with its key. An s in the upper half is refused, as OpenZeppelin's contracts refuse it; wallets never
make one. What is signed is used up by its digest, never by signature bytes, which can be written in several
ways. Wallets that are not deployed yet (ERC-6492) are for `undeployed.py`: no contract could check those.
"""

from dataclasses import dataclass
from enum import StrEnum

from eth_utils.crypto import keccak

from node.chain.artifacts import load_artifact
from node.chain.client import Call, ChainClient
from node.chain.ecdsa import recover_address
from node.chain.errors import ExecutionReverted
from node.kernel.hexes import Address, Hash32, hash_from_bytes, to_bytes

# Enough for a passkey checked in Solidity and a dozen owners; it also bounds what the wallet can return.
WALLET_GAS = 1_000_000
# No known wallet needs more; each byte costs the wallet's caller.
SIGNATURE_BYTES_MAX = 8192
WORD = 32

_MAGIC = bytes.fromhex("1626ba7e")


class SignedBy(StrEnum):
    KEY = "key"
    CONTRACT = "contract"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """`signature` is the form to hand to a contract: v is 27 or 28 when a key signed in 65 bytes."""

    signed_by: SignedBy
    signature: bytes

    @property
    def valid(self) -> bool:
        return self.signed_by is not SignedBy.NOBODY


def verify_signature(
    client: ChainClient, *, address: Address, digest: Hash32, signature: bytes
) -> SignatureCheck:
    """Whether `address` signed. Raises a `Transient` when that takes a chain that cannot be asked now."""
    canonical = canonical_form(signature)
    if recover(digest, signature) == address:
        return SignatureCheck(SignedBy.KEY, canonical)
    if len(signature) <= SIGNATURE_BYTES_MAX and _wallet_accepts(client, address, digest, signature):
        return SignatureCheck(SignedBy.CONTRACT, signature)
    return SignatureCheck(SignedBy.NOBODY, signature)


def recover(digest: Hash32, signature: bytes) -> Address | None:
    """Whose key signed: from 65 bytes (r, s, v; v is 0, 1, 27 or 28) or 64 (EIP-2098). None when nobody's."""
    parts = split_signature(signature)
    if parts is None:
        return None
    r, s, parity = parts
    return recover_address(to_bytes(digest), r=r, s=s, parity=parity)


def canonical_form(signature: bytes) -> bytes:
    """Contracts take 27 and 28 only, some wallets write 0 and 1. Anything else stays as it is."""
    if len(signature) == 65 and signature[64] in (0, 1):  # noqa: PLR2004 - r, s and v
        return signature[:64] + bytes([signature[64] + 27])
    return signature


def personal_digest(message: str) -> Hash32:
    """What `personal_sign` signs (EIP-191, version 0x45)."""
    body = message.encode()
    prefix = f"\x19Ethereum Signed Message:\n{len(body)}".encode()
    return hash_from_bytes(keccak(prefix + body))


def split_signature(signature: bytes) -> tuple[int, int, int] | None:
    """r, s and the parity of y."""
    if len(signature) not in (64, 65):
        return None
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    if len(signature) == 64:  # noqa: PLR2004 - EIP-2098: the parity is the top bit of s
        return r, s & (2**255 - 1), s >> 255
    return r, s, canonical_form(signature)[64] - 27


def _wallet_accepts(client: ChainClient, address: Address, digest: Hash32, signature: bytes) -> bool:
    data = load_artifact("IERC1271").encode("isValidSignature", digest, signature)
    try:
        answer = client.call(Call(to=address, data=data, gas=WALLET_GAS))
    except ExecutionReverted:
        return False
    return answer[:WORD] == _MAGIC.ljust(WORD, b"\0")
