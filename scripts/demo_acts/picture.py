"""A small PNG (RFC 2083), drawn and written here, and the CID that IPFS gives to it."""

import base64
import hashlib
import struct
import zlib

SIDE = 96


def png(seed: int) -> bytes:
    """Another picture for each seed."""
    red, green, blue = seed & 0xFF, seed >> 8 & 0xFF, seed >> 16 & 0xFF
    rows = b"".join(
        b"\0"
        + b"".join(
            bytes(((x * y + red) & 0xFF, (x ^ y) + green & 0xFF, (x + y + blue) & 0xFF)) for x in range(SIDE)
        )
        for y in range(SIDE)
    )
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)  # 8 bits each of red, green and blue
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def cid_of(content: bytes) -> str:
    """CIDv1 of one raw leaf (https://github.com/multiformats/cid): right for up to 256 KiB."""
    multihash = b"\x12\x20" + hashlib.sha256(content).digest()
    return "b" + base64.b32encode(b"\x01\x55" + multihash).decode().rstrip("=").lower()
