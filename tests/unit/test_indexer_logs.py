"""Decoders against eth-abi as the oracle, and against bytes that fit nothing."""

from typing import Any

import msgspec
import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from indexer.projections import RULES
from indexer.telling import TELLERS, tell
from node.chain import events as ev
from node.chain import suite_events as more
from node.chain.abi import LogEvent
from node.chain.artifacts import load_artifact
from node.chain.logs import ARTIFACT_OF_KIND, STRUCTS, Kind, Undecodable, decode, decoders
from node.chain.rpc import Log
from node.kernel.hexes import ZERO_ADDRESS, ZERO_HASH, Hash32

# Each struct once, with the first kind of contract that emits it.
FIRST_KIND = {struct: kind for kind in reversed(STRUCTS) for struct in STRUCTS[kind]}
USED = [
    (kind, load_artifact(ARTIFACT_OF_KIND[kind]).event(struct.abi_name), struct)
    for struct, kind in FIRST_KIND.items()
]
# Contracts whose events are in the tables alone.
READ_ONLY = (
    *(Kind.AUCTION_HOUSE, Kind.CHECKOUT, Kind.DEPOSITS, Kind.REWARDS),
    *(Kind.ACCESS_MANAGER, Kind.EDITIONS, Kind.BATCH),
)
_MOVE = {"from": "sender", "to": "recipient"}
_ROLE = {"roleId": "role"}
# Fields that are called otherwise than in the ABI.
RENAMED: dict[type[ev.ChainLog], dict[str, str]] = {
    ev.TokenTransfer: {**_MOVE, "id": "token_id"},
    ev.VotesTransfer: _MOVE,
    more.UnitsTransferred: {**_MOVE, "id": "token_id", "amount": "units"},
    more.UnitsBatchTransferred: {**_MOVE, "ids": "token_ids", "amounts": "units"},
    more.EditionURIChanged: {"value": "uri", "id": "token_id"},
    more.PaidOut: {**_MOVE, "ref": "reference"},
    more.PayoutRefused: {**_MOVE, "ref": "reference"},
    more.RolesUpdated: {"user": "account"},
    more.RoleGranted: _ROLE,
    more.RoleRevoked: _ROLE,
    more.TargetFunctionRoleUpdated: _ROLE,
    ev.ProposalGuardianSet: {
        "oldProposalGuardian": "old_guardian",
        "newProposalGuardian": "new_guardian",
    },
}

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "address": st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()),
    "bool": st.booleans(),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes4": st.binary(min_size=4, max_size=4),
    "bytes": st.binary(max_size=70),
    "string": st.text(max_size=40).filter(lambda text: "\0" not in text),
    **{f"uint{bits}": st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 48, 64, 96, 128, 256)},
}


def log_of(event: LogEvent, values: list[Any]) -> Log:
    pairs = list(zip(event.inputs, values, strict=True))
    topics = [event.topic, *("0x" + encode([p.type], [v]).hex() for p, v in pairs if p.indexed)]
    plain = [(p.type, v) for p, v in pairs if not p.indexed]
    data = encode([kind for kind, _ in plain], [value for _, value in plain])
    return raw_log([Hash32(topic) for topic in topics], data)


def raw_log(topics: list[Hash32], data: bytes) -> Log:
    return Log(1, 0, ZERO_HASH, ZERO_HASH, 0, ZERO_ADDRESS, tuple(topics), data)


def strategy_of(kind: str) -> st.SearchStrategy[Any]:
    if kind.endswith("[]"):
        return st.lists(strategy_of(kind.removesuffix("[]")), max_size=3)
    return VALUES[kind]


def plain(kind: str, value: Any, *, raw: bool) -> Any:
    """As a struct holds it."""
    if kind.endswith("[]"):
        return tuple(plain(kind.removesuffix("[]"), item, raw=raw) for item in value)
    if kind == "bytes32":
        return "0x" + value.hex()
    if kind == "string" and raw:
        return value.encode()
    return value


@pytest.mark.parametrize(("kind", "event", "struct"), USED, ids=lambda item: getattr(item, "name", str(item)))
@given(data=st.data())
def test_a_decoder_gives_back_what_was_encoded(
    data: st.DataObject, kind: Kind, event: LogEvent, struct: type[ev.ChainLog]
) -> None:
    values = [data.draw(strategy_of(param.type)) for param in event.inputs]
    decoded = decode(kind, log_of(event, values))
    assert type(decoded) is struct
    raw = struct is ev.ProposalCreated
    expected = [plain(p.type, v, raw=raw) for p, v in zip(event.inputs, values, strict=True)]
    assert list(msgspec.structs.astuple(decoded)) == expected


def test_fields_are_those_of_the_abi() -> None:
    """In order, by name, so that two fields of one type can't change places."""
    for _, event, struct in USED:
        names = [field.name.replace("_", "") for field in msgspec.structs.fields(struct)]
        renamed = RENAMED.get(struct, {})
        abi = [renamed.get(param.name, param.name) for param in event.inputs]
        assert names == [name.replace("_", "").lower() for name in abi], struct


def test_each_event_that_is_decoded_has_its_rule() -> None:
    assert {struct for structs in STRUCTS.values() for struct in structs} == set(RULES)


def test_what_nobody_acts_upon_is_not_told() -> None:
    silent = {struct for struct in RULES if struct not in TELLERS}
    assert {struct.abi_name for struct in silent} == {
        "VotingDelaySet",
        "VotingPeriodSet",
        "ProposalThresholdSet",
        "QuorumNumeratorUpdated",
        "LateQuorumVoteExtensionSet",
        "TimelockChange",
        "Transfer",
        "DelegateVotesChanged",
        "ProposalGuardianSet",
        *(struct.abi_name for kind in READ_ONLY for struct in STRUCTS[kind] if struct not in TELLERS),
        *("TokenRoyaltyChanged", "RolesUpdated", "VoucherRedeemed", "VoucherVoided"),
    }


def test_events_that_nobody_uses_are_no_error() -> None:
    approval = load_artifact("Collection").event("Approval")
    assert decode(Kind.COLLECTION, log_of(approval, [ZERO_ADDRESS, ZERO_ADDRESS, 1])) is None
    assert decoders()[Kind.COLLECTION, approval.topic].struct is None


SOLD = load_artifact("Exchange").event("Sold").topic
CREATED = load_artifact("CollectionFactory").event("CollectionCreated").topic
ALLOWED = load_artifact("Exchange").event("CurrencyAllowed").topic


@pytest.mark.parametrize(
    ("kind", "topics", "data"),
    [
        (Kind.EXCHANGE, [], b""),
        (Kind.EXCHANGE, [ZERO_HASH], b""),
        (Kind.EXCHANGE, [SOLD], b""),
        (Kind.EXCHANGE, [SOLD, ZERO_HASH, ZERO_HASH, ZERO_HASH], b"\0" * 31),
        (Kind.EXCHANGE, [SOLD, ZERO_HASH, "0x" + "ff" * 32, ZERO_HASH], b"\0" * 320),
        (Kind.EXCHANGE, [ALLOWED, ZERO_HASH], b"\0" * 31 + b"\2"),
        (Kind.FACTORY, [CREATED, ZERO_HASH, ZERO_HASH], b"\xff" * 32 * 7),
        (Kind.FACTORY, [CREATED, ZERO_HASH, ZERO_HASH], b""),
        (Kind.TIMELOCK, [ZERO_HASH], b""),
    ],
)
def test_what_fits_no_event_says_so(kind: Kind, topics: list[str], data: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(kind, raw_log([Hash32(topic) for topic in topics], data))


def test_text_that_postgres_cannot_hold_is_mended() -> None:
    event = load_artifact("Collection").event("Minted")
    name = encode(["bytes"], [b"a\0b\xff"])
    topics = [Hash32(event.topic), Hash32("0x" + "00" * 31 + "01"), ZERO_HASH]
    decoded = decode(Kind.COLLECTION, raw_log(topics, name))
    assert decoded == ev.Minted(1, ZERO_ADDRESS, "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}")


def test_a_mint_is_told_once() -> None:
    where = {
        "chain_id": 1,
        "block_number": 1,
        "block_hash": ZERO_HASH,
        "block_time": 0,
        "tx_hash": ZERO_HASH,
        "log_index": 0,
        "contract": ZERO_ADDRESS,
    }
    assert tell(where, ev.TokenTransfer(ZERO_ADDRESS, ZERO_ADDRESS, 1)) is None
    told = tell(where, ev.Minted(1, ZERO_ADDRESS, "ipfs://x"))
    assert told is not None
    assert told[0] == f"token:1:{ZERO_ADDRESS}:1"
