"""Which language a reader is shown: by `Accept-Language`, never by who they are.

So a cache between us and readers can tell by `Vary` whom an answer suits. Each answer says in
`Content-Language` in what it is told; its ETag is of those very bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, LiteralString

import msgspec
from fastapi import Depends, Header, Request
from starlette.responses import Response
from typing_extensions import override

from api.access import services_of
from api.views import PageRequest, ViewReader
from node.kernel.db.keyset import Keyset
from node.kernel.errors import AsoudError
from node.kernel.language import wanted_languages

OWN_WORDS: Final[Mapping[str, object]] = {"languages": []}
"""For views of what was made just now, and so is told in one language."""


async def _languages(
    accept_language: Annotated[
        str | None,
        Header(
            description="In which languages texts are wanted; `*` or none: the market's own words",
            examples=["fa-IR, fa;q=0.9, en;q=0.5"],
        ),
    ] = None,
) -> list[str]:
    return list(wanted_languages(accept_language or ""))


Languages = Annotated[list[str], Depends(_languages)]


@dataclass(frozen=True, slots=True)
class WordViewReader(ViewReader):
    """Of views that take `languages`."""

    _languages: list[str]

    @override
    async def one(
        self,
        sql: LiteralString,
        params: Mapping[str, object],
        *,
        missing: AsoudError,
        private: bool = False,
    ) -> Response:
        told = {**params, "languages": self._languages}
        return await ViewReader.one(self, sql, told, missing=missing, private=private)

    @override
    async def page(
        self,
        keyset: Keyset,
        params: Mapping[str, object],
        page: PageRequest,
        *,
        private: bool = False,
    ) -> Response:
        told = {**params, "languages": self._languages}
        return await ViewReader.page(self, keyset, told, page, private=private)

    @override
    def answer(self, body: bytes, *, private: bool = False) -> Response:
        answer = ViewReader.answer(self, body, private=private)
        answer.headers.add_vary_header("Accept-Language")
        return _in_language(answer, body)


async def _word_views(request: Request, languages: Languages) -> WordViewReader:
    return WordViewReader(services_of(request).queries, request.headers.get("if-none-match"), languages)


WordViews = Annotated[WordViewReader, Depends(_word_views)]


def in_language(answer: Response) -> Response:
    """Says in which language what a command answers is told."""
    return _in_language(answer, bytes(answer.body))


class _Told(msgspec.Struct):
    """What of a view says its languages: one thing, or the items of a page."""

    language: str | None = None
    items: "list[_Told]" = []


_TOLD: Final = msgspec.json.Decoder(_Told)


def _in_language(answer: Response, body: bytes) -> Response:
    told = _TOLD.decode(body)
    languages = dict.fromkeys(one.language for one in (told, *told.items) if one.language)
    if languages:
        answer.headers["Content-Language"] = ", ".join(languages)
    return answer
