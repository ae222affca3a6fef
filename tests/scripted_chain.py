"""A chain without an EVM: it makes up what our contracts log, forks as it is told to, and keeps what is true.

Beside each block lies what the contracts would say there (owners, balances, escrows, tallies), kept by a
model that knows nothing of the indexer. Everything follows from one seeded source of chance.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from indexer.writing import KnownContract
from node.chain import events as ev
from node.chain.artifacts import load_artifact
from node.chain.logs import Kind
from node.chain.tokens import TRANSFER
from node.kernel.hexes import ZERO_ADDRESS, ZERO_HASH, Address, Hash32

CHAIN_ID = 31337
START_S = 1_800_000_000
ARTIFACT = {
    Kind.FACTORY: "CollectionFactory",
    Kind.COLLECTION: "Collection",
    Kind.ESCROW: "Escrow",
    Kind.GOVERNOR: "AsoudGovernor",
    Kind.VOTES_TOKEN: "VotesToken",
}


def address(number: int) -> Address:
    return Address(f"0x{number:040x}")


AT = {kind: address(0xA000 + place) for place, kind in enumerate(ARTIFACT)}
STRANGER = address(0xB000)
PEOPLE = [address(0xC000 + place) for place in range(8)]
DEPLOYED = [KnownContract(AT[kind], kind, 1) for kind in ARTIFACT if kind is not Kind.COLLECTION]


@dataclass
class Truth:
    """What views of the contracts would answer."""

    owners: dict[tuple[Address, int], Address] = field(default_factory=dict)
    minted: dict[Address, int] = field(default_factory=dict)
    votes: dict[Address, int] = field(default_factory=dict)
    escrows: dict[Hash32, tuple[str, int]] = field(default_factory=dict)
    tallies: dict[int, list[int]] = field(default_factory=dict)
    coins: dict[Address, int] = field(default_factory=dict)

    def copy(self) -> "Truth":
        tallies = {proposal: list(votes) for proposal, votes in self.tallies.items()}
        return Truth(
            dict(self.owners),
            dict(self.minted),
            dict(self.votes),
            dict(self.escrows),
            tallies,
            dict(self.coins),
        )


@dataclass(frozen=True)
class Block:
    number: int
    hash: Hash32
    parent: Hash32
    logs: Sequence[dict[str, Any]]
    truth: Truth

    def header(self) -> dict[str, str]:
        return {
            "number": hex(self.number),
            "hash": self.hash,
            "parentHash": self.parent,
            "timestamp": hex(START_S + 2 * self.number + int(self.hash[-1], 16) % 2),
        }


class ScriptedChain:
    """`blocks` is the present fork. Any list that it once was may be put back."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._made = 0
        self.blocks: list[Block] = []
        self.drop: set[int] = set()  # requests, counted from now, that are not answered
        self.surprise: tuple[int, Callable[[], None]] | None = None
        self._asked = 0
        self.grow(2, busy=False)

    # ------------------------------------------------------------------------------------------ growing

    @property
    def height(self) -> int:
        return self.blocks[-1].number

    @property
    def truth(self) -> Truth:
        return self.blocks[-1].truth

    def grow(self, count: int, *, busy: bool = True) -> None:
        blocks = list(self.blocks)
        for _ in range(count):
            parent = blocks[-1] if blocks else None
            number = 0 if parent is None else parent.number + 1
            truth = Truth() if parent is None else parent.truth.copy()
            before = ZERO_HASH if parent is None else parent.hash
            salt = 0 if number == 0 else self._rng.getrandbits(64)
            hash_ = Hash32("0x" + keccak(text=f"{before}{number}{salt}").hex())
            logs = _Logs(number, hash_)
            for _ in range(self._rng.choice((0, 1, 1, 2, 4)) if busy else 0):
                self._made += 1
                logs.transaction(f"{salt}{self._made}")
                self._rng.choice(_ACTIONS)(self._rng, truth, logs)
            blocks.append(Block(number, hash_, before, logs.found, truth))
        self.blocks = blocks

    def fork(self, depth: int, length: int) -> list[Block]:
        """Replaces the newest blocks; returns the fork as it was."""
        before = self.blocks
        self.blocks = before[: len(before) - depth]
        self.grow(length)
        return before

    # ---------------------------------------------------------------------------------------- answering

    def fault(self, *, drop: set[int], surprise: tuple[int, Callable[[], None]] | None) -> None:
        """What goes wrong with the requests that follow, counted from 1."""
        self._asked, self.drop, self.surprise = 0, drop, surprise

    def answer(self, request: Any) -> tuple[int, bytes]:
        self._asked += 1
        if self.surprise is not None and self._asked >= self.surprise[0]:
            (_, happen), self.surprise = self.surprise, None
            happen()
        if self._asked in self.drop:
            return 503, b""
        calls = request if isinstance(request, list) else [request]
        blocks = self.blocks
        answers = [
            {
                "jsonrpc": "2.0",
                "id": call["id"],
                "result": _result(blocks, call["method"], call["params"]),
            }
            for call in calls
        ]
        return 200, json.dumps(answers if isinstance(request, list) else answers[0]).encode()


def _result(blocks: list[Block], method: str, params: list[Any]) -> Any:
    if method == "eth_chainId":
        return hex(CHAIN_ID)
    if method == "eth_getBlockByNumber":
        number = len(blocks) - 1 if params[0] == "latest" else int(params[0], 16)
        return blocks[number].header() if number < len(blocks) else None
    if method == "eth_getLogs":
        (query,) = params
        wanted = range(int(query["fromBlock"], 16), int(query["toBlock"], 16) + 1)
        return [
            log
            for number in wanted
            if number < len(blocks)
            for log in blocks[number].logs
            if log["address"] in query["address"]
        ]
    if method == "eth_getBlockReceipts":
        number = int(params[0], 16)
        return [{"logs": blocks[number].logs}] if number < len(blocks) else None
    return {"eth_getCode": "0x01", "eth_call": "0x"}[method]


class _Logs:
    """The logs of a block that is being made."""

    def __init__(self, number: int, hash_: Hash32) -> None:
        self._place = {"blockNumber": hex(number), "blockHash": hash_}
        self._tx: dict[str, str] = {}
        self._txs = 0
        self.now = START_S + 2 * number
        self.found: list[dict[str, Any]] = []

    def transaction(self, seed: str) -> None:
        self._tx = {
            "transactionHash": "0x" + keccak(text=seed).hex(),
            "transactionIndex": hex(self._txs),
        }
        self._txs += 1

    def event(self, kind: Kind, struct: type[ev.ChainLog], *values: Any, at: Address | None = None) -> None:
        event = load_artifact(ARTIFACT[kind]).event(struct.abi_name)
        pairs = list(zip(event.inputs, values, strict=True))
        topics = [event.topic, *("0x" + encode([p.type], [_raw(v)]).hex() for p, v in pairs if p.indexed)]
        plain = [(p.type, _raw(v, p.type)) for p, v in pairs if not p.indexed]
        data = encode([kind for kind, _ in plain], [value for _, value in plain])
        self.log(at or AT[kind], topics, data)

    def log(self, where: Address, topics: Sequence[str], data: bytes) -> None:
        self.found.append(
            {
                **self._place,
                **self._tx,
                "logIndex": hex(len(self.found)),
                "address": where,
                "topics": list(topics),
                "data": "0x" + data.hex(),
            }
        )


def _raw(value: Any, kind: str = "") -> Any:
    """A hash as bytes; an address stays hex."""
    is_hash = isinstance(value, str) and len(value) == 66 and kind != "string"
    return bytes.fromhex(value[2:]) if is_hash else value


# ------------------------------------------------------------------------------------------------ actions


def _create(rng: random.Random, truth: Truth, logs: _Logs) -> None:
    collection = address(rng.getrandbits(150) << 8)
    truth.minted[collection] = 0
    salt = Hash32(f"0x{rng.getrandbits(256):064x}")
    values = (collection, PEOPLE[0], salt, "Name", "SYM", "ipfs://c", PEOPLE[1], 500, 0)
    logs.event(Kind.FACTORY, ev.CollectionCreated, *values)


def _mint(rng: random.Random, truth: Truth, logs: _Logs) -> None:
    if not truth.minted:
        return
    collection = rng.choice(sorted(truth.minted))
    for _ in range(rng.choice((1, 1, 2, 70))):  # many at once go another way into the tables
        token_id, owner = truth.minted[collection] + 1, rng.choice(PEOPLE)
        truth.minted[collection] = token_id
        truth.owners[collection, token_id] = owner
        logs.event(Kind.COLLECTION, ev.TokenTransfer, ZERO_ADDRESS, owner, token_id, at=collection)
        logs.event(Kind.COLLECTION, ev.Minted, token_id, owner, f"ipfs://{token_id}", at=collection)


def _move(rng: random.Random, truth: Truth, logs: _Logs) -> None:
    if not truth.owners:
        return
    collection, token_id = rng.choice(sorted(truth.owners))
    before = truth.owners[collection, token_id]
    owner = rng.choice([*PEOPLE, ZERO_ADDRESS]) if before != ZERO_ADDRESS else ZERO_ADDRESS
    if before == ZERO_ADDRESS:
        return
    truth.owners[collection, token_id] = owner
    logs.event(Kind.COLLECTION, ev.TokenTransfer, before, owner, token_id, at=collection)


def _vote_tokens(rng: random.Random, truth: Truth, logs: _Logs) -> None:
    sender, recipient = rng.choice([ZERO_ADDRESS, *sorted(truth.votes)]), rng.choice(PEOPLE)
    value = rng.randrange(10**18)
    if sender != ZERO_ADDRESS:
        value = rng.randrange(truth.votes[sender] + 1)
        truth.votes[sender] -= value
    truth.votes[recipient] = truth.votes.get(recipient, 0) + value
    logs.event(Kind.VOTES_TOKEN, ev.VotesTransfer, sender, recipient, value)


def _fund(rng: random.Random, truth: Truth, logs: _Logs) -> None:
    escrow, order = (Hash32(f"0x{rng.getrandbits(256):064x}") for _ in range(2))
    amount = rng.randrange(1, 10**18)
    truth.escrows[escrow] = ("funded", amount)
    people = (PEOPLE[0], PEOPLE[1], PEOPLE[2], ZERO_ADDRESS)
    terms = (PEOPLE[3], 250, 5_000, logs.now + 9_000, 86_400, 86_400)
    logs.event(Kind.ESCROW, ev.Funded, escrow, order, *people, amount, amount, *terms)


def _advance(rng: random.Random, truth: Truth, logs: _Logs) -> None:
    open_ones = sorted(name for name, (state, _) in truth.escrows.items() if state in ("funded", "shipped"))
    if not open_ones:
        return
    escrow = rng.choice(open_ones)
    state, held = truth.escrows[escrow]
    if state == "funded":
        truth.escrows[escrow] = ("shipped", held)
        logs.event(Kind.ESCROW, ev.Shipped, escrow, ZERO_HASH, escrow, logs.now + 9_000)
    elif rng.random() < 0.5:
        truth.escrows[escrow] = ("released", 0)
        logs.event(Kind.ESCROW, ev.Released, escrow, ZERO_HASH, PEOPLE[0], held - held // 40, held // 40)
    else:
        truth.escrows[escrow] = ("refunded", 0)
        logs.event(Kind.ESCROW, ev.Refunded, escrow, ZERO_HASH, PEOPLE[1], held)


def _propose(rng: random.Random, truth: Truth, logs: _Logs) -> None:
    proposal = rng.getrandbits(256)
    truth.tallies[proposal] = [0, 0, 0]
    values = (proposal, PEOPLE[0], [PEOPLE[1]], [0], [""], [b"\1"], logs.now, logs.now + 99, "Why not")
    logs.event(Kind.GOVERNOR, ev.ProposalCreated, *values)


def _vote(rng: random.Random, truth: Truth, logs: _Logs) -> None:
    if not truth.tallies:
        return
    proposal, support = rng.choice(sorted(truth.tallies)), rng.randrange(3)
    weight = rng.randrange(10**18)
    truth.tallies[proposal][support] += weight
    logs.event(Kind.GOVERNOR, ev.VoteCast, rng.choice(PEOPLE), proposal, support, weight, "because")


def _coins(rng: random.Random, truth: Truth, logs: _Logs) -> None:
    """Of a stranger's ERC-20."""
    sender, recipient = rng.choice([ZERO_ADDRESS, *PEOPLE]), rng.choice(PEOPLE)
    value = rng.randrange(10**18)
    for holder, by in ((sender, -value), (recipient, value)):
        if holder != ZERO_ADDRESS:
            truth.coins[holder] = truth.coins.get(holder, 0) + by
    topics = [TRANSFER, *("0x" + holder[2:].rjust(64, "0") for holder in (sender, recipient))]
    logs.log(STRANGER, topics, value.to_bytes(32))


_ACTIONS = (
    _create,
    _mint,
    _mint,
    _move,
    _move,
    _vote_tokens,
    _fund,
    _advance,
    _advance,
    _propose,
    _vote,
    _coins,
)
