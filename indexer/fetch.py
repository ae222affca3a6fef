"""Reading a range of blocks so that what comes back belongs together, or not at all.

Invariants: headers are linked by parent hash; each log carries the hash of a header of the range; no log is
missing, as far as that can be known (`completeness`); children of a factory that the range itself makes are
read too. What breaks one of these is `ChainMoved`: the node changed its mind (or its answers are not of one
chain), and the caller starts over from the head. Of several blocks with more logs than fit into memory the
first ones come back, as many as fit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from indexer.beside import beside
from indexer.completeness import Place, check_complete
from indexer.ranges import LOGS_MAX
from indexer.reading import Kinds, Reading, read_log
from node.chain import events as ev
from node.chain.logs import CHILD_OF, Kind, Undecodable
from node.chain.rpc import ChainMoved, Header, Log, RpcClient
from node.kernel.hexes import Address

ADDRESSES_MAX = 500  # in one question for logs
GENERATIONS_MAX = 4  # factories make collections, which make nothing: more is a broken table of kinds


class BlockSource(Protocol):
    """What a range is read from."""

    async def headers(self, numbers: Sequence[int]) -> list[Header | None]: ...

    async def logs(self, *, first: int, last: int, addresses: Sequence[Address]) -> list[Log]: ...

    async def check(
        self, headers: Sequence[Header], addresses: Sequence[Address], found: Mapping[Place, Log]
    ) -> None:
        """Raises when `found` lacks logs of these addresses."""


class NodeBlocks:
    """A node, which may leave out logs without a word."""

    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc

    async def headers(self, numbers: Sequence[int]) -> list[Header | None]:
        return await self._rpc.headers(numbers)

    async def logs(self, *, first: int, last: int, addresses: Sequence[Address]) -> list[Log]:
        return await self._rpc.logs(first=first, last=last, addresses=addresses)

    async def check(
        self, headers: Sequence[Header], addresses: Sequence[Address], found: Mapping[Place, Log]
    ) -> None:
        await check_complete(self._rpc, headers, addresses, found)


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """A log with what it says; `event` None and no `error`: nothing that is used here."""

    log: Log
    event: ev.ChainLog | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Fetched:
    headers: tuple[Header, ...]
    logs: tuple[Decoded, ...]
    kinds: Kinds  # with the contracts that the range made


async def fetch(
    blocks: BlockSource, *, first: int, last: int, kinds: Kinds, head: Header | None = None
) -> Fetched:
    """`head`: one that `blocks` gave a moment ago, which need not be asked for again."""
    headers: Sequence[Header] = await linked_headers(blocks, first, last, head)
    known = dict(kinds)
    decoded: list[Decoded] = []
    wanted = [address for address, kind in kinds.items() if kind != Kind.ERC20]
    for _ in range(GENERATIONS_MAX):
        if not wanted:
            break
        fresh, headers = await fetch_logs(blocks, headers, {address: known[address] for address in wanted})
        decoded += fresh
        children = _children(fresh, known)
        wanted = [address for address in children if address not in known]
        known |= children
    last = headers[-1].number
    kept = [item for item in decoded if item.log.block_number <= last]
    kept.sort(key=lambda item: (item.log.block_number, item.log.log_index))
    return Fetched(tuple(headers), tuple(kept), known)


async def fetch_logs(
    blocks: BlockSource, headers: Sequence[Header], readings: Kinds
) -> tuple[list[Decoded], Sequence[Header]]:
    """Logs of these addresses in these consecutive blocks, in order, and the blocks that they are all of.

    Of strangers, what is of no use here is left out.
    """
    logs, taken = await _logs(blocks, headers, list(readings))
    return await beside(len(logs), _all_decoded, logs, readings), taken


async def linked_headers(
    blocks: BlockSource, first: int, last: int, head: Header | None = None
) -> list[Header]:
    numbers = range(first, last + 1)
    known = head is not None and head.number == last
    asked = numbers[:-1] if known else numbers
    found = [*(await blocks.headers(asked) if asked else ()), *((head,) if known else ())]
    headers: list[Header] = []
    for number, header in zip(numbers, found, strict=True):
        if header is None or header.number != number:
            raise ChainMoved("the node lost a block below its head", number=number)
        if headers and header.parent_hash != headers[-1].hash:
            raise ChainMoved("blocks are not linked", number=number)
        headers.append(header)
    return headers


async def _logs(
    blocks: BlockSource, headers: Sequence[Header], addresses: Sequence[Address]
) -> tuple[list[Log], Sequence[Header]]:
    """The logs, and the blocks that they are all of: fewer than asked for, where these are too dense."""
    hashes = {header.number: header.hash for header in headers}
    first, last = headers[0].number, headers[-1].number
    found: dict[tuple[int, int], Log] = {}
    for start in range(0, len(addresses), ADDRESSES_MAX):
        asked = addresses[start : start + ADDRESSES_MAX]
        for log in await blocks.logs(first=first, last=last, addresses=asked):
            if hashes.get(log.block_number) != log.block_hash:
                raise ChainMoved("a log belongs to another block", number=log.block_number)
            if found.setdefault((log.block_number, log.log_index), log) != log:
                raise ChainMoved("two logs at one place", number=log.block_number)
        if len(found) > LOGS_MAX:
            beyond, _ = sorted(found)[LOGS_MAX]
            last = max(first, beyond - 1)
            found = {place: log for place, log in found.items() if place[0] <= last}
    taken = headers[: last - first + 1]
    await blocks.check(taken, addresses, found)
    return [found[place] for place in sorted(found)], taken


def _all_decoded(logs: Sequence[Log], readings: Kinds) -> list[Decoded]:
    decoded = [_decoded(log, readings[log.address]) for log in logs]
    return [
        item
        for item in decoded
        if item.event is not None or item.error is not None or isinstance(readings[item.log.address], str)
    ]


def _decoded(log: Log, reading: Reading) -> Decoded:
    try:
        return Decoded(log, read_log(reading, log), None)
    except Undecodable as error:
        return Decoded(log, None, str(error))


def _children(logs: Sequence[Decoded], known: Kinds) -> dict[Address, str]:
    found = {}
    for item in logs:
        maker = known[item.log.address]
        if isinstance(item.event, ev.CollectionCreated) and isinstance(maker, str):
            found[item.event.collection] = CHILD_OF[Kind(maker)].value
    return found
