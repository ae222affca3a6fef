"""An upload on its way in: bounded, on disk, hashed and looked into before any store takes it.

The CID is computed from the file and not from the stream, so it is the name of what was really written.
"""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from node.services.content.cid import Cid
from node.services.content.errors import ContentEmpty, ContentStoreUnavailable, ContentTooLarge
from node.services.content.media import HEAD_BYTES, UploadPolicy, check_agreement, check_name, detect
from node.services.content.unixfs import ByteStream, cid_of

PARTIAL_SUFFIX = ".partial"
_COPY_BYTES = 1 << 16
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class StagedUpload:
    """A complete, accepted upload in a temporary file, which its context removes unless it was moved."""

    path: Path
    cid: Cid
    size: int
    media_type: str


@contextlib.contextmanager
def stage_upload(
    stream: ByteStream, folder: Path | None, *, media_type: str, name: str | None, policy: UploadPolicy
) -> Iterator[StagedUpload]:
    """Take an upload into `folder` (the system's own if None) and check everything that there is to check.

    Raises:
        Invalid: one of content's refusals; then nothing is left behind.
        ContentStoreUnavailable: the disk is full, here or in what the caller does inside the context.
    """
    declared = policy.check_claim(media_type)
    if name is not None:
        check_name(name)
    with _disk_full_is_transient(), _temporary_file(folder) as path:
        size, cid = _write(stream, path, size_bytes_max=policy.size_bytes_max)
        detected = media_type_of(path, size)
        check_agreement(declared, detected, read_all=path.read_bytes)
        yield StagedUpload(path, cid, size, detected)


def media_type_of(path: Path, size: int) -> str:
    """The type of a file's content, see `media.detect`."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return detect(head, size=size, read_all=path.read_bytes)


@contextlib.contextmanager
def _disk_full_is_transient() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise ContentStoreUnavailable("There is no room left for content.") from error


@contextlib.contextmanager
def _temporary_file(folder: Path | None) -> Iterator[Path]:
    handle, raw_path = tempfile.mkstemp(suffix=PARTIAL_SUFFIX, dir=folder)
    os.close(handle)
    path = Path(raw_path)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _write(stream: ByteStream, path: Path, *, size_bytes_max: int) -> tuple[int, Cid]:
    """Copy the stream to the file, flush it to the disk, and name what the file then holds."""
    with path.open("w+b") as file:
        size = _copy_bounded(stream, file, size_bytes_max=size_bytes_max)
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        cid = cid_of(file)
        assert file.tell() == size, "what was written is what was hashed"
    return size, cid


def _copy_bounded(stream: ByteStream, file: BinaryIO, *, size_bytes_max: int) -> int:
    size = 0
    while piece := stream.read(_COPY_BYTES):
        size += len(piece)
        if size > size_bytes_max:
            raise ContentTooLarge("The file is too large for this node.", size_bytes_max=size_bytes_max)
        file.write(piece)
    if size == 0:
        raise ContentEmpty("There is nothing in the file.")
    return size
