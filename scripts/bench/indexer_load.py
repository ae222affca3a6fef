"""Fills a development chain with ERC-721 transfers, always the same ones: half mints, half moves of them.

A collection is made by the factory, so the indexer knows it; then its code is replaced by a loop that logs
as many transfers as its calldata says. So a block is full without a transaction per transfer.
"""

from dataclasses import dataclass
from pathlib import Path

from node.chain.artifacts import load_artifact
from node.kernel.hexes import Address
from tests.chain_life import Life

PER_BLOCK = 500
HOLDERS = 1_024  # a power of two: the loop picks a holder by masking the token's number
FIRST_HOLDERS, LATER_HOLDERS = 0xA0000, 0xB0000
BLOCKS_ABOVE = 200  # more than a fork may undo, so the load is what it is for: the past

_LOOP = (
    "606035"  # first token
    "80608035"  # how many
    "01"  # the token after the last
    "5b"  # loop:
    "81"  # topic 3: token
    "8061{mask:04x}16604035"  # topic 2: recipient = base + (token & mask)
    "01"
    "81602035"  # topic 1: sender = base + (token & its mask), which is 0 for mints
    "16600035"
    "01"
    "7f{topic}60006000a4"  # log them
    "90600101"  # next token
    "90"
    "8181116008"  # more? to loop
    "5700"
)
_GAS = 16_000_000


@dataclass(frozen=True, slots=True)
class Load:
    rpc_url: str
    data_dir: Path
    collection: Address
    events: int
    first_block: int
    last_block: int


def fill(rpc_url: str, data_dir: Path, *, events: int) -> Load:
    """`data_dir` is where the deployment is noted."""
    life = Life.begin(rpc_url, data_dir)
    chain = life.chain
    collection = life.create_collection("Load")
    topic = load_artifact("Collection").event("Transfer").topic
    chain.rpc("anvil_setCode", collection, "0x" + _LOOP.format(mask=HOLDERS - 1, topic=topic[2:]))
    first = chain.height() + 1
    tokens = events // 2
    for sender, mask, recipient in ((0, 0, FIRST_HOLDERS), (FIRST_HOLDERS, HOLDERS - 1, LATER_HOLDERS)):
        for start in range(0, tokens, PER_BLOCK):
            words = (sender, mask, recipient, start, min(PER_BLOCK, tokens - start))
            data = "0x" + "".join(f"{word:064x}" for word in words)
            sent = {"from": life.merchant, "to": collection, "data": data, "gas": hex(_GAS)}
            chain.receipt(chain.rpc("eth_sendTransaction", sent))
    last = chain.height()
    chain.mine(BLOCKS_ABOVE)
    return Load(rpc_url, data_dir, collection, 2 * tokens, first, last)
