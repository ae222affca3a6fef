"""One's own account: its profile, and the wallets that sign in to it."""

from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.client import BOUNDED, TheClient
from api.readback import IfMatch, read_back, require_match
from api.routing import CommandTx, EffectTx, edge_router
from api.schemas import AddressString, Input
from api.v1.identity import MeOut, SignInIn, proved_wallet
from node.kernel.language import TAG_CHARS_MAX
from node.services.identity import queries
from node.services.identity.handles import CHARS_READ_MAX
from node.services.identity.proof import Purpose, WalletProof

router = edge_router("account")

ZONE_CHARS_MAX = 64


class ProfileChange(Input):
    """What is left out stays; null clears."""

    language: Annotated[str, Field(max_length=TAG_CHARS_MAX)] | None = Field(
        None, examples=["fa-IR"], description="BCP 47"
    )
    currency: Annotated[str, Field(max_length=3)] | None = Field(
        None, examples=["TRY"], description="ISO 4217"
    )
    country: Annotated[str, Field(max_length=2)] | None = Field(
        None, examples=["TR"], description="ISO 3166-1 alpha-2"
    )
    time_zone: Annotated[str, Field(max_length=ZONE_CHARS_MAX)] | None = Field(
        None, examples=["Europe/Istanbul"], description="IANA"
    )


@router.patch("/v1/me", response_model=MeOut)
def change_profile(
    body: ProfileChange,
    *,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    if_match: IfMatch = None,
) -> Response:
    """Say which language, currency, country and time zone one uses."""
    params = {"account_id": principal.account_id}
    account = services.accounts.lock(tx, principal.account_id)
    require_match(tx, if_match, queries.ME, params)
    services.accounts.change_profile(tx, account, body.model_dump(exclude_unset=True))
    return read_back(tx, queries.ME, params)


class HandleIn(Input):
    handle: Annotated[str, Field(max_length=CHARS_READ_MAX, examples=["@sara"])]


@router.put("/v1/me/handle", response_model=MeOut)
def claim_handle(
    body: HandleIn,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    if_match: IfMatch = None,
) -> Response:
    """Choose the handle by which people find the account. Nobody else ever gets it; it is changed rarely."""
    params = {"account_id": principal.account_id}
    services.accounts.lock(tx, principal.account_id)
    require_match(tx, if_match, queries.ME, params)
    services.handles.claim(tx, principal.account_id, body.handle)
    return read_back(tx, queries.ME, params)


@router.post("/v1/me/wallets", response_model=MeOut, dependencies=[BOUNDED])
def link_wallet(
    body: SignInIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal, client: TheClient
) -> Response:
    """Add a wallet, by a message (EIP-4361) that it signed. The account gives a second proof as well."""
    proof = proved_wallet(body, Purpose.LINK, begin, services, client, account_id=principal.account_id)
    with begin() as tx:
        services.accounts.link(tx, principal, proof, client)
        return read_back(tx, queries.ME, {"account_id": principal.account_id})


@router.delete("/v1/me/wallets/{address}", status_code=204)
def unlink_wallet(
    address: AddressString,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    client: TheClient,
) -> None:
    """Take a wallet away and sign its devices out. Needs a second proof, and a sign-in by what stays."""
    services.accounts.unlink(tx, principal, WalletProof(address), client)
