"""What can go wrong between us and a chain, and the one table that turns a node's words into it.

    Refused    ExecutionReverted, InsufficientNativeFunds, NonceTooLow, FeeTooLow, TransactionInvalid,
               NotAContract
    Transient  RpcUnavailable (of these, RpcLimited), ReceiptPending
    Bug        RpcRejected (of these, RpcTurnedAway), WrongChain

No message or field holds the address of the RPC server: those carry API keys.
"""

import re
from collections.abc import Mapping
from typing import Any

from node.chain.reverts import Revert, decode_revert
from node.kernel.errors import AsoudError, Bug, Conflict, Invalid, NotFound, Transient

WORDS_MAX = 300


class RpcUnavailable(Transient):
    """The chain's server cannot be reached, is too slow, or turns us away for now."""


class RpcLimited(RpcUnavailable):
    """The server limits our rate; `retry_after_s` is set where it says for how long."""


class ReceiptPending(Transient):
    """The transaction was sent, and was not in a block when our patience ended. It may still get in."""


class RpcRejected(Bug):
    """The server says that our request makes no sense, or answers in a way that makes none."""


class RpcTurnedAway(RpcRejected):
    """The server does not serve us at all: a wrong address or key."""


class WrongChain(Bug):
    """The server serves another chain than the settings say."""


class InsufficientNativeFunds(Conflict):
    """The sender cannot pay value and gas."""


class NonceTooLow(Conflict):
    """A transaction of the sender with that nonce is in the chain already."""


class FeeTooLow(Conflict):
    """The fee is below what the chain, or the pending transaction to be replaced, asks."""


class TransactionInvalid(Invalid):
    """The chain's server does not take the transaction as it is."""


class NotAContract(NotFound):
    """What answers at that address does not answer as the contract that we asked for."""


class ExecutionReverted(Conflict):
    """A contract refused. `revert` is its reason, decoded; the message is that reason in words."""

    def __init__(self, revert: Revert) -> None:
        super().__init__(revert.words, reason=revert.name)
        self.revert = revert


# What servers say (geth, reth, erigon, nethermind, anvil), in lower case. The first match wins.
_MEANINGS: tuple[tuple[str, type[AsoudError]], ...] = (
    ("nonce too low", NonceTooLow),
    ("insufficient funds", InsufficientNativeFunds),
    ("replacement transaction underpriced", FeeTooLow),
    ("underpriced", FeeTooLow),
    ("less than block base fee", FeeTooLow),
    ("fee too low", FeeTooLow),
    ("intrinsic gas too low", TransactionInvalid),
    ("exceeds block gas limit", TransactionInvalid),
    ("nonce too high", TransactionInvalid),
    ("failed to decode", TransactionInvalid),
    ("invalid sender", TransactionInvalid),
    ("invalid signature", TransactionInvalid),
    ("rlp", TransactionInvalid),
    ("typed transaction too short", TransactionInvalid),
    ("transaction type not supported", TransactionInvalid),
    ("chain id", TransactionInvalid),
    ("rate limit", RpcLimited),
    ("too many requests", RpcLimited),
    ("header not found", RpcUnavailable),
    ("timeout", RpcUnavailable),
    ("timed out", RpcUnavailable),
)
_REVERTS = (
    "execution reverted",
    "revert",
    "invalid opcode",
    "out of gas",
    "evm error",
    "gas required exceeds",
)
_LIMITED = (-32005, 429)
_KNOWN = ("already known", "already imported", "known transaction")
_HEX = re.compile(r"0x[0-9a-fA-F]*")


def is_already_known(error: Mapping[str, Any]) -> bool:
    """Whether the server has that very transaction in its pool: sending again did no harm."""
    return any(phrase in _text(error) for phrase in _KNOWN)


def from_rpc_error(error: Mapping[str, Any], *, method: str) -> AsoudError:
    """The exception for the `error` member of a JSON-RPC answer."""
    text = _text(error)
    data = _revert_data(error.get("data"))
    if data is not None or any(phrase in text for phrase in _REVERTS):
        return ExecutionReverted(decode_revert(data or b"", fallback=_short(error)))
    if error.get("code") in _LIMITED:
        return RpcLimited("the chain's server limits our rate", method=method)
    for phrase, kind in _MEANINGS:
        if phrase in text:
            return kind(f"the chain's server says: {_short(error)}", method=method)
    return RpcRejected(f"the chain's server says: {_short(error)}", method=method, code=_code(error))


def _text(error: Mapping[str, Any]) -> str:
    return str(error.get("message", "")).lower()


def _short(error: Mapping[str, Any]) -> str:
    return str(error.get("message", "no reason"))[:WORDS_MAX]


def _code(error: Mapping[str, Any]) -> int | None:
    code = error.get("code")
    return code if isinstance(code, int) else None


def _revert_data(raw: object) -> bytes | None:
    """Most servers send hex; some wrap it in an object or in words."""
    if isinstance(raw, Mapping):
        raw = raw.get("data")
    if not isinstance(raw, str):
        return None
    found = _HEX.search(raw)
    digits = found.group()[2:] if found else ""
    return bytes.fromhex(digits) if digits and len(digits) % 2 == 0 else None
