"""Slugs: the name of a market in an address, in any script.

Invariant: two slugs that people would type or read as the same are the same string. So case is folded, the
four Turkish i's are one, Arabic and Persian forms of a letter are one, and mere decoration goes away.
"""

import re
import unicodedata
import uuid

from node.services.market.errors import SlugInvalid

SLUG_CHARS_MAX = 64

_SAME_LETTER = str.maketrans(
    {
        "\u0131": "i",  # Turkish and Azerbaijani, dotless
        "ي": "ی",  # Arabic yeh -> Farsi yeh
        "ى": "ی",  # alef maksura
        "ك": "ک",  # Arabic kaf -> keheh
        "ـ": None,  # tatweel only stretches
        "\u0307": None,  # the dot that folding leaves of a capital dotted I
        "\u200d": None,  # zero-width joiner
        "'": None,
        "\u2019": None,
        "\u02bc": None,
    }
)
_VOWEL_MARKS = re.compile("[\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]")  # Hebrew, Arabic
_KEPT = frozenset("LMN")  # letters, the marks that other scripts write vowels with, numbers


def normalise_slug(raw: str) -> str:
    """The one spelling of a slug. Idempotent.

    Raises:
        SlugInvalid: Nothing is left, or too much, or it could be taken for an id.
    """
    slug = _folded(raw)
    if not slug:
        raise SlugInvalid("a slug needs a letter or a digit", field="slug")
    if len(slug) > SLUG_CHARS_MAX:
        raise SlugInvalid(f"a slug has at most {SLUG_CHARS_MAX} characters", field="slug")
    if is_id(slug):
        raise SlugInvalid("a slug must not look like an id", field="slug")
    return slug


def slug_from_name(name: str, *, market_id: uuid.UUID) -> str:
    """A slug for a market that chose none; a name of symbols alone gets one from its id."""
    slug = _folded(name)[:SLUG_CHARS_MAX].rstrip("-")
    return slug if slug and not is_id(slug) else f"market-{market_id.hex[-12:]}"


def is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _folded(raw: str) -> str:
    text = unicodedata.normalize("NFKC", raw).casefold()
    text = unicodedata.normalize("NFKC", text).translate(_SAME_LETTER)
    text = _VOWEL_MARKS.sub("", text)
    kept = "".join(_digit(char) if unicodedata.category(char)[0] in _KEPT else "-" for char in text)
    return re.sub("-+", "-", kept).strip("-")


def _digit(char: str) -> str:
    """Digits of every script count as the same digit."""
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)
