"""What `verify` asks the contracts about each row, and what the row says itself. Pure.

One `Question` is one view of one contract beside the value that the tables hold for it.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from indexer.codec import Model, Row
from indexer.models import (
    AuctionRow,
    CollectionRow,
    ContractRow,
    CreditRow,
    CurrencyRow,
    DelegationRow,
    DepositSweepRow,
    EditionRow,
    EscrowRow,
    EscrowSettlementRow,
    EscrowSignatureRow,
    ExchangeFeeRow,
    GateRow,
    GovernorRow,
    HoldingRow,
    ListingEpochRow,
    ListingNonceRow,
    PaymentRow,
    ProposalRow,
    QuoteFillRow,
    QuoteGroupRow,
    RewardClaimRow,
    RewardEpochRow,
    RoleFunctionRow,
    RoleMemberRow,
    StaffRow,
    TokenRow,
    TokenRoyaltyRow,
    VoteRow,
    VotesBalanceRow,
    VotingPowerRow,
    VoucherRow,
)
from node.chain.escrow import EscrowState
from node.chain.logs import Kind
from node.kernel.hexes import ZERO_ADDRESS, Address

Value = object  # of JSON: compared by ==
_NO_TOKEN = 2**256 - 1  # has no royalty of its own
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


def _token(row: Row, kind: str) -> list[Question]:
    collection, token_id = row["collection"], row["token_id"]
    name, args = f"{collection}/{token_id}", (token_id,)
    burnt = row["owner"] == ZERO_ADDRESS
    uri = Question("token.uri", name, collection, "Collection", "tokenURI", args, row["uri"])
    owner = Question(
        "token.owner", name, collection, "Collection", "ownerOf", args, row["owner"], refused=ZERO_ADDRESS
    )
    # The URIs of a batch follow from its collection's, so none is kept.
    return [owner] if burnt or kind == Kind.BATCH else [owner, uri]


def _collection(row: Row, extra: dict[str, Any]) -> list[Question]:
    """What a collection counts: tokens that were ever minted, or editions."""
    address, tokens, kind = row["address"], extra["tokens"], extra["kind"]
    counted_by, artifact = (
        ("editionCount", "Editions") if kind == Kind.EDITIONS else ("totalMinted", "Collection")
    )

    def count(kind: str, database: Value) -> Question:
        return Question(f"collection.{kind}", address, address, artifact, counted_by, (), database)

    def ask(kind: str, function: str, database: Value) -> Question:
        return Question(f"collection.{kind}", address, address, "Collection", function, (), database)

    royalty = Question(
        "collection.royalty",
        address,
        address,
        "Collection",
        "royaltyInfo",
        (_NO_TOKEN, ROYALTY_BASE),
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
        count("minted", row["minted"]),
        count("tokens", tokens),
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


def _credit(row: Row, _extra: None) -> list[Question]:
    """Everything that pays out asks and answers alike."""
    args = (row["account"], row["asset"])
    name = f"{row['contract']}/{row['account']}/{row['asset']}"
    return [Question("credit", name, row["contract"], "Escrow", "creditOf", args, row["amount"])]


_AUCTION_STATES = ("none", "open", "live", "settled", "cancelled", "voided")


def _auction(row: Row, _extra: None) -> list[Question]:
    def read(answer: tuple[Any, ...]) -> Value:
        state, *rest = answer
        return [_AUCTION_STATES[state], *rest]

    name = row["auction_id"]
    said = [row["state"], _seconds(row["ends_at"]), row["bidder"] or ZERO_ADDRESS, row["amount"]]
    return [
        Question("auction", name, row["house"], "AuctionHouse", "auctionState", (name,), said, read),
    ]


def _payment(row: Row, _extra: None) -> list[Question]:
    name = row["invoice_hash"]
    return [Question("payment", name, row["checkout"], "Checkout", "isPaid", (name,), database=True)]


def _deposit(row: Row, _extra: None) -> list[Question]:
    name, args = row["forwarder"], (row["destination"], row["deposit_id"])
    return [Question("deposit", name, row["deposits"], "Deposits", "addressOf", args, name)]


def _edition(row: Row, held: object) -> list[Question]:
    """Burnt units are held by nobody, so what is held is at most what was minted."""
    collection, args = row["collection"], (row["token_id"],)
    name = f"{collection}/{row['token_id']}"
    said = [row["minted"], row["max_units"]]
    return [
        Question("edition", name, collection, "Editions", "editionOf", args, said, list),
        Question("edition.uri", name, collection, "Editions", "uri", args, row["uri"]),
        Question(
            "edition.held",
            name,
            collection,
            "Editions",
            "editionOf",
            args,
            database=True,
            read=lambda answer: int(str(held)) <= answer[0],
        ),
    ]


def _holding(row: Row, _extra: None) -> list[Question]:
    args = (row["holder"], row["token_id"])
    name = f"{row['collection']}/{row['token_id']}/{row['holder']}"
    return [Question("holding", name, row["collection"], "Editions", "balanceOf", args, row["units"])]


def _token_royalty(row: Row, _extra: None) -> list[Question]:
    if row["receiver"] == ZERO_ADDRESS:  # that of the collection, which has a question of its own
        return []
    name, args = f"{row['collection']}/{row['token_id']}", (row["token_id"], ROYALTY_BASE)
    said = [row["receiver"], row["bps"]]
    return [Question("token.royalty", name, row["collection"], "Collection", "royaltyInfo", args, said, list)]


def _staff(row: Row, _extra: None) -> list[Question]:
    name, args = f"{row['collection']}/{row['account']}", (row["account"],)
    return [Question("staff", name, row["collection"], "Collection", "rolesOf", args, row["roles"])]


def _voucher(row: Row, _extra: None) -> list[Question]:
    args = (row["signer"], row["nonce"])
    name = f"{row['collection']}/{row['signer']}/{row['nonce']}"
    return [Question("voucher", name, row["collection"], "Collection", "voucherUsed", args, database=True)]


def _reward_epoch(row: Row, _extra: None) -> list[Question]:
    said = [row["root"], row["asset"], row["left_over"], _seconds(row["until"])]
    name, args = str(row["epoch"]), (row["epoch"],)
    return [Question("reward_epoch", name, row["rewards"], "Rewards", "epochOf", args, said, list)]


def _reward_claim(row: Row, _extra: None) -> list[Question]:
    args = (row["epoch"], row["account"])
    name = f"{row['epoch']}/{row['account']}"
    return [Question("reward_claim", name, row["rewards"], "Rewards", "claimed", args, database=True)]


def _gate(row: Row, _extra: None) -> list[Question]:
    return [Question("gate", row["contract"], row["contract"], "Escrow", "paused", (), row["paused"])]


def _role_member(row: Row, _extra: None) -> list[Question]:
    def read(answer: tuple[Any, ...]) -> Value:
        since, delay, pending_delay, takes_effect = answer
        return [since != 0, pending_delay if takes_effect else delay]

    name, args = f"{row['role']}/{row['account']}", (row["role"], row["account"])
    said = [row["member"], row["delay_s"]]
    return [Question("role_member", name, row["manager"], "AccessManager", "getAccess", args, said, read)]


def _role_function(row: Row, _extra: None) -> list[Question]:
    name, args = f"{row['target']}/{row['selector']}", (row["target"], bytes.fromhex(row["selector"][2:]))
    asked = "getTargetFunctionRole"
    return [Question("role_function", name, row["manager"], "AccessManager", asked, args, row["role"])]


def _governor(row: Row, _extra: None) -> list[Question]:
    name, said = row["governor"], row["proposal_guardian"] or ZERO_ADDRESS
    return [Question("governor.guardian", name, name, "AsoudGovernor", "proposalGuardian", (), said)]


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
        "SELECT json_build_object('kind', contract.kind, 'tokens', CASE contract.kind WHEN 'editions' THEN"
        " (SELECT count(*) FROM chain.edition AS edition WHERE edition.chain_id = subject.chain_id"
        " AND edition.collection = subject.address)"
        " ELSE (SELECT count(*) FROM chain.token AS token WHERE token.chain_id = subject.chain_id"
        " AND token.collection = subject.address) END)"
        " FROM chain.contract AS contract"
        " WHERE contract.chain_id = subject.chain_id AND contract.address = subject.address",
    ),
    Check(
        TokenRow,
        _token,
        "SELECT kind FROM chain.contract AS contract"
        " WHERE contract.chain_id = subject.chain_id AND contract.address = subject.collection",
    ),
    Check(ListingNonceRow, _nonce),
    Check(QuoteFillRow, _quote_fill),
    Check(QuoteGroupRow, _quote_group),
    Check(ListingEpochRow, _epoch),
    Check(ExchangeFeeRow, _fee),
    Check(CurrencyRow, _currency),
    Check(CreditRow, _credit),
    Check(AuctionRow, _auction),
    Check(PaymentRow, _payment),
    Check(DepositSweepRow, _deposit),
    Check(
        EditionRow,
        _edition,
        "SELECT coalesce(sum(units), 0) FROM chain.holding AS held WHERE held.chain_id = subject.chain_id"
        " AND held.collection = subject.collection AND held.token_id = subject.token_id",
    ),
    Check(HoldingRow, _holding),
    Check(TokenRoyaltyRow, _token_royalty),
    Check(StaffRow, _staff),
    Check(VoucherRow, _voucher),
    Check(RewardEpochRow, _reward_epoch),
    Check(RewardClaimRow, _reward_claim),
    Check(GateRow, _gate),
    Check(RoleMemberRow, _role_member),
    Check(RoleFunctionRow, _role_function),
    Check(GovernorRow, _governor),
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
