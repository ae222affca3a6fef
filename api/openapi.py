"""The OpenAPI 3.1 document: what FastAPI derives from the code, and what holds for every operation."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from api.permissions import Permission, Who
from api.problems import MEDIA_TYPE
from api.routing import KEY_CHARS_MAX, KEY_HEADER, EdgeRoute, Kind
from api.schemas import Problem

DESCRIPTION = """\
Errors are `application/problem+json` (RFC 9457) with a stable `code`. Amounts are decimal strings in the
smallest unit. Lists take `limit` and `cursor` and answer `items`, `next`, `has_more`. Reads carry an `ETag`.
"""
_WORDS = {
    "400": "The request can't be read",
    "401": "No access token, or not a good one",
    "403": "You may not do this",
    "404": "There is no such thing",
    "408": "The body did not come in time",
    "409": "State has moved on, or the same request is being worked on",
    "412": "It has changed since it was read (`If-Match`)",
    "413": "The body is too large",
    "422": "Something in the request is wrong",
    "429": "Too many requests; see Retry-After",
    "500": "An error of ours",
    "503": "Not possible right now; see Retry-After",
}
_ALWAYS = ("400", "401", "403", "404", "413", "422", "429", "500", "503")
_OF_COMMANDS = ("408", "409")


def install(app: FastAPI) -> None:
    """Builds the document once, when it is first asked for."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    components["responses"] = {f"Problem{status}": _problem(words) for status, words in _WORDS.items()}
    components["securitySchemes"] = _SCHEMES
    for path, method, route in edge_routes(app):
        operation = schema["paths"].get(path, {}).get(method.lower())
        if operation is not None:
            _complete(operation, route)
            _permit(operation, app.state.permissions.get(f"{method} {path}"))
    return schema


def edge_routes(app: FastAPI) -> list[tuple[str, str, EdgeRoute]]:
    """Every (path, method, route) of the edge, however its router was included."""
    found = []
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, EdgeRoute):
            found += [
                (context.path_format or route.path_format, m, route) for m in sorted(route.methods or ())
            ]
    return found


def _complete(operation: dict[str, Any], route: EdgeRoute) -> None:
    statuses = _ALWAYS if route.kind is Kind.QUERY else _ALWAYS + _OF_COMMANDS
    if any(field.name == "if_match" for field in route.dependant.header_params):
        statuses = (*statuses, "412")
    responses = operation["responses"]
    responses.pop("422", None)  # FastAPI's own shape of it, which is not ours
    for status in statuses:
        responses.setdefault(status, {"$ref": f"#/components/responses/Problem{status}"})
    operation["x-asoud-kind"] = route.kind.value
    if route.stores_answer:
        operation.setdefault("parameters", []).append(_KEY)


def _permit(operation: dict[str, Any], permission: Permission | None) -> None:
    """Declares what `api/access.py` enforces, from the same row."""
    if permission is None or not permission.looks_at_caller:
        return
    schemes: list[dict[str, list[str]]] = [{}] if permission.is_public else []
    schemes.append({"AccessToken": []})
    if permission.scope is not None:
        schemes.append({"ApiKey": [permission.scope.value]})
        operation["x-scopes"] = [permission.scope.value]
    operation["security"] = schemes
    operation["x-roles"] = [who.value for who in Who if who in permission.who]


def _problem(words: str) -> dict[str, Any]:
    return {
        "description": words,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


_SCHEMES = {
    "AccessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "From a sign-in (`POST /v1/auth/wallet`) or `POST /v1/auth/refresh`",
    },
    "ApiKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "asoud_ak_…",
        "description": "From `POST /v1/keys`. The scope that the operation names has to be among the key's, "
        "as it is or narrowed to the market of the request: `orders.read:<market id>`",
    },
}
_KEY = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "description": (
        "Makes a retry safe: for 24 hours the same key and request get the first answer again, with "
        "`Idempotent-Replayed: true`. Needs a signed-in caller."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_CHARS_MAX},
}
