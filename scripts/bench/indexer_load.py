"""Fills a development chain with logs of a collection, always the same ones.

A collection is made by the factory, so the indexer knows it; then its code is replaced by a loop that logs
as much as its calldata says. So a block is full without a transaction per log.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from node.chain.artifacts import load_artifact
from node.kernel.hexes import Address
from tests.chain_life import Life

PER_BLOCK = 500
HOLDERS = 1_024  # a power of two: the loop picks a holder by masking the token's number
FIRST_HOLDERS, LATER_HOLDERS = 0xA0000, 0xB0000
BLOCKS_ABOVE = 200  # more than a fork may undo, so the load is what it is for: the past
TEXT = "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/metadata.json"

_TRANSFERS = (
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
_TEXTS = (
    "6040360360406000"  # what follows the first two words of the calldata
    "37"  # to memory: the data of each log
    "600035"  # first token
    "80602035"  # how many
    "01"
    "5b"  # loop:
    "81"  # topic 1: token
    "7f{topic}604036036000a2"  # log it with the data
    "90600101"
    "90"
    "8181116011"
    "5700"
)
_GAS = 16_000_000


@dataclass(frozen=True, slots=True)
class Load:
    rpc_url: str
    data_dir: Path
    collection: Address
    events: int
    tokens: int
    texts: int
    first_block: int
    last_block: int


def fill(
    rpc_url: str, data_dir: Path, *, events: int, per_block: int = PER_BLOCK, texts: bool = False
) -> Load:
    """Half of the events make tokens; the others move them, or give each a text.

    `data_dir` is where the deployment is noted.
    """
    life = Life.begin(rpc_url, data_dir)
    collection = life.create_collection("Load")
    first, tokens = life.chain.height() + 1, events // 2
    _log_transfers(life, collection, tokens, per_block, moves=False)
    if texts:
        _log_texts(life, collection, tokens, per_block)
    else:
        _log_transfers(life, collection, tokens, per_block, moves=True)
    last = life.chain.height()
    life.chain.mine(BLOCKS_ABOVE)
    return Load(
        rpc_url,
        data_dir,
        collection,
        events=2 * tokens,
        tokens=tokens,
        texts=tokens if texts else 0,
        first_block=first,
        last_block=last,
    )


def _log_transfers(life: Life, collection: Address, tokens: int, per_block: int, *, moves: bool) -> None:
    topic = load_artifact("Collection").event("Transfer").topic
    _replace_code(life, collection, _TRANSFERS.format(mask=HOLDERS - 1, topic=topic[2:]))
    sender, mask, recipient = (FIRST_HOLDERS, HOLDERS - 1, LATER_HOLDERS) if moves else (0, 0, FIRST_HOLDERS)
    for start, count in _blocks(tokens, per_block):
        _send(life, collection, (sender, mask, recipient, start, count))


def _log_texts(life: Life, collection: Address, tokens: int, per_block: int) -> None:
    topic = load_artifact("Collection").event("TokenURIChanged").topic
    _replace_code(life, collection, _TEXTS.format(topic=topic[2:]))
    text = TEXT.encode()
    for start, count in _blocks(tokens, per_block):
        _send(life, collection, (start, count, 32, len(text)), text + bytes(-len(text) % 32))


def _blocks(tokens: int, per_block: int) -> Iterator[tuple[int, int]]:
    return ((start, min(per_block, tokens - start)) for start in range(0, tokens, per_block))


def _replace_code(life: Life, collection: Address, code: str) -> None:
    life.chain.rpc("anvil_setCode", collection, "0x" + code)


def _send(life: Life, collection: Address, words: tuple[int, ...], tail: bytes = b"") -> None:
    data = "0x" + "".join(f"{word:064x}" for word in words) + tail.hex()
    sent = {"from": life.merchant, "to": collection, "data": data, "gas": hex(_GAS)}
    life.chain.receipt(life.chain.rpc("eth_sendTransaction", sent))
