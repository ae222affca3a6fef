"""Transactions that a wallet signed: passed on, and followed until our tables tell of them."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from api.access import CurrentPrincipal, TheServices
from api.problems import MEDIA_TYPE
from api.routing import EffectTx, edge_router
from api.schemas import HashString, HexBytes, Input, Output
from node.services.transaction.models import RelayState
from node.services.transaction.service import Outcome

router = edge_router("transactions")


class TransactionIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"raw": "0x02f8b0827a69"}]})

    raw: HexBytes = Field(description="As `eth_sendRawTransaction` takes it: legacy (EIP-155), type 1 or 2")


class TransactionStateOut(Output):
    """`unknown`: the chain does not know it, or fell silent. Ask again, or send it again, harmlessly."""

    hash: HashString
    state: Literal["pending", "mined", "refused", "unknown"]
    block: int | None
    succeeded: bool | None = Field(description="null until it is mined")
    reason: str | None = Field(description="Why it was refused or reverted, in words, where that is known")
    indexed: bool = Field(description="Whether the node's views tell of everything that it did")


TOO_MANY: dict[int | str, dict[str, Any]] = {
    429: {
        "description": "Too many in a minute; see Retry-After",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}

_STATES: dict[RelayState, Literal["pending", "mined", "refused", "unknown"]] = {
    RelayState.SENDING: "pending",
    RelayState.SENT: "pending",
    RelayState.MINED: "mined",
    RelayState.REFUSED: "refused",
    RelayState.UNKNOWN: "unknown",
}


@router.post("/v1/transactions", status_code=202, responses=TOO_MANY)
def relay_transaction(
    body: TransactionIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal
) -> TransactionStateOut:
    """Pass on a transaction that the caller's wallet signed, to a contract of this market.

    What a contract would refuse is told in words and not sent. Sending the same one again is harmless.
    """
    outcome = services.transaction.relay(
        begin, body.raw, account_id=principal.account_id, wallet=principal.address
    )
    return _out(outcome)


@router.get("/v1/transactions/{hash}")
def read_transaction(
    hash: HashString,  # noqa: A002 - the field's name everywhere
    services: TheServices,
    principal: CurrentPrincipal,  # noqa: ARG001 - each call asks the chain: signed-in callers only
) -> TransactionStateOut:
    """Where a transaction stands, by the chain's word."""
    return _out(services.transaction.outcome(services.database.transaction, hash))


def _out(outcome: Outcome) -> TransactionStateOut:
    return TransactionStateOut(
        hash=outcome.tx_hash,
        state=_STATES[outcome.state],
        block=outcome.block,
        succeeded=outcome.succeeded,
        reason=outcome.reason,
        indexed=outcome.indexed,
    )
