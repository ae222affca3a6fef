"""Token metadata: the JSON that a token URI points at (ERC-721's metadata schema, and `attributes`).

The ERC makes no field required; we want a `name`, because a token without one cannot be listed readably.
Fields that we don't know are kept: the document is stored byte for byte, and others read more than we do.
What is bounded is what costs whoever parses it: bytes, depth and the number of attributes. Strings that
Postgres cannot hold as text (NUL, lone surrogates) are refused here, while somebody can still mend them.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import NoReturn

from node.services.content.errors import MetadataInvalid

METADATA_BYTES_MAX = 256 * 1024  # metadata in the wild stays in the tens of kilobytes
DEPTH_MAX = 8  # an attribute's value is at depth 3; the rest is room for extensions
ATTRIBUTES_MAX = 256  # far more traits than any collection has
NAME_CHARS_MAX = 512  # a title, not a text
IMAGE_SCHEMES = ("ipfs://", "https://", "ar://")

# Possessive, and an unclosed string reaches to the end: hostile text must not make the search quadratic.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?+', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


def parse_metadata(raw: bytes) -> dict[str, object]:
    """Read a metadata document.

    Raises:
        MetadataInvalid: when it is not strict UTF-8 JSON within the bounds, or a field has a wrong type.
    """
    if len(raw) > METADATA_BYTES_MAX:
        raise MetadataInvalid("The metadata is too large.", size_bytes_max=METADATA_BYTES_MAX)
    document = _parse_strict(raw)
    if not isinstance(document, dict):
        raise MetadataInvalid("The metadata must be a JSON object.")
    for text in _strings(document):
        _check_text(text)
    _check_name(document.get("name"))
    if not isinstance(document.get("description", ""), str):
        raise MetadataInvalid("`description` must be a string.", field="description")
    _check_image(document.get("image"))
    _check_attributes(document.get("attributes", []))
    return document


def _parse_strict(raw: bytes) -> object:
    """JSON as RFC 8259 has it, where Python is laxer: no NaN, no infinity, no key twice."""
    try:
        text = raw.decode("utf-8")
        _check_depth(text)  # before parsing, since the parser recurses
        return json.loads(
            text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique_keys
        )
    except ValueError as error:  # also UnicodeDecodeError and numbers with too many digits
        raise MetadataInvalid("The metadata is not valid JSON in UTF-8.") from error


def _check_depth(text: str) -> None:
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > DEPTH_MAX:
            raise MetadataInvalid("The metadata is nested too deeply.", depth_max=DEPTH_MAX)


def _refuse_constant(constant: str) -> NoReturn:
    msg = f"{constant} is not JSON"
    raise ValueError(msg)


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Two readers may pick different ones of two equal keys, so a document with both has no one meaning."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MetadataInvalid("A key stands twice in one object.")
    return members


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from _strings(member)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _check_text(text: str) -> None:
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise MetadataInvalid("A string has half of a surrogate pair.") from error
    if b"\0" in encoded:
        raise MetadataInvalid("A string has a NUL character.")


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.strip() or len(name) > NAME_CHARS_MAX:
        raise MetadataInvalid(
            "`name` must be a string that is neither blank nor too long.",
            field="name",
            chars_max=NAME_CHARS_MAX,
        )


def _check_image(image: object) -> None:
    if image is not None and not (isinstance(image, str) and image.startswith(IMAGE_SCHEMES)):
        raise MetadataInvalid(f"`image` must be a URI of {', '.join(IMAGE_SCHEMES)}.", field="image")


def _check_attributes(attributes: object) -> None:
    if not isinstance(attributes, list) or len(attributes) > ATTRIBUTES_MAX:
        raise MetadataInvalid(
            "`attributes` must be a list within its bound.", field="attributes", items_max=ATTRIBUTES_MAX
        )
    for attribute in attributes:
        if not (
            isinstance(attribute, dict)
            and isinstance(attribute.get("value"), str | int | float)
            and isinstance(attribute.get("trait_type", ""), str)
            and isinstance(attribute.get("display_type", ""), str)
        ):
            raise MetadataInvalid(
                "Each of `attributes` has a `value` (string, number or boolean) and may have a `trait_type`.",
                field="attributes",
            )
