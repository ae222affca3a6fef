"""The chain, asked synchronously over HTTP: what the command path, deployment and checks use.

Addresses and hashes go in and come out in our canonical form. Every failure is a class of
`node.chain.errors`. Reads are tried again, a few times, when the server could not be reached; a transaction
is sent to each server once at most, because the caller knows its hash and can ask. Never call this inside an
open database transaction.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak
from typing_extensions import override

from node.chain.artifacts import Artifact
from node.chain.errors import (
    ExecutionReverted,
    NonceTooLow,
    NotAContract,
    ReceiptPending,
    RpcRejected,
    WrongChain,
    from_rpc_error,
    is_already_known,
)
from node.chain.reverts import decode_revert
from node.chain.rpc import Log
from node.chain.wire import SetAside, Wire, result_of
from node.kernel.errors import NotFound
from node.kernel.hexes import Address, Hash32, hash_from_bytes, parse_address, parse_hash

# Public servers refuse much larger batches.
BATCH_MAX = 100
POLL_FIRST_S = 0.02
POLL_LAST_S = 1.0
# The head may rise by an eighth in each block: twice the base fee stays good for six full blocks.
BASE_FEE_HEADROOM = 2
TIP_WHEN_UNKNOWN_WEI = 10**9

# The last argument of eth_getBlockBy…: transactions by hash, not in full.
HASHES_ONLY = False

BlockTag = int | Literal["latest", "pending", "finalized", "safe", "earliest"]


@dataclass(frozen=True, slots=True)
class Call:
    """A message to a contract. `data` is 0x hex, `value` is wei."""

    to: Address | None
    data: str = "0x"
    sender: Address | None = None
    value: int = 0
    gas: int | None = None

    def to_rpc(self) -> dict[str, str]:
        fields = {
            "to": self.to,
            "data": self.data,
            "from": self.sender,
            "value": hex(self.value) if self.value else None,
            "gas": hex(self.gas) if self.gas is not None else None,
        }
        return {key: value for key, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Read:
    """One view of one contract, to be asked together with others."""

    artifact: Artifact
    address: Address
    function: str
    args: tuple[object, ...] = ()

    def call(self) -> Call:
        return Call(to=self.address, data=self.artifact.encode(self.function, *self.args))


@dataclass(frozen=True, slots=True)
class Fee:
    """Wei per gas (EIP-1559)."""

    base: int
    max_fee: int
    max_priority_fee: int


@dataclass(frozen=True, slots=True)
class Block:
    number: int
    hash: Hash32
    parent_hash: Hash32
    timestamp: int
    base_fee: int | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """`logs` are as the server sent them. `contract` is set when the transaction made one.

    `cost` is the wei that its sender paid for gas.
    """

    tx_hash: Hash32
    block: int
    block_hash: Hash32
    succeeded: bool
    gas_used: int
    cost: int
    contract: Address | None
    logs: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Simulated:
    """How one call of a sequence fared. `revert` is set when it failed."""

    gas_used: int
    revert: ExecutionReverted | None


class ChainClient:
    """`rpc_url` may be several, the preferred one first; `per_second` bounds the calls to each of them.

    `set_aside` names those (`rpc1` is the first) that somebody found to be wrong or late.
    """

    def __init__(
        self,
        rpc_url: str | Sequence[str],
        *,
        chain_id: int,
        timeout_s: float = 10.0,
        per_second: float = 0.0,
        set_aside: SetAside = frozenset,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.chain_id = chain_id
        self._wire = Wire(
            [rpc_url] if isinstance(rpc_url, str) else rpc_url,
            chain_id=chain_id,
            timeout_s=timeout_s,
            per_second=per_second,
            set_aside=set_aside,
            sleep=sleep,
        )
        self._sleep = sleep

    @override
    def __repr__(self) -> str:
        return f"ChainClient(chain_id={self.chain_id})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._wire.close()

    # The chain itself

    def check_chain(self) -> None:
        """Raises `WrongChain` unless every server that answers serves our chain id."""
        for raw in self._wire.each("eth_chainId"):
            served = int(raw, 16)
            if served != self.chain_id:
                raise WrongChain("the server serves another chain", expected=self.chain_id, served=served)

    def genesis_hash(self) -> Hash32:
        genesis = self.block(0)
        if genesis is None:
            raise RpcRejected("the server does not know block 0")
        return genesis.hash

    def block(self, at: BlockTag | Hash32 = "latest") -> Block | None:
        by_hash = isinstance(at, str) and at.startswith("0x")
        method = "eth_getBlockByHash" if by_hash else "eth_getBlockByNumber"
        raw = self._read(method, _tag(at), HASHES_ONLY)
        return None if raw is None else _parse(_block, raw, method)

    def fee(self) -> Fee:
        """What a transaction should offer now."""
        raw = self._read("eth_getBlockByNumber", "latest", HASHES_ONLY)
        base = int(raw.get("baseFeePerGas", "0x0"), 16)
        try:
            tip = int(self._read("eth_maxPriorityFeePerGas"), 16)
        except RpcRejected:
            tip = TIP_WHEN_UNKNOWN_WEI
        return Fee(base=base, max_fee=base * BASE_FEE_HEADROOM + tip, max_priority_fee=tip)

    # Accounts

    def balance(self, address: Address, *, at: BlockTag = "latest") -> int:
        return int(self._read("eth_getBalance", address, _tag(at)), 16)

    def balances(self, addresses: Sequence[Address], *, at: BlockTag = "latest") -> list[int]:
        """As `balance`, in batches."""
        found: list[int] = []
        for start in range(0, len(addresses), BATCH_MAX):
            asked = [[address, _tag(at)] for address in addresses[start : start + BATCH_MAX]]
            answers = self._wire.read_batch("eth_getBalance", asked)
            found += [int(result_of(answer, "eth_getBalance"), 16) for answer in answers]
        return found

    def nonce(self, address: Address, *, at: BlockTag = "pending") -> int:
        """The nonce of the next transaction, those that wait counted in."""
        return int(self._read("eth_getTransactionCount", address, _tag(at)), 16)

    def code(self, address: Address, *, at: BlockTag = "latest") -> bytes:
        return _bytes(self._read("eth_getCode", address, _tag(at)))

    # Calls

    def call(self, call: Call, *, at: BlockTag = "latest") -> bytes:
        """The returned bytes; raises `ExecutionReverted` with the reason."""
        return _bytes(self._read("eth_call", call.to_rpc(), _tag(at)))

    def call_many(self, calls: Sequence[Call], *, at: BlockTag = "latest") -> list[bytes | ExecutionReverted]:
        """All in as few requests as `BATCH_MAX` allows. A refusal of one is its result, not an exception."""
        answers: list[bytes | ExecutionReverted] = []
        for start in range(0, len(calls), BATCH_MAX):
            chunk = calls[start : start + BATCH_MAX]
            answers += self._call_chunk(chunk, _tag(at))
        return answers

    def read(self, artifact: Artifact, address: Address, function: str, *args: object) -> Any:  # noqa: ANN401
        """A view: its single output, or the tuple of them."""
        data = self.call(Read(artifact, address, function, args).call())
        return _decode(artifact, function, data)

    def read_many(self, reads: Sequence[Read], *, at: BlockTag = "latest") -> list[Any]:
        """As `read`, in batches. What a contract refused is an `ExecutionReverted` in the list."""
        answers = self.call_many([item.call() for item in reads], at=at)
        return [
            data if isinstance(data, ExecutionReverted) else _decode(item.artifact, item.function, data)
            for item, data in zip(reads, answers, strict=True)
        ]

    def estimate_gas(self, call: Call) -> int:
        """Gas that the call needs on the pending state; raises `ExecutionReverted` with the reason."""
        return int(self._read("eth_estimateGas", call.to_rpc()), 16)

    def simulate(self, calls: Sequence[Call], *, timestamp: int) -> list[Simulated] | None:
        """Runs calls one after the other in one imagined block, each seeing what those before it did.

        None when the server lacks `eth_simulateV1`.
        """
        block = {
            "blockOverrides": {"time": hex(timestamp)},
            "calls": [call.to_rpc() for call in calls],
        }
        try:
            raw = self._read("eth_simulateV1", {"blockStateCalls": [block]}, "latest")
        except RpcRejected:
            return None
        return [_parse(_simulated, item, "eth_simulateV1") for item in raw[0]["calls"]]

    def logs(
        self,
        *,
        addresses: Sequence[Address],
        topics: Sequence[str | Sequence[str] | None],
        first: int,
        last: int,
    ) -> list[Log]:
        """What these contracts logged in the blocks; each topic is one, any of several, or any at all."""
        asked = {
            "address": list(addresses),
            "topics": list(topics),
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }
        return [_parse(_log, raw, "eth_getLogs") for raw in self._read("eth_getLogs", asked)]

    # Transactions

    def send_raw(self, raw: bytes) -> Hash32:
        """Hands in a signed transaction. To hand in the same one twice is harmless and gives the same hash.

        After `RpcUnavailable` it is unknown whether the transaction got in: ask by `tx_hash_of(raw)`.
        """
        tx_hash = tx_hash_of(raw)
        response = self._wire.send("eth_sendRawTransaction", ["0x" + raw.hex()])
        error = response.get("error")
        if error is None or is_already_known(error):
            return tx_hash
        failure = from_rpc_error(error, method="eth_sendRawTransaction")
        if isinstance(failure, NonceTooLow) and self.receipt(tx_hash) is not None:
            return tx_hash
        raise failure

    def receipt(self, tx_hash: Hash32) -> Receipt | None:
        raw = self._read("eth_getTransactionReceipt", tx_hash)
        return None if raw is None else _parse(_receipt, raw, "eth_getTransactionReceipt")

    def is_known(self, tx_hash: Hash32) -> bool:
        """Whether the server has the transaction, in a block or waiting."""
        return self._read("eth_getTransactionByHash", tx_hash) is not None

    def transaction_data(self, tx_hash: Hash32) -> bytes:
        """What was sent along with a transaction that is in a block."""
        found = self._read("eth_getTransactionByHash", tx_hash)
        if found is None:
            raise NotFound("the chain's server does not have the transaction", tx_hash=tx_hash)
        return bytes.fromhex(found["input"].removeprefix("0x"))

    def wait_receipt(self, tx_hash: Hash32, *, timeout_s: float) -> Receipt:
        """Raises `ReceiptPending` when the time is over."""
        ends = time.monotonic() + timeout_s
        pause = POLL_FIRST_S
        while (found := self.receipt(tx_hash)) is None:
            if time.monotonic() + pause > ends:
                raise ReceiptPending("the transaction is not in a block yet", tx_hash=tx_hash)
            self._sleep(pause)
            pause = min(pause * 2, POLL_LAST_S)
        return found

    # The wire

    def _read(self, method: str, *params: object) -> Any:  # noqa: ANN401 - any JSON
        return self._wire.read(method, params)

    def _call_chunk(self, calls: Sequence[Call], tag: str) -> list[bytes | ExecutionReverted]:
        responses = self._wire.read_batch("eth_call", [[call.to_rpc(), tag] for call in calls])
        return [_outcome(response) for response in responses]


def tx_hash_of(raw: bytes) -> Hash32:
    """The hash of a signed transaction, legacy or typed."""
    return hash_from_bytes(keccak(raw))


def _outcome(response: Mapping[str, Any]) -> bytes | ExecutionReverted:
    try:
        return _bytes(result_of(response, "eth_call"))
    except ExecutionReverted as refusal:
        return refusal


def _parse(shape: Callable[[Mapping[str, Any]], Any], raw: Mapping[str, Any], method: str) -> Any:  # noqa: ANN401
    try:
        return shape(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RpcRejected("the chain's server left out what the standard asks", method=method) from error


def _tag(at: BlockTag | Hash32) -> str:
    return hex(at) if isinstance(at, int) else at


def _bytes(raw: object) -> bytes:
    try:
        return bytes.fromhex(str(raw).removeprefix("0x"))
    except ValueError as error:
        raise RpcRejected("the chain's server answers no hex") from error


def _decode(artifact: Artifact, function: str, data: bytes) -> Any:  # noqa: ANN401 - any ABI value
    try:
        values = artifact.function(function).decode_output(data)
    except DecodingError as error:
        raise NotAContract("no contract of ours answers there", contract=artifact.name) from error
    return values[0] if len(values) == 1 else values


def _block(raw: Mapping[str, Any]) -> Block:
    base_fee = raw.get("baseFeePerGas")
    return Block(
        number=int(raw["number"], 16),
        hash=parse_hash(raw["hash"]),
        parent_hash=parse_hash(raw["parentHash"]),
        timestamp=int(raw["timestamp"], 16),
        base_fee=None if base_fee is None else int(base_fee, 16),
    )


def _receipt(raw: Mapping[str, Any]) -> Receipt:
    contract = raw.get("contractAddress")
    return Receipt(
        tx_hash=parse_hash(raw["transactionHash"]),
        block=int(raw["blockNumber"], 16),
        block_hash=parse_hash(raw["blockHash"]),
        succeeded=int(raw["status"], 16) == 1,
        gas_used=int(raw["gasUsed"], 16),
        cost=_cost(raw),
        contract=None if contract is None else Address(contract.lower()),
        logs=tuple(raw["logs"]),
    )


def logs_of(receipt: Receipt) -> list[Log]:
    """Raises RpcRejected when the server left something out."""
    return [_parse(_log, raw, "eth_getTransactionReceipt") for raw in receipt.logs]


def _cost(raw: Mapping[str, Any]) -> int:
    """Rollups also charge for data, in a field of their own; old chains may leave the price out."""
    price = int(raw.get("effectiveGasPrice") or "0x0", 16)
    return int(raw["gasUsed"], 16) * price + int(raw.get("l1Fee") or "0x0", 16)


def _log(raw: Mapping[str, Any]) -> Log:
    return Log(
        block_number=int(raw["blockNumber"], 16),
        log_index=int(raw["logIndex"], 16),
        block_hash=parse_hash(raw["blockHash"]),
        tx_hash=parse_hash(raw["transactionHash"]),
        tx_index=int(raw["transactionIndex"], 16),
        address=parse_address(raw["address"]),
        topics=tuple(parse_hash(topic) for topic in raw["topics"]),
        data=bytes.fromhex(raw["data"].removeprefix("0x")),
    )


def _simulated(raw: Mapping[str, Any]) -> Simulated:
    gas_used = int(raw["gasUsed"], 16)
    if int(raw["status"], 16) == 1:
        return Simulated(gas_used, None)
    data = _bytes(raw.get("returnData") or (raw.get("error") or {}).get("data") or "0x")
    fallback = str((raw.get("error") or {}).get("message", "the contract refused without a reason"))
    return Simulated(gas_used, ExecutionReverted(decode_revert(data, fallback=fallback)))
