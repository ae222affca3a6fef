"""A CID of the one form that this node writes and reads.

CIDv1 = multibase(base32 lower, `b`) + version + codec + multihash, see github.com/multiformats/cid.
We accept version 1, codec raw (0x55) or dag-pb (0x70) and sha2-256 (0x12, 32 bytes) alone. Each of these
is a varint below 0x80, so one byte, and a valid CID begins with one of exactly two four-byte heads.
Strict on purpose: bytes have one name, so a CID can be a key, a file name and an ETag without
normalizing it. Identity hashes are refused because the content would be in the name, unstored and
unbounded.
"""

import base64
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from typing_extensions import override

from node.services.content.errors import CidInvalid

SHA256_BYTES = 32
CID_CHARS = 59  # "b" and the base32 of 36 bytes without padding
_VERSION_1 = 0x01
_SHA2_256 = 0x12
_HEAD_BYTES = 4
_TEXT = re.compile(r"b[a-z2-7]{58}", re.ASCII)


class Codec(IntEnum):
    """How to read the block that the hash names; the numbers are multicodec's."""

    RAW = 0x55
    DAG_PB = 0x70


@dataclass(frozen=True, slots=True, order=True)
class Cid:
    """Names bytes: directly (`RAW`), or through the UnixFS tree that they were cut into (`DAG_PB`)."""

    codec: Codec
    digest: bytes

    def __post_init__(self) -> None:
        assert len(self.digest) == SHA256_BYTES, "a sha2-256 digest has 32 bytes"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the canonical text form.

        Raises:
            CidInvalid: for anything else, also for other spellings of the same hash.
        """
        if not _TEXT.fullmatch(text):
            raise CidInvalid("A CID here is `b` and 58 characters of lower-case base32.")
        raw = base64.b32decode(text[1:].upper() + "======")
        head, digest = raw[:_HEAD_BYTES], raw[_HEAD_BYTES:]
        codec = _CODEC_BY_HEAD.get(head)
        if codec is None:
            raise CidInvalid("The CID must be version 1, raw or dag-pb, with a sha2-256 hash.")
        cid = cls(codec, digest)
        if str(cid) != text:
            raise CidInvalid("The CID's last character has bits beyond the hash.")
        return cid

    def __bytes__(self) -> bytes:
        return _head(self.codec) + self.digest

    @override
    def __str__(self) -> str:
        return "b" + base64.b32encode(bytes(self)).decode("ascii").rstrip("=").lower()


def _head(codec: Codec) -> bytes:
    return bytes((_VERSION_1, codec, _SHA2_256, SHA256_BYTES))


_CODEC_BY_HEAD = {_head(codec): codec for codec in Codec}
