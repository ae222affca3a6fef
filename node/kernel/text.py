"""Text that people typed: any script, trimmed, composed (Unicode NFC), within limits, and storable.

Direction marks and joiners stay, for Persian and Arabic need them; what could hide or reorder other text, or
what Postgres cannot hold, is refused.
"""

import unicodedata

from node.kernel.errors import Invalid

_LINE_BREAKS = frozenset("\n\t")
_OVERRIDES = frozenset("\u202d\u202e")  # force a direction upon any text: only good for spoofing


class TextInvalid(Invalid):
    """The text is empty, too long, or holds characters that no text needs."""


def one_line(raw: str, *, field: str, chars_max: int) -> str:
    """A name or a title. Raises `TextInvalid`."""
    text = _composed(raw, field=field, allowed=frozenset())
    if not _visible(text):
        raise TextInvalid(f"{field} must not be empty", field=field)
    return _bounded(text, field=field, chars_max=chars_max)


def prose(raw: str, *, field: str, chars_max: int) -> str:
    """Several lines, which may be empty. Raises `TextInvalid`."""
    text = _composed(raw.replace("\r\n", "\n"), field=field, allowed=_LINE_BREAKS)
    return _bounded(text, field=field, chars_max=chars_max)


def _composed(raw: str, *, field: str, allowed: frozenset[str]) -> str:
    text = unicodedata.normalize("NFC", raw).strip()
    for char in text:
        unusable = unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") and char not in allowed
        if unusable or char in _OVERRIDES:
            raise TextInvalid(
                f"{field} holds a control character", field=field, code_point=f"U+{ord(char):04X}"
            )
    return text


def _visible(text: str) -> bool:
    return any(unicodedata.category(char)[0] not in "CZ" for char in text)


def _bounded(text: str, *, field: str, chars_max: int) -> str:
    if len(text) > chars_max:
        raise TextInvalid(f"{field} has at most {chars_max} characters", field=field, chars_max=chars_max)
    return text
