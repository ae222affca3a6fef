"""Which CID a file has: the UnixFS importer, without keeping a single block.

The same bytes must get the same name here and in Kubo, or a token's `ipfs://` link would break when a
node moves from the local store to Kubo. The parameters are those of `ipfs add --cid-version=1
--raw-leaves` with Kubo's default import settings:

- chunks of 262,144 bytes, `Import.UnixFSChunker = size-262144` (kubo `config/import.go`);
- at most 174 links in a node, boxo's `helpers.DefaultLinksPerBlock` = 8192 // 47;
- the `balanced` layout of boxo `ipld/unixfs/importer/balanced`, all leaves at one depth;
- sha2-256, raw leaves, no mode or mtime.

Read in Kubo 0.44-dev (July 2026): these are still its defaults. They differ from the named profiles of
IPIP-499: `unixfs-v0-2015` has the same chunks and links but CIDv0 and dag-pb leaves, `unixfs-v1-2025` has
1 MiB chunks and 1024 links. The latter is here too, since Kubo publishes CIDs for it to check against.

Memory is bounded by links, not by content: a level holds at most `links_max` of them, a level is added each
time the file grows `links_max`-fold, and leaves are hashed as their bytes pass by.
Encodings: dag-pb (ipld.io/specs/codecs/dag-pb), UnixFS `Data` (specs.ipfs.tech/unixfs).
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from node.services.content.cid import Cid, Codec

_READ_BYTES = 1 << 16
_WIRE_VARINT, _WIRE_BYTES = 0, 2
_UNIXFS_FILE = 2


@dataclass(frozen=True, slots=True)
class ImportProfile:
    """The parameters that decide a file's CID; `links_max` counts children of one tree node."""

    chunk_bytes: int
    links_max: int

    def __post_init__(self) -> None:
        assert self.chunk_bytes > 0, "a chunk holds at least a byte"
        assert self.links_max > 1, "a tree of single links never ends"


KUBO_DEFAULT = ImportProfile(chunk_bytes=262_144, links_max=174)
UNIXFS_V1_2025 = ImportProfile(chunk_bytes=1_048_576, links_max=1024)


class ByteStream(Protocol):
    """What an upload has to offer: up to `size` bytes, empty at the end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Link:
    """A child: `tree_bytes` counts all blocks below and including it, `file_bytes` the content alone."""

    cid: Cid
    tree_bytes: int
    file_bytes: int


class UnixfsImporter:
    """Takes a file piece by piece and then tells its CID; how the pieces are cut makes no difference."""

    def __init__(self, profile: ImportProfile = KUBO_DEFAULT) -> None:
        self._profile = profile
        self._leaf = hashlib.sha256()
        self._leaf_bytes = 0
        self._levels: list[list[_Link]] = [[]]  # unfinished nodes, leaves' parent first
        self._size = 0
        self._finished = False

    @property
    def size(self) -> int:
        """Bytes taken so far."""
        return self._size

    def update(self, data: bytes) -> None:
        """Take the next bytes of the file, any number of them."""
        assert not self._finished, "the tree is closed"
        self._size += len(data)
        view = memoryview(data)
        while view:
            if self._leaf_bytes == self._profile.chunk_bytes:
                self._close_leaf()
            piece = view[: self._profile.chunk_bytes - self._leaf_bytes]
            self._leaf.update(piece)
            self._leaf_bytes += len(piece)
            view = view[len(piece) :]

    def finish(self) -> Cid:
        """Close the tree; an empty file is one empty raw leaf."""
        assert not self._finished, "the tree is closed"
        self._finished = True
        self._close_leaf()
        level = 0
        while level + 1 < len(self._levels) or len(self._levels[level]) > 1:
            node = _node(self._levels[level])
            level += 1
            self._add(node, level)
        root = self._levels[level][0]
        assert root.file_bytes == self._size, "every byte is below the root"
        return root.cid

    def _close_leaf(self) -> None:
        size = self._leaf_bytes
        self._add(_Link(Cid(Codec.RAW, self._leaf.digest()), size, size), 0)
        self._leaf, self._leaf_bytes = hashlib.sha256(), 0

    def _add(self, link: _Link, level: int) -> None:
        """Add to a level; a full one is closed only now, so that a tree never has a root of one link."""
        if level == len(self._levels):
            self._levels.append([])
        links = self._levels[level]
        if len(links) == self._profile.links_max:
            self._levels[level] = [link]
            self._add(_node(links), level + 1)
        else:
            links.append(link)


def cid_of(stream: ByteStream, profile: ImportProfile = KUBO_DEFAULT) -> Cid:
    """The CID of all that is left in the stream."""
    importer = UnixfsImporter(profile)
    while piece := stream.read(_READ_BYTES):
        importer.update(piece)
    return importer.finish()


def _node(links: list[_Link]) -> _Link:
    """A dag-pb node over its children. Links come before data on the wire, and names are empty."""
    file_bytes = sum(link.file_bytes for link in links)
    data = _varint_field(1, _UNIXFS_FILE) + _varint_field(3, file_bytes)
    data += b"".join(_varint_field(4, link.file_bytes) for link in links)
    block = b"".join(_bytes_field(2, _encode_link(link)) for link in links) + _bytes_field(1, data)
    cid = Cid(Codec.DAG_PB, hashlib.sha256(block).digest())
    return _Link(cid, len(block) + sum(link.tree_bytes for link in links), file_bytes)


def _encode_link(link: _Link) -> bytes:
    return _bytes_field(1, bytes(link.cid)) + _bytes_field(2, b"") + _varint_field(3, link.tree_bytes)


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3 | _WIRE_VARINT) + _varint(value)


def _bytes_field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | _WIRE_BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """Protobuf's base-128 number, least significant group first."""
    assert value >= 0, "sizes and field keys are not negative"
    groups = bytearray()
    while value >= 0x80:  # noqa: PLR2004 - the continuation bit
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
