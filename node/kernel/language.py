"""Language tags: well-formed by RFC 5646 (BCP 47), section 2.1, in the case that section 2.1.1 advises.

And what a reader wants: `Accept-Language` (RFC 9110, section 12.5.4) as the tags to look up, the best first
(RFC 4647, section 3.4).
"""

import re
from functools import lru_cache

from node.kernel.errors import Invalid

TAG_CHARS_MAX = 35  # RFC 5646, section 4.4.1: what a fixed field has to hold
HEADER_CHARS_MAX = 500  # of an Accept-Language; browsers send below 100
RANGES_MAX = 20

_RANGE = re.compile(
    r"(?P<range>[a-z0-9*-]+)(?:[ \t]*;[ \t]*q=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?", re.ASCII
)
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


@lru_cache(maxsize=1_000)
def wanted_languages(accept_language: str) -> tuple[str, ...]:
    """The tags to look for, in this order: `fa-IR, en;q=0.5` -> `fa-IR`, `fa`, `en`.

    `*` stands for whatever there is, so it asks for nothing. What makes no sense is left out, and so is what
    lies behind the bounds: nobody is refused an answer for their browser's words.
    """
    weighed: list[tuple[float, str]] = []
    for part in accept_language[:HEADER_CHARS_MAX].split(",")[:RANGES_MAX]:
        found = _RANGE.fullmatch(part.strip(" \t").lower())
        if found is None:
            continue
        try:
            weighed.append(
                (float(1 if found["weight"] is None else found["weight"]), normalise_language(found["range"]))
            )
        except LanguageInvalid:
            continue
    refused = {tag for weight, tag in weighed if not weight}
    weighed.sort(key=lambda pair: -pair[0])
    wanted = (shorter for weight, tag in weighed if weight for shorter in _ever_shorter(tag))
    return tuple(dict.fromkeys(tag for tag in wanted if tag not in refused))


def _ever_shorter(tag: str) -> list[str]:
    """`zh-Hant-TW` -> itself, `zh-Hant`, `zh`. A single letter never ends a tag."""
    subtags = tag.split("-")
    ends = [end for end in range(len(subtags), 0, -1) if len(subtags[end - 1]) > 1]
    return ["-".join(subtags[:end]) for end in ends]
