"""Content in a Kubo node, over its RPC API, through ipfshttpclient 0.7.

That client is no longer developed and refuses a modern Kubo by version, so we skip its check and use only
calls that have not changed: add, cat, pin/ls, pin/rm, files/stat. Every reading call is sent with `offline`,
and only recursive pins are found: without that this node would be a gateway to all of IPFS for whoever knows
a CID. What else is pinned in that Kubo is found too, so give the node a Kubo of its own.
"""

import contextlib
import ipaddress
from collections.abc import Iterator, Mapping
from typing import BinaryIO
from urllib.parse import urlsplit

import ipfshttpclient  # type: ignore[import-untyped]
from ipfshttpclient.exceptions import Error as ClientError  # type: ignore[import-untyped]
from ipfshttpclient.exceptions import ErrorResponse
from requests.exceptions import RequestException
from typing_extensions import override

from node.services.content.cid import Cid
from node.services.content.errors import CidMismatch, ContentNotFound, ContentStoreUnavailable
from node.services.content.media import HEAD_BYTES, UploadPolicy, detect
from node.services.content.staging import StagedUpload, stage_upload
from node.services.content.store import ContentStore, OpenedContent, StoredContent
from node.services.content.unixfs import KUBO_DEFAULT, ByteStream

_NOT_PINNED = "is not pinned"  # kubo core/commands/pin/pin.go; the RPC API has no code for it
_UPLOAD_NAME = "content"
# Said aloud although they are Kubo's defaults, since an operator can configure others.
_ADD_OPTIONS: Mapping[str, str | int] = {
    "hash": "sha2-256",
    "max-file-links": KUBO_DEFAULT.links_max,
    "progress": "false",
}


class KuboContentStore(ContentStore):
    """Keeps each content as a recursive pin. `timeout_s` bounds a wait for the node, not a whole upload."""

    def __init__(self, url: str, policy: UploadPolicy, *, timeout_s: float = 30.0) -> None:
        self._policy = policy
        self._client = ipfshttpclient.Client(kubo_address(url), timeout=timeout_s)

    @override
    def put(self, stream: ByteStream, *, media_type: str, name: str | None = None) -> StoredContent:
        with stage_upload(stream, None, media_type=media_type, name=name, policy=self._policy) as staged:
            self._add(staged, name or _UPLOAD_NAME)
            return StoredContent(staged.cid, staged.size, staged.media_type)

    @override
    def open(self, cid: Cid) -> OpenedContent:
        if not self.has(cid):
            raise ContentNotFound("No such content is stored here.", cid=str(cid))
        with _unavailable():
            stat = self._client.files.stat(f"/ipfs/{cid}", offline=True)
            size, is_file = int(stat["Size"]), stat["Type"] == "file"
        if not is_file:
            raise ContentNotFound("It is a folder, and folders are never put here.", cid=str(cid))

        def read(first: int, length: int) -> Iterator[bytes]:
            return self._cat(cid, first, length)

        head = b"".join(read(0, min(size, HEAD_BYTES)))
        media_type = detect(head, size=size, read_all=lambda: b"".join(read(0, size)))
        return OpenedContent(StoredContent(cid, size, media_type), None, read)

    @override
    def has(self, cid: Cid) -> bool:
        with _unavailable():
            try:
                self._client.pin.ls(str(cid), type="recursive", offline=True)
            except ErrorResponse as error:
                if _NOT_PINNED not in str(error):
                    raise
                return False
        return True

    def _add(self, staged: StagedUpload, name: str) -> None:
        with _unavailable(), staged.path.open("rb") as file:
            answer = self._client.add(
                _NamedUpload(file, name),
                pin=True,
                cid_version=1,
                raw_leaves=True,
                chunker=f"size-{KUBO_DEFAULT.chunk_bytes}",
                opts=dict(_ADD_OPTIONS),
            )
        theirs = str(answer["Hash"])
        if theirs == str(staged.cid):
            return
        with contextlib.suppress(ClientError):  # the mismatch is the news, a pin too many is not
            self._client.pin.rm(theirs)
        raise CidMismatch(
            "Kubo names the same bytes differently; look at its Import settings.",
            ours=str(staged.cid),
            theirs=theirs,
        )

    def _cat(self, cid: Cid, first: int, length: int) -> Iterator[bytes]:
        if length == 0:
            return
        with (
            _unavailable(),
            self._client.cat(str(cid), offset=first, length=length, stream=True, offline=True) as pieces,
        ):
            left = length
            for piece in pieces:
                left -= len(piece)
                yield piece
        if left:  # Kubo tells of a failure on the way in a trailer, which the client does not read
            raise ContentStoreUnavailable("The IPFS node stopped in the middle.", cid=str(cid))


class _NamedUpload:
    """A file under a name of our choice: the client would tell Kubo the temporary file's path."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self.name = name

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(size)


def kubo_address(url: str) -> str:
    """The multiaddr of an `http(s)://host:port` address, which is how the client wants to be told."""
    parts = urlsplit(url)
    host = parts.hostname
    if parts.scheme not in {"http", "https"} or not host or parts.path.strip("/") or parts.query:
        raise ValueError("the address of Kubo's RPC API looks like http://127.0.0.1:5001")
    try:
        family = f"ip{ipaddress.ip_address(host).version}"
    except ValueError:
        family = "dns"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"/{family}/{host}/tcp/{port}/{parts.scheme}"


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    """Every failure of the node or of the way to it is worth another try later."""
    try:
        yield
    except (ClientError, RequestException) as error:  # the client lets some of the latter through
        raise ContentStoreUnavailable("The IPFS node does not answer as it should.") from error
