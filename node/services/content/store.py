"""Where content lives: one small protocol, and the store in a folder of this machine.

Content is immutable and named by its CID, so putting twice is putting once, and nothing is ever overwritten
by something else. Only what was put here is found here.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from typing_extensions import override

from node.services.content.cid import Cid
from node.services.content.errors import ContentNotFound
from node.services.content.media import UploadPolicy
from node.services.content.staging import PARTIAL_SUFFIX, StagedUpload, media_type_of, stage_upload
from node.services.content.unixfs import ByteStream

CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class StoredContent:
    """What a store knows of content; `size` is in bytes, `media_type` follows from the bytes."""

    cid: Cid
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class OpenedContent:
    """Content ready to be read, as often and in such parts as the reader likes; it holds nothing open.

    `path` is its file where the store has one, for a server that can send files by itself.
    """

    stored: StoredContent
    path: Path | None
    read: Callable[[int, int], Iterator[bytes]]

    def chunks(self, *, first: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from offset `first`, `length` of them or all that are left, in pieces of bounded size."""
        left = self.stored.size - first
        wanted = left if length is None else length
        assert 0 <= wanted <= left, "a range lies within the content"
        return self.read(first, wanted)


class ContentStore(Protocol):
    """Both stores keep this contract; one test suite holds them to it."""

    def put(self, stream: ByteStream, *, media_type: str, name: str | None = None) -> StoredContent:
        """Store what the stream holds, durably, before returning. Idempotent.

        `name` is a label: it is checked and passed on where the store has a place for it, but bytes have one
        CID whatever they are called, so it is not part of what is stored.

        Raises:
            Invalid: one of content's refusals (size, emptiness, name, media type, metadata).
            ContentStoreUnavailable: try again later.
        """

    def open(self, cid: Cid) -> OpenedContent:
        """Find content that was put.

        Raises:
            ContentNotFound: it was not put here.
            ContentStoreUnavailable: try again later.
        """

    def has(self, cid: Cid) -> bool:
        """Whether it was put. May raise ContentStoreUnavailable."""


class LocalContentStore(ContentStore):
    """One file for each content, `root/<two characters>/<cid>`, readable only by the node's user.

    A file appears under its CID by a rename after its bytes were flushed, so a crash leaves either all of it
    or a partial upload that `sweep_partial` takes away. Putting again replaces the file by an equal one,
    which also mends a file that was damaged on disk.
    """

    def __init__(self, root: Path, policy: UploadPolicy) -> None:
        self._root = root
        self._incoming = root / "incoming"
        self._policy = policy
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)

    @override
    def put(self, stream: ByteStream, *, media_type: str, name: str | None = None) -> StoredContent:
        staging = stage_upload(stream, self._incoming, media_type=media_type, name=name, policy=self._policy)
        with staging as staged:
            self._publish(staged)
            return StoredContent(staged.cid, staged.size, staged.media_type)

    @override
    def open(self, cid: Cid) -> OpenedContent:
        path = self._path(cid)
        try:
            size = path.stat().st_size
            media_type = media_type_of(path, size)
        except FileNotFoundError as error:
            raise ContentNotFound("No such content is stored here.", cid=str(cid)) from error
        stored = StoredContent(cid, size, media_type)
        return OpenedContent(stored, path, lambda first, length: _read_file(path, first, length))

    @override
    def has(self, cid: Cid) -> bool:
        return self._path(cid).is_file()

    def sweep_partial(self, *, before: datetime) -> int:
        """Remove partial uploads not written to since `before`; returns how many. A crash leaves them.

        `before` must be older than any upload still running, in whichever process.
        """
        swept = 0
        for path in self._incoming.glob(f"*{PARTIAL_SUFFIX}"):
            try:
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()
                    swept += 1
            except FileNotFoundError:
                continue  # its own upload finished meanwhile
        return swept

    def _path(self, cid: Cid) -> Path:
        """Sharded by the two characters before the last, which are spread evenly (the last is not)."""
        text = str(cid)
        return self._root / text[-3:-1] / text

    def _publish(self, staged: StagedUpload) -> None:
        path = self._path(staged.cid)
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _flush_folder(self._root)
        staged.path.replace(path)
        _flush_folder(path.parent)


def _read_file(path: Path, first: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        left = length
        while left and (piece := file.read(min(left, CHUNK_BYTES))):
            left -= len(piece)
            yield piece


def _flush_folder(folder: Path) -> None:
    """A rename is durable once the folder that names the file is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
