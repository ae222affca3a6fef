"""Content: pictures and metadata go in, `/ipfs/{cid}` gives back what went in here and nothing else."""

import io
import json
from typing import Annotated, Any

from fastapi import File, Header, UploadFile
from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr
from starlette.responses import Response, StreamingResponse

from api.access import CurrentPrincipal, TheServices
from api.routing import EffectTx, edge_router, upload
from api.schemas import Input, Output
from node.services.container import Services
from node.services.content.cid import Cid
from node.services.content.media import JSON, OCTET_STREAM
from node.services.content.metadata import ATTRIBUTES_MAX
from node.services.content.serving import answer_for
from node.services.content.store import StoredContent

router = edge_router("content")

EXAMPLE_CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
HEADER_CHARS_MAX = 2_000


class AttributeIn(Input):
    trait_type: str | None = None
    display_type: str | None = None
    value: StrictStr | StrictBool | StrictInt | StrictFloat


class MetadataIn(Input):
    """Token metadata (ERC-721, with the attributes that everybody reads)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Carpet 1",
                    "description": "Wool, 1930",
                    "image": f"ipfs://{EXAMPLE_CID}",
                    "attributes": [{"trait_type": "city", "value": "Tabriz"}],
                }
            ]
        }
    )

    name: str
    description: str | None = None
    image: str | None = Field(
        None, description="Of `POST /v1/media`, or another ipfs://, https:// or ar:// URI"
    )
    attributes: list[AttributeIn] = Field([], max_length=ATTRIBUTES_MAX)
    external_url: str | None = None
    animation_url: str | None = None


class StoredOut(Output):
    cid: str = Field(examples=[EXAMPLE_CID])
    uri: str = Field(examples=[f"ipfs://{EXAMPLE_CID}"])
    size: int = Field(examples=[48211], description="Bytes")
    media_type: str = Field(
        examples=["image/png"], description="By the bytes, whatever they were declared as"
    )


@router.post("/v1/media", status_code=201)
@upload
def upload_media(
    file: Annotated[UploadFile, File(description="One file")],
    begin: EffectTx,  # noqa: ARG001 - the store is outside of the database
    services: TheServices,
    principal: CurrentPrincipal,  # noqa: ARG001 - signed-in callers only
) -> StoredOut:
    """Store a file. The same bytes have the same CID, so storing again changes nothing."""
    media_type = file.content_type or OCTET_STREAM
    return _out(services.content.put(file.file, media_type=media_type, name=file.filename))


@router.post("/v1/metadata", status_code=201)
def store_metadata(
    body: MetadataIn,
    begin: EffectTx,  # noqa: ARG001 - the store is outside of the database
    services: TheServices,
    principal: CurrentPrincipal,  # noqa: ARG001 - signed-in callers only
) -> StoredOut:
    """Store a token's metadata, for the URI that it is minted with."""
    document = body.model_dump(exclude_none=True)
    raw = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return _out(services.content.put(io.BytesIO(raw), media_type=JSON))


_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The content", "content": {"*/*": {}}},
    206: {"description": "The part that was asked for", "content": {"*/*": {}}},
    304: {"description": "The client has it already"},
    416: {"description": "The range lies outside of the content"},
}

OneHeader = Annotated[str | None, Header(max_length=HEADER_CHARS_MAX)]


@router.get("/ipfs/{cid}", response_class=Response, responses=_CONTENT)
def read_content(
    cid: str,
    services: TheServices,
    range: OneHeader = None,  # noqa: A002 - the header's name
    if_range: OneHeader = None,
    if_none_match: OneHeader = None,
) -> Response:
    """What was stored here under that CID. It never changes; all but raster images is a download."""
    return _serve(services, cid, range, if_range, if_none_match)


@router.head("/ipfs/{cid}", response_class=Response)
def head_content(
    cid: str,
    services: TheServices,
    range: OneHeader = None,  # noqa: A002 - the header's name
    if_range: OneHeader = None,
    if_none_match: OneHeader = None,
) -> Response:
    """The headers of `GET`, without the content."""
    answer = _serve(services, cid, range, if_range, if_none_match)
    return Response(status_code=answer.status_code, headers=dict(answer.headers))


def _serve(
    services: Services, cid: str, range_: str | None, if_range: str | None, if_none_match: str | None
) -> Response:
    opened = services.content.open(Cid.parse(cid))
    answer = answer_for(opened.stored, range_header=range_, if_range=if_range, if_none_match=if_none_match)
    if answer.body is None:
        return Response(status_code=answer.status, headers=answer.headers)
    chunks = opened.chunks(first=answer.body.first, length=answer.body.length)
    return StreamingResponse(chunks, answer.status, headers=answer.headers)


def _out(stored: StoredContent) -> StoredOut:
    return StoredOut(
        cid=str(stored.cid), uri=f"ipfs://{stored.cid}", size=stored.size, media_type=stored.media_type
    )
