"""Is an answer to a question for logs whole?

Nodes and providers cut answers short without a word: behind a load balancer the logs come from a node that
does not have the newest blocks yet, or a limit on the size of an answer is kept by dropping its tail. What
can be held against it:

- each header carries a bloom filter of the addresses in its logs. A block whose bloom knows a contract of
  which no log came is suspect, and its receipts decide. A bloom that is too full says yes to everything, so
  it is not asked; a chain without blooms (all zero) can't be checked so.
- the block at which a large answer ends is compared with its receipts in any case: tails are what is dropped.

A single log missing from a small answer, beside others of the same contract and block, is not noticed.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import lru_cache

from eth_utils.crypto import keccak

from node.chain.rpc import ChainMoved, Header, Log, NodeRefused, RpcClient
from node.kernel.hexes import Address, to_bytes

BLOOM_BITS = 2048
SELECTIVE_BITS = 256  # set in a bloom at most: then one in 500 answers is a false yes
TESTS_MAX = 50_000  # of an address against a bloom, per range: some milliseconds
SUSPECTS_MAX = 20  # blocks of one range whose receipts are read
LARGE_ANSWER = 1_000  # logs; no node cuts off less

Place = tuple[int, int]  # block and index of a log


class AnswerIncomplete(ChainMoved):
    """The node left out logs that its own receipts have."""


async def check_complete(
    rpc: RpcClient, headers: Sequence[Header], addresses: Sequence[Address], found: Mapping[Place, Log]
) -> None:
    """Raises `AnswerIncomplete` when `found` lacks logs of these addresses."""
    blocks = suspects(headers, addresses, found.values())[:SUSPECTS_MAX]
    if len(found) >= LARGE_ANSWER:
        blocks.append(max(found)[0])
    asked = frozenset(addresses)
    for number in blocks:
        missing = await _missing(rpc, number, asked, found)
        if missing:
            error = AnswerIncomplete("the node left out logs", number=number, missing=missing)
            rpc.meter.failed("eth_getLogs", error)
            raise error


def suspects(headers: Sequence[Header], addresses: Sequence[Address], found: Iterable[Log]) -> list[int]:
    """Blocks that may have logs of an address of which none came."""
    came = {(log.block_number, log.address) for log in found}
    tested = [(address, bloom_of(address)) for address in addresses[: TESTS_MAX // len(headers)]]
    return [header.number for header in headers if _is_suspect(header, tested, came)]


def _is_suspect(
    header: Header, tested: Sequence[tuple[Address, int]], came: Container[tuple[int, Address]]
) -> bool:
    bloom = header.bloom
    if not 0 < bloom.bit_count() <= SELECTIVE_BITS:
        return False
    return any(bloom & mask == mask and (header.number, address) not in came for address, mask in tested)


@lru_cache(maxsize=TESTS_MAX)
def bloom_of(address: Address) -> int:
    """The bits that an address sets (Yellow Paper, section 4.3.1): three pairs of bytes of its hash."""
    digest = keccak(to_bytes(address))
    bits = (int.from_bytes(digest[at : at + 2]) % BLOOM_BITS for at in (0, 2, 4))
    return sum(1 << bit for bit in set(bits))


async def _missing(rpc: RpcClient, number: int, asked: frozenset[Address], found: Mapping[Place, Log]) -> int:
    """How many logs the receipts of a block have that did not come."""
    try:
        logs = await rpc.block_logs(number)
    except NodeRefused:  # no receipts there: what else it says of the block is no better than its answer
        return 0
    return sum(log.address in asked and (number, log.log_index) not in found for log in logs)
