"""A lost phone, wallet or authenticator app: taken away by one proof alone, after a time to object."""

import uuid

from pydantic import model_validator
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.client import BOUNDED, TheClient
from api.readback import read_back
from api.routing import CommandTx, edge_router
from api.schemas import AddressString, Input
from api.v1.identity import MeOut
from api.v1.phone import PhoneString
from node.services.container import Services
from node.services.identity import queries
from node.services.identity.proof import WalletProof
from node.services.identity.recovery import Lost, LostTotp

router = edge_router("account")


class LostIn(Input):
    """One of the three."""

    wallet: AddressString | None = None
    phone: PhoneString | None = None
    totp: bool = False

    @model_validator(mode="after")
    def _one(self) -> "LostIn":
        if sum((self.wallet is not None, self.phone is not None, self.totp)) != 1:
            raise ValueError("say which wallet or which phone is lost, or that the authenticator app is")
        return self


@router.post("/v1/me/recoveries", status_code=201, response_model=MeOut, dependencies=[BOUNDED])
def ask_for_recovery(
    body: LostIn, tx: CommandTx, services: TheServices, principal: CurrentPrincipal, client: TheClient
) -> Response:
    """Say what is lost. All that sign in to the account are told, and may object for some days."""
    services.recoveries.ask(tx, principal, _lost(services, body), client)
    return read_back(tx, queries.ME, {"account_id": principal.account_id}, status=201)


@router.delete("/v1/me/recoveries/{recovery_id}", status_code=204)
def cancel_recovery(
    recovery_id: uuid.UUID,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    client: TheClient,
) -> None:
    """Object: nothing is taken away."""
    services.recoveries.cancel(tx, principal, recovery_id, client)


@router.post("/v1/me/recoveries/{recovery_id}/complete", response_model=MeOut)
def complete_recovery(
    recovery_id: uuid.UUID,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    client: TheClient,
) -> Response:
    """Take away what is lost, once the time to object is over."""
    services.recoveries.complete(tx, principal, recovery_id, client)
    return read_back(tx, queries.ME, {"account_id": principal.account_id})


def _lost(services: Services, body: LostIn) -> Lost:
    if body.wallet is not None:
        return WalletProof(body.wallet)
    return LostTotp() if body.phone is None else services.phones.proof(body.phone)
