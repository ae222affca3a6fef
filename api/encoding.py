"""Compression by negotiation (RFC 9110, section 12.5.3): zstd, brotli or gzip.

Only answers to GET and HEAD are compressed. Tokens and keys are always answers to other methods, and a
secret must not be compressed beside text that somebody else chose (BREACH reads it from the length).

An ETag is of the bytes that went out (section 8.8.3), so a compressed answer has its own: the plain one and
the name of the encoding. Preconditions that come back are stripped to the plain one again, and so hold
whatever encoding the client asks for next.
"""

import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette_compress import CompressMiddleware

SIZE_MIN = 1_000  # bytes; below that the headers weigh as much as what is saved
_PRECONDITIONS = frozenset({b"if-match", b"if-none-match", b"if-range"})
_ENCODED_TAG = re.compile(rb'(?<=[0-9A-Za-z])\.(?:zstd|br|gzip)(?=")')


class Compressed:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = CompressMiddleware(app, minimum_size=SIZE_MIN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # In place: the layers outside read from the same scope which route it was.
        scope["headers"] = [_plain_tags(*header) for header in scope["headers"]]
        if scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                _tag_by_encoding(MutableHeaders(scope=message))
            await send(message)

        await self._compressing(scope, receive, tagged)


def _plain_tags(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    return (name, _ENCODED_TAG.sub(b"", value)) if name in _PRECONDITIONS else (name, value)


def _tag_by_encoding(headers: MutableHeaders) -> None:
    tag, encoding = headers.get("etag"), headers.get("content-encoding")
    if tag and encoding:
        headers["etag"] = f'{tag[:-1]}.{encoding}"'
