"""From raw logs to structs, by (kind of contract, first topic).

Decoders are built from the committed ABIs. Strings are mended where they are not UTF-8 or hold NUL, which
Postgres cannot: whatever a stranger writes on the chain must not stop the node. A log of a known kind that
fits no event is `Undecodable`, and its reader keeps it raw.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec
from faster_eth_abi import decode as abi_decode
from faster_eth_abi.exceptions import DecodingError

from node.chain import events as ev
from node.chain.abi import LogEvent, Param
from node.chain.artifacts import load_artifact
from node.chain.rpc import Log
from node.kernel.errors import Bug
from node.kernel.hexes import to_bytes

WORD = 32


class Undecodable(Exception):
    """The log is not an event that contracts of its kind emit, or its bytes do not fit."""


class Kind(StrEnum):
    """Kinds of contracts, told by what their logs mean."""

    FACTORY = "factory"
    COLLECTION = "collection"
    EXCHANGE = "exchange"
    ESCROW = "escrow"
    GOVERNOR = "governor"
    TIMELOCK = "timelock"
    VOTES_TOKEN = "votes_token"  # noqa: S105
    ERC20 = "erc20"


_ARTIFACT: Mapping[Kind, str] = {
    Kind.FACTORY: "CollectionFactory",
    Kind.COLLECTION: "Collection",
    Kind.EXCHANGE: "Exchange",
    Kind.ESCROW: "Escrow",
    Kind.GOVERNOR: "AsoudGovernor",
    Kind.TIMELOCK: "TimelockController",
    Kind.VOTES_TOKEN: "VotesToken",
}
_PAYOUTS: tuple[type[ev.ChainLog], ...] = (ev.Credited, ev.Withdrawn)
STRUCTS: Mapping[Kind, tuple[type[ev.ChainLog], ...]] = {
    Kind.FACTORY: (ev.CollectionCreated,),
    Kind.COLLECTION: (
        ev.TokenTransfer,
        ev.Minted,
        ev.TokenURIChanged,
        ev.MetadataFrozen,
        ev.ContractURIChanged,
        ev.RoyaltyChanged,
        ev.OwnershipTransferred,
    ),
    Kind.EXCHANGE: (
        ev.Sold,
        ev.NonceCancelled,
        ev.QuoteFilled,
        ev.GroupCancelled,
        ev.AllCancelled,
        ev.FeeChanged,
        ev.CurrencyAllowed,
        *_PAYOUTS,
    ),
    Kind.ESCROW: (
        ev.Funded,
        ev.Shipped,
        ev.Released,
        ev.Refunded,
        ev.Disputed,
        ev.EvidenceAdded,
        ev.Ruled,
        ev.AppealAgreed,
        ev.PartReleased,
        ev.PartRefunded,
        ev.SignatureUsed,
        ev.SettlementOffered,
        ev.SettlementWithdrawn,
        ev.Settled,
        ev.RulingProposed,
        ev.Appealed,
        *_PAYOUTS,
    ),
    Kind.GOVERNOR: (
        ev.ProposalCreated,
        ev.ProposalQueued,
        ev.ProposalExecuted,
        ev.ProposalCanceled,
        ev.ProposalExtended,
        ev.VoteCast,
        ev.VoteCastWithParams,
        ev.VotingDelaySet,
        ev.VotingPeriodSet,
        ev.ProposalThresholdSet,
        ev.QuorumNumeratorUpdated,
        ev.LateQuorumVoteExtensionSet,
        ev.TimelockChange,
    ),
    Kind.TIMELOCK: (),
    Kind.VOTES_TOKEN: (ev.VotesTransfer, ev.DelegateChanged, ev.DelegateVotesChanged),
}


@dataclass(frozen=True, slots=True)
class Decoder:
    """How logs of one event become a struct. `struct` is None for events that nobody here uses."""

    struct: type[ev.ChainLog] | None
    indexed: tuple[Param, ...]
    plain: tuple[Param, ...]
    order: tuple[int, ...]  # where the n-th field lies in [indexed..., plain...]
    raw_strings: bool

    def __call__(self, log: Log) -> ev.ChainLog | None:
        if self.struct is None:
            return None
        if len(log.topics) != len(self.indexed) + 1:
            raise Undecodable(f"{len(log.topics)} topics instead of {len(self.indexed) + 1}")
        values = [
            _word(param.type, to_bytes(topic))
            for param, topic in zip(self.indexed, log.topics[1:], strict=True)
        ]
        values += _data(self.plain, log.data, raw_strings=self.raw_strings)
        return self.struct(*(values[place] for place in self.order))


@cache
def decoders() -> Mapping[tuple[Kind, str], Decoder]:
    """The table, keyed by (kind, topic0)."""
    table: dict[tuple[Kind, str], Decoder] = {}
    for kind, artifact in _ARTIFACT.items():
        used = {struct.abi_name: struct for struct in STRUCTS[kind]}
        for event in load_artifact(artifact).events.values():
            table[kind, event.topic] = _decoder(event, used.pop(event.name, None))
        if used:
            raise Bug("an event is not in the ABI", contract=artifact, event=", ".join(used))
    return table


def decode(kind: Kind, log: Log) -> ev.ChainLog | None:
    """The struct of a log; None for an event of the contract that is not used here.

    Raises:
        Undecodable: The log fits no event of that kind of contract.
    """
    if not log.topics:
        raise Undecodable("a log without topics")
    decoder = decoders().get((kind, log.topics[0]))
    if decoder is None:
        raise Undecodable("an unknown event")
    return decoder(log)


def _decoder(event: LogEvent, struct: type[ev.ChainLog] | None) -> Decoder:
    split = [*event.indexed, *event.plain]
    order = tuple(next(i for i, item in enumerate(split) if item is param) for param in event.inputs)
    if struct is not None and len(msgspec.structs.fields(struct)) != len(order):
        raise Bug("a struct has other fields than its event", event=event.name)
    return Decoder(struct, event.indexed, event.plain, order, raw_strings=struct is ev.ProposalCreated)


def _data(params: Sequence[Param], data: bytes, *, raw_strings: bool) -> list[Any]:
    if all(param.type in _STATIC for param in params):
        if len(data) != WORD * len(params):
            raise Undecodable(f"{len(data)} bytes of data instead of {WORD * len(params)}")
        return [
            _word(param.type, data[place * WORD : place * WORD + WORD]) for place, param in enumerate(params)
        ]
    types = [param.type.replace("string", "bytes") for param in params]
    try:
        values = abi_decode(types, data)
    except (DecodingError, OverflowError, MemoryError, ValueError) as error:
        raise Undecodable(f"{type(error).__name__}: {error}"[:300]) from error
    return [
        _readable(param.type, value, raw_strings=raw_strings)
        for param, value in zip(params, values, strict=True)
    ]


def _readable(kind: str, value: Any, *, raw_strings: bool) -> Any:  # noqa: ANN401 - any ABI value
    if kind == "string":
        return value if raw_strings else mended(value)
    if kind == "bytes32":
        return "0x" + value.hex()
    return value  # addresses of the library are lower-case hex already; lists are tuples


def mended(raw: bytes) -> str:
    """Text that Postgres takes."""
    return raw.decode("utf-8", errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _address(word: bytes) -> str:
    if any(word[:12]):
        raise Undecodable("an address of more than 20 bytes")
    return "0x" + word[12:].hex()


def _uint(bits: int) -> Callable[[bytes], int]:
    bound = 1 << bits

    def read(word: bytes) -> int:
        value = int.from_bytes(word)
        if value >= bound:
            raise Undecodable(f"a uint{bits} out of range")
        return value

    return read


def _bool(word: bytes) -> bool:
    value = int.from_bytes(word)
    if value > 1:
        raise Undecodable("a bool that is neither 0 nor 1")
    return bool(value)


_STATIC: Mapping[str, Callable[[bytes], Any]] = {
    "address": _address,
    "bool": _bool,
    "bytes32": lambda word: "0x" + word.hex(),
    **{f"uint{bits}": _uint(bits) for bits in range(8, 257, 8)},
}


def _word(kind: str, word: bytes) -> Any:  # noqa: ANN401 - any ABI value
    return _STATIC[kind](word)
