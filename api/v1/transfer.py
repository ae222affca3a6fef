"""Money from wallet to wallet: prepared, which shows who gets it and what it costs, then confirmed."""

import datetime as dt
import uuid
from typing import Annotated, Literal, Self

import anyio.to_thread
from fastapi import Query
from pydantic import Field, PlainValidator, WithJsonSchema, model_validator
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.readback import read_back
from api.routing import AtOnce, CommandTx, edge_router
from api.schemas import AddressString, AmountOut, Input, Output, Page, UintString
from api.v1.phone import PhoneString
from api.views import ThePage, Views, etag_of
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Bug, Invalid
from node.services.container import Services
from node.services.identity.handles import CHARS_READ_MAX, normalise_handle
from node.services.identity.numbers import require_country
from node.services.identity.tokens import Principal
from node.services.transfer import queries
from node.services.transfer.errors import WalletTransferUnknown
from node.services.transfer.models import Way
from node.services.transfer.requests import CODE_CHARS
from node.services.transfer.service import NOTE_CHARS_MAX, Sender, Target

router = edge_router("transfers")

AssetString = Annotated[
    str, Field(min_length=3, max_length=120, description="The asset's id", examples=["iso4217:USD"])
]
CodeString = Annotated[str, Field(pattern=f"^[A-Za-z0-9_-]{{{CODE_CHARS}}}$", examples=["q83vEjRWeJCrze8S"])]
NoteString = Annotated[str, Field(max_length=NOTE_CHARS_MAX, examples=["Dinner"])]


def _handle(raw: object) -> str:
    if not isinstance(raw, str):
        raise ValueError("a string is needed")  # noqa: TRY004 - pydantic turns a ValueError into a problem
    try:
        return normalise_handle(raw)
    except Invalid as error:
        raise ValueError(error.message) from error


HandleString = Annotated[
    str,
    PlainValidator(_handle),
    WithJsonSchema({"type": "string", "maxLength": CHARS_READ_MAX, "examples": ["@sara"]}),
]


class ToIn(Input):
    """Exactly one of them."""

    phone: PhoneString | None = Field(None, description="Whoever has it, now or within days")
    handle: HandleString | None = None
    address: AddressString | None = Field(None, description="Of a wallet that an account here has linked")
    request: CodeString | None = Field(None, description="The code of a request for money")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("name a phone, a handle, an address or a request")
        return self

    def target(self) -> Target:
        (way, value), *_ = self.model_dump(exclude_none=True).items()
        return Target(Way(way), value)


class MoneyIn(Input):
    asset: AssetString
    value: UintString


class TransferIn(Input):
    to: ToIn
    amount: MoneyIn | None = Field(None, description="May be left out where a request says it")
    note: NoteString = Field("", description="The receiver sees it")


class TransferOut(Output):
    """To a phone nothing here tells whether somebody has it: it stays `sent`, unless it came back."""

    id: uuid.UUID
    direction: Literal["out", "in"]
    way: Way
    to: str = Field(description="As the sender named the receiver")
    counterparty: str = Field(examples=["+90•••2233"], description="Who gets it, masked; or who sent it")
    amount: AmountOut
    fee: AmountOut | None = Field(description="What the sender pays on top")
    note: str
    state: Literal["quoted", "lapsed", "sent", "delivered", "returned"]
    prepared_at: dt.datetime | None
    expires_at: dt.datetime | None = Field(description="Confirm it before")
    confirmed_at: dt.datetime | None = Field(description="When it left; to the receiver: when it came")
    returns_at: dt.datetime | None = Field(
        description="To a phone: when the money comes back, if nobody signs in by it"
    )


Direction = Annotated[Literal["out", "in"], Query(description="What was sent, or what came")]


@router.post("/v1/me/transfers", status_code=201, response_model=TransferOut)
def prepare_transfer(
    body: TransferIn, tx: CommandTx, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """Shows who would get it and what it costs. Nothing moves before it is confirmed."""
    transfer_id = prepared(tx, services, Sender(principal.account_id, principal.session_id), body)
    location = f"/v1/me/transfers/{transfer_id}"
    params = _params(services, principal, transfer_id)
    return read_back(tx, queries.ONE_OUT, params, status=201, location=location)


@router.post("/v1/me/transfers/{transfer_id}/confirm", response_model=TransferOut)
async def confirm_transfer(
    transfer_id: uuid.UUID, statements: AtOnce, services: TheServices, principal: CurrentPrincipal
) -> Response:
    """Moves the money, once. A large amount needs a second proof."""
    sender, confirm = Sender(principal.account_id, principal.session_id), services.transfers.confirm_at_once
    told = await confirm(statements, sender, transfer_id, is_proved=False)
    if told is None:
        await anyio.to_thread.run_sync(_require_proof, services, principal)
        told = await confirm(statements, sender, transfer_id, is_proved=True)
    if told is None:
        raise Bug("a confirmation with a second proof needs none")
    return Response(told, headers={"ETag": etag_of(told)}, media_type="application/json")


@router.get("/v1/me/transfers", response_model=Page[TransferOut])
async def list_transfers(
    principal: CurrentPrincipal,
    services: TheServices,
    views: Views,
    page: ThePage,
    direction: Direction = "out",
) -> Response:
    """The caller's transfers, the newest first."""
    params = {"account_id": principal.account_id, "now": services.clock.now()}
    return await views.page(queries.OUT if direction == "out" else queries.IN, params, page, private=True)


@router.get("/v1/me/transfers/{transfer_id}", response_model=TransferOut)
async def show_transfer(
    transfer_id: uuid.UUID, principal: CurrentPrincipal, services: TheServices, views: Views
) -> Response:
    """A transfer that the caller prepared."""
    missing = WalletTransferUnknown("there is no such transfer")
    params = _params(services, principal, transfer_id)
    return await views.one(queries.ONE_OUT, params, missing=missing, private=True)


def prepared(tx: Tx, services: Services, sender: Sender, body: TransferIn) -> uuid.UUID:
    if body.to.phone is not None:
        require_country(body.to.phone, services.phones.countries)
    money = None if body.amount is None else (body.amount.asset, body.amount.value)
    return services.transfers.prepare(tx, sender, body.to.target(), money, body.note)


def _require_proof(services: Services, principal: Principal) -> None:
    with services.database.transaction() as tx:
        services.step_up.require(tx, principal)


def _params(services: Services, principal: Principal, transfer_id: uuid.UUID) -> dict[str, object]:
    return {
        "account_id": principal.account_id,
        "transfer_id": transfer_id,
        "now": services.clock.now(),
    }
