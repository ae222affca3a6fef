"""Is this process alive, can it work, and how far is the chain."""

import asyncio

from starlette.responses import JSONResponse, Response

from api.access import TheServices
from api.problems import problem
from api.routing import edge_router
from api.schemas import Output
from node.kernel.log import get_logger
from node.services.container import Probe

log = get_logger(__name__)

PROBE_TIMEOUT_S = 2.0

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
