"""The lean JSON-RPC client of the hot path: aiohttp and typed structs, no web3.

What a node answers becomes a value or one of a few typed errors, so that nobody above reads messages:

    RpcUnavailable   no answer, or the node is busy; retried here, a bounded number of times
    RpcLimited       of those: the node limits our rate; it is left alone for as long as it asks
    ChainMoved       the node does not have that block (any more): a sign of a reorg, never retried here
    RangeTooLarge    the node will not answer for so many blocks or logs; ask for fewer
    CallReverted     an `eth_call` that the contract refused
    NodeRefused      any other error of the node, and the base of the last two
"""

import asyncio
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

import aiohttp
import msgspec

from node.chain.errors import RpcLimited, RpcUnavailable
from node.chain.meter import RpcMeter
from node.chain.pace import Pace, retry_after_s
from node.chain.range_hint import RangeLimit, range_hint
from node.kernel.errors import Bug, Transient
from node.kernel.hexes import Address, Hash32

T = TypeVar("T")

BATCH_MAX = 100  # calls in one HTTP request; public nodes refuse more
ATTEMPTS_MAX = 4  # of one request that gets no answer
BACKOFF_S = 0.1  # doubles with each attempt
REST_MAX_S = 2.0  # that a request waits for a node that asked to be left alone; longer is the caller's
ANSWER_BYTES_MAX = 256 * 2**20  # a node gone mad must not eat the memory


class NodeRefused(Transient):
    """The node answered with an error; `code` and `detail` are its own."""


class RangeTooLarge(NodeRefused):
    """Too many blocks or logs for one answer.

    `blocks` is what the node would answer, where it says so; `lasting`, that this holds for every question.
    """


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
    bloom: int = 0  # of its logs; 0 also where the chain keeps none


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
    logs_bloom: str = "0x0"


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


class _RawReceipt(msgspec.Struct):
    logs: list[_RawLog]


_MAYBE_RECEIPTS: Any = list[_RawReceipt] | None


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

    `pace` is how fast the node may be asked, `meter` counts. `on_failure` hears of each failed attempt, by
    the name of its error.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float,
        meter: RpcMeter | None = None,
        pace: Pace | None = None,
        attempts: int = ATTEMPTS_MAX,
        on_failure: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self.meter = meter or RpcMeter("", "")
        self.range_limit = RangeLimit()
        self._pace = pace or Pace()
        self._attempts = attempts
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
        for part in self._parts(calls):
            for answer in await self._ask(method, part):
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
        for part in self._parts(calls):
            answers = await self._ask(method, part)
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

    async def block_logs(self, number: int) -> list[Log]:
        """All logs of one block, as its receipts tell them. A `NodeRefused` where there are no receipts."""
        receipts: list[_RawReceipt] | None = await self.call(
            "eth_getBlockReceipts", hex(number), returns=_MAYBE_RECEIPTS
        )
        if receipts is None:
            raise ChainMoved("the node lost a block below its head", number=number)
        return [_log(raw) for receipt in receipts for raw in receipt.logs]

    async def eth_calls(
        self, calls: Sequence[tuple[Address, str]], *, block: int | str
    ) -> list[bytes | Failed]:
        """Reads (contract, calldata) pairs at one block; what is refused stands in its place as an error."""
        at = hex(block) if isinstance(block, int) else block
        params = [({"to": to, "data": data}, at) for to, data in calls]
        answers = await self.settle("eth_call", params, returns=str)
        return [item if isinstance(item, Failed) else bytes.fromhex(item[2:]) for item in answers]

    # -------------------------------------------------------------------------------------- transport

    def _parts(self, calls: Sequence[Sequence[object]]) -> list[Sequence[Sequence[object]]]:
        size = self._pace.batch_max(BATCH_MAX)
        return [calls[start : start + size] for start in range(0, len(calls), size)]

    async def _ask(self, method: str, calls: Sequence[Sequence[object]]) -> list[msgspec.Raw | Failed]:
        for attempt in range(1, self._attempts + 1):
            pause_s = BACKOFF_S * 2 ** (attempt - 1)
            try:
                return await self._exchange(method, calls)
            except RpcLimited as error:
                self._on_failure(type(error).__name__)
                asked_s = error.fields.get("retry_after_s")
                self._pace.rest(pause_s if asked_s is None else float(asked_s))
                if attempt == self._attempts or self._pace.resting() > REST_MAX_S:
                    raise
            except RpcUnavailable as error:
                self._on_failure(type(error).__name__)
                if attempt == self._attempts:
                    raise
                await asyncio.sleep(pause_s)
        raise Bug("unreachable: the last attempt returns or raises")

    async def _exchange(self, method: str, calls: Sequence[Sequence[object]]) -> list[msgspec.Raw | Failed]:
        """One request. Of all that a call may fail with, only a limited rate fails the whole."""
        requests = [
            {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}
            for params in calls
        ]
        await self._take_turn(len(calls))
        with self.meter.request(method, calls=len(calls)):
            by_id = {answer.id: answer for answer in await self._post(msgspec.json.encode(requests))}
            missing = RpcUnavailable("the node left a call without an answer", method=method)
            outcomes = [
                missing if (answer := by_id.get(request["id"])) is None else _outcome(answer, method)  # type: ignore[call-overload]
                for request in requests
            ]
            for outcome in outcomes:
                if isinstance(outcome, RpcLimited):
                    raise outcome
        return outcomes

    async def _take_turn(self, calls: int) -> None:
        """Waits as the node's limit asks; not for long, as there may be another node."""
        resting_s = self._pace.resting()
        if resting_s > REST_MAX_S:
            raise RpcLimited("the node asked to be left alone", retry_after_s=math.ceil(resting_s))
        wait_s = max(resting_s, self._pace.reserve(calls))
        if wait_s > 0:
            self.meter.held_back(wait_s)
            await asyncio.sleep(wait_s)

    async def _post(self, body: bytes) -> list[_Answer]:
        if self._session is None:
            raise Bug("the client is used outside of `async with`")
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(self._url, data=body, headers=headers) as response:
                if response.status != 200:  # noqa: PLR2004 - the one good status
                    raise _http_failure(response.status, response.headers.get("Retry-After"))
                if (response.content_length or 0) > ANSWER_BYTES_MAX:
                    raise RangeTooLarge("the node's answer is too large to take")
                return _answers(await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise RpcUnavailable("the node does not answer", cause=type(error).__name__) from error


def _http_failure(status: int, retry_after: str | None) -> Failed:
    if status == 413:  # noqa: PLR2004 - content too large
        return RangeTooLarge("the node finds the answer too large", status=status)
    asked_s = retry_after_s(retry_after)
    if status == 429 or asked_s is not None:  # noqa: PLR2004 - too many requests
        after = None if asked_s is None else math.ceil(asked_s)
        return RpcLimited("the node limits our rate", status=status, retry_after_s=after)
    return RpcUnavailable("the node answered with an HTTP error", status=status)


def _answers(body: bytes) -> list[_Answer]:
    """A node that refuses a whole batch answers with one object."""
    try:
        if body.lstrip()[:1] == b"[":
            return msgspec.json.decode(body, type=list[_Answer])
        failure = msgspec.json.decode(body, type=_Answer).error
    except msgspec.MsgspecError as error:
        raise RpcUnavailable("the node's answer is not JSON-RPC") from error
    refusal = None if failure is None else typed_failure(failure)
    if isinstance(refusal, RpcLimited):
        raise refusal
    raise RpcUnavailable("the node refused a batch", detail=failure.message if failure else None)


def _outcome(answer: _Answer, method: str) -> msgspec.Raw | Failed:
    return answer.result if answer.error is None else typed_failure(answer.error, method)


def _decoded(raw: msgspec.Raw, returns: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=returns)
    except msgspec.MsgspecError as error:
        raise RpcUnavailable("the node's answer has another shape", detail=str(error)) from error


# Words by which nodes (geth, erigon, nethermind, besu, reth, anvil, providers) tell what is wrong, in the
# order in which they are looked for.
_MOVED = ("unknown block", "header not found", "block not found", "blockoutofrange", "block out of range")
_LIMITED = (
    *("rate limit", "rate-limit", "ratelimit", "too many requests", "request limit", "requests per second"),
    *("compute units per second", "daily request count", "request count exceeded", "over capacity"),
)
_TOO_LARGE = (
    *("query returned more than", "more than 10000 results", "query exceeds", "too many results"),
    *("too many logs", "logs matched", "response size", "response too large", "response is too big"),
    *("block range", "blocks range", "range too large", "range is too", "too large range", "ranges over"),
    *("max range", "maximum range", "too many blocks", "requested too many", "too wide", "limited to"),
)
_BUSY = ("timeout", "timed out", "busy", "limit exceeded", "capacity")
_WORDS: tuple[tuple[type[Failed], tuple[str, ...]], ...] = (
    (ChainMoved, _MOVED),
    (RpcLimited, _LIMITED),
    (RangeTooLarge, _TOO_LARGE),
)
_REVERTED = 3  # the code of execution errors with revert data
_LIMITED_CODES = (-32005, -32007, -32016, -32029, 429)


def typed_failure(failure: _Failure, method: str = "") -> Failed:
    """The error that a node's own error is; what it says of a range of logs is in the fields."""
    words = failure.message.lower()
    detail = failure.message[:300]
    if failure.code == _REVERTED or "revert" in words:
        data = failure.data if isinstance(failure.data, str) else None
        return CallReverted("the contract refused a call", detail=detail, data=data)
    said = [kind for kind, marks in _WORDS if any(mark in words for mark in marks)]
    kind = said[0] if said else _by_code(failure.code, words, method)
    if kind is RangeTooLarge:
        return _too_large(failure, detail)
    return kind("the node refused", code=failure.code, detail=detail)


def _by_code(code: int, words: str, method: str) -> type[Failed]:
    """Where words leave it open, it depends on the question: a range of logs can be made smaller."""
    busy = any(mark in words for mark in _BUSY)
    if busy and method == "eth_getLogs":
        return RangeTooLarge
    if code in _LIMITED_CODES:
        return RpcLimited
    return RpcUnavailable if busy else NodeRefused


def _too_large(failure: _Failure, detail: str) -> RangeTooLarge:
    hint = range_hint(failure.message, failure.data)
    return RangeTooLarge(
        "the node finds the range too large",
        code=failure.code,
        detail=detail,
        blocks=None if hint is None else hint.blocks,
        lasting=hint is not None and hint.lasting,
    )


_lower: Callable[[str], Any] = str.lower  # into canonical form, whatever type of hex it is


def _header(raw: _RawHeader) -> Header:
    return Header(
        int(raw.number, 16),
        _lower(raw.hash),
        _lower(raw.parent_hash),
        int(raw.timestamp, 16),
        int(raw.logs_bloom, 16),
    )


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
