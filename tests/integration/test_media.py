"""Content through the edge: what goes in comes out under its CID, and cannot do anything there."""

from typing import Any

import pytest

from api.v1.media import StoredOut
from node.services.content.cid import Cid, Codec
from tests.edge import Edge
from tests.trade import PNG

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.anyio]

HTML = b"<html><script>alert(1)</script></html>"


async def put(edge: Edge, content: bytes, *, name: str = "a.bin", media_type: str = "image/png") -> Any:
    headers = await edge.sign_in()
    return await edge.client.post("/v1/media", files={"file": (name, content, media_type)}, headers=headers)


async def test_a_picture_comes_back_whole_and_in_parts(edge: Edge) -> None:
    answer = await put(edge, PNG, name="rug.png")
    assert answer.status_code == 201, answer.text
    stored = StoredOut.model_validate_json(answer.content)
    assert stored.uri == f"ipfs://{stored.cid}"
    path = f"/ipfs/{stored.cid}"
    whole = await edge.client.get(path)
    assert (whole.status_code, whole.content) == (200, PNG)
    assert whole.headers["content-type"] == "image/png"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert whole.headers["content-security-policy"] == "sandbox"
    assert "immutable" in whole.headers["cache-control"]
    assert whole.headers["content-disposition"].startswith("inline")
    part = await edge.client.get(path, headers={"Range": "bytes=8-17"})
    assert (part.status_code, part.content) == (206, PNG[8:18])
    assert part.headers["content-range"] == f"bytes 8-17/{len(PNG)}"
    known = await edge.client.get(path, headers={"If-None-Match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    beyond = await edge.client.get(path, headers={"Range": "bytes=9999-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(PNG)}")
    head = await edge.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(PNG))


async def test_what_is_not_a_picture_is_a_download(edge: Edge) -> None:
    answer = await put(edge, HTML, media_type="application/octet-stream")
    assert answer.status_code == 201, answer.text
    served = await edge.client.get(f"/ipfs/{answer.json()['cid']}")
    assert served.headers["content-type"] == "application/octet-stream"
    assert served.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (HTML, "text/html", 415, "media_type_refused"),
        (b"<svg/>", "image/svg+xml", 415, "media_type_refused"),
        (HTML, "image/png", 422, "media_type_mismatch"),
        (b"", "image/png", 422, "content_empty"),
        (b"x" * (10 * 2**20 + 1), "application/octet-stream", 413, "content_too_large"),
        (b"x" * (11 * 2**20), "application/octet-stream", 413, "body_too_large"),
    ],
)
async def test_what_is_not_taken(edge: Edge, content: bytes, media_type: str, status: int, code: str) -> None:
    answer = await put(edge, content, media_type=media_type)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_only_what_was_stored_here_is_served(edge: Edge) -> None:
    foreign = Cid(Codec.RAW, b"\7" * 32)
    answer = await edge.client.get(f"/ipfs/{foreign}")
    assert (answer.status_code, answer.json()["code"]) == (404, "content_not_found")
    answer = await edge.client.get("/ipfs/QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n")
    assert (answer.status_code, answer.json()["code"]) == (422, "cid_invalid")


async def test_uploads_and_metadata_need_a_caller(edge: Edge) -> None:
    answer = await edge.client.post("/v1/media", files={"file": ("a.png", PNG, "image/png")})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
    answer = await edge.client.post("/v1/metadata", json={"name": "x"})
    assert answer.status_code == 401


async def test_metadata_is_stored_as_a_document_of_its_own(edge: Edge) -> None:
    headers = await edge.sign_in()
    body = {"name": "قالی", "description": "پشم", "attributes": [{"trait_type": "سال", "value": 1309}]}
    answer = await edge.client.post("/v1/metadata", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    stored = StoredOut.model_validate_json(answer.content)
    assert stored.media_type == "application/json"
    served = await edge.client.get(f"/ipfs/{stored.cid}")
    assert served.json() == body
    again = await edge.client.post("/v1/metadata", json=body, headers=headers)
    assert again.json() == answer.json()


@pytest.mark.parametrize(
    "body",
    [
        {"name": " "},
        {"name": "x", "image": "javascript:alert(1)"},
        {"name": "x", "attributes": [{"trait_type": "a"}]},
        {"name": "x", "attributes": [{"value": {"deep": 1}}]},
        {"name": "x", "surprise": 1},
    ],
)
async def test_bad_metadata_is_refused(edge: Edge, body: dict[str, object]) -> None:
    headers = await edge.sign_in()
    answer = await edge.client.post("/v1/metadata", json=body, headers=headers)
    assert answer.status_code == 422, answer.text
