"""What a command answers with: the same bytes that a read would give right after it, with the same ETag.

`If-Match` is judged against the bytes of now, in the command's transaction and after its row was locked, so a
change can never be based on something that the caller did not see.
"""

from collections.abc import Mapping
from typing import Annotated, LiteralString

from fastapi import Header
from starlette.responses import Response

from api.edge_errors import PreconditionFailed
from api.views import etag_of
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Bug

IF_MATCH_CHARS_MAX = 1_000

IfMatch = Annotated[
    str | None,
    Header(
        max_length=IF_MATCH_CHARS_MAX,
        description="The `ETag` of what the change is based on: when it has moved on, the answer is 412",
    ),
]


def _found(tx: Tx, sql: LiteralString, params: Mapping[str, object]) -> bytes | None:
    """The bytes of a view of the query path, as this transaction sees it."""
    tx.flush()
    found = tx.connection().exec_driver_sql(f"SELECT ({sql})::text", dict(params)).scalar_one()
    return None if found is None else str(found).encode()


def read_back(
    tx: Tx,
    sql: LiteralString,
    params: Mapping[str, object],
    *,
    status: int = 200,
    location: str | None = None,
) -> Response:
    body = _found(tx, sql, params)
    if body is None:
        raise Bug("a command cannot read back what it wrote")
    headers = {"ETag": etag_of(body)}
    if location is not None:
        headers["Location"] = location
    return Response(body, status, headers=headers, media_type="application/json")


def require_match(tx: Tx, if_match: str | None, sql: LiteralString, params: Mapping[str, object]) -> None:
    """RFC 9110, section 13.1.1: strong comparison. The row has to be locked, or what it belongs to.

    Raises:
        PreconditionFailed: None of the tags is that of now, or there is nothing that has one.
    """
    if if_match is None:
        return
    now, tags = _found(tx, sql, params), [tag.strip() for tag in if_match.split(",")]
    if now is None or not {"*", etag_of(now)}.intersection(tags):
        raise PreconditionFailed("it was changed since you read it; read it again")
