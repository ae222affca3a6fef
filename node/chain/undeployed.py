"""Signatures of contract wallets that are not on the chain yet (ERC-6492).

The signature comes with the call that would make the wallet. The node has it made within one `eth_call`, and
asked about the signature there: nothing stays. Good for signing in, and for nothing that a contract has to
check later: there the wallet must exist.
"""

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from node.chain.artifacts import load_artifact
from node.chain.client import Call, ChainClient
from node.chain.errors import ExecutionReverted
from node.chain.signatures import SIGNATURE_BYTES_MAX, WORD
from node.kernel.hexes import Address, Hash32

MARK = bytes.fromhex("6492" * 16)
# To make a wallet behind a proxy, with owners and modules, takes some 300,000 to 3,000,000.
PROBE_GAS = 10_000_000
_ACCEPTED = (1).to_bytes(WORD)


def is_wrapped(signature: bytes) -> bool:
    return signature.endswith(MARK) and len(signature) <= SIGNATURE_BYTES_MAX


def undeployed_wallet_accepts(
    client: ChainClient, *, address: Address, digest: Hash32, signature: bytes
) -> bool:
    """Whether it is wrapped as ERC-6492 says, and the wallet would accept it.

    Raises a `Transient` when the chain cannot be asked now.
    """
    if not is_wrapped(signature):
        return False
    try:
        factory, preparation, inner = decode(["address", "bytes", "bytes"], signature[: -len(MARK)])
    except (DecodingError, OverflowError, ValueError):
        return False
    data = load_artifact("WalletProbe").creation_data([address, digest, inner, factory, preparation])
    try:
        return client.call(Call(to=None, data=data, gas=PROBE_GAS)) == _ACCEPTED
    except ExecutionReverted:
        return False
