"""A vote as a signature (`castVoteBySig`), which anybody can bring to the governor."""

from dataclasses import dataclass
from typing import Any

from node.chain.abi import Param
from node.chain.eip712 import Domain, Struct, digest, typed_data
from node.kernel.hexes import Address, Hash32

# No function takes it as a struct, so no ABI shows it: see `IAsoudGovernor`.
BALLOT = Struct(
    "Ballot",
    (
        Param("proposalId", "uint256"),
        Param("support", "uint8"),
        Param("voter", "address"),
        Param("nonce", "uint256"),
    ),
)


@dataclass(frozen=True, slots=True)
class Ballot:
    """`nonce` is `nonces(voter, key_of(proposal_id))`, so votes on several proposals can go in any order."""

    proposal_id: int
    support: int
    voter: Address
    nonce: int

    def values(self) -> dict[str, Any]:
        """By the names of the signed type."""
        return {
            "proposalId": self.proposal_id,
            "support": self.support,
            "voter": self.voter,
            "nonce": self.nonce,
        }

    def digest(self, domain: Domain) -> Hash32:
        return digest(domain, BALLOT, self.values())

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        return typed_data(domain, BALLOT, self.values())


def key_of(proposal_id: int) -> int:
    """The sequence of nonces that belongs to a proposal: its lower 192 bits."""
    return proposal_id % 2**192


def governor_domain(*, chain_id: int, governor: Address) -> Domain:
    return Domain("ASOUD Governor", "1", chain_id, governor)
