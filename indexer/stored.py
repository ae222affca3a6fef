"""Blocks and logs from our own tables where they may be trusted, from the node elsewhere.

A reindex needs no node for what is stored; and what a retention of raw logs dropped, or lies above the blocks
to be trusted, is asked of the node as ever.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from indexer.completeness import Place
from indexer.fetch import BlockSource, NodeBlocks
from indexer.store import Store
from node.chain.rpc import Header, Log, RpcClient
from node.kernel.hexes import Address, Hash32

_HEADERS = """
    SELECT number, '0x' || encode(hash, 'hex'), '0x' || encode(parent_hash, 'hex'),
        extract(epoch FROM timestamp)::bigint
    FROM chain.block WHERE chain_id = %s AND number BETWEEN %s AND %s AND number = ANY(%s)
"""
_LOGS = """
    SELECT log.block_number, log.log_index, '0x' || encode(block.hash, 'hex'),
        '0x' || encode(log.tx_hash, 'hex'), log.tx_index, '0x' || encode(log.address, 'hex'),
        log.topic0, log.topic1, log.topic2, log.topic3, log.data
    FROM chain.log AS log
    JOIN chain.block AS block ON block.chain_id = log.chain_id AND block.number = log.block_number
    WHERE log.chain_id = %s AND log.block_number BETWEEN %s AND %s AND log.address = ANY(%s)
    ORDER BY log.block_number, log.log_index
"""


class StoredBlocks:
    """Trusts blocks `first` to `below` - 1 of the tables that `store` reads.

    `store` is for this alone: it is read from while others are written to.
    """

    def __init__(self, store: Store, node: BlockSource, *, first: int, below: int) -> None:
        self._store = store
        self._node = node
        self._first = first
        self._below = below

    async def headers(self, numbers: Sequence[int]) -> list[Header | None]:
        stored = [number for number in numbers if self._first <= number < self._below]
        found: dict[int, Header | None] = {}
        if stored:
            params = (self._store.chain_id, min(stored), max(stored), stored)
            found = {row[0]: Header(*row) for row in await self._store.rows(_HEADERS, params)}
        asked = [number for number in numbers if number not in found]
        found |= dict(zip(asked, await self._node.headers(asked), strict=True))
        return [found[number] for number in numbers]

    async def logs(self, *, first: int, last: int, addresses: Sequence[Address]) -> list[Log]:
        found: list[Log] = []
        if first < self._first:
            found += await self._node.logs(first=first, last=min(last, self._first - 1), addresses=addresses)
        inner = (max(first, self._first), min(last, self._below - 1))
        if inner[0] <= inner[1]:
            wanted = [bytes.fromhex(address[2:]) for address in addresses]
            rows = await self._store.rows(_LOGS, (self._store.chain_id, *inner, wanted))
            found += map(_log, rows)
        if last >= self._below:
            found += await self._node.logs(first=max(first, self._below), last=last, addresses=addresses)
        return found

    async def check(
        self, headers: Sequence[Header], addresses: Sequence[Address], found: Mapping[Place, Log]
    ) -> None:
        """What is stored was checked when it was read."""
        asked = [header for header in headers if not self._first <= header.number < self._below]
        if asked:
            numbers = {header.number for header in asked}
            of_node = {place: log for place, log in found.items() if place[0] in numbers}
            await self._node.check(asked, addresses, of_node)


async def stored_blocks(store: Store, rpc: RpcClient, *, start_block: int, below: int) -> StoredBlocks:
    """All blocks below that one whose raw logs are kept, if the node still has the newest of them."""
    first = max(start_block, await store.raw_logs_from())
    newest = below - 1
    if newest >= first:
        ours = await store.block_hashes(first=newest, last=newest)
        (theirs,) = await rpc.headers([newest])
        if theirs is None or ours.get(newest) != theirs.hash:
            below = first
    return StoredBlocks(store, NodeBlocks(rpc), first=first, below=max(first, below))


def _log(row: tuple[Any, ...]) -> Log:
    number, index, block_hash, tx_hash, tx_index, address, *topics, data = row
    present = tuple(Hash32("0x" + topic.hex()) for topic in topics if topic is not None)
    return Log(number, index, block_hash, tx_hash, tx_index, address, present, bytes(data))
