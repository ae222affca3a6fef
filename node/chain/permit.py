"""ERC-2612: a signature in the place of an approval, for tokens that take one.

The domain of a token cannot be asked for everywhere, so it is guessed by the usual versions and believed only
when its separator is the token's own.
"""

from dataclasses import dataclass
from typing import Any

from node.chain.abi import Param
from node.chain.artifacts import load_artifact
from node.chain.client import ChainClient, Read
from node.chain.eip712 import Domain, Struct, typed_data
from node.chain.errors import ExecutionReverted
from node.chain.signatures import split_signature
from node.kernel.errors import Conflict, Invalid
from node.kernel.hexes import ZERO_ADDRESS, Address

VERSIONS = ("1", "2")

PERMIT = Struct(
    "Permit",
    (
        Param("owner", "address"),
        Param("spender", "address"),
        Param("value", "uint256"),
        Param("nonce", "uint256"),
        Param("deadline", "uint256"),
    ),
)
# As the escrow understands none: a zero deadline.
NO_PERMIT: dict[str, Any] = {"value": 0, "deadline": 0, "v": 0, "r": b"\0" * 32, "s": b"\0" * 32}


class PermitUnsupported(Conflict):
    """The token takes no permits (ERC-2612) in a form that is known here: approve instead."""


class PermitInvalid(Invalid):
    """A permit is signed by a key, in 64 or 65 bytes."""


@dataclass(frozen=True, slots=True)
class SignedPermit:
    """For exactly the amount, until and with `deadline`."""

    value: int
    deadline: int
    signature: bytes

    def values(self) -> dict[str, Any]:
        """By the contract's field names. Raises `PermitInvalid`."""
        parts = split_signature(self.signature)
        if parts is None:
            raise PermitInvalid("a permit is signed by a key, in 64 or 65 bytes", field="signature")
        r, s, parity = parts
        return {
            "value": self.value,
            "deadline": self.deadline,
            "v": parity + 27,
            "r": r.to_bytes(32),
            "s": s.to_bytes(32),
        }


def permit_to_sign(
    client: ChainClient, *, token: Address, owner: Address, spender: Address, amount: int, deadline: int
) -> dict[str, Any]:
    """The typed data of a permit with the owner's present nonce. Raises `PermitUnsupported`."""
    if token == ZERO_ADDRESS:
        raise PermitUnsupported("the native coin is sent along, and needs no leave", token=token)
    erc20, erc2612 = load_artifact("IERC20Metadata"), load_artifact("IERC20Permit")
    reads = [
        Read(erc20, token, "name"),
        Read(erc2612, token, "nonces", (owner,)),
        Read(erc2612, token, "DOMAIN_SEPARATOR"),
    ]
    answers = client.read_many(reads)
    if any(isinstance(answer, ExecutionReverted) for answer in answers):
        raise PermitUnsupported("the token takes no permits", token=token)
    name, nonce, separator = answers
    message = {"owner": owner, "spender": spender, "value": amount, "nonce": nonce, "deadline": deadline}
    for version in VERSIONS:
        domain = Domain(name, version, client.chain_id, token)
        if "0x" + domain.separator().hex() == separator:
            return typed_data(domain, PERMIT, message)
    raise PermitUnsupported("the token's domain is not one that is known here", token=token)
