"""Writes the page of error codes from the table."""

from api.errors import ERRORS, HTTP_TITLES

HEAD = """# Error codes

Every answer that is not a success is `application/problem+json` (RFC 9457) and carries one of these codes.
Written by `scripts/docs` from `api/errors.py`.

| status | code | meaning |
|---|---|---|
"""


def errors_page() -> str:
    rows = {(row.status, row.code, row.title) for row in ERRORS.values()}
    rows |= {(status, code, title) for status, (code, title) in HTTP_TITLES.items()}
    return HEAD + "".join(f"| {status} | `{code}` | {title} |\n" for status, code, title in sorted(rows))
