"""`/docs`: the operations at a glance, from the OpenAPI document. No script, nothing from elsewhere."""

import html
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1f;
background:#fff}
h2{margin-top:2rem;border-bottom:1px solid #ccc}dt{margin-top:.8rem}dd{margin:0 0 0 1rem;color:#444}
code{font-size:.95em}b{display:inline-block;min-width:4.5rem;font-family:ui-monospace,monospace}
@media(prefers-color-scheme:dark){body{background:#17181c;color:#e6e6ea}dd{color:#aaa}a{color:#9db8ff}}
"""


@router.get("/docs", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    headers = {"Content-Security-Policy": policy, "Cache-Control": "public, no-cache"}
    return HTMLResponse(_page(request.app.openapi()), headers=headers)


def _page(schema: dict[str, Any]) -> str:
    operations = [
        ((operation.get("tags") or ["other"])[0], path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    operations.sort(key=lambda entry: entry[:3])
    sections = "".join(_section(tag, list(entries)) for tag, entries in groupby(operations, lambda e: e[0]))
    title = html.escape(schema["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>{html.escape(schema['info']['description'])}</p>"
        '<p>The whole document, with every schema: <a href="/openapi.json">/openapi.json</a></p>'
        f"{sections}</html>"
    )


def _section(tag: str, entries: list[tuple[str, str, str, dict[str, Any]]]) -> str:
    rows = "".join(
        f"<dt><b>{method.upper()}</b> <code>{html.escape(path)}</code> {_lock(operation)}</dt>"
        f"<dd>{html.escape(operation.get('summary', ''))}</dd>"
        f"<dd>{html.escape(operation.get('description', ''))}</dd>"
        for _, path, method, operation in entries
    )
    return f"<h2>{html.escape(tag)}</h2><dl>{rows}</dl>"


def _lock(operation: dict[str, Any]) -> str:
    return html.escape(f"({', '.join(operation['x-roles'])})") if "x-roles" in operation else ""
