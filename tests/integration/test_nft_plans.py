"""The main views over many rows: each page is read through an index, in its order, and not sorted."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from indexer.listing_state import ListingState
from node.kernel.db.keyset import Keyset
from node.kernel.hexes import ZERO_ADDRESS, to_bytes
from node.services.listing.queries import LISTING, listings
from node.services.nft import queries
from tests.chain_rows import CHAIN_ID, EXCHANGE, PARTITION

pytestmark = [pytest.mark.pg]

ROWS_MAX = 2_000  # of one node of a plan: small sets are joined by trying all pairs
BIG = {"token", "transfer", "sale", "listing", "listing_nonce", "metadata", "collection"}


SEED = (
    PARTITION,
    """
    CREATE FUNCTION adr(n bigint) RETURNS bytea LANGUAGE sql IMMUTABLE
        AS $$ SELECT decode(lpad(to_hex(n), 40, '0'), 'hex') $$
    """,
    """
    CREATE FUNCTION h32(n bigint) RETURNS bytea LANGUAGE sql IMMUTABLE
        AS $$ SELECT decode(lpad(to_hex(n), 64, '0'), 'hex') $$
    """,
    """
    INSERT INTO chain.collection (
        chain_id, address, changed_block, changed_log, changed_at, factory, creator, owner, salt, name,
        symbol, contract_uri, royalty_receiver, royalty_bps, max_supply, frozen, minted, created_block,
        created_log, created_at, created_tx
    )
    SELECT 31337, adr(c), c, 0, now(), adr(1), adr(c % 50), adr(c % 50), h32(c), 'n',
        's', '', adr(0), 0, 0, false, 20, c, 0, now(), h32(c)
    FROM generate_series(1, 1000) AS c
    """,
    """
    INSERT INTO chain.token (
        chain_id, collection, token_id, changed_block, changed_log, changed_at, owner, uri, minted_to,
        minted_block, minted_log, minted_at, minted_tx, moved_block, moved_log
    )
    SELECT 31337, adr(c), t, c * 20 + t, 0, now(), adr((c * 20 + t) % 500), 'ipfs://x', adr(1),
        c * 20 + t, 0, now(), h32(c * 20 + t), c * 20 + t, 0
    FROM generate_series(1, 1000) AS c, generate_series(1, 20) AS t
    """,
    """
    INSERT INTO chain.transfer (
        chain_id, block_number, log_index, block_time, tx_hash, collection, token_id, sender, recipient
    )
    SELECT 31337, minted_block, 0, now(), minted_tx, collection, token_id, adr(0), owner FROM chain.token
    """,
    """
    INSERT INTO chain.sale (
        chain_id, block_number, log_index, block_time, tx_hash, exchange, digest, kind, seller, buyer,
        collection, token_id, quantity, currency, price, royalty_receiver, royalty, fee, nonce
    )
    SELECT 31337, minted_block, 1, now(), minted_tx, adr(224), h32(minted_block), 'listing',
        adr(1 + minted_block % 400), owner, collection, token_id, 1, adr(0), 100, adr(0), 0, 0, minted_block
    FROM chain.token
    """,
    """
    INSERT INTO chain.listing_nonce (
        chain_id, exchange, signer, nonce, changed_block, changed_log, changed_at, state, digest, tx_hash
    )
    SELECT 31337, adr(224), owner, minted_block, minted_block, 1, now(), 'used', h32(minted_block), minted_tx
    FROM chain.token
    """,
    """
    INSERT INTO listing.listing (
        chain_id, digest, exchange, seller, collection, token_id, currency, price, min_proceeds, buyer,
        start_s, end_s, nonce, epoch, signature, account_id, created_at
    )
    SELECT 31337, h32(1000000 + minted_block), adr(224), owner, collection, token_id, adr(0),
        1 + minted_block % 997, 0, adr(0), 0, 9000000000, 1000000 + minted_block, 0, '\\x01',
        gen_random_uuid(), now() + minted_block * interval '1 second'
    FROM chain.token
    """,
    # Nine in ten were sold, the cheap ones.
    """
    UPDATE listing.listing SET settled_at = now() WHERE price < 900
    """,
    """
    INSERT INTO chain.listing_nonce (
        chain_id, exchange, signer, nonce, changed_block, changed_log, changed_at, state, digest, tx_hash
    )
    SELECT chain_id, exchange, seller, nonce, 1, 1, now(), 'used', digest, digest
    FROM listing.listing WHERE price < 900
    """,
    """
    INSERT INTO nft.metadata (chain_id, collection, token_id, uri, state, name, refreshed_at)
    SELECT chain_id, collection, token_id, uri, 'ok', 'n', now() FROM chain.token
    """,
    "ANALYZE",
)


@pytest.fixture
def crowded(connection: psycopg.Connection) -> psycopg.Connection:
    """1,000 collections of 20 tokens, each minted, sold and listed again."""
    for statement in SEED:
        connection.execute(statement)
    return connection


def pages() -> dict[str, tuple[Keyset, dict[str, object]]]:
    wallet, collection = {"wallet": adr(7)}, {"collection": adr(77)}
    one = {**collection, "token_id": 3}
    active = ListingState.ACTIVE
    return {
        "collections": (queries.collections(frozenset()), {}),
        "collections of a creator": (queries.collections(frozenset({"creator"})), {"creator": adr(7)}),
        "tokens of a collection": (queries.TOKENS_OF_COLLECTION, collection),
        "tokens of a wallet": (queries.TOKENS_OF_WALLET, wallet),
        "transfers of a token": (queries.TRANSFERS_OF_TOKEN, one),
        "sales": (queries.sales(frozenset()), {}),
        "sales of a wallet": (queries.sales(frozenset(wallet)), wallet),
        "sales of a token": (queries.sales(frozenset(one)), one),
        "newest listings": (listings(frozenset(), active, "newest"), {}),
        "cheapest listings": (
            listings(frozenset({"currency"}), active, "price"),
            {"currency": to_bytes(ZERO_ADDRESS)},
        ),
        "listings of a collection": (listings(frozenset(collection), active, "newest"), collection),
        "listings of a seller": (listings(frozenset({"seller"}), None, "newest"), {"seller": adr(7)}),
    }


def adr(number: int) -> bytes:
    return number.to_bytes(20)


def test_pages_are_read_through_indexes(crowded: psycopg.Connection) -> None:
    faults = []
    for name, (keyset, filters) in pages().items():
        first, params = keyset.statement(base() | filters, limit=20, cursor=None)
        for label, sql in (("first", first), ("next", second_page(crowded, keyset, filters))):
            statement, values = (sql, params) if isinstance(sql, str) else sql
            faults += [f"{name} ({label}): {fault}" for fault in judged(crowded, statement, values)]
    assert not faults, "\n".join(faults)


def test_single_views_are_read_through_indexes(crowded: psycopg.Connection) -> None:
    token = base() | {"collection": adr(77), "token_id": 3}
    listing = base() | {"digest": (1_000_000 + 77 * 20 + 3).to_bytes(32)}
    assert judged(crowded, queries.TOKEN, token) == []
    assert judged(crowded, LISTING, listing) == []


def base() -> dict[str, object]:
    assert to_bytes(EXCHANGE) == adr(224)
    return {"chain_id": CHAIN_ID, "now_s": 1_800_000_000}


def second_page(
    connection: psycopg.Connection, keyset: Keyset, filters: dict[str, object]
) -> tuple[str, dict[str, object]]:
    sql, params = keyset.statement(base() | filters, limit=1, cursor=None)
    row = connection.execute(sql, params).fetchone()
    assert row is not None
    cursor = row[0]["next"]
    if cursor is None:  # a list of one page: its second page is never read
        return sql, params
    return keyset.statement(base() | filters, limit=20, cursor=cursor)


def judged(connection: psycopg.Connection, sql: str, params: dict[str, object]) -> list[str]:
    """What a page must not do: read a big table from end to end, or touch far more rows than it shows."""
    explain = "EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) " + sql
    row = connection.execute(explain, params).fetchone()  # type: ignore[arg-type]
    assert row is not None
    faults = []
    for node in nodes(row[0][0]["Plan"]):
        rows = node["Actual Rows"] * node["Actual Loops"]
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in BIG:
            faults.append(f"reads all of {node['Relation Name']}")
        if rows > ROWS_MAX:
            faults.append(f"{node['Node Type']} {node.get('Index Name')} touches {rows:.0f} rows")
    return faults


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)
