"""How `/ipfs/{cid}` answers, as values: no framework, no I/O.

What strangers uploaded is served from our own origin, so it must never run there: the media type is ours and
not sniffed, the document is sandboxed, and all but raster images is a download. Content never changes under
its CID, which makes every answer cacheable for good and the CID a strong ETag.
Ranges: RFC 9110 section 14, one range of bytes; several, or a malformed header, are ignored as section 14.2
allows.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus

from node.services.content.cid import Cid
from node.services.content.media import AVIF, GIF, JPEG, JSON, PNG, RASTER_IMAGES, WEBP
from node.services.content.store import StoredContent

CACHE_CONTROL = "public, max-age=31536000, immutable"
POSITION_DIGITS_MAX = 19  # positions up to 2**63; a longer number is not a position in any file
_RANGE = re.compile(
    rf"bytes=[ \t]*(\d{{0,{POSITION_DIGITS_MAX}}})-(\d{{0,{POSITION_DIGITS_MAX}}})[ \t]*",
    re.IGNORECASE | re.ASCII,
)
_EXTENSIONS = {PNG: "png", JPEG: "jpg", GIF: "gif", WEBP: "webp", AVIF: "avif", JSON: "json"}


@dataclass(frozen=True, slots=True)
class ByteRange:
    """`length` bytes from offset `first`, at least one, within the content."""

    first: int
    length: int

    def content_range(self, size: int) -> str:
        """The Content-Range header of a 206."""
        return f"bytes {self.first}-{self.first + self.length - 1}/{size}"


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """A well-formed range with no byte of the content in it: 416."""


@dataclass(frozen=True, slots=True)
class ContentAnswer:
    """What to send: these headers and then the bytes of `body`; none for None, nor for a HEAD request."""

    status: HTTPStatus
    headers: dict[str, str]
    body: ByteRange | None


def answer_for(
    stored: StoredContent,
    *,
    range_header: str | None = None,
    if_range: str | None = None,
    if_none_match: str | None = None,
) -> ContentAnswer:
    """Decide status, headers and bytes from the request's conditional headers, in RFC 9110's order."""
    headers = content_headers(stored)
    if if_none_match is not None and matches_etag(if_none_match, stored.cid):
        kept = {name: headers[name] for name in ("ETag", "Cache-Control")}
        return ContentAnswer(HTTPStatus.NOT_MODIFIED, kept, None)
    wanted = None
    if if_range is None or if_range.strip() == etag(stored.cid):
        wanted = parse_range(range_header, stored.size)
    match wanted:
        case Unsatisfiable():
            refusal = {"Content-Length": "0", "Content-Range": f"bytes */{stored.size}"}
            return ContentAnswer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, refusal, None)
        case ByteRange():
            headers |= {
                "Content-Length": str(wanted.length),
                "Content-Range": wanted.content_range(stored.size),
            }
            return ContentAnswer(HTTPStatus.PARTIAL_CONTENT, headers, wanted)
        case None:
            whole = ByteRange(0, stored.size) if stored.size else None
            return ContentAnswer(HTTPStatus.OK, headers, whole)


def content_headers(stored: StoredContent) -> dict[str, str]:
    """The headers of the whole content."""
    return {
        "Content-Type": stored.media_type,
        "Content-Length": str(stored.size),
        "Content-Disposition": _disposition(stored),
        "Cache-Control": CACHE_CONTROL,
        "ETag": etag(stored.cid),
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox",
    }


def etag(cid: Cid) -> str:
    """A strong validator: other bytes would have another CID."""
    return f'"{cid}"'


def matches_etag(if_none_match: str, cid: Cid) -> bool:
    """If-None-Match, by weak comparison (RFC 9110 section 13.1.2). No tag of ours has a comma in it."""
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return if_none_match.strip() == "*" or etag(cid) in tags


def parse_range(header: str | None, size: int) -> ByteRange | Unsatisfiable | None:
    """The one range that a Range header asks for; None means the whole content."""
    match = _RANGE.fullmatch(header) if header is not None else None
    if match is None:
        return None
    first, last = match.groups()
    if not first:
        return _suffix_range(last, size)
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        return Unsatisfiable()
    end = min(int(last), size - 1) if last else size - 1
    return ByteRange(start, end - start + 1)


def _suffix_range(digits: str, size: int) -> ByteRange | Unsatisfiable | None:
    if not digits:
        return None
    length = min(int(digits), size)
    return ByteRange(size - length, length) if length else Unsatisfiable()


def _disposition(stored: StoredContent) -> str:
    """Our own name for the file: the uploader's is unknown here and could say anything."""
    kind = "inline" if stored.media_type in RASTER_IMAGES else "attachment"
    extension = _EXTENSIONS.get(stored.media_type, "bin")
    return f'{kind}; filename="{stored.cid}.{extension}"'
