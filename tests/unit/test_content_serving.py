"""How content answers over HTTP, decided without HTTP."""

import io

import pytest

from node.services.content import serving
from node.services.content.media import JSON, OCTET_STREAM, RASTER_IMAGES
from node.services.content.serving import ByteRange, Unsatisfiable, answer_for, parse_range
from node.services.content.store import StoredContent
from node.services.content.unixfs import cid_of

CID = cid_of(io.BytesIO(b"0123456789"))
PICTURE = StoredContent(CID, 10, "image/png")


def test_the_whole_content() -> None:
    answer = answer_for(PICTURE)
    assert answer.status == 200
    assert answer.body == ByteRange(0, 10)
    assert answer.headers == {
        "Content-Type": "image/png",
        "Content-Length": "10",
        "Content-Disposition": f'inline; filename="{CID}.png"',
        "Cache-Control": "public, max-age=31536000, immutable",
        "ETag": f'"{CID}"',
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox",
    }


@pytest.mark.parametrize("media_type", [JSON, OCTET_STREAM, "text/html", "image/svg+xml"])
def test_all_but_raster_images_is_a_download(media_type: str) -> None:
    headers = answer_for(StoredContent(CID, 10, media_type)).headers
    assert headers["Content-Disposition"].startswith("attachment; ")


@pytest.mark.parametrize("media_type", sorted(RASTER_IMAGES))
def test_raster_images_are_shown(media_type: str) -> None:
    headers = answer_for(StoredContent(CID, 10, media_type)).headers
    assert headers["Content-Disposition"].startswith("inline; ")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=2-5", ByteRange(2, 4)),
        ("Bytes=2-5", ByteRange(2, 4)),
        ("bytes= 2-5 ", ByteRange(2, 4)),
        ("bytes=2-", ByteRange(2, 8)),
        ("bytes=2-9999", ByteRange(2, 8)),
        ("bytes=9-9", ByteRange(9, 1)),
        ("bytes=-3", ByteRange(7, 3)),
        ("bytes=-9999", ByteRange(0, 10)),
        ("bytes=10-", Unsatisfiable()),
        ("bytes=10-12", Unsatisfiable()),
        ("bytes=-0", Unsatisfiable()),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=a-b", None),
        ("bytes=+1-2", None),
        ("bytes=1-2-3", None),
        ("bytes=0-1,3-4", None),
        ("bytes=\u0661-\u0662", None),
        ("bytes=0-" + "9" * 30, None),
        ("items=0-1", None),
        ("bytes=0-1\n", None),
    ],
)
def test_range_header(header: str | None, expected: ByteRange | Unsatisfiable | None) -> None:
    assert parse_range(header, 10) == expected


def test_a_part() -> None:
    answer = answer_for(PICTURE, range_header="bytes=-4")
    assert answer.status == 206
    assert answer.body == ByteRange(6, 4)
    assert answer.headers["Content-Range"] == "bytes 6-9/10"
    assert answer.headers["Content-Length"] == "4"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_no_part_is_an_error_that_nobody_caches() -> None:
    answer = answer_for(PICTURE, range_header="bytes=10-")
    assert answer.status == 416
    assert answer.body is None
    assert answer.headers == {"Content-Range": "bytes */10", "Content-Length": "0"}


@pytest.mark.parametrize(
    ("if_range", "status"),
    [(f'"{CID}"', 206), ('"other"', 200), (f'W/"{CID}"', 200), ("Sun, 22 Nov 2026", 200)],
)
def test_if_range_compares_strongly(if_range: str, status: int) -> None:
    assert answer_for(PICTURE, range_header="bytes=0-1", if_range=if_range).status == status


@pytest.mark.parametrize("if_none_match", ["*", f'"{CID}"', f'W/"{CID}"', f'"other", "{CID}"'])
def test_what_the_client_has_is_not_sent_again(if_none_match: str) -> None:
    answer = answer_for(PICTURE, if_none_match=if_none_match, range_header="bytes=0-1")
    assert answer.status == 304
    assert answer.body is None
    assert answer.headers == {"ETag": serving.etag(CID), "Cache-Control": serving.CACHE_CONTROL}


@pytest.mark.parametrize("if_none_match", ['"other"', str(CID), "", '"*"'])
def test_what_the_client_does_not_have_is_sent(if_none_match: str) -> None:
    assert answer_for(PICTURE, if_none_match=if_none_match).status == 200
