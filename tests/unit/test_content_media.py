"""Media types follow from bytes; claims are held against them."""

import json

import pytest

from node.services.content import media
from node.services.content.errors import (
    ContentNameInvalid,
    MediaTypeMismatch,
    MediaTypeRefused,
    MetadataInvalid,
)
from node.services.content.metadata import (
    ATTRIBUTES_MAX,
    DEPTH_MAX,
    METADATA_BYTES_MAX,
    NAME_CHARS_MAX,
    parse_metadata,
)

POLICY = media.UploadPolicy(size_bytes_max=1000)
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
AVIF_BY_COMPATIBLE_BRAND = b"\0\0\0\x20ftypmif1\0\0\0\0mif1avifmiafMA1B"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (PNG, "image/png"),
        (b"\x89PNG\r\n\x1a", None),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        (b"GIF87a....", "image/gif"),
        (b"GIF89a....", "image/gif"),
        (b"GIF90a....", None),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\0\0\0WAVEfmt ", None),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "image/avif"),
        (b"\0\0\0\x18ftypavis\0\0\0\0avismsf1", "image/avif"),
        (AVIF_BY_COMPATIBLE_BRAND, "image/avif"),
        (b"\0\0\0\x14ftypisom\0\0\0\0mp42avif", None),  # the brand is behind the end of the box
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", None),
        (b"<svg xmlns=", None),
        (b"", None),
    ],
)
def test_raster_images_are_known_by_their_first_bytes(head: bytes, expected: str | None) -> None:
    assert media.sniff_raster(head) == expected


@pytest.mark.parametrize(
    "declared", ["text/html", "image/svg+xml", "text/javascript", "png", "", "image/png/x", "é/é"]
)
def test_active_and_malformed_types_are_not_taken(declared: str) -> None:
    with pytest.raises(MediaTypeRefused):
        POLICY.check_claim(declared)


def test_parameters_and_case_of_a_claim_do_not_matter() -> None:
    assert POLICY.check_claim("Application/JSON; charset=utf-8") == "application/json"


def test_a_policy_may_take_less() -> None:
    images_only = media.UploadPolicy(size_bytes_max=1, media_types=media.RASTER_IMAGES)
    with pytest.raises(MediaTypeRefused):
        images_only.check_claim("application/json")


def detected(content: bytes) -> str:
    return media.detect(content[: media.HEAD_BYTES], size=len(content), read_all=lambda: content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (PNG, "image/png"),
        (b'{"name": "Seven"}', "application/json"),
        (b" " * 100 + b'{"name": "Seven"}', "application/json"),
        (b'{"name": 7}', "application/octet-stream"),
        (b'["name"]', "application/octet-stream"),
        (b"plain", "application/octet-stream"),
        (b" " * 100, "application/octet-stream"),
    ],
)
def test_the_type_follows_from_the_bytes(content: bytes, expected: str) -> None:
    assert detected(content) == expected


@pytest.mark.parametrize(
    ("declared", "content"),
    [
        ("image/png", PNG),
        ("application/octet-stream", PNG),
        ("application/octet-stream", b"plain"),
        ("application/json", b'{"name": "Seven"}'),
        ("video/mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"),
    ],
)
def test_true_claims_pass(declared: str, content: bytes) -> None:
    media.check_agreement(declared, detected(content), read_all=lambda: content)


@pytest.mark.parametrize(
    ("declared", "content"),
    [
        ("image/jpeg", PNG),
        ("image/png", b"<html>"),
        ("application/json", PNG),
        ("video/mp4", PNG),
        ("video/mp4", b'{"name": "Seven"}'),
    ],
)
def test_false_claims_are_refused_with_both_types(declared: str, content: bytes) -> None:
    with pytest.raises(MediaTypeMismatch) as refusal:
        media.check_agreement(declared, detected(content), read_all=lambda: content)
    assert refusal.value.fields == {"declared": declared, "detected": detected(content)}


def test_a_false_claim_of_metadata_tells_what_is_wrong() -> None:
    content = b'{"name": 7}'
    with pytest.raises(MetadataInvalid, match="name"):
        media.check_agreement("application/json", detected(content), read_all=lambda: content)


@pytest.mark.parametrize(
    "name", ["art.png", "\u062a\u0635\u0648\u06cc\u0631\u200c\u0647\u0627.png", "x" * 255, ".hidden", "a b"]
)
def test_names_for_people_are_fine(name: str) -> None:
    media.check_name(name)


@pytest.mark.parametrize(
    "name", ["", "  ", ".", "..", "a/b", "a\\b", "a\0b", "a\nb", "x" * 256, "\u062a" * 128, "\ud800"]
)
def test_names_that_are_blank_or_paths_are_refused(name: str) -> None:
    with pytest.raises(ContentNameInvalid):
        media.check_name(name)


def test_metadata_keeps_what_it_does_not_know() -> None:
    document = {
        "name": "Seven",
        "description": "The seventh",
        "image": "ipfs://bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
        "attributes": [
            {"trait_type": "Level", "value": 5, "display_type": "number"},
            {"value": "plain"},
            {"trait_type": "Share", "value": 0.5},
            {"trait_type": "Rare", "value": True},
        ],
        "external_url": "https://example.org",
    }
    assert parse_metadata(json.dumps(document).encode()) == document


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b'{"name": "a"} x', id="more behind"),
        pytest.param(b'\xef\xbb\xbf{"name": "a"}', id="byte order mark"),
        pytest.param('{"name": "a"}'.encode("utf-16"), id="utf-16"),
        pytest.param(b'{"name": "\xff"}', id="not utf-8"),
        pytest.param(b'["a"]', id="a list"),
        pytest.param(b"{}", id="no name"),
        pytest.param(b'{"name": "  "}', id="blank name"),
        pytest.param(b'{"name": "' + b"a" * (NAME_CHARS_MAX + 1) + b'"}', id="long name"),
        pytest.param(b'{"name": "a", "name": "b"}', id="a key twice"),
        pytest.param(b'{"name": "a", "x": NaN}', id="NaN"),
        pytest.param(b'{"name": "a", "x": -Infinity}', id="infinity"),
        pytest.param(b'{"name": "a", "x": 1e999}', id="a number like infinity"),
        pytest.param(b'{"name": "a", "x": ' + b"9" * 5000 + b"}", id="a number of 5000 digits"),
        pytest.param(b'{"name": "a\\u0000"}', id="NUL"),
        pytest.param(b'{"name": "a", "x": [{"\\ud800": 1}]}', id="half a surrogate pair in a key"),
        pytest.param(b'{"name": "a", "description": 1}', id="description"),
        pytest.param(b'{"name": "a", "image": 1}', id="image not a string"),
        pytest.param(b'{"name": "a", "image": "javascript:alert(1)"}', id="image of a scheme that runs"),
        pytest.param(b'{"name": "a", "attributes": {}}', id="attributes not a list"),
        pytest.param(b'{"name": "a", "attributes": [1]}', id="attribute not an object"),
        pytest.param(b'{"name": "a", "attributes": [{"trait_type": "x"}]}', id="attribute without value"),
        pytest.param(b'{"name": "a", "attributes": [{"value": []}]}', id="attribute with a list"),
        pytest.param(b'{"name": "a", "attributes": [{"value": 1, "trait_type": 2}]}', id="trait type"),
        pytest.param(b'{"name": "a", "attributes": [{"value": 1, "display_type": 2}]}', id="display type"),
        pytest.param(
            json.dumps({"name": "a", "attributes": [{"value": 1}] * (ATTRIBUTES_MAX + 1)}).encode(),
            id="too many attributes",
        ),
        pytest.param(b'{"name": "a"' + b" " * METADATA_BYTES_MAX + b"}", id="too large"),
        pytest.param(b"[" * 200_000, id="deep enough to break a parser"),
        pytest.param(b'{"name": "' + b'\\"' * 120_000, id="quotes that a careless search would rescan"),
    ],
)
def test_metadata_refuses(raw: bytes) -> None:
    with pytest.raises(MetadataInvalid):
        parse_metadata(raw)


def nested(depth: int) -> bytes:
    return b'{"name": "[[[[[[[[[[[[", "x": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def test_depth_is_bounded_exactly() -> None:
    parse_metadata(nested(DEPTH_MAX))
    with pytest.raises(MetadataInvalid, match="deep"):
        parse_metadata(nested(DEPTH_MAX + 1))
