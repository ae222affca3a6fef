"""The views of tokens and listings over rows as the indexer writes them."""

import datetime as dt
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from indexer.listing_state import ListingState
from node.kernel.db.keyset import Keyset
from node.kernel.db.query_pool import QueryPool
from node.kernel.db.unit_of_work import Database, Tx
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32, to_bytes
from node.kernel.ids import new_id
from node.services.listing import queries as listing_queries
from node.services.listing.models import ListingRow
from node.services.nft import queries
from node.services.nft.models import MetadataRow, PlannedCollectionRow
from tests.chain_rows import CHAIN_ID, EXCHANGE, ChainRows, address, hash32
from tests.stack import DatabaseUrls
from wallet.asset.models import AssetRow

pytestmark = [pytest.mark.pg, pytest.mark.anyio]

NOW_S = 1_000
SELLER, BUYER, STRANGER = address(1), address(2), address(3)
CARPETS, LAMPS = address(0xC1), address(0xC2)
DOLLAR = address(0xD0)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def database(fresh_database: DatabaseUrls) -> Iterator[Database]:
    opened = Database(fresh_database.app, pool_size=2)
    yield opened
    opened.dispose()


@pytest.fixture
async def pool(fresh_database: DatabaseUrls) -> AsyncIterator[QueryPool]:
    async with QueryPool(fresh_database.app, size=2) as opened:
        yield opened


async def one(pool: QueryPool, sql: str, **params: object) -> Any:
    raw = await pool.json(sql, values(params))  # type: ignore[arg-type]
    return None if raw is None else json.loads(raw)


async def page(
    pool: QueryPool, keyset: Keyset, *, limit: int = 20, cursor: str | None = None, **params: object
) -> Any:
    sql, bound = keyset.statement(values(params), limit=limit, cursor=cursor)
    raw = await pool.json(sql, bound)
    assert raw is not None
    return json.loads(raw)


async def pages(pool: QueryPool, keyset: Keyset, *, limit: int, **params: object) -> list[Any]:
    """All items, page by page."""
    items: list[Any] = []
    cursor = None
    while True:
        got = await page(pool, keyset, limit=limit, cursor=cursor, **params)
        assert len(got["items"]) <= limit
        items += got["items"]
        cursor = got["next"]
        if not got["has_more"]:
            assert cursor is None
            return items


def values(params: dict[str, object]) -> dict[str, object]:
    bound = {"chain_id": CHAIN_ID, "now_s": NOW_S}
    for name, value in params.items():
        is_hex = isinstance(value, str) and value.startswith("0x")
        bound[name] = to_bytes(value) if is_hex else value  # type: ignore[arg-type, assignment]
    return bound


def add_listing(
    tx: Tx,
    number: int,
    *,
    token_id: int = 1,
    collection: Address = CARPETS,
    price: int = 100,
    currency: Address = ZERO_ADDRESS,
    start_s: int = 0,
    end_s: int = 10**9,
    nonce: int | None = None,
    epoch: int = 0,
    created: int | None = None,
) -> Hash32:
    tx.add(
        ListingRow(
            chain_id=CHAIN_ID,
            digest=hash32(number),
            exchange=EXCHANGE,
            seller=SELLER,
            collection=collection,
            token_id=token_id,
            currency=currency,
            price=price,
            min_proceeds=price // 2,
            buyer=ZERO_ADDRESS,
            start_s=start_s,
            end_s=end_s,
            nonce=number if nonce is None else nonce,
            epoch=epoch,
            signature=b"\1" * 65,
            account_id=new_id(),
            created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
            + dt.timedelta(seconds=number if created is None else created),
        )
    )
    tx.flush()
    return hash32(number)


def native_and_dollar(tx: Tx) -> None:
    for where, asset_id, code, exponent in (
        (ZERO_ADDRESS, f"eip155:{CHAIN_ID}/slip44:60", "ETH", 18),
        (DOLLAR, f"eip155:{CHAIN_ID}/erc20:{DOLLAR}", "DUSD", 6),
    ):
        tx.add(AssetRow(chain_id=CHAIN_ID, address=where, asset_id=asset_id, code=code, exponent=exponent))


async def test_every_state_of_a_listing_follows_from_the_chain(database: Database, pool: QueryPool) -> None:
    with database.transaction() as tx:
        chain = ChainRows(tx)
        chain.collection(CARPETS, creator=SELLER)
        for token_id in range(1, 6):
            chain.mint(CARPETS, token_id, to=SELLER)
        expected = {
            add_listing(tx, 1): ("active", None),
            add_listing(tx, 2, start_s=NOW_S + 1): ("scheduled", None),
            add_listing(tx, 3, end_s=NOW_S - 1): ("expired", None),
            add_listing(tx, 4, end_s=NOW_S, start_s=NOW_S): ("active", None),
            add_listing(tx, 5): ("cancelled", None),
            add_listing(tx, 6, token_id=2): ("sold", None),
            add_listing(tx, 7, token_id=3, nonce=6): ("invalid", "nonce_used"),
            add_listing(tx, 8, epoch=1): ("invalid", "epoch_moved"),
            add_listing(tx, 9, token_id=2): ("invalid", "owner_changed"),
            add_listing(tx, 10, token_id=99): ("invalid", "token_unknown"),
            add_listing(tx, 11, currency=DOLLAR): ("active", None),
            add_listing(tx, 12, currency=LAMPS): ("invalid", "currency_refused"),
        }
        chain.cancel(SELLER, 5)
        chain.sell(CARPETS, 2, seller=SELLER, buyer=BUYER, price=100, digest=hash32(6), nonce=6)
        chain.allow(DOLLAR)
    found = {}
    for digest in expected:
        listing = await one(pool, listing_queries.LISTING, digest=digest)
        found[digest] = (listing["state"], listing["reason"])
    assert found == expected
    by_state = {}
    for state in ListingState:
        keyset = listing_queries.listings(frozenset(), state, "newest")
        by_state |= {item["digest"]: state for item in await pages(pool, keyset, limit=2)}
    assert by_state == {digest: state for digest, (state, _) in expected.items()}


async def test_cancelling_all_and_revoking_a_currency_reach_every_listing(
    database: Database, pool: QueryPool
) -> None:
    with database.transaction() as tx:
        chain = ChainRows(tx)
        chain.collection(CARPETS, creator=SELLER)
        chain.mint(CARPETS, 1, to=SELLER)
        add_listing(tx, 1)
        add_listing(tx, 2, epoch=1, currency=DOLLAR)
        chain.allow(DOLLAR)
        chain.cancel_all(SELLER, epoch=1)
    assert (await one(pool, listing_queries.LISTING, digest=hash32(1)))["reason"] == "epoch_moved"
    assert (await one(pool, listing_queries.LISTING, digest=hash32(2)))["state"] == "active"
    with database.transaction() as tx:
        ChainRows(tx, block=50).allow(DOLLAR, allowed=False)
    assert (await one(pool, listing_queries.LISTING, digest=hash32(2)))["reason"] == "currency_refused"


async def test_a_listing_shows_all_that_a_buyer_needs(database: Database, pool: QueryPool) -> None:
    with database.transaction() as tx:
        native_and_dollar(tx)
        chain = ChainRows(tx)
        chain.collection(CARPETS, creator=SELLER)
        chain.mint(CARPETS, 1, to=SELLER)
        chain.allow(DOLLAR)
        add_listing(tx, 1, price=2**200, currency=DOLLAR, end_s=1_767_225_600)
    listing = await one(pool, listing_queries.LISTING, digest=hash32(1))
    assert listing["price"] == {
        "value": str(2**200),
        "asset": {"id": f"eip155:{CHAIN_ID}/erc20:{DOLLAR}", "code": "DUSD", "exponent": 6},
    }
    assert listing["ends_at"] == "2026-01-01T00:00:00.000000Z"
    assert listing["terms"]["currency"] == DOLLAR
    assert listing["terms"]["end"] == 1_767_225_600
    assert listing["buyer"] is None
    assert listing["signature"] == "0x" + "01" * 65
    assert await one(pool, listing_queries.LISTING, digest=hash32(404)) is None


async def test_listings_by_price_and_by_filters(database: Database, pool: QueryPool) -> None:
    market_id = new_id()
    with database.transaction() as tx:
        chain = ChainRows(tx)
        for collection in (CARPETS, LAMPS):
            chain.collection(collection, creator=SELLER)
            for token_id in (1, 2, 3):
                chain.mint(collection, token_id, to=SELLER)
        plan(tx, LAMPS, market_id=market_id)
        prices = [5, 2**130, 5, 7, 1, 10**20]
        for number, price in enumerate(prices):
            add_listing(tx, number, price=price, token_id=number % 3 + 1)
        add_listing(tx, 6, collection=LAMPS, price=3)
    native = {"currency": ZERO_ADDRESS}
    by_price = listing_queries.listings(frozenset({"currency"}), ListingState.ACTIVE, "price")
    got = [int(item["price"]["value"]) for item in await pages(pool, by_price, limit=2, **native)]
    assert got == sorted([*prices, 3])
    newest = listing_queries.listings(frozenset({"collection"}), None, "newest")
    items = await pages(pool, newest, limit=4, collection=CARPETS)
    assert [item["digest"] for item in items] == [hash32(n) for n in range(5, -1, -1)]
    of_token = listing_queries.listings(frozenset({"collection", "token_id", "seller"}), None, "newest")
    items = await pages(pool, of_token, limit=4, collection=CARPETS, token_id=1, seller=SELLER)
    assert [item["digest"] for item in items] == [hash32(3), hash32(0)]
    of_market = listing_queries.listings(frozenset({"market_id"}), ListingState.ACTIVE, "newest")
    items = await pages(pool, of_market, limit=4, market_id=market_id)
    assert [item["digest"] for item in items] == [hash32(6)]


def plan(tx: Tx, where: Address, *, market_id: object) -> None:
    tx.add(
        PlannedCollectionRow(
            chain_id=CHAIN_ID,
            address=where,
            creator=SELLER,
            salt=hash32(0),
            account_id=new_id(),
            market_id=market_id,
            planned_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        )
    )
    tx.flush()


async def test_collections_by_filter(database: Database, pool: QueryPool) -> None:
    market_id = new_id()
    with database.transaction() as tx:
        chain = ChainRows(tx)
        made = [
            chain.collection(address(0xC00 + n), creator=(SELLER, BUYER)[n % 2], max_supply=n)
            for n in range(5)
        ]
        plan(tx, made[3], market_id=market_id)
        plan(tx, address(0xDEAD), market_id=market_id)  # asked for and never made
    everything = await pages(pool, queries.collections(frozenset()), limit=2)
    assert [item["address"] for item in everything] == made[::-1]
    assert everything[-1]["max_supply"] is None
    assert everything[0]["max_supply"] == "4"
    items = await pages(pool, queries.collections(frozenset({"creator"})), limit=2, creator=BUYER)
    assert [item["address"] for item in items] == [made[3], made[1]]
    items = await pages(pool, queries.collections(frozenset({"market_id"})), limit=2, market_id=market_id)
    assert [item["address"] for item in items] == [made[3]]
    detail = await one(pool, queries.COLLECTION, address=made[3])
    assert detail["market_id"] == str(market_id)
    assert detail["royalty"] == {"receiver": None, "bps": 0}


async def test_a_token_tells_its_past(database: Database, pool: QueryPool) -> None:
    with database.transaction() as tx:
        native_and_dollar(tx)
        chain = ChainRows(tx)
        chain.collection(CARPETS, creator=STRANGER)
        chain.mint(CARPETS, 1, to=STRANGER, uri="ipfs://one")
        chain.transfer(CARPETS, 1, sender=STRANGER, to=SELLER)
        chain.sell(CARPETS, 1, seller=SELLER, buyer=BUYER, price=100, digest=hash32(7), nonce=7, fee=2)
        chain.transfer(CARPETS, 1, sender=BUYER, to=SELLER)
        dear = add_listing(tx, 1, price=30)
        cheap = add_listing(tx, 2, price=20)
        later = add_listing(tx, 3, price=10, start_s=NOW_S + 5)
        add_listing(tx, 4, end_s=5)
    token = await one(pool, queries.TOKEN, collection=CARPETS, token_id=1)
    assert token["owner"] == SELLER
    assert token["metadata"] is None
    assert [step["kind"] for step in token["provenance"]] == ["transferred", "sold", "transferred", "minted"]
    assert [step["to"] for step in token["provenance"]] == [SELLER, BUYER, SELLER, STRANGER]
    assert token["provenance"][1]["price"]["value"] == "100"
    assert token["provenance"][-1]["from"] is None
    assert token["last_sale"]["proceeds"]["value"] == "98"
    assert [item["digest"] for item in token["listings"]] == [later, cheap, dear]
    transfers = await pages(pool, queries.TRANSFERS_OF_TOKEN, limit=3, collection=CARPETS, token_id=1)
    assert transfers == token["provenance"]
    assert await one(pool, queries.TOKEN, collection=CARPETS, token_id=2) is None
    listed = await page(pool, queries.TOKENS_OF_COLLECTION, collection=CARPETS)
    assert listed["items"][0]["listing"]["digest"] == cheap


async def test_metadata_shows_only_while_the_uri_is_the_one_it_was_read_from(
    database: Database, pool: QueryPool
) -> None:
    with database.transaction() as tx:
        chain = ChainRows(tx)
        chain.collection(CARPETS, creator=SELLER)
        for token_id, uri in ((1, "ipfs://now"), (2, "ipfs://moved")):
            chain.mint(CARPETS, token_id, to=SELLER, uri=uri)
            tx.add(
                MetadataRow(
                    chain_id=CHAIN_ID,
                    collection=CARPETS,
                    token_id=token_id,
                    uri="ipfs://now",
                    state="ok",
                    name="Rug",
                    description=None,
                    image="ipfs://img",
                    attributes=[{"value": 1}],
                    refreshed_at=chain.now,
                )
            )
    owned = await pages(pool, queries.TOKENS_OF_WALLET, limit=1, wallet=SELLER)
    assert [item["token_id"] for item in owned] == ["1", "2"]
    assert owned[0]["metadata"]["name"] == "Rug"
    assert owned[0]["metadata"]["attributes"] == [{"value": 1}]
    assert owned[1]["metadata"] is None
    assert owned[0]["collection"]["name"] == "Carpets"


async def test_sales_of_a_wallet_are_both_sides_in_order(database: Database, pool: QueryPool) -> None:
    with database.transaction() as tx:
        chain = ChainRows(tx)
        chain.collection(CARPETS, creator=SELLER)
        chain.mint(CARPETS, 1, to=SELLER)
        sides = [(SELLER, BUYER), (BUYER, STRANGER), (STRANGER, SELLER), (SELLER, STRANGER)]
        for number, (seller, buyer) in enumerate(sides):
            chain.sell(
                CARPETS, 1, seller=seller, buyer=buyer, price=number + 1, digest=hash32(number), nonce=number
            )
    of_seller = await pages(pool, queries.sales(frozenset({"wallet"})), limit=2, wallet=SELLER)
    assert [item["price"]["value"] for item in of_seller] == ["4", "3", "1"]
    of_token = await pages(
        pool, queries.sales(frozenset({"collection", "token_id"})), limit=3, collection=CARPETS, token_id=1
    )
    assert [item["price"]["value"] for item in of_token] == ["4", "3", "2", "1"]
    both = await pages(
        pool, queries.sales(frozenset({"wallet", "collection"})), limit=3, wallet=BUYER, collection=CARPETS
    )
    assert [item["price"]["value"] for item in both] == ["2", "1"]
    asset = {"id": f"eip155:{CHAIN_ID}/slip44:60", "code": "NATIVE", "exponent": 18}
    assert both[0]["price"]["asset"] == asset
