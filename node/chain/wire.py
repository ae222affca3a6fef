"""The servers of a chain, asked synchronously: one at a time, the next one when it fails.

Invariants: a server stays the one in use for as long as it answers, so that what somebody sent and then reads
comes from one place; nothing that goes wrong shows a server's address, which holds a key.
"""

import logging
import math
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from web3 import HTTPProvider
from web3.types import RPCEndpoint

from node.chain.errors import RpcLimited, RpcRejected, RpcTurnedAway, RpcUnavailable, from_rpc_error
from node.chain.meter import RpcMeter
from node.chain.pace import Pace, retry_after_s
from node.kernel.errors import AsoudError, Bug
from node.kernel.log import get_logger

log = get_logger(__name__)

T = TypeVar("T")

# At their debug level these two write the server's address, key included.
for _name in ("web3", "urllib3"):
    logging.getLogger(_name).setLevel(logging.INFO)

# A short trouble (a restart, a dropped connection) is over after these; a longer one is the caller's.
ATTEMPTS = 3
BACKOFF_S = 0.15
# As many connections as the command path has threads at most.
CONNECTIONS_MAX = 200
LEFT_ALONE_S = 15.0  # a server that failed, while others answer
LIMITED_S = 1.0  # a server that limits our rate and does not say for how long
REST_MAX_S = 2.0  # that a caller waits for a server that wants to be left alone

_BUSY_STATUS = frozenset({408, 425, 500, 502, 503, 504})
_LIMITED_STATUS = 429

SetAside = Callable[[], Collection[str]]


class _Server:
    def __init__(self, name: str, url: str, *, chain_id: int, timeout_s: float, per_second: float) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise Bug("the chain's server is asked over http or https only")
        self.name = name
        self.meter = RpcMeter(chain_id, name)
        self.pace = Pace(per_second or None)
        self.failed_until = 0.0
        self.session = requests.Session()
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=CONNECTIONS_MAX)
        self.session.mount("http://", adapter)
        self.session.mount("https://", adapter)
        self._provider = HTTPProvider(
            url,
            request_kwargs={"timeout": timeout_s},
            session=self.session,
            exception_retry_configuration=None,
        )

    def single(self, method: str, params: Sequence[object]) -> Mapping[str, Any]:
        with self.meter.request(method, calls=1):
            answer = self._send(lambda: self._provider.make_request(RPCEndpoint(method), list(params)))
            if not isinstance(answer, Mapping):
                raise RpcRejected("the chain's server answers no JSON-RPC", method=method)
        return answer

    def batch(self, method: str, calls: Sequence[Sequence[object]]) -> list[Mapping[str, Any]]:
        asked = [(RPCEndpoint(method), list(params)) for params in calls]
        with self.meter.request(method, calls=len(calls)):
            answers = self._send(lambda: self._provider.make_batch_request(asked))
            if not isinstance(answers, list) or len(answers) != len(calls):
                raise RpcUnavailable("the chain's server did not answer the whole batch")
        return answers

    def _send(self, send: Callable[[], object]) -> object:
        """One exchange. What went wrong is said without the words of `requests`, which hold the address."""
        failure: AsoudError
        try:
            return send()
        except requests.HTTPError as error:
            failure = _http_failure(error)
        except requests.Timeout:
            failure = RpcUnavailable("the chain's server took too long", again=False)
        except requests.RequestException:
            failure = RpcUnavailable("the chain's server cannot be reached", again=True)
        except ValueError:
            failure = RpcUnavailable("the chain's server answers no JSON", again=False)
        raise failure  # outside of the handlers, so that no traceback shows the first error


class Wire:
    """`set_aside` names servers that others found to be wrong or late (`rpc1` is the first)."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        chain_id: int,
        timeout_s: float,
        per_second: float,
        set_aside: SetAside,
        sleep: Callable[[float], None],
    ) -> None:
        self._servers = [
            _Server(f"rpc{place}", url, chain_id=chain_id, timeout_s=timeout_s, per_second=per_second)
            for place, url in enumerate(urls, start=1)
        ]
        self._used = self._servers[0]
        self._set_aside = set_aside
        self._sleep = sleep

    def close(self) -> None:
        for server in self._servers:
            server.session.close()

    def read(self, method: str, params: Sequence[object]) -> Any:  # noqa: ANN401 - any JSON
        """The result, whoever gives it. A server that could not be reached is asked again, a few times."""
        return self._patiently(lambda server: result_of(server.single(method, params), method), calls=1)

    def read_batch(self, method: str, calls: Sequence[Sequence[object]]) -> list[Mapping[str, Any]]:
        """The answers in the order of the calls, errors among them."""
        return self._patiently(lambda server: _unlimited(server.batch(method, calls)), calls=len(calls))

    def send(self, method: str, params: Sequence[object]) -> Mapping[str, Any]:
        """The answer with its error, if any. Each server is tried once: what is sent may have got in."""
        failure: AsoudError | None = None
        for server in self._candidates():
            try:
                self._take_turn(server, 1)
                answer = server.single(method, params)
            except (RpcUnavailable, RpcTurnedAway) as error:
                self._note(server, error)
                failure = error
            else:
                self._used = server
                return answer
        raise failure or Bug("a chain without a server")

    def each(self, method: str) -> Iterator[Any]:
        """Every server's own answer; those that don't answer are left out, unless none does."""
        failure: RpcUnavailable | None = None
        answered = False
        for server in self._servers:
            try:
                yield result_of(server.single(method, []), method)
                answered = True
            except RpcUnavailable as error:
                failure = error
        if failure is not None and not answered:
            raise failure

    # -------------------------------------------------------------------------------------- patience

    def _patiently(self, ask: Callable[[_Server], T], *, calls: int) -> T:
        """A timeout is not waited out again: the caller waited long enough."""
        for attempt in range(ATTEMPTS):
            failure: AsoudError | None = None
            for server in self._candidates():
                try:
                    self._take_turn(server, calls)
                    answer: T = ask(server)
                except (RpcUnavailable, RpcTurnedAway) as error:
                    self._note(server, error)
                    failure = error
                else:
                    self._used = server
                    return answer
            if failure is None:
                raise Bug("a chain without a server")
            if attempt == ATTEMPTS - 1 or not failure.fields.get("again"):
                raise failure
            self._sleep(BACKOFF_S * 2**attempt * (1 + random.random()))  # noqa: S311 - only spreads load
        raise Bug("unreachable: the last attempt returns or raises")

    def _candidates(self) -> list[_Server]:
        """All servers, the best first: neither set aside nor just failed, the one in use before others."""
        if len(self._servers) == 1:
            return self._servers
        aside, now = self._set_aside(), time.monotonic()
        return sorted(
            self._servers,
            key=lambda server: (
                server.name in aside,
                server.failed_until > now or server.pace.resting() > 0,
                server is not self._used,
            ),
        )

    def _take_turn(self, server: _Server, calls: int) -> None:
        resting_s = server.pace.resting()
        if resting_s > REST_MAX_S:
            raise RpcLimited("the chain's server limits our rate", retry_after_s=math.ceil(resting_s))
        wait_s = max(resting_s, server.pace.reserve(calls))
        if wait_s > 0:
            server.meter.held_back(wait_s)
            self._sleep(wait_s)

    def _note(self, server: _Server, error: AsoudError) -> None:
        if isinstance(error, RpcLimited):
            asked_s = error.fields.get("retry_after_s")
            if asked_s is not None or len(self._servers) > 1:
                server.pace.rest(LIMITED_S if asked_s is None else float(asked_s))
        elif len(self._servers) > 1:
            log.warning("server_failed", endpoint=server.name, error=error.message)
            server.failed_until = time.monotonic() + LEFT_ALONE_S


def _http_failure(error: requests.HTTPError) -> AsoudError:
    if error.response is None:
        return RpcUnavailable("the chain's server cannot be reached", again=True)
    status = error.response.status_code
    asked_s = retry_after_s(error.response.headers.get("Retry-After"))
    if status == _LIMITED_STATUS or (status in _BUSY_STATUS and asked_s is not None):
        after = None if asked_s is None else math.ceil(asked_s)
        return RpcLimited(
            "the chain's server limits our rate", status=status, retry_after_s=after, again=True
        )
    if status in _BUSY_STATUS:
        return RpcUnavailable("the chain's server is busy", status=status, again=True)
    return RpcTurnedAway("the chain's server turned us away", status=status)


def result_of(response: Mapping[str, Any], method: str) -> Any:  # noqa: ANN401 - any JSON
    """Raises what the error of an answer means."""
    if response.get("error") is not None:
        raise from_rpc_error(response["error"], method=method)
    return response.get("result")


def _unlimited(answers: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A limited rate among the answers fails the batch, so that it is asked elsewhere."""
    for answer in answers:
        error = answer.get("error")
        failure = None if error is None else from_rpc_error(error, method="eth_call")
        if isinstance(failure, RpcLimited):
            raise failure
    return answers
