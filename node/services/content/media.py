"""What stored bytes are called when they are served.

The media type is a function of the bytes alone: a raster image by its magic number, token metadata by being
valid, all else `application/octet-stream`. So the same CID never has two types, whoever uploaded it first and
whichever store holds it, and no sidecar has to be kept beside Kubo. A declared type is a claim that is
checked; `application/octet-stream` claims nothing. Active types (HTML, SVG, scripts) are not taken at all.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from node.services.content.errors import (
    ContentNameInvalid,
    MediaTypeMismatch,
    MediaTypeRefused,
    MetadataInvalid,
)
from node.services.content.metadata import METADATA_BYTES_MAX, parse_metadata

OCTET_STREAM = "application/octet-stream"
JSON = "application/json"
PNG, JPEG, GIF, WEBP, AVIF = "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"
RASTER_IMAGES = frozenset({PNG, JPEG, GIF, WEBP, AVIF})
# Passive types that we don't look into: taken, and served as octet-stream.
OPAQUE_TYPES = frozenset(
    {
        "application/epub+zip",
        "application/pdf",
        "application/zip",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "model/gltf-binary",
        "text/plain",
        "video/mp4",
        "video/webm",
    }
)
UPLOAD_TYPES = RASTER_IMAGES | OPAQUE_TYPES | {JSON, OCTET_STREAM}

HEAD_BYTES = 64  # enough for every magic number below and the brands of an AVIF
NAME_BYTES_MAX = 255  # what file systems take

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}", re.ASCII)
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\\ud800-\udfff]+")
_JSON_SPACE = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class UploadPolicy:
    """What a node takes: at most `size_bytes_max` bytes, declared as one of `media_types`."""

    size_bytes_max: int
    media_types: frozenset[str] = UPLOAD_TYPES

    def check_claim(self, media_type: str) -> str:
        """The declared type without parameters, in lower case.

        Raises:
            MediaTypeRefused: when it is malformed or not taken.
        """
        essence = media_type.partition(";")[0].strip().lower()
        if not _MEDIA_TYPE.fullmatch(essence) or essence not in self.media_types:
            raise MediaTypeRefused("This node does not store that media type.", media_type=essence[:255])
        return essence


def check_name(name: str) -> None:
    """A name is a label for people and never part of a path of ours, but others may save files under it.

    Raises:
        ContentNameInvalid: when it is blank, long, a relative path, or has separators or control characters.
    """
    blank = not name.strip() or name in {".", ".."}
    if blank or not _NAME.fullmatch(name) or len(name.encode()) > NAME_BYTES_MAX:
        raise ContentNameInvalid("A file name is not blank, has no path in it and at most 255 bytes.")


def sniff_raster(head: bytes) -> str | None:
    """Which raster image begins like this, by WHATWG's signatures and AVIF's `ftyp` box (ISO 14496-12)."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    return AVIF if _has_avif_brand(head) else None


def detect(head: bytes, *, size: int, read_all: Callable[[], bytes]) -> str:
    """The media type of content from its first `HEAD_BYTES`; the rest is read for small JSON objects only."""
    raster = sniff_raster(head)
    if raster is not None:
        return raster
    if size <= METADATA_BYTES_MAX and head.lstrip(_JSON_SPACE)[:1] in {b"{", b""}:
        try:
            parse_metadata(read_all())
        except MetadataInvalid:
            return OCTET_STREAM
        return JSON
    return OCTET_STREAM


def check_agreement(declared: str, detected: str, *, read_all: Callable[[], bytes]) -> None:
    """Hold a claim against the bytes.

    Raises:
        MetadataInvalid: declared as JSON but not metadata, with the reason.
        MediaTypeMismatch: any other difference.
    """
    expected = OCTET_STREAM if declared in OPAQUE_TYPES else declared
    if declared == OCTET_STREAM or detected == expected:
        return
    if declared == JSON and detected == OCTET_STREAM:
        parse_metadata(read_all())
    raise MediaTypeMismatch(
        f"Declared as {declared}, but the bytes are {detected}.", declared=declared, detected=detected
    )


def _has_avif_brand(head: bytes) -> bool:
    """Whether a file type box names AVIF as its major brand or one of the compatible ones."""
    if head[4:8] != b"ftyp":
        return False
    box = head[: int.from_bytes(head[:4], "big")]
    brands = [box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))]
    return b"avif" in brands or b"avis" in brands
