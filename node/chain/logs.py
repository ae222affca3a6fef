"""From raw logs to structs, by (kind of contract, first topic).

Decoders are generated from the committed ABIs: a slicer per event, a library for what has no fixed size.
Strings are mended where they are not UTF-8 or hold NUL, which Postgres cannot: whatever a stranger writes on
the chain must not stop the node. A log of a known kind that fits no event is `Undecodable`, and its reader
keeps it raw.
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
from node.chain import suite_events as more
from node.chain.abi import LogEvent, Param
from node.chain.artifacts import load_artifact
from node.chain.rpc import Log
from node.kernel.errors import Bug

WORD = 32


class Undecodable(Exception):
    """The log is not an event that contracts of its kind emit, or its bytes do not fit."""


class Kind(StrEnum):
    """Kinds of contracts, told by what their logs mean."""

    FACTORY = "factory"
    BADGE_FACTORY = "badge_factory"
    BATCH_FACTORY = "batch_factory"
    EDITIONS_FACTORY = "editions_factory"
    COLLECTION = "collection"
    BADGE = "badge"
    BATCH = "batch"
    EDITIONS = "editions"
    EXCHANGE = "exchange"
    AUCTION_HOUSE = "auction_house"
    ESCROW = "escrow"
    CHECKOUT = "checkout"
    DEPOSITS = "deposits"
    REWARDS = "rewards"
    ACCESS_MANAGER = "access_manager"
    GOVERNOR = "governor"
    TIMELOCK = "timelock"
    VOTES_TOKEN = "votes_token"  # noqa: S105
    ERC20 = "erc20"


# What a factory makes.
CHILD_OF: Mapping[Kind, Kind] = {
    Kind.FACTORY: Kind.COLLECTION,
    Kind.BADGE_FACTORY: Kind.BADGE,
    Kind.BATCH_FACTORY: Kind.BATCH,
    Kind.EDITIONS_FACTORY: Kind.EDITIONS,
}
ARTIFACT_OF_KIND: Mapping[Kind, str] = {
    **dict.fromkeys(CHILD_OF, "CollectionFactory"),
    Kind.COLLECTION: "Collection",
    Kind.BADGE: "BadgeCollection",
    Kind.BATCH: "BatchCollection",
    Kind.EDITIONS: "Editions",
    Kind.EXCHANGE: "Exchange",
    Kind.AUCTION_HOUSE: "AuctionHouse",
    Kind.ESCROW: "Escrow",
    Kind.CHECKOUT: "Checkout",
    Kind.DEPOSITS: "Deposits",
    Kind.REWARDS: "Rewards",
    Kind.ACCESS_MANAGER: "AccessManager",
    Kind.GOVERNOR: "AsoudGovernor",
    Kind.TIMELOCK: "TimelockController",
    Kind.VOTES_TOKEN: "VotesToken",
}
_Structs = tuple[type[ev.ChainLog], ...]
_PAYOUTS: _Structs = (ev.Credited, ev.Withdrawn)
_GATE: _Structs = (more.Paused, more.Unpaused)
_SETTLEMENT: _Structs = (ev.FeeChanged, ev.CurrencyAllowed, more.FeesCollected, *_PAYOUTS, *_GATE)
_STUDIO: _Structs = (
    ev.ContractURIChanged,
    ev.RoyaltyChanged,
    more.TokenRoyaltyChanged,
    ev.MetadataFrozen,
    ev.OwnershipTransferred,
    more.RolesUpdated,
    more.VoucherRedeemed,
    more.VoucherVoided,
    *_PAYOUTS,
)
_SINGLES: _Structs = (ev.TokenTransfer, ev.Minted, ev.TokenURIChanged, *_STUDIO)
STRUCTS: Mapping[Kind, _Structs] = {
    **dict.fromkeys(CHILD_OF, (ev.CollectionCreated, *_GATE)),
    Kind.COLLECTION: _SINGLES,
    Kind.BADGE: _SINGLES,
    Kind.BATCH: (ev.TokenTransfer, more.BaseURIChanged, *_STUDIO),
    Kind.EDITIONS: (
        more.EditionCreated,
        more.EditionURIChanged,
        more.UnitsTransferred,
        more.UnitsBatchTransferred,
        *_STUDIO,
    ),
    Kind.EXCHANGE: (
        ev.Sold,
        ev.NonceCancelled,
        ev.QuoteFilled,
        ev.GroupCancelled,
        ev.AllCancelled,
        *_SETTLEMENT,
    ),
    Kind.AUCTION_HOUSE: (
        more.AuctionCreated,
        more.BidPlaced,
        more.AuctionCancelled,
        more.AuctionSettled,
        more.AuctionVoided,
        more.TokenReclaimed,
        more.AuctionSold,
        *_SETTLEMENT,
    ),
    Kind.CHECKOUT: (more.InvoicePaid, more.PaidOut, more.PayoutRefused, *_PAYOUTS, *_GATE),
    Kind.DEPOSITS: (more.DepositSwept, more.DepositStuck),
    Kind.REWARDS: (more.EpochOpened, more.RewardClaimed, more.EpochClosed, *_PAYOUTS),
    Kind.ACCESS_MANAGER: (more.RoleGranted, more.RoleRevoked, more.TargetFunctionRoleUpdated),
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
        *_GATE,
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
        ev.ProposalGuardianSet,
    ),
    Kind.TIMELOCK: (),
    Kind.VOTES_TOKEN: (ev.VotesTransfer, ev.DelegateChanged, ev.DelegateVotesChanged),
}


@dataclass(frozen=True, slots=True)
class Decoder:
    """How logs of one event become a struct. `struct` is None for events that nobody here uses."""

    struct: type[ev.ChainLog] | None
    slice: Callable[[Log], ev.ChainLog | None]

    def __call__(self, log: Log) -> ev.ChainLog | None:
        return self.slice(log)


@cache
def decoders() -> Mapping[tuple[Kind, str], Decoder]:
    """The table, keyed by (kind, topic0)."""
    table: dict[tuple[Kind, str], Decoder] = {}
    for kind, artifact in ARTIFACT_OF_KIND.items():
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
    if struct is None:
        return Decoder(None, lambda _log: None)
    if len(msgspec.structs.fields(struct)) != len(event.inputs):
        raise Bug("a struct has other fields than its event", event=event.name)
    names: dict[str, Any] = {
        "struct": struct,
        "Undecodable": Undecodable,
        "wide": _wide,
        "data_of": lambda data: _data(event.plain, data, raw_strings=struct is ev.ProposalCreated),
    }
    exec(_source(event), names)  # noqa: S102 - made of the committed ABI's types alone
    return Decoder(struct, names["slice_log"])


def _source(event: LogEvent) -> str:
    """A function that cuts an event's fields out of a log: what a loop over its types would do, unrolled."""
    values, lines = {}, []
    for place, param in enumerate(event.indexed, start=1):
        values[id(param)] = f"v{place}"
        lines += [f"w = topics[{place}]", *_from_hex(param.type, f"v{place}")]
    if all(param.type in _STATIC for param in event.plain):
        width = WORD * len(event.plain)
        lines += [
            "data = log.data",
            f"if len(data) != {width}: raise Undecodable(f'{{len(data)}} bytes of data instead of {width}')",
            "text = data.hex()",
        ]
        for place, param in enumerate(event.plain):
            values[id(param)] = f"d{place}"
            start = 2 * WORD * place
            lines += [f"w = '0x' + text[{start}:{start + 2 * WORD}]", *_from_hex(param.type, f"d{place}")]
    else:
        lines.append("data = data_of(log.data)")
        values |= {id(param): f"data[{place}]" for place, param in enumerate(event.plain)}
    count = len(event.indexed) + 1
    fields = ", ".join(values[id(param)] for param in event.inputs)
    head = [
        "topics = log.topics",
        f"if len(topics) != {count}: raise Undecodable(f'{{len(topics)}} topics instead of {count}')",
    ]
    return "\n    ".join(["def slice_log(log):", *head, *lines, f"return struct({fields})"])


def _from_hex(kind: str, name: str) -> list[str]:
    """Statements that make a value of `w`, a word as 0x hex."""
    if kind == "bytes32":
        return [f"{name} = w"]
    if kind == "address":
        return [f"if w[2:26] != '{'0' * 24}': wide('an address', w)", f"{name} = '0x' + w[26:]"]
    if kind == "bool":
        return [f"{name} = int(w, 16)", f"if {name} > 1: wide('a bool', w)", f"{name} = {name} == 1"]
    bits = int(kind.removeprefix("uint"))
    check = [] if bits == 8 * WORD else [f"if {name} >> {bits}: wide('{kind}', w)"]
    return [f"{name} = int(w, 16)", *check]


def _wide(kind: str, word: str) -> None:
    raise Undecodable(f"{kind} out of range: {word}")


def _data(params: Sequence[Param], data: bytes, *, raw_strings: bool) -> list[Any]:
    """Of an event with a field of dynamic size."""
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


_STATIC = frozenset({"address", "bool", "bytes32", *(f"uint{bits}" for bits in range(8, 257, 8))})
