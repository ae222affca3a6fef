"""Is this process alive, can it work, and how far is the chain."""

import asyncio
import datetime as dt
import json
from typing import Any

from pydantic import Field
from starlette.responses import JSONResponse, Response

from api.access import TheServices
from api.problems import problem
from api.rates import uncounted
from api.routing import edge_router
from api.schemas import Output
from indexer.status import STATUS
from node.kernel.errors import Bug
from node.kernel.log import get_logger
from node.services.container import Probe, Services

log = get_logger(__name__)

PROBE_TIMEOUT_S = 2.0

SERVING = ("live", "syncing")
BEHIND = "The chain is not followed"
BEHIND_DETAIL = "What is shown of the chain may be old"

router = edge_router("health", prefix="/health")


class Live(Output):
    status: str


class Ready(Output):
    status: str
    parts: dict[str, str]


@router.get("/live", response_model=Live)
@uncounted
async def live() -> Response:
    """The process answers. Nothing else is asked."""
    return JSONResponse({"status": "ok"})


class BlockOut(Output):
    number: int
    time: dt.datetime | None


class IndexedOut(BlockOut):
    hash: str | None


class LagOut(Output):
    blocks: int
    seconds: int | None


class ForeignHealth(Output):
    """A contract of somebody else. `from_birth` false: what it did before `from_block` is missing."""

    address: str
    standard: str = Field(examples=["erc20"])
    name: str | None
    state: str = Field(examples=["live"])
    from_block: int
    done_block: int
    from_birth: bool | None
    undecodable: int


class EndpointOut(Output):
    """A server of the chain. `state`: good, lagging, limited, away, incomplete, forked, wrong_chain."""

    name: str = Field(examples=["rpc1"], description="Its place in the node's settings")
    state: str = Field(examples=["good"])
    since: dt.datetime
    in_use: bool
    head: int | None
    latency_ms: int | None
    error_percent: int
    seen_at: dt.datetime


class PartitionsOut(Output):
    """Room made ahead. `ok` false: none could be made, and the indexer stops where it ends."""

    blocks_left: int
    ok: bool


class ChainHealth(Output):
    """`state`: live, syncing, rewinding, unreachable, stuck (a person has to look), down (no word), never.

    `vanished` are final events that the chain lost: each is an event of its own on the spine.
    """

    chain_id: int
    state: str = Field(examples=["live"])
    reason: str | None = None
    seen_at: dt.datetime | None = None
    genesis: str | None = None
    head: BlockOut | None = None
    indexed: IndexedOut | None = None
    finalized: int | None = None
    reorgs_can_reach: int | None = None
    lag: LagOut | None = None
    foreign: list[ForeignHealth] | None = None
    vanished: int | None = None
    partitions: PartitionsOut | None = None
    undecodable: int | None = Field(None, description="Logs that fit no event and are kept raw")
    endpoints: list[EndpointOut] = Field(default_factory=list)


@router.get("/ready", response_model=Ready)
@uncounted
async def ready(services: TheServices) -> Response:
    """The process reaches what it needs; a 503 says which part it does not."""
    names = list(services.probes)
    states = await asyncio.gather(*(_state(name, services.probes[name]) for name in names))
    parts = dict(zip(names, states, strict=True))
    away = [name for name, state in parts.items() if state != "ok"]
    if away:
        detail = f"{', '.join(away)}: no answer within {PROBE_TIMEOUT_S:g} s"
        return problem(503, "not_ready", "A part is away", detail=detail, extra={"parts": parts})
    return JSONResponse({"status": "ok", "parts": parts})


async def _state(name: str, probe: Probe) -> str:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await probe()
    except Exception as error:  # noqa: BLE001 - whatever a driver raises, the part is away
        log.warning("probe_failed", part=name, error=type(error).__name__)
        return "away"
    return "ok"


class ChainsHealth(Output):
    chains: list[ChainHealth]


@router.get("/chain", response_model=ChainHealth)
@uncounted
async def chain(services: TheServices) -> Response:
    """How far the node's chain is indexed. A 503 says that what is shown of it may be old."""
    state = await _chain(services, services.chain.chain_id)
    if state["state"] in SERVING:
        return JSONResponse(state)
    return problem(503, "chain_behind", BEHIND, detail=BEHIND_DETAIL, extra={"chain": state})


@router.get("/chains", response_model=ChainsHealth)
@uncounted
async def chains(services: TheServices) -> Response:
    """The same of every chain that is indexed, the node's own first. A 503 when one is not followed."""
    states = [await _chain(services, chain_id) for chain_id in services.chain_ids]
    if all(state["state"] in SERVING for state in states):
        return JSONResponse({"chains": states})
    return problem(503, "chain_behind", BEHIND, detail=BEHIND_DETAIL, extra={"chains": states})


async def _chain(services: Services, chain_id: int) -> dict[str, Any]:
    raw = await services.queries.json(STATUS, {"chain_id": chain_id})
    if raw is None:
        raise Bug("the status of the chain is never NULL")
    state: dict[str, Any] = json.loads(raw)
    return state
