"""What `verify` asks the contracts about each row, and what the row says itself. Pure.

One `Question` is one view of one contract beside the value that the tables hold for it.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from indexer.codec import Model, Row
from indexer.models import (
    CollectionRow,
    ContractRow,
    CreditRow,
    CurrencyRow,
    DelegationRow,
    EscrowRow,
    EscrowSettlementRow,
    EscrowSignatureRow,
    ExchangeFeeRow,
    ListingEpochRow,
    ListingNonceRow,
    ProposalRow,
    QuoteFillRow,
    QuoteGroupRow,
    TokenRow,
    VoteRow,
    VotesBalanceRow,
    VotingPowerRow,
)
from node.chain.escrow import EscrowState
from node.chain.logs import Kind
from node.kernel.hexes import ZERO_ADDRESS, Address

Value = object  # of JSON: compared by ==
ROYALTY_BASE = 10_000  # asked as a price, it makes the royalty its basis points


@dataclass(frozen=True, slots=True)
class Question:
    """`read` makes the chain's answer comparable; `refused` is what a revert means."""

    kind: str
    id: str
    contract: Address
    artifact: str
    function: str
    args: tuple[object, ...]
    database: Value
    read: Callable[[tuple[Any, ...]], Value] = lambda answer: answer[0]
    refused: Value = "refused"


@dataclass(frozen=True, slots=True)
class Check:
    """All rows of a table, each with its questions. `extra` is a scalar over the row, called `subject`."""

    model: Model
    questions: Callable[[Row, Any], Sequence[Question]]
    extra: LiteralString = "NULL"


def _token(row: Row, _extra: None) -> list[Question]:
    collection, token_id = row["collection"], row["token_id"]
    name, args = f"{collection}/{token_id}", (token_id,)
    burnt = row["owner"] == ZERO_ADDRESS
    uri = Question("token.uri", name, collection, "Collection", "tokenURI", args, row["uri"])
    owner = Question(
        "token.owner", name, collection, "Collection", "ownerOf", args, row["owner"], refused=ZERO_ADDRESS
    )
    return [owner] if burnt else [owner, uri]


def _collection(row: Row, tokens: int) -> list[Question]:
    address = row["address"]

    def ask(kind: str, function: str, database: Value) -> Question:
        return Question(f"collection.{kind}", address, address, "Collection", function, (), database)

    royalty = Question(
        "collection.royalty",
        address,
        address,
        "Collection",
        "royaltyInfo",
        (1, ROYALTY_BASE),
        [row["royalty_receiver"], row["royalty_bps"]],
        read=list,
    )
    return [
        ask("owner", "owner", row["owner"]),
        ask("name", "name", row["name"]),
        ask("symbol", "symbol", row["symbol"]),
        ask("contract_uri", "contractURI", row["contract_uri"]),
        ask("max_supply", "maxSupply", row["max_supply"]),
        ask("frozen", "metadataFrozen", row["frozen"]),
        ask("minted", "totalMinted", row["minted"]),
        ask("tokens", "totalMinted", tokens),
        royalty,
    ]


def _nonce(row: Row, _extra: None) -> list[Question]:
    args = (row["signer"], row["nonce"])
    name = f"{row['signer']}/{row['nonce']}"
    return [Question("listing.nonce", name, row["exchange"], "Exchange", "nonceUsed", args, database=True)]


def _quote_fill(row: Row, _extra: None) -> list[Question]:
    args = (row["signer"], row["nonce"])
    name = f"{row['signer']}/{row['nonce']}"
    return [Question("quote.filled", name, row["exchange"], "Exchange", "filledOf", args, row["filled"])]


def _quote_group(row: Row, _extra: None) -> list[Question]:
    args = (row["signer"], row["group_id"])
    name = f"{row['signer']}/{row['group_id']}"
    return [Question("quote.group", name, row["exchange"], "Exchange", "groupCancelled", args, database=True)]


def _epoch(row: Row, _extra: None) -> list[Question]:
    signer = row["signer"]
    return [
        Question("listing.epoch", signer, row["exchange"], "Exchange", "epochOf", (signer,), row["epoch"])
    ]


def _fee(row: Row, _extra: None) -> list[Question]:
    exchange, fee = row["exchange"], [row["receiver"], row["bps"]]
    return [Question("exchange.fee", exchange, exchange, "Exchange", "fee", (), fee, read=list)]


def _currency(row: Row, _extra: None) -> list[Question]:
    exchange, currency = row["exchange"], row["currency"]
    allowed = row["allowed"]
    return [
        Question("exchange.currency", currency, exchange, "Exchange", "currencyAllowed", (currency,), allowed)
    ]


def _credit(row: Row, kind: str) -> list[Question]:
    artifact = "Exchange" if kind == Kind.EXCHANGE else "Escrow"
    args = (row["account"], row["asset"])
    name = f"{row['contract']}/{row['account']}/{row['asset']}"
    return [Question("credit", name, row["contract"], artifact, "creditOf", args, row["amount"])]


_ESCROW_STATES = tuple(state.name.lower() for state in EscrowState)


def _escrow(row: Row, _extra: None) -> list[Question]:
    def read(answer: tuple[Any, ...]) -> Value:
        state, deadline, held = answer
        return [_ESCROW_STATES[state], deadline, held]

    def ask(kind: str, function: str, database: Value, read: Callable[[Any], Value]) -> Question:
        return Question(kind, name, row["contract"], "Escrow", function, (name,), database, read)

    name = row["escrow_id"]
    said = [row["state"], _seconds(row["deadline"]), row["held"]]
    paid_out = sum(row[part] or 0 for part in ("to_seller", "to_buyer", "fee"))
    appeal = [
        row["court"] or ZERO_ADDRESS,
        *(row[part] or 0 for part in ("appeal_window_s", "court_time_s", "proposed_to_seller")),
    ]
    return [
        ask("escrow", "escrow", said, read),
        ask("escrow.paid_out", "escrow", paid_out, lambda answer: row["received"] - answer[2]),
        ask("escrow.appeal", "appealOf", appeal, lambda answer: [*answer[0].values(), answer[1]]),
    ]


def _settlement(row: Row, _extra: None) -> list[Question]:
    args, said = (row["escrow_id"], row["party"]), [row["to_seller"], row["held"]]
    name = f"{row['escrow_id']}/{row['party']}"
    return [
        Question("escrow.settlement", name, row["contract"], "Escrow", "settlementOf", args, said, read=list)
    ]


def _signature(row: Row, _extra: None) -> list[Question]:
    args = (row["signer"], row["nonce"])
    name = f"{row['signer']}/{row['nonce']}"
    return [
        Question("escrow.signature", name, row["contract"], "Escrow", "signatureUsed", args, database=True)
    ]


_CANCELED, _QUEUED, _EXECUTED = 2, 5, 7  # of `IGovernor.ProposalState`


def _proposal(row: Row, _extra: None) -> list[Question]:
    name, governor, args = str(row["proposal_id"]), row["governor"], (row["proposal_id"],)

    def ask(kind: str, function: str, database: Value, read: Callable[[Any], Value]) -> Question:
        return Question(f"proposal.{kind}", name, governor, "AsoudGovernor", function, args, database, read)

    ends = {"canceled": _CANCELED, "executed": _EXECUTED, "queued": _QUEUED}
    said = next((step for step in ends if row[f"{step}_at"] is not None), "open")
    steps = {number: step for step, number in ends.items()}
    return [
        ask("state", "state", said, lambda answer: steps.get(answer[0], "open")),
        ask(
            "tally",
            "proposalVotes",
            [row["against_votes"], row["for_votes"], row["abstain_votes"]],
            list,
        ),
        ask("start", "proposalSnapshot", _seconds(row["vote_start"]), lambda answer: answer[0]),
        ask(
            "deadline",
            "proposalDeadline",
            _seconds(row["extended_until"] or row["vote_end"]),
            lambda answer: answer[0],
        ),
    ]


def _vote(row: Row, _extra: None) -> list[Question]:
    args = (row["proposal_id"], row["voter"])
    name = f"{row['proposal_id']}/{row['voter']}"
    return [Question("vote", name, row["governor"], "AsoudGovernor", "hasVoted", args, database=True)]


def _delegation(row: Row, _extra: None) -> list[Question]:
    who = row["delegator"]
    return [Question("delegation", who, row["token"], "VotesToken", "delegates", (who,), row["delegate"])]


def _power(row: Row, _extra: None) -> list[Question]:
    who = row["delegate"]
    return [Question("voting_power", who, row["token"], "VotesToken", "getVotes", (who,), row["votes"])]


def _balance(row: Row, _extra: None) -> list[Question]:
    who = row["holder"]
    return [Question("votes_balance", who, row["token"], "VotesToken", "balanceOf", (who,), row["balance"])]


def _supply(row: Row, balances: object) -> list[Question]:
    """A holder whom the tables forgot shows in the sum."""
    if row["kind"] != Kind.VOTES_TOKEN:
        return []
    token = row["address"]
    return [Question("votes_supply", token, token, "VotesToken", "totalSupply", (), int(str(balances)))]


def _seconds(instant: dt.datetime | None) -> int:
    return 0 if instant is None else int(instant.timestamp())


CHECKS: tuple[Check, ...] = (
    Check(
        CollectionRow,
        _collection,
        "SELECT count(*) FROM chain.token AS token"
        " WHERE token.chain_id = subject.chain_id AND token.collection = subject.address",
    ),
    Check(TokenRow, _token),
    Check(ListingNonceRow, _nonce),
    Check(QuoteFillRow, _quote_fill),
    Check(QuoteGroupRow, _quote_group),
    Check(ListingEpochRow, _epoch),
    Check(ExchangeFeeRow, _fee),
    Check(CurrencyRow, _currency),
    Check(
        CreditRow,
        _credit,
        "SELECT kind FROM chain.contract AS contract"
        " WHERE contract.chain_id = subject.chain_id AND contract.address = subject.contract",
    ),
    Check(EscrowRow, _escrow),
    Check(EscrowSettlementRow, _settlement),
    Check(EscrowSignatureRow, _signature),
    Check(ProposalRow, _proposal),
    Check(VoteRow, _vote),
    Check(DelegationRow, _delegation),
    Check(VotingPowerRow, _power),
    Check(VotesBalanceRow, _balance),
    Check(
        ContractRow,
        _supply,
        "SELECT coalesce(sum(balance), 0) FROM chain.votes_balance AS held"
        " WHERE held.chain_id = subject.chain_id AND held.token = subject.address",
    ),
)
