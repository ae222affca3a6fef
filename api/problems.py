"""Problem details (RFC 9457): the one shape of every answer that is not a success."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
JSON_INT_MAX = 2**53 - 1  # RFC 8259, section 6: beyond it readers lose digits
RESERVED = ("type", "title", "status", "detail", "code", "request_id", "errors")


def request_id() -> str | None:
    value = structlog.contextvars.get_contextvars().get("request_id")
    return str(value) if value is not None else None


def problem(
    status: int,
    code: str,
    title: str,
    *,
    detail: str,
    fields: Mapping[str, str | int | bool | None] | None = None,
    errors: Sequence[Mapping[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, object] | None = None,
) -> Response:
    """`type` is relative to the API: `docs/errors.md` lists every code."""
    body: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id(),
    }
    body |= {name: _plain(value) for name, value in (fields or {}).items() if name not in RESERVED}
    body |= extra or {}
    if errors is not None:
        body["errors"] = list(errors)
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    return Response(content, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def _plain(value: str | int | bool | None) -> str | int | bool | None:  # noqa: FBT001 - a field's value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > JSON_INT_MAX:
        return str(value)
    return value
