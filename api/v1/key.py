"""API keys: for one's account, or for a market of one's own. Their secrets are shown once."""

import datetime as dt
import uuid
from typing import Annotated

from pydantic import AwareDatetime, Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.client import TheClient
from api.routing import CommandTx, edge_router, never_stored
from api.schemas import Input, Output, Page, Whole
from api.v1.member import TheCaller
from api.views import ThePage, Views
from node.kernel.db.unit_of_work import Tx
from node.services.container import Services
from node.services.identity import queries
from node.services.identity.api_keys import OVERLAP_MAX, KeyWish
from node.services.identity.models import ApiKey
from node.services.identity.scopes import SCOPE_CHARS_MAX, SCOPES_MAX
from node.services.identity.sessions import Client
from node.services.identity.tokens import Principal

router = edge_router("keys")

TEXT_CHARS_MAX = 1_000  # before trimming; the service knows the real limits
ScopeString = Annotated[str, Field(min_length=1, max_length=SCOPE_CHARS_MAX, examples=["orders.read"])]


class KeyIn(Input):
    name: str = Field(max_length=TEXT_CHARS_MAX, examples=["Warehouse"])
    scopes: list[ScopeString] = Field(
        min_length=1,
        max_length=SCOPES_MAX,
        examples=[["orders.read", "products.write"]],
        description="Each as an operation names it; `orders.read:<market id>` narrows it to one market",
    )
    per_minute: Whole | None = Field(
        None, ge=1, description="Requests a minute; the node's most when left out"
    )
    expires_at: AwareDatetime | None = None


class RotateIn(Input):
    overlap_s: Whole = Field(
        24 * 3600,
        ge=0,
        le=int(OVERLAP_MAX.total_seconds()),
        description="How much longer the secrets before serve",
    )


class KeyFields(Output):
    id: uuid.UUID
    market_id: uuid.UUID | None = Field(description="Where it acts; null: wherever its account may")
    name: str
    scopes: list[str]
    per_minute: int
    made_at: dt.datetime
    expires_at: dt.datetime | None


class KeyMadeOut(KeyFields):
    key: str = Field(examples=["asoud_ak_…"], description="For `Authorization: Bearer`; shown this once")


class SecretOut(Output):
    lookup: str = Field(description="What follows `asoud_ak_` in the key: tells secrets apart")
    made_at: dt.datetime
    expires_at: dt.datetime | None


class KeyOut(KeyFields):
    revoked_at: dt.datetime | None
    used_at: dt.datetime | None = Field(description="To within minutes")
    secrets: list[SecretOut] = Field(description="Those that serve: two while the key is rotated")


@router.post("/v1/keys", status_code=201)
@never_stored
def make_key(
    body: KeyIn, tx: CommandTx, services: TheServices, principal: CurrentPrincipal, client: TheClient
) -> KeyMadeOut:
    """Make a key that acts for one's account. Needs a second proof, where there is one."""
    return _make(tx, services, principal, client, body, market_id=None)


@router.post("/v1/markets/{market_id}/keys", status_code=201)
@never_stored
def make_market_key(
    market_id: uuid.UUID,
    body: KeyIn,
    *,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    client: TheClient,
) -> KeyMadeOut:
    """Make a key that acts in this market alone, as its owner. Needs a second proof, where there is one."""
    return _make(tx, services, principal, client, body, market_id=market_id)


@router.get("/v1/keys", response_model=Page[KeyOut])
async def list_keys(
    views: Views, page: ThePage, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """The keys of one's account, the newest first."""
    params = {"account_id": principal.account_id, "now": services.clock.now()}
    return await views.page(queries.KEYS_OF_ACCOUNT, params, page, private=True)


@router.get("/v1/markets/{market_id}/keys", response_model=Page[KeyOut])
async def list_market_keys(
    market_id: uuid.UUID, views: Views, page: ThePage, services: TheServices
) -> Response:
    """The keys of the market, the newest first."""
    params = {"market_id": market_id, "now": services.clock.now()}
    return await views.page(queries.KEYS_OF_MARKET, params, page, private=True)


@router.post("/v1/keys/{key_id}/rotate")
@never_stored
def rotate_key(
    key_id: uuid.UUID,
    body: RotateIn,
    *,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    client: TheClient,
) -> KeyMadeOut:
    """Give the key a new secret. The one before serves a while longer, so that programs can change over."""
    services.step_up.require(tx, principal, is_first_proof_enough=True)
    key, secret = services.api_keys.rotate(
        tx,
        key_id,
        account_id=principal.account_id,
        overlap=dt.timedelta(seconds=body.overlap_s),
        origin=client.origin,
    )
    return _made(key, secret)


@router.delete("/v1/keys/{key_id}", status_code=204)
def revoke_key(key_id: uuid.UUID, tx: CommandTx, services: TheServices, by: TheCaller) -> None:
    """Take the key away, at once and for good."""
    services.api_keys.revoke(tx, key_id, account_id=by.account_id, origin=by.origin)


def _make(
    tx: Tx,
    services: Services,
    principal: Principal,
    client: Client,
    body: KeyIn,
    *,
    market_id: uuid.UUID | None,
) -> KeyMadeOut:
    services.step_up.require(tx, principal, is_first_proof_enough=True)
    wish = KeyWish(
        name=body.name,
        scopes=body.scopes,
        per_minute=body.per_minute or services.api_keys.per_minute_max,
        market_id=market_id,
        expires_at=body.expires_at,
    )
    key, secret = services.api_keys.make(tx, principal.account_id, wish, origin=client.origin)
    return _made(key, secret)


def _made(key: ApiKey, secret: str) -> KeyMadeOut:
    return KeyMadeOut(
        id=key.id,
        market_id=key.market_id,
        name=key.name,
        scopes=key.scopes,
        per_minute=key.per_minute,
        made_at=key.made_at,
        expires_at=key.expires_at,
        key=secret,
    )
