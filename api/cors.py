"""Which pages of other sites may call the API from a browser (CORS, in the Fetch standard)."""

from typing import Any

from api.options import EdgeOptions

SENT = (
    "Authorization",
    "Content-Type",
    "Device-Token",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Session-Transport",
    "X-CSRF-Token",
    "X-Request-Id",
)
READ = (
    "Content-Language",
    "ETag",
    "Idempotent-Replayed",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
)
PREFLIGHT_KEPT_S = 600


def cors_of(options: EdgeOptions) -> dict[str, Any]:
    return {
        "allow_origins": list(options.cors_origins),
        "allow_credentials": True,  # an origin in the list is the operator's own
        "allow_methods": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        "allow_headers": list(SENT),
        "expose_headers": list(READ),
        "max_age": PREFLIGHT_KEPT_S,
    }
