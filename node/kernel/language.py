"""Language tags: well-formed by RFC 5646 (BCP 47), section 2.1, in the case that section 2.1.1 advises."""

import re

from node.kernel.errors import Invalid

TAG_CHARS_MAX = 35  # RFC 5646, section 4.4.1: what a fixed field has to hold

_TAG = re.compile(
    r"(?P<language>[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})"
    r"(?:-(?P<script>[a-z]{4}))?"
    r"(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<rest>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
    r"(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*"
    r"(?:-x(?:-[a-z0-9]{1,8})+)?)"
)


class LanguageInvalid(Invalid):
    """The text is not a well-formed language tag."""


def normalise_language(raw: str) -> str:
    """`FA-ARAB-ir` -> `fa-Arab-IR`. Raises `LanguageInvalid`."""
    found = _TAG.fullmatch(raw.lower()) if raw.isascii() and len(raw) <= TAG_CHARS_MAX else None
    if found is None:
        raise LanguageInvalid("a language is a tag like `en`, `fa` or `tr-TR` (BCP 47)", field="language")
    parts = [found["language"]]
    if found["script"]:
        parts.append(found["script"].title())
    if found["region"]:
        parts.append(found["region"].upper())
    return "-".join(parts) + found["rest"]
