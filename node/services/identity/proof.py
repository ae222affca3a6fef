"""What somebody has just proved to hold."""

from dataclasses import dataclass
from enum import StrEnum

from node.kernel.hexes import Address
from node.services.identity.numbers import PhoneNumber


class Purpose(StrEnum):
    """What a nonce or a code was handed out for. It serves for nothing else."""

    SIGN_IN = "sign_in"
    LINK = "link"
    STEP_UP = "step_up"


@dataclass(frozen=True, slots=True)
class WalletProof:
    address: Address

    @property
    def subject(self) -> str:
        """How the audit log names it."""
        return f"wallet:{self.address}"


@dataclass(frozen=True, slots=True)
class PhoneProof:
    phone: PhoneNumber
    subject: str
    """How the audit log names it: not the number, but a keyed hash of it."""


Proof = WalletProof | PhoneProof
