"""Typed text, and language tags."""

import pytest

from node.kernel.language import LanguageInvalid, normalise_language
from node.kernel.text import TextInvalid, one_line, prose


def test_text_is_trimmed_and_composed() -> None:
    assert one_line("  cafe\u0301 \n", field="name", chars_max=10) == "café"
    assert one_line("گل‌ها", field="name", chars_max=10) == "گل‌ها"  # the joiner belongs to the word
    assert prose("one\r\ntwo\tthree\n", field="note", chars_max=20) == "one\ntwo\tthree"


@pytest.mark.parametrize(
    "raw", ["", "  ", "\u200c", "a\nb", "a\0b", "a\ud800", "\u202eabc", "a\u2028b", "x" * 11]
)
def test_what_no_name_may_be(raw: str) -> None:
    with pytest.raises(TextInvalid):
        one_line(raw, field="name", chars_max=10)


@pytest.mark.parametrize(
    ("raw", "tag"),
    [
        ("EN", "en"),
        ("FA-ARAB-ir", "fa-Arab-IR"),
        ("tr-tr", "tr-TR"),
        ("es-419", "es-419"),
        ("sl-rozaj-biske", "sl-rozaj-biske"),
        ("de-CH-x-Phonebk", "de-CH-x-phonebk"),
    ],
)
def test_language_tags(raw: str, tag: str) -> None:
    assert normalise_language(raw) == tag


@pytest.mark.parametrize(
    "raw", ["", "e", "english language", "en_US", "en-", "-en", "türkçe", "en-US-", "x" * 40]
)
def test_no_language_tags(raw: str) -> None:
    with pytest.raises(LanguageInvalid):
        normalise_language(raw)
