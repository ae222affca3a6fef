"""Slugs: what people would take for the same is the same, in every script."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.services.market.errors import SlugInvalid
from node.services.market.slug import SLUG_CHARS_MAX, normalise_slug, slug_from_name

MARKET_ID = uuid.UUID("0198c1f2-a4e2-7b0c-8a3f-5d1e6b7c9d00")


@pytest.mark.parametrize(
    ("raw", "slug"),
    [
        ("Çiçek Sepeti", "çiçek-sepeti"),
        ("  --Tea & Coffee!  ", "tea-coffee"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("Ｆｕｌｌ　ｗｉｄｔｈ", "full-width"),
        ("Ali's ﬁne", "alis-fine"),
        ("فروشگاهِ گُل", "فروشگاه-گل"),
        ("متجر ١٢٣", "متجر-123"),
        ("हिन्दी दुकान", "हिन्दी-दुकान"),
        ("花屋", "花屋"),
    ],
)
def test_any_script(raw: str, slug: str) -> None:
    assert normalise_slug(raw) == slug


@pytest.mark.parametrize(
    "alike",
    [
        ["istanbul", "İSTANBUL", "ISTANBUL", "ıstanbul", "İstanbul"],
        ["كتاب", "کتاب", "كتـــاب", "كِتاب"],
        ["علي", "علی", "على"],
        ["cafe\u0301", "CAFÉ"],
        ["گل‌ها", "گل ها"],
    ],
)
def test_spellings_of_one_name_are_one_slug(alike: list[str]) -> None:
    assert len({normalise_slug(raw) for raw in alike}) == 1


@pytest.mark.parametrize("raw", ["", "  ", "!!!", "-", "💐", "x" * (SLUG_CHARS_MAX + 1), str(MARKET_ID)])
def test_what_is_no_slug(raw: str) -> None:
    with pytest.raises(SlugInvalid):
        normalise_slug(raw)


@given(st.text(max_size=80))
def test_normalising_again_changes_nothing(raw: str) -> None:
    try:
        slug = normalise_slug(raw)
    except SlugInvalid:
        return
    assert normalise_slug(slug) == slug


@given(st.text(min_size=1, max_size=120))
def test_every_name_gives_a_slug(name: str) -> None:
    slug = slug_from_name(name, market_id=MARKET_ID)
    assert normalise_slug(slug) == slug
