"""What the views show of a token's metadata, and the port that reads it.

Only content that this node stores is read. A URI is a stranger's words: to follow it over the network would
let anybody aim our requests.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

IPFS = "ipfs://"


class MetadataState(StrEnum):
    OK = "ok"
    MISSING = "missing"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Metadata:
    """ERC-721's metadata, as far as views show it. All fields but the state are None unless it is OK."""

    state: MetadataState
    name: str | None = None
    description: str | None = None
    image: str | None = None
    attributes: list[Any] | None = None


MISSING = Metadata(MetadataState.MISSING)
INVALID = Metadata(MetadataState.INVALID)


class MetadataSource(Protocol):
    """Reads what a token's URI points at. Never inside a transaction: it may be a server that is asked."""

    def read(self, uri: str) -> Metadata:
        """MISSING when this node does not store it. Raises `Transient` when the store is away."""


def cid_text(uri: str) -> str | None:
    """What stands for the CID in `ipfs://<cid>`; None for every other URI, paths below a CID included."""
    text = uri.removeprefix(IPFS)
    return text if uri.startswith(IPFS) and text and "/" not in text else None


def metadata_of(document: dict[str, object]) -> Metadata:
    """Of a document that was checked to be metadata."""
    name, description, image = (document.get(key) for key in ("name", "description", "image"))
    attributes = document.get("attributes", [])
    assert isinstance(name, str), "checked metadata has a name"
    assert isinstance(attributes, list), "checked metadata has a list of attributes"
    return Metadata(
        MetadataState.OK,
        name=name,
        description=description if isinstance(description, str) else None,
        image=image if isinstance(image, str) else None,
        attributes=attributes,
    )
