"""Files that a statement of the query path makes: it gives RFC 4180 as one JSON string."""

from collections.abc import Mapping
from typing import LiteralString

import msgspec
from starlette.responses import Response

from api.views import PRIVATE
from node.kernel.errors import Bug
from node.services.container import Services


async def csv_file(
    services: Services, sql: LiteralString, params: Mapping[str, object], *, name: str
) -> Response:
    body = await services.queries.json(sql, params)
    if body is None:
        raise Bug("a file is never NULL")
    headers = {"Cache-Control": PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(msgspec.json.decode(body, type=str), headers=headers, media_type="text/csv")
