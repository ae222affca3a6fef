"""The lean JSON-RPC client of the hot path: aiohttp and typed structs, no web3.

What a node answers becomes a value or one of a few typed errors, so that nobody above reads messages:

    RpcUnavailable   no answer, or the node is busy; retried here, a bounded number of times
    ChainMoved       the node does not have that block (any more): a sign of a reorg, never retried here
    RangeTooLarge    the node will not answer for so many blocks or logs; ask for fewer
    CallReverted     an `eth_call` that the contract refused
    NodeRefused      any other error of the node, and the base of the last two
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, TypeVar

import aiohttp
import msgspec

from node.chain.errors import RpcUnavailable
from node.kernel.errors import Bug, Transient
from node.kernel.hexes import Address, Hash32

T = TypeVar("T")

BATCH_MAX = 100  # calls in one HTTP request; public nodes refuse more
ATTEMPTS_MAX = 4  # of one request that gets no answer
BACKOFF_S = 0.1  # doubles with each attempt
ANSWER_BYTES_MAX = 256 * 2**20  # a node gone mad must not eat the memory


class NodeRefused(Transient):
    """The node answered with an error; `code` and `detail` are its own."""


class RangeTooLarge(NodeRefused):
    """Too many blocks or logs for one answer."""


class CallReverted(NodeRefused):
    """The contract refused an `eth_call`; `data` is its revert data, 0x hex."""


class ChainMoved(Transient):
    """What the node says does not fit together (any more): look at its head again."""


Failed = RpcUnavailable | NodeRefused | ChainMoved


class Header(msgspec.Struct, frozen=True):
    """What the indexer needs of a block."""

    number: int
    hash: Hash32
    parent_hash: Hash32
    timestamp: int


class Log(msgspec.Struct, frozen=True, gc=False):
    """One log, in canonical form: lower-case hex and ints."""

    block_number: int
    log_index: int
    block_hash: Hash32
    tx_hash: Hash32
    tx_index: int
    address: Address
    topics: tuple[Hash32, ...]
    data: bytes


class _RawHeader(msgspec.Struct, rename="camel"):
    number: str
    hash: str
    parent_hash: str
    timestamp: str


_MAYBE_HEADER: Any = _RawHeader | None
_HASHES_ONLY = False  # of the transactions in a block


class _RawLog(msgspec.Struct, rename="camel", gc=False):
    address: str
    topics: list[str]
    data: str
    block_number: str
    block_hash: str
    transaction_hash: str
    transaction_index: str
    log_index: str


class _Failure(msgspec.Struct):
    code: int = 0
    message: str = ""
    data: Any = None


class _Answer(msgspec.Struct):
    id: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Failure | None = None


class RpcClient:
    """`async with RpcClient(url, timeout_s=10) as rpc`. One per process and node; it keeps connections.

    `on_failure` hears of each failed attempt, by the name of its error (for a metric).
    """

    def __init__(
        self, url: str, *, timeout_s: float, on_failure: Callable[[str], None] = lambda _: None
    ) -> None:
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._on_failure = on_failure
        self._ids = itertools.count(1)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(self, method: str, *params: object, returns: type[T]) -> T:
        return (await self.batch(method, [params], returns=returns))[0]

    async def batch(self, method: str, calls: Sequence[Sequence[object]], *, returns: type[T]) -> list[T]:
        """One call per entry of `calls`, answers in their order. Raises the first error among them."""
        results: list[T] = []
        for start in range(0, len(calls), BATCH_MAX):
            for answer in await self._ask(method, calls[start : start + BATCH_MAX]):
                if isinstance(answer, Failed):
                    self._on_failure(type(answer).__name__)
                    raise answer
                results.append(_decoded(answer, returns))
        return results

    async def settle(
        self, method: str, calls: Sequence[Sequence[object]], *, returns: type[T]
    ) -> list[T | Failed]:
        """As `batch`, but what the node refuses stands in its place as an error."""
        results: list[T | Failed] = []
        for start in range(0, len(calls), BATCH_MAX):
            answers = await self._ask(method, calls[start : start + BATCH_MAX])
            results += [item if isinstance(item, Failed) else _decoded(item, returns) for item in answers]
        return results

    # ------------------------------------------------------------------------------------ typed calls

    async def chain_id(self) -> int:
        return int(await self.call("eth_chainId", returns=str), 16)

    async def head(self) -> Header:
        return _header(await self.call("eth_getBlockByNumber", "latest", _HASHES_ONLY, returns=_RawHeader))

    async def headers(self, numbers: Sequence[int]) -> list[Header | None]:
        """None where the node has no such block."""
        calls = [(hex(number), _HASHES_ONLY) for number in numbers]
        raw: list[_RawHeader | None] = await self.batch("eth_getBlockByNumber", calls, returns=_MAYBE_HEADER)
        return [None if item is None else _header(item) for item in raw]

    async def logs(self, *, first: int, last: int, addresses: Sequence[Address]) -> list[Log]:
        """Logs of blocks `first` to `last`, both included; `last` must not lie beyond a head of this node."""
        query = {"fromBlock": hex(first), "toBlock": hex(last), "address": list(addresses)}
        return list(map(_log, await self.call("eth_getLogs", query, returns=list[_RawLog])))

    async def eth_calls(
        self, calls: Sequence[tuple[Address, str]], *, block: int | str
    ) -> list[bytes | Failed]:
        """Reads (contract, calldata) pairs at one block; what is refused stands in its place as an error."""
        at = hex(block) if isinstance(block, int) else block
        params = [({"to": to, "data": data}, at) for to, data in calls]
        answers = await self.settle("eth_call", params, returns=str)
        return [item if isinstance(item, Failed) else bytes.fromhex(item[2:]) for item in answers]

    # -------------------------------------------------------------------------------------- transport

    async def _ask(self, method: str, calls: Sequence[Sequence[object]]) -> list[msgspec.Raw | Failed]:
        requests = [
            {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}
            for params in calls
        ]
        body = msgspec.json.encode(requests)
        answers = await self._retried(lambda: self._post(body))
        by_id = {answer.id: answer for answer in answers}
        missing = RpcUnavailable("the node left a call without an answer", method=method)
        return [
            missing if (answer := by_id.get(request["id"])) is None else _outcome(answer)  # type: ignore[call-overload]
            for request in requests
        ]

    async def _retried(self, send: Callable[[], Awaitable[list[_Answer]]]) -> list[_Answer]:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return await send()
            except RpcUnavailable as error:
                self._on_failure(type(error).__name__)
                if attempt == ATTEMPTS_MAX:
                    raise
                await asyncio.sleep(BACKOFF_S * 2 ** (attempt - 1))
        raise Bug("unreachable: the last attempt returns or raises")

    async def _post(self, body: bytes) -> list[_Answer]:
        if self._session is None:
            raise Bug("the client is used outside of `async with`")
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(self._url, data=body, headers=headers) as response:
                if response.status != 200:  # noqa: PLR2004 - the one good status
                    raise RpcUnavailable("the node answered with an HTTP error", status=response.status)
                if (response.content_length or 0) > ANSWER_BYTES_MAX:
                    raise RangeTooLarge("the node's answer is too large to take")
                return _answers(await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise RpcUnavailable("the node does not answer", cause=type(error).__name__) from error


def _answers(body: bytes) -> list[_Answer]:
    """A node that refuses a whole batch answers with one object."""
    try:
        if body.lstrip()[:1] == b"[":
            return msgspec.json.decode(body, type=list[_Answer])
        failure = msgspec.json.decode(body, type=_Answer).error
    except msgspec.MsgspecError as error:
        raise RpcUnavailable("the node's answer is not JSON-RPC") from error
    raise RpcUnavailable("the node refused a batch", detail=failure.message if failure else None)


def _outcome(answer: _Answer) -> msgspec.Raw | Failed:
    return answer.result if answer.error is None else typed_failure(answer.error)


def _decoded(raw: msgspec.Raw, returns: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=returns)
    except msgspec.MsgspecError as error:
        raise RpcUnavailable("the node's answer has another shape", detail=str(error)) from error


# Words by which nodes (geth, erigon, nethermind, besu, reth, anvil, providers) tell what is wrong.
_WORDS: tuple[tuple[type[Failed], tuple[str, ...]], ...] = (
    (
        ChainMoved,
        ("unknown block", "header not found", "block not found", "blockoutofrange", "block out of range"),
    ),
    (
        RangeTooLarge,
        ("query returned more than", "block range", "range too large", "response size", "too many results"),
    ),
    (RpcUnavailable, ("rate limit", "too many requests", "timeout", "timed out", "busy")),
)
_REVERTED = 3  # the code of execution errors with revert data


def typed_failure(failure: _Failure) -> Failed:
    words = failure.message.lower()
    detail = failure.message[:300]
    if failure.code == _REVERTED or "revert" in words:
        data = failure.data if isinstance(failure.data, str) else None
        return CallReverted("the contract refused a call", detail=detail, data=data)
    for kind, marks in _WORDS:
        if any(mark in words for mark in marks):
            return kind("the node refused", code=failure.code, detail=detail)
    return NodeRefused("the node refused", code=failure.code, detail=detail)


_lower: Callable[[str], Any] = str.lower  # into canonical form, whatever type of hex it is


def _header(raw: _RawHeader) -> Header:
    return Header(int(raw.number, 16), _lower(raw.hash), _lower(raw.parent_hash), int(raw.timestamp, 16))


def _log(raw: _RawLog) -> Log:
    """Positional, and in the order of the fields: this runs once per log of a backfill."""
    return Log(
        int(raw.block_number, 16),
        int(raw.log_index, 16),
        _lower(raw.block_hash),
        _lower(raw.transaction_hash),
        int(raw.transaction_index, 16),
        _lower(raw.address),
        tuple([_lower(topic) for topic in raw.topics]),
        bytes.fromhex(raw.data[2:]),
    )
