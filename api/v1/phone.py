"""Signing in with a phone, and the phones of one's account."""

import datetime as dt
import uuid
from typing import Annotated, NoReturn

from pydantic import Field, PlainValidator, WithJsonSchema
from starlette.responses import Response

from api.access import CurrentPrincipal, TheServices
from api.client import BOUNDED, SigningInClient, TheClient
from api.cookies import TheJar
from api.metrics import PHONE_CODES
from api.readback import read_back
from api.routing import CommandTx, EffectTx, edge_router, never_stored
from api.schemas import Input, Output
from api.v1.identity import MeOut
from api.v1.session import CookieSignedInOut, SignedInOut, handed_over
from node.kernel.errors import AsoudError, Invalid
from node.services.identity import queries
from node.services.identity.numbers import PhoneNumber, parse_phone
from node.services.identity.phones import CODE_DIGITS, PREFIX_CHARS, Challenge
from node.services.identity.proof import PhoneProof, Purpose

router = edge_router("phones")


def _phone(raw: object) -> PhoneNumber:
    if not isinstance(raw, str):
        raise ValueError("a string is needed")  # noqa: TRY004 - pydantic turns a ValueError into a problem
    try:
        return parse_phone(raw)
    except Invalid as error:
        raise ValueError(error.message) from error


PhoneString = Annotated[
    PhoneNumber,
    PlainValidator(_phone),
    WithJsonSchema({"type": "string", "pattern": "^\\+[1-9][0-9]{6,14}$", "examples": ["+905551112233"]}),
]


class ChallengeIn(Input):
    phone: PhoneString = Field(description="A mobile number in E.164, digits of ASCII without spaces")


class ChallengeOut(Output):
    """The same, whether or not the node knows the phone."""

    challenge: uuid.UUID = Field(description="Goes with the code")
    expires_at: dt.datetime
    resend_at: dt.datetime = Field(description="Before this no other code is sent to the phone")


class CodeIn(Input):
    challenge: uuid.UUID
    code: Annotated[str, Field(pattern=f"^[0-9]{{{CODE_DIGITS}}}$", examples=["123456"])]


@router.post("/v1/auth/phone/challenges", status_code=201, dependencies=[BOUNDED])
@never_stored
def ask_for_code(
    body: ChallengeIn, begin: EffectTx, services: TheServices, client: TheClient
) -> ChallengeOut:
    """Have a code sent to a phone, to sign in with it."""
    with begin() as tx:
        outcome = services.phones.challenge(tx, body.phone, client)
    return challenge_out(body.phone, outcome)


@router.post("/v1/auth/phone", dependencies=[BOUNDED])
@never_stored
def sign_in_by_phone(
    body: CodeIn,
    begin: EffectTx,
    services: TheServices,
    client: SigningInClient,
    *,
    jar: TheJar,
    response: Response,
) -> SignedInOut | CookieSignedInOut:
    """Sign in with the code that a phone was sent. The first sign-in opens an account."""
    with begin() as tx:
        outcome = services.phones.attempt(tx, body.challenge, body.code, client)
    proof = code_used(outcome)
    with begin() as tx:
        signed_in = services.accounts.sign_in(tx, proof, client)
    return handed_over(signed_in, jar, response)


@router.post("/v1/me/phones/challenges", status_code=201, dependencies=[BOUNDED])
@never_stored
def ask_for_link_code(
    body: ChallengeIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal, client: TheClient
) -> ChallengeOut:
    """Have a code sent to a phone, to add it to one's account."""
    with begin() as tx:
        services.step_up.require(tx, principal, is_first_proof_enough=True)
        outcome = services.phones.challenge(
            tx, body.phone, client, purpose=Purpose.LINK, account_id=principal.account_id
        )
    return challenge_out(body.phone, outcome)


@router.post("/v1/me/phones", response_model=MeOut, dependencies=[BOUNDED])
def link_phone(
    body: CodeIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal, client: TheClient
) -> Response:
    """Add a phone, by the code that it was sent for this. The account gives a second proof as well."""
    with begin() as tx:
        outcome = services.phones.attempt(
            tx, body.challenge, body.code, client, purpose=Purpose.LINK, account_id=principal.account_id
        )
    proof = code_used(outcome)
    with begin() as tx:
        services.accounts.link(tx, principal, proof, client)
        return read_back(tx, queries.ME, {"account_id": principal.account_id})


@router.delete("/v1/me/phones/{phone}", status_code=204)
def unlink_phone(
    phone: PhoneString,
    tx: CommandTx,
    services: TheServices,
    principal: CurrentPrincipal,
    client: TheClient,
) -> None:
    """Take a phone away and sign its devices out. Needs a second proof, and a sign-in by what stays."""
    services.accounts.unlink(tx, principal, services.phones.proof(phone), client)


def challenge_out(phone: PhoneNumber, outcome: Challenge | AsoudError) -> ChallengeOut:
    if isinstance(outcome, AsoudError):
        raise_committed(outcome)
    PHONE_CODES.labels(phone[:PREFIX_CHARS], "asked").inc()
    return ChallengeOut(challenge=outcome.id, expires_at=outcome.expires_at, resend_at=outcome.resend_at)


def code_used(outcome: PhoneProof | AsoudError) -> PhoneProof:
    """The phone that said its code. A refusal is raised: what it counted is committed by now."""
    if isinstance(outcome, AsoudError):
        raise_committed(outcome)
    PHONE_CODES.labels(outcome.phone[:PREFIX_CHARS], "used").inc()
    return outcome


def raise_committed(refusal: AsoudError) -> NoReturn:
    """The transaction that counted the attempt is committed by now."""
    raise refusal
