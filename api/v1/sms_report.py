"""What carriers say of the text messages that they took."""

from typing import Annotated

from fastapi import Depends, Path, Request

from api.access import TheServices
from api.routing import CommandTx, edge_router
from node.services.sms.adapter import Report
from node.services.sms.errors import CarrierUnknown

router = edge_router("phones")

CARRIER_CHARS_MAX = 40


async def _report(request: Request) -> Report:
    return Report(dict(request.headers), await request.body())


@router.post("/v1/sms/reports/{carrier}", status_code=204)
def report_delivery(
    carrier: Annotated[str, Path(max_length=CARRIER_CHARS_MAX, examples=["twilio"])],
    report: Annotated[Report, Depends(_report)],
    tx: CommandTx,
    services: TheServices,
) -> None:
    """For carriers: say what became of a message, signed as the carrier signs."""
    if services.carriers is None:
        raise CarrierUnknown("this node sends no text messages")
    said = services.carriers.read_report(carrier, report)
    if said is not None:
        services.phones.report(tx, said.message_id, is_delivered=said.is_delivered)
