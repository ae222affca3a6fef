"""The servers of one chain, for whoever reads much of it: which one to read from, and how all of them do.

Invariant: nothing is read from two servers as if it were one. The pool hands out a whole client; a range and
the head that bounds it come from the same one, and whoever leaves it for another starts over from the
database.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from prometheus_client import Counter, Gauge

from node.chain.errors import RpcLimited
from node.chain.meter import RpcMeter
from node.chain.pace import Pace
from node.chain.peers import SEVERITY, Sight, Standing, compared_at, judge
from node.chain.rpc import ATTEMPTS_MAX, Header, RpcClient
from node.kernel.chain_settings import Endpoint
from node.kernel.errors import AsoudError, Transient
from node.kernel.hexes import Hash32
from node.kernel.log import get_logger

log = get_logger(__name__)

LOOK_TIMEOUT_S = 3.0  # an endpoint that is slower to tell its head is away
LOOKS_TO_CONVICT = 2  # in a row: two servers may differ for a moment at a new block
LOOKS_TO_RETURN = 2  # in a row; doubles with each failure
LOOKS_TO_RETURN_MAX = 64
LOOKS_TO_FORGIVE = 100  # well for so long, and earlier failures are forgotten
ATTEMPTS_WITH_PEERS = 2  # of one request: the next server is at hand

STANDING = Gauge(
    "asoud_rpc_endpoint_standing", "1 for the state that it is in", ["chain", "endpoint", "state"]
)
IN_USE = Gauge("asoud_rpc_endpoint_in_use", "1 for the endpoint that is read from", ["chain", "endpoint"])
HEAD = Gauge("asoud_rpc_endpoint_head", "Newest block that it told of", ["chain", "endpoint"])
SET_ASIDE = Counter(
    "asoud_rpc_set_aside_total", "Times that it was set aside", ["chain", "endpoint", "state"]
)


class Disputed(Transient):
    """One server took back blocks that another one still has: which is right has to show first."""


@dataclass(slots=True, eq=False)
class Member:
    """One endpoint and what is known of it."""

    name: str
    rpc: RpcClient
    websocket_url: str | None
    standing: Standing = Standing.GOOD
    head: Header | None = None
    suspected: Standing = Standing.GOOD
    suspicions: int = 0
    good_looks: int = 0
    failures: int = 0

    def seen(self, standing: Standing) -> bool:
        """Takes in what a look showed; True when it is to be set aside for that."""
        if standing is Standing.GOOD:
            self.suspicions = 0
            self.good_looks += 1
            needed = min(LOOKS_TO_RETURN * 2 ** max(0, self.failures - 1), LOOKS_TO_RETURN_MAX)
            if self.standing is not Standing.GOOD and self.good_looks >= needed:
                self.standing = Standing.GOOD
            if self.good_looks >= LOOKS_TO_FORGIVE:
                self.failures = 0
            return False
        self.good_looks = 0
        self.suspicions = self.suspicions + 1 if standing is self.suspected else 1
        self.suspected = standing
        return self.suspicions >= LOOKS_TO_CONVICT and self.standing is not standing


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """How an endpoint does, for people."""

    name: str
    standing: Standing
    in_use: bool
    head: int | None
    latency_ms: int | None
    error_percent: int


class RpcPool:
    """`async with RpcPool.connect(...) as pool`; `watch` runs as a task beside the reader."""

    def __init__(self, members: Sequence[Member], *, chain_id: int, lag_blocks: int, look_s: float) -> None:
        self.members = tuple(members)
        self._chain_id = chain_id
        self._lag_blocks = lag_blocks
        self._look_s = look_s
        self._used: Member | None = None
        self.looks = 0

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        endpoints: Sequence[Endpoint],
        *,
        chain_id: int,
        timeout_s: float,
        per_second: float = 0.0,
        lag_blocks: int,
        look_s: float,
        on_failure: Callable[[str], None] = lambda _: None,
    ) -> AsyncIterator["RpcPool"]:
        async with AsyncExitStack() as stack:
            members = [
                Member(
                    name=endpoint.name,
                    websocket_url=endpoint.websocket_url,
                    rpc=await stack.enter_async_context(
                        RpcClient(
                            endpoint.url,
                            timeout_s=timeout_s,
                            meter=RpcMeter(chain_id, endpoint.name),
                            pace=Pace(per_second or None),
                            attempts=ATTEMPTS_MAX if len(endpoints) == 1 else ATTEMPTS_WITH_PEERS,
                            on_failure=on_failure,
                        )
                    ),
                )
                for endpoint in endpoints
            ]
            yield cls(members, chain_id=chain_id, lag_blocks=lag_blocks, look_s=look_s)

    # ---------------------------------------------------------------------------------------- choosing

    def best(self) -> Member:
        """The first that is well; when none is, the one that is the least bad."""
        return min(self.members, key=lambda member: SEVERITY[member.standing])

    def use(self) -> Member:
        """The best one, from now on the one that is read from."""
        self._used = self.best()
        for member in self.members:
            IN_USE.labels(str(self._chain_id), member.name).set(member is self._used)
        return self._used

    def opened(self, member: Member) -> None:
        """It serves the right chain and answers: where there is no other one, that is as good as it gets."""
        if len(self.members) == 1:
            member.standing = Standing.GOOD
            self._show(member)

    def failed(self, member: Member, standing: Standing) -> bool:
        """Sets it aside for what its reader met; True when another one can take over now."""
        member.failures += 1
        member.good_looks = 0
        self._set_aside(member, standing)
        return self.best().standing is Standing.GOOD

    async def dispute(self, number: int, hash_: Hash32, *, gone_from: Member) -> None:
        """Raises `Disputed` when a server that is as good still has this block."""
        if gone_from.standing is Standing.LAGGING:
            raise Disputed("a server that lags behind the others lost a block", number=number)
        for member in self.members:
            if member is gone_from or member.standing is not Standing.GOOD:
                continue
            header = await self._block(member, number)
            if header is not None and header.hash == hash_:
                raise Disputed(
                    "one server lost a block that another one has",
                    number=number,
                    lost_by=gone_from.name,
                    held_by=member.name,
                )

    # ----------------------------------------------------------------------------------------- looking

    async def watch(self) -> None:
        """Looks again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._look_s)
            await self.look()

    async def settle(self) -> None:
        """Looks until a server that is lagging or forked is known as such."""
        for _ in range(LOOKS_TO_CONVICT if len(self.members) > 1 else 1):
            await self.look()

    async def look(self) -> None:
        """Asks every endpoint for its chain and head, compares them, and judges."""
        answers = await asyncio.gather(*map(self._head, self.members))
        found = {
            member: answer if isinstance(answer, Standing) else None
            for member, answer in zip(self.members, answers, strict=True)
        }
        chains = {
            member: answer
            for member, answer in zip(self.members, answers, strict=True)
            if isinstance(answer, int)
        }
        right = [member for member, chain in chains.items() if chain == self._chain_id]
        forks = await self._forks(right)
        sights = {
            member.name: Sight(chain, member.head.number, forks.get(member))
            for member, chain in chains.items()
            if member.head is not None and (member in forks or member not in right or len(right) == 1)
        }
        verdicts = judge(
            sights,
            chain_id=self._chain_id,
            lag_blocks=self._lag_blocks,
            read_from=None if self._used is None else self._used.name,
        )
        for member, standing in found.items():
            self._take_in(member, standing or verdicts.get(member.name, Standing.AWAY))
        self.looks += 1

    async def _head(self, member: Member) -> int | Standing:
        """The chain that it serves, its head noted; or why there is none."""
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                chain, head = await asyncio.gather(member.rpc.chain_id(), member.rpc.head())
        except RpcLimited:
            return Standing.LIMITED
        except (AsoudError, TimeoutError):
            return Standing.AWAY
        member.head = head
        HEAD.labels(str(self._chain_id), member.name).set(head.number)
        return chain

    async def _forks(self, members: Sequence[Member]) -> dict[Member, Hash32]:
        """The hash of each one's block at the height of the lowest. One alone has nobody to differ from."""
        heads = {member: member.head for member in members if member.head is not None}
        if len(heads) <= 1:
            return {}
        height = compared_at([head.number for head in heads.values()])

        async def fork(member: Member, head: Header) -> Hash32 | None:
            if head.number == height:
                return head.hash
            found = await self._block(member, height)
            return None if found is None else found.hash

        hashes = await asyncio.gather(*(fork(member, head) for member, head in heads.items()))
        return {member: hash_ for member, hash_ in zip(heads, hashes, strict=True) if hash_ is not None}

    async def _block(self, member: Member, number: int) -> Header | None:
        """None also when it does not answer."""
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                return (await member.rpc.headers([number]))[0]
        except (AsoudError, TimeoutError):
            return None

    def _take_in(self, member: Member, standing: Standing) -> None:
        before = member.standing
        if member.seen(standing):
            self._set_aside(member, standing)
        elif member.standing is not before:
            log.info("endpoint_back", chain_id=self._chain_id, endpoint=member.name, was=before.value)
        self._show(member)

    def _set_aside(self, member: Member, standing: Standing) -> None:
        if member.standing is standing:
            return
        member.standing = standing
        SET_ASIDE.labels(str(self._chain_id), member.name, standing.value).inc()
        log.warning(
            "endpoint_set_aside",
            chain_id=self._chain_id,
            endpoint=member.name,
            state=standing.value,
            head=None if member.head is None else member.head.number,
        )
        self._show(member)

    def _show(self, member: Member) -> None:
        for standing in Standing:
            gauge = STANDING.labels(str(self._chain_id), member.name, standing.value)
            gauge.set(member.standing is standing)

    def reports(self) -> list[EndpointReport]:
        return [
            EndpointReport(
                name=member.name,
                standing=member.standing,
                in_use=member is self._used,
                head=None if member.head is None else member.head.number,
                latency_ms=_rounded(member.rpc.meter.latency_s, 1_000),
                error_percent=round(member.rpc.meter.error_rate * 100),
            )
            for member in self.members
        ]


def _rounded(value: float | None, factor: int) -> int | None:
    return None if value is None else round(value * factor)
