"""Why a contract refused, in words.

Known are the custom errors in the ABIs of our artifacts, `Error(string)`, `Panic(uint256)` (Solidity's own),
and the errors that Solady's libraries throw without showing them in an ABI. A name has one sentence in
`SENTENCES`; an error without one is read out by its name and arguments.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from eth_abi.exceptions import DecodingError

from node.chain.abi import SELECTOR_BYTES, CustomError, Param, decode_params, parse_error, selector_of
from node.chain.artifacts import all_artifacts

TEXT_MAX = 300

ERROR_STRING = CustomError(
    "Error", "Error(string)", selector_of("Error(string)"), (Param("message", "string"),)
)
PANIC = CustomError("Panic", "Panic(uint256)", selector_of("Panic(uint256)"), (Param("code", "uint256"),))

# Thrown from inside libraries, so no ABI shows them.
_LIBRARY_ERRORS = (
    "ETHTransferFailed",
    "TransferFailed",
    "TransferFromFailed",
    "ApproveFailed",
    "DeploymentFailed",
    "InitializationFailed",
)

# https://docs.soliditylang.org/en/latest/control-structures.html#panic-via-assert-and-error-via-require
_PANICS: Mapping[int, str] = {
    0x01: "an assertion does not hold",
    0x11: "a number left its range",
    0x12: "a division by zero",
    0x21: "a value that its enum does not have",
    0x22: "storage is damaged",
    0x31: "pop of an empty list",
    0x32: "an index out of range",
    0x41: "too much memory",
    0x51: "a call of nothing",
}

ESCROW_STATES = (
    "NONE",
    "FUNDED",
    "SHIPPED",
    "DISPUTED",
    "RELEASED",
    "REFUNDED",
    "RULED",
    "PROPOSED",
    "APPEALED",
    "SETTLED",
)
AUCTION_STATES = ("NONE", "OPEN", "LIVE", "SETTLED", "CANCELLED", "VOIDED")
PROPOSAL_STATES = ("PENDING", "ACTIVE", "CANCELED", "DEFEATED", "SUCCEEDED", "QUEUED", "EXPIRED", "EXECUTED")

# By name; the holes are the names of the error's arguments. Two contracts' errors of one name share it.
SENTENCES: Mapping[str, str] = {
    # exchange
    "BadSignature": "the signature is not that of {signer}",
    "NonceUsed": "what was signed was used or cancelled: nonce {nonce} of {signer} is used up",
    "WrongEpoch": "the seller cancelled everything signed in epoch {signed}; now is epoch {current}",
    "NotLive": "the listing is not live: start={start}, end={end}",
    "NotForCaller": "the listing is for another buyer: {buyer}",
    "SelfSale": "the seller cannot buy its own listing",
    "WrongValue": "the value sent is {sent}, but {need} is needed",
    "CurrencyNotAllowed": "the currency {currency} may not be used on the exchange",
    "ProceedsTooLow": "fee and royalty leave the seller {proceeds}, less than the {minProceeds} signed for",
    "TokenNotDelivered": "token {tokenId} of {collection} did not move to the buyer",
    "PaymentFailed": "a payment of {amount} did not arrive in full: balance, allowance or the token itself",
    "BadQuote": "the quote, or what is added to it, is wrong in: {field}",
    "GroupVoid": "the maker cancelled all of its group {group}",
    "TooManyUnits": "{units} units are more than the {left} that are left",
    "TokenNotWanted": "the offer is not for token {tokenId}",
    "PriceTooHigh": "the price is {price} now, above the limit of {limit}",
    "TooFewSales": "only {made} sales could be made, {wanted} were wanted",
    # auctions
    "BadAuction": "the terms of the auction are wrong in: {field}",
    "OwnAuction": "a seller does not bid",
    "BidTooLow": "a bid of {amount} is too low: {least} is needed",
    "WrongTime": "this is not the time for it: bids from {start} to {end}, a settlement after that",
    "WrongAuctionState": "the auction is {state}, from which this cannot be done",
    "BadFee": "a fee of {bps} basis points for {receiver} is not allowed",
    "BadAddress": "{account} is not an address that can be used here",
    # payouts
    "NotEnoughGas": "the transaction carries too little gas",
    "NothingToWithdraw": "nothing waits for {account} in {asset}",
    "WithdrawalRefused": "{to} refused the payment",
    "Reentrancy": "the contract was called again from inside a call",
    # gates
    "EntriesPaused": "nothing new may begin here for now: entries are paused; what runs goes on",
    "AccessManagedUnauthorized": "{caller} may not do this",
    "AccessManagerNotReady": "the operation is scheduled, but its time has not come",
    "AccessManagerNotScheduled": "the operation must be scheduled first",
    # escrow
    "BadTerms": "the terms of the escrow are wrong in: {field}",
    "WrongState": "the escrow is in the state {state}, from which this cannot be done",
    "NotAllowed": "{caller} has no say in this",
    "TooLate": "the time for this ended at {deadline}",
    "TooEarly": "the time for this comes after {deadline}",
    "SplitTooLarge": "the split gives the seller {toSeller}, but only {held} is held",
    "NoSuchOffer": "{party} does not offer that {toSeller} go to the seller of what is held now",
    "BadPart": "a part is more than nothing and at most the {held} that is held, not {amount}",
    # collections
    "SupplyExhausted": "the collection is complete: at most {maxSupply} tokens",
    "BadRoyalty": "a royalty of {bps} basis points for {receiver} is not allowed: at most {maxBps}",
    "Frozen": "the metadata of the collection is frozen",
    "EmptyURI": "a token needs a URI",
    "SaltUsed": "this salt made a collection before: {collection}",
    "Unauthorized": "only the owner of the collection may do this",
    "NotOwnerNorApproved": "the sender neither owns the token nor is approved for it",
    "TransferFromIncorrectOwner": "the token has another owner",
    "TokenDoesNotExist": "there is no such token",
    "TransferToNonERC721ReceiverImplementer": "the receiver is a contract that takes no NFTs",
    # tokens
    "ERC20InsufficientBalance": "{sender} has {balance} of the token, but {needed} is needed",
    "ERC20InsufficientAllowance": "{spender} may spend {allowance} of the token, but {needed} is needed",
    "TransferFromFailed": "a token did not move: balance or allowance is too low",
    "ETHTransferFailed": "a payment in the native coin was refused",
    # governance
    "OwnableUnauthorizedAccount": "only the owner may do this, not {account}",
    "GovernorAlreadyCastVote": "{voter} has voted on this proposal already",
    "GovernorInsufficientProposerVotes": "{proposer} has {votes} votes, a proposal needs {threshold}",
    "GovernorNonexistentProposal": "there is no proposal {proposalId}",
    "GovernorUnexpectedProposalState": "proposal {proposalId} is {current}, and this cannot be done then",
    "GovernorUnableToCancel": "{account} cannot cancel proposal {proposalId}",
    "GovernorInvalidSignature": "the signature is not that of {voter} over this vote",
    "GovernorInvalidVoteType": "a vote is 0 (against), 1 (for) or 2 (abstain)",
    "TimelockUnexpectedOperationState": "the operation is not in the right state: its delay may still run",
    "DevelopmentOnly": "this contract is for development chains only, not for chain {chainId}",
}

# Arguments that are numbers of an enum.
_NAMED_VALUES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("WrongState", "state"): ESCROW_STATES,
    ("GovernorUnexpectedProposalState", "current"): PROPOSAL_STATES,
    ("WrongAuctionState", "state"): AUCTION_STATES,
}


@dataclass(frozen=True, slots=True)
class Revert:
    """A decoded refusal. `name` is stable for programs, `words` are for people."""

    name: str
    words: str
    selector: str | None
    args: Mapping[str, Any]


def decode_revert(data: bytes, *, fallback: str = "the contract refused without a reason") -> Revert:
    """`fallback` is said when there is no data, as with running out of gas."""
    if len(data) < SELECTOR_BYTES:
        return Revert("Unknown", fallback, None, MappingProxyType({}))
    selector = "0x" + data[:SELECTOR_BYTES].hex()
    error = known_errors().get(selector)
    if error is None:
        return Revert(
            "Unknown",
            f"the contract refused with an unknown error ({selector})",
            selector,
            MappingProxyType({}),
        )
    try:
        args = decode_params(error.inputs, data[SELECTOR_BYTES:])
    except (DecodingError, ValueError, OverflowError):
        return Revert(
            error.name, f"{_spaced(error.name)} (with damaged arguments)", selector, MappingProxyType({})
        )
    return Revert(error.name, words_of(error.name, args), selector, MappingProxyType(args))


def words_of(name: str, args: Mapping[str, Any]) -> str:
    speak = _BUILT_IN.get(name)
    if speak is not None:
        return speak(args)
    readable = {key: _value(name, key, value) for key, value in args.items()}
    if name in SENTENCES:
        return SENTENCES[name].format_map(readable)
    details = ", ".join(f"{key}={value}" for key, value in readable.items())
    return f"{_spaced(name)} ({details})" if details else _spaced(name)


@cache
def known_errors() -> Mapping[str, CustomError]:
    """By selector. Two contracts that declare the same error give the same entry."""
    found = {
        item.selector: item for artifact in all_artifacts().values() for item in artifact.errors.values()
    }
    library = [parse_error({"name": name, "inputs": []}) for name in _LIBRARY_ERRORS]
    found.update({item.selector: item for item in (*library, ERROR_STRING, PANIC)})
    return MappingProxyType(found)


def _error_string(args: Mapping[str, Any]) -> str:
    return f"the contract says: {str(args['message'])[:TEXT_MAX]}"


def _panic(args: Mapping[str, Any]) -> str:
    code: int = args["code"]
    return f"the contract broke: {_PANICS.get(code, f'panic {code:#x}')}"


_BUILT_IN: Mapping[str, Callable[[Mapping[str, Any]], str]] = {"Error": _error_string, "Panic": _panic}


def _value(name: str, key: str, value: object) -> str:
    names = _NAMED_VALUES.get((name, key), ())
    if isinstance(value, int) and value < len(names):
        return names[value]
    return str(value)[:TEXT_MAX]


def _spaced(name: str) -> str:
    """`GovernorInvalidVoteParams` -> `governor invalid vote params`; runs of capitals stay together."""
    parts = re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z][a-z0-9]*|[a-z0-9]+", name)
    return " ".join(part if part.isupper() else part.lower() for part in parts)
