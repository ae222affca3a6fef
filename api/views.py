"""The query path: bytes from Postgres straight to the client, with an ETag.

ETags are strong: a hash of the very bytes. Everything is `no-cache`, which lets clients keep an answer
and ask each time whether it is still right; that costs a 304 and no body.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, LiteralString

from fastapi import Depends, Query, Request
from starlette.responses import Response

from api.access import services_of
from node.kernel.db.keyset import CURSOR_CHARS_MAX, PAGE_MAX, Keyset
from node.kernel.db.query_pool import QueryPool
from node.kernel.errors import AsoudError, Bug

PUBLIC = "public, no-cache"
PRIVATE = "private, no-cache"
PAGE_DEFAULT = 20
_ETAG_BYTES = 16


@dataclass(frozen=True, slots=True)
class PageRequest:
    limit: int
    cursor: str | None


async def _page_request(
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX, description="Items on the page")] = PAGE_DEFAULT,
    cursor: Annotated[
        str | None, Query(max_length=CURSOR_CHARS_MAX, description="`next` of the page before")
    ] = None,
) -> PageRequest:
    return PageRequest(limit, cursor)


ThePage = Annotated[PageRequest, Depends(_page_request)]


@dataclass(frozen=True, slots=True)
class ViewReader:
    """Answers one request from the query pool."""

    _queries: QueryPool
    _if_none_match: str | None

    async def one(
        self,
        sql: LiteralString,
        params: Mapping[str, object],
        *,
        missing: AsoudError,
        private: bool = False,
    ) -> Response:
        """The JSON of one statement. `missing` is raised when it finds nothing."""
        body = await self._queries.json(sql, params)
        if body is None:
            raise missing
        return self.answer(body, private=private)

    async def page(
        self,
        keyset: Keyset,
        params: Mapping[str, object],
        page: PageRequest,
        *,
        private: bool = False,
    ) -> Response:
        sql, values = keyset.statement(params, limit=page.limit, cursor=page.cursor)
        body = await self._queries.json(sql, values)
        if body is None:
            raise Bug("a page is never NULL", keyset=keyset.name)
        return self.answer(body, private=private)

    def answer(self, body: bytes, *, private: bool = False) -> Response:
        etag = etag_of(body)
        headers = {"ETag": etag, "Cache-Control": PRIVATE if private else PUBLIC}
        if private:
            headers["Vary"] = "Authorization, Cookie"
        if matches(self._if_none_match, etag):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="application/json")


def etag_of(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=_ETAG_BYTES).hexdigest()}"'


def matches(if_none_match: str | None, etag: str) -> bool:
    """RFC 9110, section 13.1.2: weak comparison against a list of tags, or `*`."""
    if if_none_match is None:
        return False
    tags = [tag.strip() for tag in if_none_match.split(",")]
    return "*" in tags or any(tag.removeprefix("W/") == etag for tag in tags)


async def _views(request: Request) -> ViewReader:
    return ViewReader(services_of(request).queries, request.headers.get("if-none-match"))


Views = Annotated[ViewReader, Depends(_views)]
