"""`verify` finds what was planted, one difference of each kind, and nothing else."""

from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from indexer.verify import Listings
from node.kernel.errors import NotFound
from node.kernel.hexes import Address
from node.kernel.settings import Settings
from tests.chain_life import Life
from tests.indexed import TABLES, differences, index, settings_of
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.chain, pytest.mark.pg]

# Table and what is done to one row of it -> the kinds that must show it.
PLANTED: list[tuple[LiteralString, set[str]]] = [
    ("UPDATE chain.token SET owner = minted_to WHERE token_id = 1", {"token.owner"}),
    ("UPDATE chain.token SET uri = 'ipfs://else' WHERE token_id = 1", {"token.uri"}),
    ("DELETE FROM chain.token WHERE token_id = 1", {"collection.tokens"}),
    ("UPDATE chain.collection SET owner = creator", {"collection.owner"}),
    ("UPDATE chain.collection SET name = 'Else'", {"collection.name"}),
    ("UPDATE chain.collection SET symbol = 'ELSE'", {"collection.symbol"}),
    ("UPDATE chain.collection SET contract_uri = 'ipfs://else'", {"collection.contract_uri"}),
    ("UPDATE chain.collection SET max_supply = 7", {"collection.max_supply"}),
    ("UPDATE chain.collection SET frozen = false", {"collection.frozen"}),
    ("UPDATE chain.collection SET minted = minted + 1", {"collection.minted"}),
    ("UPDATE chain.collection SET royalty_bps = royalty_bps + 1", {"collection.royalty"}),
    ("UPDATE chain.listing_nonce SET nonce = 12345 WHERE nonce = 77", {"listing.nonce"}),
    ("UPDATE chain.listing_nonce SET nonce = 1001 WHERE nonce = 77", {"listing.nonce"}),
    ("UPDATE chain.quote_fill SET filled = filled + 1", {"quote.filled"}),
    ("UPDATE chain.quote_group SET group_id = group_id + 1", {"quote.group"}),
    ("UPDATE chain.listing_epoch SET epoch = epoch + 1", {"listing.epoch"}),
    ("UPDATE chain.exchange_fee SET bps = bps + 1", {"exchange.fee"}),
    ("UPDATE chain.currency SET allowed = false", {"exchange.currency"}),
    ("UPDATE chain.credit SET amount = 1", {"credit"}),
    ("UPDATE chain.escrow SET state = 'shipped' WHERE state = 'funded'", {"escrow"}),
    ("UPDATE chain.escrow SET held = held + 1 WHERE state = 'funded'", {"escrow"}),
    ("UPDATE chain.escrow SET state = 'disputed' WHERE state = 'proposed'", {"escrow"}),
    ("UPDATE chain.escrow SET deadline = deadline + interval '1 s' WHERE state = 'appealed'", {"escrow"}),
    ("UPDATE chain.escrow SET state = 'ruled' WHERE state = 'settled'", {"escrow"}),
    ("UPDATE chain.escrow SET to_buyer = to_buyer + 1 WHERE state = 'shipped'", {"escrow.paid_out"}),
    ("UPDATE chain.escrow SET fee = fee - 1 WHERE state = 'settled'", {"escrow.paid_out"}),
    ("UPDATE chain.escrow SET court = NULL", {"escrow.appeal"}),
    ("UPDATE chain.escrow SET proposed_to_seller = 1 WHERE state = 'appealed'", {"escrow.appeal"}),
    ("UPDATE chain.escrow_settlement SET to_seller = to_seller + 1", {"escrow.settlement"}),
    ("UPDATE chain.escrow_signature SET nonce = nonce + 1000", {"escrow.signature"}),
    ("UPDATE chain.proposal SET executed_at = NULL WHERE executed_at IS NOT NULL", {"proposal.state"}),
    ("UPDATE chain.proposal SET canceled_at = NULL WHERE canceled_at IS NOT NULL", {"proposal.state"}),
    (
        "UPDATE chain.proposal SET for_votes = for_votes + 1 WHERE executed_at IS NOT NULL",
        {"proposal.tally"},
    ),
    (
        "UPDATE chain.proposal SET vote_start = vote_start + interval '1 s' WHERE queued_at IS NOT NULL",
        {"proposal.start"},
    ),
    (
        "UPDATE chain.proposal SET vote_end = vote_end + interval '1 s' WHERE queued_at IS NOT NULL",
        {"proposal.deadline"},
    ),
    ("UPDATE chain.vote SET voter = decode(repeat('11', 20), 'hex')", {"vote"}),
    ("UPDATE chain.delegation SET delegate = decode(repeat('11', 20), 'hex')", {"delegation"}),
    ("UPDATE chain.voting_power SET votes = votes + 1", {"voting_power"}),
    ("UPDATE chain.votes_balance SET balance = balance + 1", {"votes_balance", "votes_supply"}),
]


@pytest.fixture(scope="module")
def life(anvil: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Life, Path]:
    data_dir = tmp_path_factory.mktemp("deployment")
    lived = Life.begin(anvil, data_dir)
    lived.everything()
    return lived, data_dir


def test_one_difference_of_each_kind_is_found(
    life: tuple[Life, Path], fresh_database: DatabaseUrls, connection: psycopg.Connection
) -> None:
    lived, data_dir = life
    settings = settings_of(lived.chain.url, data_dir, fresh_database)
    index(settings)
    assert kinds_of(settings) == set()
    for name in TABLES:
        connection.execute(f"CREATE TABLE public.{name} AS TABLE chain.{name}")
    for statement, kinds in PLANTED:
        table = statement.partition("chain.")[2].partition(" ")[0]
        assert connection.execute(statement).rowcount > 0, statement
        assert kinds_of(settings) == kinds, statement
        for mend in ("DELETE FROM chain.{0}", "INSERT INTO chain.{0} TABLE public.{0}"):
            connection.execute(sql.SQL(mend).format(sql.Identifier(table)))
    assert kinds_of(settings) == set()


def kinds_of(settings: Settings, listings: Listings | None = None) -> set[str]:
    return {difference.kind for difference in differences(settings, listings)}


def test_a_listing_that_cannot_be_bought_is_found(
    life: tuple[Life, Path], fresh_database: DatabaseUrls
) -> None:
    lived, data_dir = life
    settings = settings_of(lived.chain.url, data_dir, fresh_database)
    collection = lived.create_collection()
    token_id = lived.mint(collection, lived.seller)
    nonce = 4_711
    index(settings)
    assert differences(settings, claim(lived, collection, token_id, nonce)) == []
    assert kinds_of(settings, claim(lived, collection, token_id, 77)) == {"listing.open.nonce"}
    assert kinds_of(settings, claim(lived, collection, token_id, nonce, epoch=1)) == {"listing.open.epoch"}
    assert differences(settings, claim(lived, collection, token_id, 77, fillable=False)) == []
    lived.transfer(collection, lived.seller, lived.buyer, token_id)
    index(settings)
    assert kinds_of(settings, claim(lived, collection, token_id, nonce)) == {"listing.open.owner"}


def test_what_was_never_indexed_cannot_be_verified(
    life: tuple[Life, Path], fresh_database: DatabaseUrls
) -> None:
    lived, data_dir = life
    with pytest.raises(NotFound):
        differences(settings_of(lived.chain.url, data_dir, fresh_database))


def test_rows_are_compared_at_the_block_of_the_tables(
    life: tuple[Life, Path], fresh_database: DatabaseUrls
) -> None:
    """The chain is ahead of the tables, and nothing is wrong."""
    lived, data_dir = life
    settings = settings_of(lived.chain.url, data_dir, fresh_database)
    collection = lived.create_collection()
    token_id = lived.mint(collection, lived.seller)
    index(settings)
    lived.transfer(collection, lived.seller, lived.buyer, token_id)
    lived.fund()
    assert differences(settings) == []


def claim(
    life: Life, collection: Address, token_id: int, nonce: int, *, epoch: int = 0, fillable: bool = True
) -> Listings:
    """A service that lists this one token."""
    query = (
        f"SELECT 'one' AS id, '{life.at.exchange.address}' AS exchange, '{life.seller}' AS seller,"
        f" '{collection}' AS collection, {token_id}::numeric AS token_id, {nonce}::numeric AS nonce,"
        f" {epoch}::numeric AS epoch, {fillable} AS fillable"
        " WHERE %(after)s::text IS NULL AND %(chain_id)s = 31337 LIMIT %(limit)s"
    )
    return Listings(query)  # type: ignore[arg-type]
