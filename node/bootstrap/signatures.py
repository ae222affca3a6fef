"""Identity's port for signatures, joined to the chain."""

from dataclasses import dataclass

from typing_extensions import override

from node.chain.client import ChainClient
from node.chain.signatures import verify_signature
from node.chain.undeployed import undeployed_wallet_accepts
from node.kernel.hexes import Address, Hash32
from node.services.identity.service import SignatureVerifier


@dataclass(frozen=True, slots=True)
class ChainSignatures(SignatureVerifier):
    client: ChainClient

    @override
    def verify(self, *, address: Address, digest: Hash32, signature: bytes) -> bool:
        # A key's signature is found without a chain; a wrapper is looked at only after that.
        return verify_signature(
            self.client, address=address, digest=digest, signature=signature
        ).valid or undeployed_wallet_accepts(self.client, address=address, digest=digest, signature=signature)
