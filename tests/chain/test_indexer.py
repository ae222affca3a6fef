"""A whole life on the chain, read into the tables and told to the spine."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from indexer.pipeline import Stuck
from indexer.status import STATUS
from node.chain.artifacts import load_artifact
from node.chain.deployments import NotDeployed
from node.kernel.db.query_pool import QueryPool
from node.kernel.hexes import ZERO_ADDRESS, Address
from tests.chain_life import PRICE, Life
from tests.indexed import assert_same, differences, events_of, fresh_tables, index, settings_of, tables_of
from tests.stack import Addresses, DatabaseUrls, cloned_database

pytestmark = [pytest.mark.chain, pytest.mark.pg]


def rows(database: DatabaseUrls, table: str) -> list[dict[str, Any]]:
    return [json.loads(row) for row in tables_of(database)[table]]


def pg(address: str) -> str:
    """As Postgres writes bytes."""
    return "\\x" + address[2:]


def test_each_contract_shows_in_its_tables(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    index(settings)
    life.everything()
    report = index(settings)
    assert report.blocks > 50
    assert differences(settings) == []

    quoted, collection = sorted(rows(fresh_database, "collection"), key=lambda row: row["frozen"])
    assert collection["creator"] == pg(life.merchant)
    assert collection["owner"] == pg(life.others[3])
    assert (collection["minted"], collection["frozen"], collection["royalty_bps"]) == (4, True, 100)
    assert collection["contract_uri"] == "ipfs://moved-collection"
    of_trade = [row for row in rows(fresh_database, "token") if row["collection"] == collection["address"]]
    tokens = {row["token_id"]: row for row in of_trade}
    assert {n: row["owner"] for n, row in tokens.items()} == {
        1: pg(life.buyer),
        2: pg(life.buyer),
        3: pg(life.seller),
        4: pg(life.others[2]),
    }
    assert tokens[3]["uri"] == "ipfs://moved"

    native = next(row for row in rows(fresh_database, "sale") if row["currency"] == pg(ZERO_ADDRESS))
    assert native["price"] == PRICE
    assert (native["royalty"], native["fee"]) == (PRICE * 5 // 100, PRICE * 25 // 1000)
    nonces = {row["nonce"]: row["state"] for row in rows(fresh_database, "listing_nonce")}
    assert nonces[77] == "cancelled"
    assert sorted(nonces.values()) == ["cancelled", *["used"] * 4]
    check_quotes(fresh_database, life, quoted["address"], nonces)
    check_escrows(fresh_database)
    assert [row["amount"] for row in rows(fresh_database, "credit")] == [0]

    passed = next(row for row in rows(fresh_database, "proposal") if row["executed_at"])
    assert passed["for_votes"] == 3 * 10**24 - 10**18
    assert passed["targets"] == [pg(life.at.exchange.address)]
    assert len(rows(fresh_database, "vote")) == 2
    exchange = pg(life.at.exchange.address)
    (fee,) = [row for row in rows(fresh_database, "exchange_fee") if row["exchange"] == exchange]
    assert (fee["receiver"], fee["bps"]) == (pg(life.at.timelock.address), 100)


def check_quotes(database: DatabaseUrls, life: Life, collection: str, nonces: dict[int, str]) -> None:
    assert {1_002, 1_003} < set(nonces)  # of 1001 a unit is left
    fills = {row["nonce"]: (row["filled"], row["quantity"]) for row in rows(database, "quote_fill")}
    assert fills == {1_001: (1, 2), 1_002: (2, 2)}
    of_quotes = [row for row in rows(database, "sale") if row["collection"] == collection]
    assert sorted(row["kind"] for row in of_quotes) == ["auction", "offer", "offer", "offer"]
    assert {row["buyer"] for row in of_quotes} == {pg(life.buyer)}
    assert [row["group_id"] for row in rows(database, "quote_group")] == [5]


def check_escrows(database: DatabaseUrls) -> None:
    escrows = Counter(row["state"] for row in rows(database, "escrow"))
    ends = {"released": 3, "refunded": 1, "ruled": 4, "settled": 1}
    assert escrows == {"funded": 2, "shipped": 1, "proposed": 1, "appealed": 1, **ends}
    for row in rows(database, "escrow"):
        paid_out = sum(row[part] or 0 for part in ("to_seller", "to_buyer", "fee"))
        assert row["received"] == row["held"] + paid_out
        assert (row["held"] == 0) == (row["state"] in ends) == (row["deadline"] is None)
        assert (row["court"] is None) == (row["proposed_to_seller"] is None)
    signatures = {row["nonce"]: row["escrow_id"] for row in rows(database, "escrow_signature")}
    assert len(signatures) == 3
    assert signatures[2_001] is None
    offers = rows(database, "escrow_settlement")
    assert Counter(row["held"] == 0 for row in offers) == {True: 1, False: 2}


def test_the_spine_hears_of_all_that_came_after_the_first_start_once(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    index(settings)
    assert events_of(fresh_database) == []  # what was there before us is past
    life.everything()
    index(settings)
    told = events_of(fresh_database)
    kinds = Counter(kind for _, _, kind, _ in told)
    assert kinds["token.minted"] == 8
    assert kinds["token.transferred"] == 7
    assert kinds["escrow.funded"] == 14
    assert kinds["listing.quote_filled"] == 3
    assert kinds["escrow.ruling_proposed"] == 4
    assert kinds["vote.cast"] == 2
    assert len(kinds) == 38
    versions: dict[str, int] = {}
    for stream, version, _, _ in told:
        assert version == versions.get(stream, 0) + 1
        versions[stream] = version
    sold = next(payload for _, _, kind, payload in told if kind == "token.sold")
    assert sold["price"] == str(PRICE)
    assert sold["seller"] == life.seller

    with psycopg.connect(fresh_database.owner, autocommit=True) as connection:
        # As after a rebuild: everything is read again.
        connection.execute("UPDATE chain.checkpoint SET genesis_hash = decode(repeat('00', 32), 'hex')")
    assert index(settings).rebuilds == 1
    assert [event for event in events_of(fresh_database) if event[2] in kinds][: len(told)] == told
    again = Counter(kind for _, _, kind, _ in events_of(fresh_database))
    assert {kind: again[kind] for kind in ("token.minted", "escrow.funded", "vote.cast")} == {
        "token.minted": 8,
        "escrow.funded": 14,
        "vote.cast": 2,
    }


def test_events_wait_for_their_confirmations(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database, confirmations=5)
    index(settings)
    life.cancel(life.seller, 1)
    life.chain.mine(4)
    index(settings)
    assert [row["state"] for row in rows(fresh_database, "listing_nonce")] == ["cancelled"]
    assert events_of(fresh_database) == []
    life.chain.mine()
    index(settings)
    assert [kind for _, _, kind, _ in events_of(fresh_database)] == ["listing.nonce_cancelled"]


def test_a_block_that_a_lost_process_takes_along_is_not_final(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    durable = tmp_path / "durable-block"
    settings = settings_of(fresh_anvil, tmp_path, fresh_database, durable_block_file=durable)
    index(settings)
    life.cancel(life.seller, 1)
    life.cancel(life.seller, 2)
    index(settings)
    assert events_of(fresh_database) == []
    durable.write_text(str(life.chain.height() - 1))
    index(settings)  # no new block: only what is final has grown
    assert [payload["nonce"] for _, _, _, payload in events_of(fresh_database)] == ["1"]
    life.cancel(life.seller, 3)
    durable.write_text(str(life.chain.height()))
    index(settings)
    assert [payload["nonce"] for _, _, _, payload in events_of(fresh_database)] == ["1", "2", "3"]


def test_a_collection_is_read_from_the_block_that_makes_it(
    addresses: Addresses, fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    """Made and minted in one block, before the indexer knew of it."""
    life = Life.begin(fresh_anvil, tmp_path)
    factory, artifact = life.at.collection_factory.address, load_artifact("CollectionFactory")
    salt = keccak(text="early")
    predicted: Address = life.chain.read(artifact, factory, "predict", life.merchant, salt)
    terms = {
        "name": "Early",
        "symbol": "E",
        "contractURI": "ipfs://e",
        "royaltyReceiver": ZERO_ADDRESS,
        "royaltyBps": 0,
        "maxSupply": 0,
    }
    with life.chain.one_block():
        life.call(life.merchant, "CollectionFactory", factory, "create", terms, salt)
        life.merchant_does(predicted, "mint", life.buyer, "ipfs://1")
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    index(settings)
    (token,) = rows(fresh_database, "token")
    assert (token["owner"], token["collection"]) == (pg(life.buyer), pg(predicted))
    assert differences(settings) == []
    assert_same(tables_of(fresh_database), fresh_tables(addresses, settings, "early"))


def test_a_log_that_fits_no_event_is_kept_and_counted(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    exchange = life.at.exchange.address
    code = life.chain.rpc("eth_getCode", exchange, "latest")
    sold = load_artifact("Exchange").event("Sold").topic
    # PUSH32 topic, PUSH1 0, PUSH1 0, LOG1: a Sold without any of its fields
    life.chain.rpc("anvil_setCode", exchange, "0x7f" + sold[2:] + "60006000a1")
    life.chain.receipt(life.chain.send(life.buyer, exchange, "0x"))
    life.chain.rpc("anvil_setCode", exchange, code)
    life.cancel(life.seller, 5)
    index(settings_of(fresh_anvil, tmp_path, fresh_database))
    (kept,) = [row for row in rows(fresh_database, "log") if row["error"] is not None]
    assert kept["topic0"] == pg(sold)
    assert kept["error"] == "1 topics instead of 4"
    assert [row["nonce"] for row in rows(fresh_database, "listing_nonce")] == [5]


def test_text_that_is_not_text_does_not_stop_the_indexer(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    collection = life.create_collection()
    selector = load_artifact("Collection").function("mint").selector
    words = encode(["address", "bytes"], [life.buyer, b"ipfs://\0\xff"])
    life.chain.receipt(life.chain.send(life.merchant, collection, selector + words.hex()))
    index(settings_of(fresh_anvil, tmp_path, fresh_database))
    (token,) = rows(fresh_database, "token")
    assert token["uri"] == "ipfs://\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"


def test_a_contract_that_was_deployed_anew_is_read_instead(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    index(settings)
    life.chain.rpc("anvil_setCode", life.at.escrow.address, "0x00")
    moved = Life.begin(fresh_anvil, tmp_path)
    assert moved.at.escrow.address != life.at.escrow.address
    moved.fund()
    index(settings)
    assert [row["contract"] for row in rows(fresh_database, "escrow")] == [pg(moved.at.escrow.address)]


def test_the_health_page_tells_where_the_indexer_stands(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    assert health(fresh_database) == {"chain_id": 31337, "state": "never", "endpoints": []}
    index(settings_of(fresh_anvil, tmp_path, fresh_database))
    status = health(fresh_database)
    assert status["state"] == "live"
    assert status["head"]["number"] == status["indexed"]["number"] == status["finalized"]
    assert status["finalized"] == life.chain.height()
    assert status["lag"] == {"blocks": 0, "seconds": 0}
    assert status["partitions"]["ok"]


def health(database: DatabaseUrls) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with QueryPool(database.app, size=1) as queries:
            found: dict[str, Any] = json.loads(await queries.json(STATUS, {"chain_id": 31337}) or b"")
            return found

    return asyncio.run(ask())


def test_without_a_deployment_it_waits(
    fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    with pytest.raises(NotDeployed):
        index(settings_of(fresh_anvil, tmp_path, fresh_database))


def test_another_chain_is_refused(fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path) -> None:
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    index(settings)
    before = tables_of(fresh_database)
    life.chain.rpc("anvil_setChainId", 7)
    with pytest.raises(Stuck):
        index(settings)
    assert tables_of(fresh_database) == before


def test_two_databases_of_one_chain_are_alike(
    addresses: Addresses, fresh_anvil: str, fresh_database: DatabaseUrls, tmp_path: Path
) -> None:
    """Read block by block, and read at once."""
    life = Life.begin(fresh_anvil, tmp_path)
    settings = settings_of(fresh_anvil, tmp_path, fresh_database)
    collection = life.create_collection()
    for _ in range(5):
        token_id = life.mint(collection, life.seller)
        index(settings)
        life.transfer(collection, life.seller, life.buyer, token_id)
        index(settings)
    with cloned_database(addresses, "at_once") as database:
        index(settings_of(fresh_anvil, tmp_path, database))
        assert_same(tables_of(fresh_database), tables_of(database))
