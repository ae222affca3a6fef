"""Signing in with a wallet, and who one is."""

import datetime as dt
import uuid
from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.client import BOUNDED, SigningInClient
from api.commands import Begin
from api.cookies import TheJar
from api.routing import CommandTx, EffectTx, edge_router, never_stored
from api.schemas import AddressString, HexBytes, Input, Output
from api.v1.session import CookieSignedInOut, SignedInOut, handed_over
from api.views import Views
from node.kernel.errors import Unauthenticated
from node.services.container import Services
from node.services.identity import queries
from node.services.identity.errors import AccountUnknown
from node.services.identity.message import MESSAGE_CHARS_MAX
from node.services.identity.proof import Purpose, WalletProof
from node.services.identity.sessions import Client

router = edge_router("identity")


class NonceIn(Input):
    address: AddressString | None = Field(
        None, description="With it the answer carries the whole message, ready to be signed"
    )
    purpose: Purpose = Field(Purpose.SIGN_IN, description="What the nonce serves for, and nothing else")


class NonceOut(Output):
    """The fields of an EIP-4361 message."""

    nonce: str
    domain: str = Field(examples=["localhost:8000"])
    uri: str = Field(examples=["http://localhost:8000"])
    version: str = Field(examples=["1"])
    chain_id: int = Field(examples=[31337])
    statement: str
    issued_at: dt.datetime
    expiration_time: dt.datetime
    message: str | None = Field(
        description="The message as `personal_sign` takes it; null without an address"
    )


class SignInIn(Input):
    message: Annotated[str, Field(min_length=1, max_length=MESSAGE_CHARS_MAX)]
    signature: HexBytes


class WalletOut(Output):
    address: AddressString
    linked_at: dt.datetime


class ProfileOut(Output):
    language: str | None = Field(examples=["fa-IR"], description="BCP 47")
    currency: str | None = Field(examples=["TRY"], description="ISO 4217")
    country: str | None = Field(examples=["TR"], description="ISO 3166-1 alpha-2")
    time_zone: str | None = Field(examples=["Europe/Istanbul"], description="IANA")


class PhoneOut(Output):
    phone: str = Field(examples=["+905551112233"])
    linked_at: dt.datetime


class RecoveryOut(Output):
    """What is said to be lost, and will be taken away unless somebody objects."""

    id: uuid.UUID
    wallet: AddressString | None
    phone: str | None
    totp: bool
    asked_at: dt.datetime
    ripe_at: dt.datetime = Field(description="Until then it can only be cancelled, then completed as well")


class MeOut(Output):
    account_id: uuid.UUID
    opened_at: dt.datetime
    handle: str | None = Field(examples=["sara"], description="What people find the account by")
    profile: ProfileOut
    recovery: RecoveryOut | None
    phones: list[PhoneOut]
    wallets: list[WalletOut]


def proved_wallet(
    body: SignInIn,
    purpose: Purpose,
    begin: Begin,
    services: Services,
    client: Client,
    *,
    account_id: uuid.UUID | None = None,
) -> WalletProof:
    """What a signed message proves. Its nonce is spent, and a refusal is noted, whatever comes of it."""
    identity = services.identity
    message = identity.parse(body.message)
    try:
        with begin() as tx:
            identity.consume_nonce(tx, message.nonce, purpose)
        identity.check(message, body.signature)  # may ask the chain about a contract wallet
    except Unauthenticated as refusal:
        with begin() as tx:
            identity.note_refused(tx, message, refusal, client, account_id=account_id)
        raise
    return WalletProof(message.address)


@router.post("/v1/auth/nonces", status_code=201, dependencies=[BOUNDED])
@never_stored
def issue_nonce(body: NonceIn, tx: CommandTx, services: TheServices) -> NonceOut:
    """Ask for a nonce, which serves one sign-in attempt."""
    offer = services.identity.offer(tx, body.purpose)
    return NonceOut(
        nonce=offer.nonce,
        domain=offer.domain,
        uri=offer.uri,
        version="1",
        chain_id=offer.chain_id,
        statement=offer.statement,
        issued_at=offer.issued_at,
        expiration_time=offer.expires_at,
        message=None if body.address is None else offer.text(body.address),
    )


@router.post("/v1/auth/wallet", dependencies=[BOUNDED])
@never_stored
def sign_in(
    body: SignInIn,
    begin: EffectTx,
    services: TheServices,
    client: SigningInClient,
    *,
    jar: TheJar,
    response: Response,
) -> SignedInOut | CookieSignedInOut:
    """Sign in with a signed message (EIP-4361). The nonce is spent, whatever comes of it."""
    proof = proved_wallet(body, Purpose.SIGN_IN, begin, services, client)
    with begin() as tx:
        signed_in = services.accounts.sign_in(tx, proof, client)
    return handed_over(signed_in, jar, response)


@router.get("/v1/me", response_model=MeOut)
async def me(views: Views, principal: CurrentPrincipal) -> Response:
    """The account of the access token, and what signs in to it."""
    missing = AccountUnknown("the account of this token does not exist")
    return await views.one(queries.ME, {"account_id": principal.account_id}, missing=missing, private=True)
