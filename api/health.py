"""Is this process alive, can it work, and how far is the chain."""

import asyncio
import datetime as dt
import json
from typing import Final, LiteralString

from pydantic import Field
from starlette.responses import JSONResponse, Response

from api.access import TheServices
from api.problems import problem
from api.routing import edge_router
from api.schemas import Output
from node.kernel.log import get_logger
from node.services.container import Probe

log = get_logger(__name__)

PROBE_TIMEOUT_S = 2.0

SILENCE = dt.timedelta(minutes=1)  # the indexer notes at each poll, which is seconds apart, that it is there
SERVING = ("live", "syncing")

CHECKPOINT: Final[LiteralString] = """
    SELECT json_build_object(
        'status', CASE WHEN seen_at < %(silent_since)s THEN 'silent' ELSE state END,
        'chain_id', chain_id,
        'indexed_block', number,
        'head_block', head_number,
        'finalized_block', finalized_number,
        'lag_blocks', greatest(head_number - number, 0),
        'block_time', block_time,
        'seen_at', seen_at,
        'reason', reason
    )
    FROM chain.checkpoint WHERE chain_id = %(chain_id)s
"""
UNKNOWN: Final = {
    "status": "unknown",
    "chain_id": None,
    "indexed_block": None,
    "head_block": None,
    "finalized_block": None,
    "lag_blocks": None,
    "block_time": None,
    "seen_at": None,
    "reason": "nothing has been indexed yet",
}

router = edge_router("health", prefix="/health")


class Live(Output):
    status: str


class Ready(Output):
    status: str
    parts: dict[str, str]


@router.get("/live", response_model=Live)
async def live() -> Response:
    """The process answers. Nothing else is asked."""
    return JSONResponse({"status": "ok"})


class ChainHealth(Output):
    """`status`: live, syncing, stuck (a person has to look), silent (the indexer does not speak), unknown."""

    status: str = Field(examples=["live"])
    chain_id: int
    indexed_block: int | None
    head_block: int | None
    finalized_block: int | None
    lag_blocks: int | None
    block_time: dt.datetime | None
    seen_at: dt.datetime | None
    reason: str | None


@router.get("/ready", response_model=Ready)
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


@router.get("/chain", response_model=ChainHealth)
async def chain(services: TheServices) -> Response:
    """How far the chain is indexed. A 503 says that what is shown of it may be old."""
    chain_id = services.chain.chain_id
    raw = await services.queries.json(
        CHECKPOINT, {"chain_id": chain_id, "silent_since": services.clock.now() - SILENCE}
    )
    state = json.loads(raw) if raw is not None else UNKNOWN | {"chain_id": chain_id}
    if state["status"] in SERVING:
        return JSONResponse(state)
    detail = "What is shown of the chain may be old"
    return problem(503, "chain_behind", "The chain is not followed", detail=detail, extra={"chain": state})
