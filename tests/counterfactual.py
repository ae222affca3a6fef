"""A contract wallet of one owner that is not on the chain yet, and the factory that would make it."""

from eth_abi.abi import encode
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from node.chain.undeployed import MARK
from node.kernel.hexes import Address, Hash32, to_bytes

# Takes a salt and creation code, and makes it by CREATE2; anvil has it from its first block.
FACTORY = Address("0x4e59b44847b379578588920ca78fbf26c0b4956c")

# isValidSignature(bytes32,bytes): asks the precompile who signed; the magic value times "it is the owner".
_HEAD = "6004355f5260a43560f81c6020526064356040526084356060526020" + "5f60805f60015afa505f5173"
_TAIL = "14631626ba7e60e01b025f5260205ff3"


class Counterfactual:
    def __init__(self, owner: LocalAccount, *, salt: int) -> None:
        self.owner = owner
        self.code = bytes.fromhex(_HEAD + owner.address[2:].lower() + _TAIL)
        made = bytes.fromhex(f"60{len(self.code):02x}8060095f395ff3") + self.code
        self.creation = salt.to_bytes(32) + made
        seed = b"\xff" + to_bytes(FACTORY) + salt.to_bytes(32) + keccak(made)
        self.address = Address("0x" + keccak(seed)[12:].hex())

    def sign_plain(self, digest: Hash32, *, by: LocalAccount | None = None) -> bytes:
        return bytes((by or self.owner).unsafe_sign_hash(to_bytes(digest)).signature)

    def sign(self, digest: Hash32, *, by: LocalAccount | None = None) -> bytes:
        inner = self.sign_plain(digest, by=by)
        return encode(["address", "bytes", "bytes"], [FACTORY, self.creation, inner]) + MARK
