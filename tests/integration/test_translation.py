"""Markets and products in several languages, through the edge: who writes them, and who is shown which."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api.schemas import Page
from api.v1.market import MarketOut
from api.v1.product import ProductOut
from api.v1.translation import MarketWordsOut, ProductWordsOut
from node.services.translation.service import LANGUAGES_MAX
from tests.edge import Edge, edge_settings, running_edge
from tests.integration.test_market import NATIVE, open_market
from tests.integration.test_product import add_product
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.pg, pytest.mark.redis, pytest.mark.anyio]

Headers = dict[str, str]
POT = {"title": "قهوه‌جوش مسی", "description": "سطر یکم\nسطر دوم"}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def edge(
    module_database: DatabaseUrls,
    module_redis_url: str,
    anvil: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Edge]:
    """One for all tests here: each opens markets of its own."""
    settings = edge_settings(
        tmp_path_factory.mktemp("node"),
        database_url=module_database.app,
        redis_url=module_redis_url,
        rpc_url=anvil,
    )
    async with running_edge(settings) as running:
        yield running


async def put(edge: Edge, path: str, headers: Headers, words: Any, status: int = 200) -> httpx.Response:
    answer = await edge.client.put(path, json=words, headers=headers)
    assert answer.status_code == status, answer.text
    return answer


async def read(
    edge: Edge, path: str, languages: str | None, headers: Headers | None = None
) -> httpx.Response:
    wanted = {} if languages is None else {"Accept-Language": languages}
    answer = await edge.client.get(path, headers={**(headers or {}), **wanted})
    assert answer.status_code == 200, answer.text
    return answer


async def a_product(edge: Edge, headers: Headers, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of a Turkish market, told in Persian and in Brazilian Portuguese as well."""
    market = await open_market(edge, headers, language="tr")
    product = await add_product(edge, headers, market["id"], description="Uzun", **fields)
    path = f"/v1/products/{product['id']}/translations"
    await put(edge, f"{path}/FA", headers, POT)
    await put(edge, f"{path}/pt-br", headers, {"title": "Cafeteira"})
    return market, product


SHOWN = (
    (None, "tr", "Bakır cezve"),
    ("*", "tr", "Bakır cezve"),
    ("de", "tr", "Bakır cezve"),
    ("fa", "fa", POT["title"]),
    ("de, fa-IR;q=0.8, tr;q=0.1", "fa", POT["title"]),
    ("tr, fa;q=0.9", "tr", "Bakır cezve"),  # its own language is one of those it is told in
    ("fa;q=0.9, tr", "tr", "Bakır cezve"),
    ("pt-BR-abl1943", "pt-BR", "Cafeteira"),
    ("pt-br, fa", "pt-BR", "Cafeteira"),
    ("pt", "tr", "Bakır cezve"),  # lookup makes ranges shorter, never longer
    ("fa;q=0, pt-br;q=0.1", "pt-BR", "Cafeteira"),
    ("fa; drop table", "tr", "Bakır cezve"),
)


async def test_a_product_is_shown_in_the_best_language_that_it_has(edge: Edge) -> None:
    market, product = await a_product(edge, await edge.sign_in())
    lists = ("/v1/products?limit=1", f"/v1/markets/{market['id']}/products")
    for wanted, language, title in SHOWN:
        one = await read(edge, f"/v1/products/{product['id']}", wanted)
        ProductOut.model_validate_json(one.content)
        assert (one.json()["language"], one.json()["title"]) == (language, title), wanted
        assert one.headers["content-language"] == language
        assert "Accept-Language" in one.headers["vary"]
        for path in lists:
            page = await read(edge, path, wanted)
            Page[ProductOut].model_validate_json(page.content)
            assert page.json()["items"] == [one.json()]
            assert page.headers["content-language"] == language
            assert "Accept-Language" in page.headers["vary"]


async def test_each_language_has_its_etag_and_its_304(edge: Edge) -> None:
    _, product = await a_product(edge, await edge.sign_in())
    path = f"/v1/products/{product['id']}"
    tags = {
        language: (await read(edge, path, language)).headers["etag"] for language in ("tr", "fa", "pt-BR")
    }
    assert len(set(tags.values())) == len(tags)
    for language, tag in tags.items():
        for wanted in tags:
            headers = {"If-None-Match": tag, "Accept-Language": wanted}
            answer = await edge.client.get(path, headers=headers)
            assert answer.status_code == (304 if wanted == language else 200)
            assert "Accept-Language" in answer.headers["vary"]


async def test_a_page_says_each_language_of_its_items(edge: Edge) -> None:
    headers = await edge.sign_in()
    market, product = await a_product(edge, headers)
    later = await add_product(edge, headers, market["id"], title="Çay")
    page = await read(edge, f"/v1/markets/{market['id']}/products", "fa")
    assert [item["id"] for item in page.json()["items"]] == [later["id"], product["id"]]
    assert page.headers["content-language"] == "tr, fa"
    empty = await open_market(edge, headers)
    page = await read(edge, f"/v1/markets/{empty['id']}/products", "fa")
    assert "content-language" not in page.headers
    assert "Accept-Language" in page.headers["vary"]


async def test_a_signed_in_reader_varies_by_both(edge: Edge) -> None:
    headers = await edge.sign_in()
    answer = await edge.client.patch("/v1/me", json={"language": "fa"}, headers=headers)
    assert answer.status_code == 200, answer.text
    _, product = await a_product(edge, headers, status="draft")
    own = await read(edge, f"/v1/products/{product['id']}", None, headers)
    assert own.json()["language"] == "tr"  # the header decides, not the profile
    varies = {name.strip() for name in own.headers["vary"].split(",")}
    assert varies >= {"Authorization", "Cookie", "Accept-Language"}
    assert (await read(edge, f"/v1/products/{product['id']}", "fa", headers)).json()["language"] == "fa"
    path = f"/v1/markets/{product['market_id']}/products?status=draft"
    assert (await read(edge, path, "fa", headers)).json()["items"][0]["title"] == POT["title"]


async def test_a_market_is_shown_in_the_best_language_that_it_has(edge: Edge) -> None:
    headers = await edge.sign_in()
    market = await open_market(edge, headers, language="tr", description="Çiçekler")
    path = f"/v1/markets/{market['id']}/translations/fa"
    words = {"name": "سبد گل", "description": "گل‌ها"}
    answer = await put(edge, path, headers, words)
    MarketWordsOut.model_validate_json(answer.content)
    owner = market["owner_account_id"]
    for where in (market["id"], market["slug"]):
        found = await read(edge, f"/v1/markets/{where}", "fa-IR")
        MarketOut.model_validate_json(found.content)
        assert found.json() == {**market, **words, "language": "fa"}
        assert found.headers["content-language"] == "fa"
        assert (await read(edge, f"/v1/markets/{where}", "de")).json() == market
    for where in ("/v1/markets?limit=1", f"/v1/markets?owner={owner}"):
        page = await read(edge, where, "fa")
        assert page.json()["items"] == [found.json()]
        assert "Accept-Language" in page.headers["vary"]
    # What was the translation's language becomes the market's own: its own words are shown from then on.
    changed = await edge.client.patch(
        f"/v1/markets/{market['id']}", json={"language": "fa", "name": "گل"}, headers=headers
    )
    assert changed.json()["name"] == "گل"
    assert (await read(edge, f"/v1/markets/{market['id']}", "fa")).json()["name"] == "گل"


async def test_translations_are_listed_changed_and_removed(edge: Edge) -> None:
    headers = await edge.sign_in()
    _, product = await a_product(edge, headers)
    path = f"/v1/products/{product['id']}/translations"
    page = await read(edge, path, None)
    Page[ProductWordsOut].model_validate_json(page.content)
    assert [item["language"] for item in page.json()["items"]] == ["fa", "pt-BR"]
    words = await read(edge, f"{path}/fa", None)
    ProductWordsOut.model_validate_json(words.content)
    assert {name: words.json()[name] for name in POT} == POT
    fresh = {**headers, "If-Match": words.headers["etag"]}
    changed = await put(edge, f"{path}/fa", fresh, {"title": "قهوه‌جوش"})
    assert changed.json()["description"] == ""  # a PUT says all
    assert changed.headers["etag"] == (await read(edge, f"{path}/fa", None)).headers["etag"]
    await put(edge, f"{path}/fa", fresh, POT, status=412)
    await put(edge, f"{path}/de", {**headers, "If-Match": "*"}, {"title": "Kanne"}, status=412)
    assert (await edge.client.delete(f"{path}/fa", headers=fresh)).status_code == 412
    current = {**headers, "If-Match": changed.headers["etag"]}
    assert (await edge.client.delete(f"{path}/fa", headers=current)).status_code == 204
    for gone in (edge.client.get(f"{path}/fa"), edge.client.delete(f"{path}/fa", headers=headers)):
        answer = await gone
        assert (answer.status_code, answer.json()["code"]) == (404, "translation_unknown")
    assert (await read(edge, f"/v1/products/{product['id']}", "fa")).json() == product


async def test_a_change_may_be_based_on_what_was_read_in_any_language(edge: Edge) -> None:
    headers = await edge.sign_in()
    _, product = await a_product(edge, headers)
    path = f"/v1/products/{product['id']}"
    persian = {**headers, "Accept-Language": "fa"}
    tag = (await edge.client.get(path, headers=persian)).headers["etag"]
    changed = await edge.client.patch(path, json={"stock": 9}, headers={**persian, "If-Match": tag})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["title"], changed.json()["stock"]) == (POT["title"], 9)
    assert changed.headers["content-language"] == "fa"
    assert changed.headers["etag"] == (await edge.client.get(path, headers=persian)).headers["etag"]
    stale = {**persian, "If-Match": tag}
    assert (await edge.client.patch(path, json={"stock": 1}, headers=stale)).status_code == 412


async def test_an_answer_that_is_given_again_still_says_its_language(edge: Edge) -> None:
    headers = await edge.sign_in()
    market, product = await a_product(edge, headers)
    for path, body in ((f"/v1/products/{product['id']}", {"stock": 4}), (f"/v1/markets/{market['id']}", {})):
        keyed = {**headers, "Idempotency-Key": f"again {path}", "Accept-Language": "fa"}
        first, second = [await edge.client.patch(path, json=body, headers=keyed) for _ in range(2)]
        assert first.status_code == 200, first.text
        assert second.headers["idempotent-replayed"] == "true"
        assert second.headers["content-language"] == first.headers["content-language"]


BAD = (
    ("tr", {"title": "x"}, 409, "language_is_own"),
    ("TR", {"title": "x"}, 409, "language_is_own"),
    ("fa_IR", {"title": "x"}, 422, "language_invalid"),
    ("*", {"title": "x"}, 422, "language_invalid"),
    ("x" * 36, {"title": "x"}, 422, "language_invalid"),
    ("fa", {"title": ""}, 422, "text_invalid"),
    ("fa", {"title": "x" * 161}, 422, "text_invalid"),
    ("fa", {"title": "x", "description": "x" * 8_001}, 422, "text_invalid"),
    ("fa", {"title": "\u202eabc"}, 422, "text_invalid"),
    ("fa", {"title": "a\nb"}, 422, "text_invalid"),
    ("fa", {"description": "x"}, 422, "invalid"),
    ("fa", {"title": "x", "name": "x"}, 422, "invalid"),
)


async def test_bad_words_change_nothing(edge: Edge) -> None:
    headers = await edge.sign_in()
    _, product = await a_product(edge, headers)
    path = f"/v1/products/{product['id']}/translations"
    before = await read(edge, path, None)
    for language, words, status, code in BAD:
        answer = await put(edge, f"{path}/{language}", headers, words, status)
        assert answer.json()["code"] == code, answer.text
        assert (await read(edge, path, None)).content == before.content


async def test_there_are_so_many_languages_and_no_more(edge: Edge) -> None:
    headers = await edge.sign_in()
    market = await open_market(edge, headers, language="tr")
    path = f"/v1/markets/{market['id']}/translations"
    for number in range(LANGUAGES_MAX):
        await put(edge, f"{path}/en-x-{number}", headers, {"name": "x"})
    answer = await put(edge, f"{path}/en", headers, {"name": "x"}, status=409)
    assert answer.json()["code"] == "too_many_translations"
    await put(edge, f"{path}/en-x-0", headers, {"name": "y"})  # what is there may still be changed


async def test_words_of_a_draft_are_for_who_works_there(edge: Edge) -> None:
    owner, stranger = await edge.sign_in(), await edge.sign_in()
    _, product = await a_product(edge, owner, status="draft")
    path = f"/v1/products/{product['id']}/translations"
    for headers in ({}, stranger):
        assert (await edge.client.get(f"{path}/fa", headers=headers)).status_code == 404
        assert (await edge.client.get(path, headers=headers)).json()["items"] == []
    assert (await edge.client.get(f"{path}/fa", headers=owner)).json()["title"] == POT["title"]
    assert len((await edge.client.get(path, headers=owner)).json()["items"]) == 2
    for answer in (
        await put(edge, f"{path}/fa", stranger, {"title": "x"}, status=403),
        await edge.client.delete(f"{path}/fa", headers=stranger),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_market_owner")


async def test_products_by_currency(edge: Edge) -> None:
    headers = await edge.sign_in()
    market = await open_market(edge, headers)
    product = await add_product(edge, headers, market["id"])
    draft = await add_product(edge, headers, market["id"], status="draft")
    dollar = "eip155:31337/erc20:0x" + "ab" * 20
    path = f"/v1/markets/{market['id']}/products"
    for where in ("/v1/products", path):
        for currency, found in ((NATIVE, [product]), (dollar, [])):
            page = await edge.client.get(where, params={"currency": currency, "limit": 1})
            assert page.json()["items"] == found
    for currency, found in ((NATIVE, [draft]), (dollar, [])):
        page = await edge.client.get(path, params={"currency": currency, "status": "draft"}, headers=headers)
        assert page.json()["items"] == found
    for wrong in ("ETH", "eip155:1/slip44:60", "iso4217:XYZ", ""):
        answer = await edge.client.get("/v1/products", params={"currency": wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "currency_unknown")
