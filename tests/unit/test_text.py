"""Typed text, and language tags."""

import pytest

from node.kernel.language import LanguageInvalid, normalise_language, wanted_languages
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


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", ()),
        ("*", ()),
        ("fa", ("fa",)),
        ("fa-IR, fa;q=0.9, en;q=0.5", ("fa-IR", "fa", "en")),
        ("en;q=0.5 , TR-tr ;q=0.50, fa", ("fa", "en", "tr-TR", "tr")),  # equals as they came
        ("zh-hant-tw", ("zh-Hant-TW", "zh-Hant", "zh")),
        ("zh-x-private", ("zh-x-private", "zh")),  # a single letter goes with what it began
        ("*, fa;q=0.1", ("fa",)),  # RFC 4647, section 3.4: skipped, the default is last anyway
        ("en-GB, en;q=0", ("en-GB",)),  # RFC 9110, section 12.4.2: not acceptable
        ("fa;q=0.000", ()),
        ("en_US, fa;q=2, tr;q=-1, ru;level=1, kk;q=0.1234, uz;q, de-*-DE, ;q=1, ,ar", ("ar",)),
        ("fa;q=٠", ()),
        ("fa;q=0.1;q=1", ()),
        ("ſl, fa", ("fa",)),  # lower-cases to no ASCII letter
        (",".join(["tr"] * 20 + ["fa"]), ("tr",)),
        ("x" * 499 + ",fa", ()),
    ],
)
def test_what_a_reader_wants(header: str, wanted: tuple[str, ...]) -> None:
    assert wanted_languages(header) == wanted
