"""Metadata that follows its token, and nonces that nobody gets twice."""

import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, update
from typing_extensions import override

from indexer.models import TokenRow
from node.bootstrap.token_metadata import StoredMetadata
from node.chain.steps import StepBuilder
from node.kernel.clock import FixedClock
from node.kernel.db.unit_of_work import Database
from node.kernel.errors import Bug
from node.services.content.media import JSON, OCTET_STREAM, UploadPolicy
from node.services.content.store import ContentStore, LocalContentStore
from node.services.listing.errors import NoncesExhausted
from node.services.listing.nonces import LOOK_AHEAD, take_nonce
from node.services.nft.errors import TokenUnknown
from node.services.nft.metadata import Metadata, MetadataSource, MetadataState
from node.services.nft.models import MetadataRow
from node.services.nft.service import NftService
from tests.chain_rows import CHAIN_ID, EXCHANGE, GENESIS_TIME, ChainRows, address
from tests.stack import DatabaseUrls

pytestmark = [pytest.mark.pg]

CARPETS, SELLER, OTHER = address(0xC1), address(1), address(2)


@pytest.fixture
def database(fresh_database: DatabaseUrls) -> Iterator[Database]:
    opened = Database(fresh_database.app, pool_size=8)
    yield opened
    opened.dispose()


@pytest.fixture
def content(tmp_path: Path) -> ContentStore:
    return LocalContentStore(tmp_path, UploadPolicy(size_bytes_max=2**20))


def put(content: ContentStore, raw: bytes, media_type: str = JSON) -> str:
    return f"ipfs://{content.put(io.BytesIO(raw), media_type=media_type).cid}"


def service(metadata: MetadataSource) -> NftService:
    def no_steps() -> StepBuilder:
        raise Bug("the chain is not asked about metadata")

    return NftService(FixedClock(GENESIS_TIME), no_steps, metadata, chain_id=CHAIN_ID)


def minted(database: Database, *uris: str) -> None:
    with database.transaction() as tx:
        chain = ChainRows(tx)
        chain.collection(CARPETS, creator=SELLER)
        for number, uri in enumerate(uris, 1):
            chain.mint(CARPETS, number, to=SELLER, uri=uri)


def kept(database: Database, token_id: int) -> MetadataRow:
    with database.transaction() as tx:
        row = tx.execute(select(MetadataRow).where(MetadataRow.token_id == token_id)).scalar_one()
        tx.expunge(row)
        return row


def test_each_kind_of_uri_has_its_state(database: Database, content: ContentStore) -> None:
    good = put(content, b'{"name":"Rug","image":"ipfs://x","attributes":[{"value":true}],"more":{"a":1}}')
    text = put(content, b'{"title":"no name"}', OCTET_STREAM)
    expected = {
        good: MetadataState.OK,
        text: MetadataState.INVALID,
        f"{good}/1.json": MetadataState.MISSING,
        "https://example.org/1.json": MetadataState.MISSING,
        "ipfs://QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n": MetadataState.MISSING,
        "ipfs://": MetadataState.MISSING,
        "file:///etc/passwd": MetadataState.MISSING,
    }
    minted(database, *expected)
    nft = service(StoredMetadata(content))
    for token_id, state in enumerate(expected.values(), 1):
        assert nft.refresh_metadata(database.transaction, CARPETS, token_id) is state
        assert nft.refresh_metadata(database.transaction, CARPETS, token_id) is state
        assert kept(database, token_id).state == state
    rug = kept(database, 1)
    assert (rug.name, rug.image, rug.attributes) == ("Rug", "ipfs://x", [{"value": True}])
    assert kept(database, 2).name is None


def test_a_token_that_is_unknown_is_said_so(database: Database, content: ContentStore) -> None:
    with pytest.raises(TokenUnknown):
        service(StoredMetadata(content)).refresh_metadata(database.transaction, CARPETS, 1)


class MovingSource(MetadataSource):
    """The token gets another URI while the first one is read."""

    def __init__(self, database: Database, real: MetadataSource, *, moves_to: str) -> None:
        self._database = database
        self._real = real
        self._moves_to = moves_to

    @override
    def read(self, uri: str) -> Metadata:
        with self._database.transaction() as tx:
            tx.execute(update(TokenRow).values(uri=self._moves_to))
        return self._real.read(uri)


def test_a_uri_that_moves_meanwhile_is_read_again(database: Database, content: ContentStore) -> None:
    old, new = put(content, b'{"name":"old"}'), put(content, b'{"name":"new"}')
    minted(database, old)
    source = MovingSource(database, StoredMetadata(content), moves_to=new)
    service(source).refresh_metadata(database.transaction, CARPETS, 1)
    row = kept(database, 1)
    assert (row.uri, row.name) == (new, "new")


def test_two_at_once_get_two_nonces(database: Database) -> None:
    barrier = threading.Barrier(8)

    def take(_: int) -> int:
        barrier.wait()
        with database.transaction() as tx:
            return take_nonce(tx, chain_id=CHAIN_ID, exchange=EXCHANGE, seller=SELLER)

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(take, range(8))) == list(range(8))


def test_nonces_that_the_chain_used_are_passed_over(database: Database) -> None:
    with database.transaction() as tx:
        chain = ChainRows(tx)
        for nonce in (0, 1, 3):
            chain.cancel(SELLER, nonce)
        chain.cancel(OTHER, 2)
        taken = [take_nonce(tx, chain_id=CHAIN_ID, exchange=EXCHANGE, seller=SELLER) for _ in range(3)]
        assert taken == [2, 4, 5]
        assert take_nonce(tx, chain_id=CHAIN_ID, exchange=EXCHANGE, seller=OTHER) == 0


def test_the_look_ahead_is_bounded(database: Database) -> None:
    with database.transaction() as tx:
        chain = ChainRows(tx)
        for nonce in range(LOOK_AHEAD):
            chain.cancel(SELLER, nonce)
        with pytest.raises(NoncesExhausted):
            take_nonce(tx, chain_id=CHAIN_ID, exchange=EXCHANGE, seller=SELLER)
