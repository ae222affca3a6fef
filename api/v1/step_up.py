"""The second proof of a session: authenticator app, recovery code, another wallet or phone of the account."""

import datetime as dt
from typing import Annotated

from pydantic import Field

from api.access import CurrentPrincipal, TheServices
from api.client import BOUNDED, TheClient
from api.routing import CommandTx, EffectTx, edge_router, never_stored
from api.schemas import Input, Output
from api.v1.identity import SignInIn, proved_wallet
from api.v1.phone import ChallengeIn, ChallengeOut, CodeIn, challenge_out, code_used, raise_committed
from node.kernel.errors import AsoudError
from node.services.container import Services
from node.services.identity.proof import Purpose
from node.services.identity.step_up import Means
from node.services.identity.tokens import Principal
from node.services.identity.totp import CODE_DIGITS, RECOVERY_CHARS_MAX

router = edge_router("second proofs")


class StepUpOut(Output):
    until: dt.datetime | None = Field(description="Until then a second proof holds; null without one")
    proofs: list[Means] = Field(description="What this session can give as its second proof")
    recovery_codes_left: int


class TotpCodeIn(Input):
    code: Annotated[str, Field(pattern=f"^[0-9]{{{CODE_DIGITS}}}$", examples=["123456"])]


class RecoveryCodeIn(Input):
    code: Annotated[str, Field(min_length=1, max_length=RECOVERY_CHARS_MAX, examples=["ABCD-EFGH-IJKL-MNOP"])]


class EnrolmentOut(Output):
    secret: str = Field(description="Base32, to be typed into an authenticator app; shown once")
    uri: str = Field(description="`otpauth://`, for a QR code")


class RecoveryCodesOut(Output):
    recovery_codes: list[str] = Field(description="Each serves once in place of the app; shown once")


@router.get("/v1/me/step-up")
def read_step_up(services: TheServices, principal: CurrentPrincipal) -> StepUpOut:
    """Whether a second proof holds for this session, and which ones it could give."""
    return _state(services, principal)


@router.post("/v1/me/step-up/totp", dependencies=[BOUNDED])
@never_stored
def step_up_by_totp(
    body: TotpCodeIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal, client: TheClient
) -> StepUpOut:
    """Give what the authenticator app shows as the second proof. Each code serves once."""
    with begin() as tx:
        refusal = services.step_up.by_totp(tx, principal, body.code, client)
    if refusal is not None:
        raise_committed(refusal)
    return _state(services, principal)


@router.post("/v1/me/step-up/recovery-code", dependencies=[BOUNDED])
@never_stored
def step_up_by_recovery_code(
    body: RecoveryCodeIn,
    begin: EffectTx,
    services: TheServices,
    principal: CurrentPrincipal,
    client: TheClient,
) -> StepUpOut:
    """Give a recovery code as the second proof. Each serves once."""
    with begin() as tx:
        refusal = services.step_up.by_recovery_code(tx, principal, body.code, client)
    if refusal is not None:
        raise_committed(refusal)
    return _state(services, principal)


@router.post("/v1/me/step-up/wallet", dependencies=[BOUNDED])
@never_stored
def step_up_by_wallet(
    body: SignInIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal, client: TheClient
) -> StepUpOut:
    """Give a message (EIP-4361) that another wallet of the account signed for this as the second proof."""
    proof = proved_wallet(body, Purpose.STEP_UP, begin, services, client, account_id=principal.account_id)
    with begin() as tx:
        services.step_up.by_identity(tx, principal, proof, client)
    return _state(services, principal)


@router.post("/v1/me/step-up/phone/challenges", status_code=201, dependencies=[BOUNDED])
@never_stored
def ask_for_step_up_code(
    body: ChallengeIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal, client: TheClient
) -> ChallengeOut:
    """Have a code sent to another phone of the account, as the second proof."""
    with begin() as tx:
        session = services.sessions.require_open(tx, principal)
        services.step_up.require_other(tx, session, services.phones.proof(body.phone))
        outcome = services.phones.challenge(
            tx, body.phone, client, purpose=Purpose.STEP_UP, account_id=principal.account_id
        )
    return challenge_out(body.phone, outcome)


@router.post("/v1/me/step-up/phone", dependencies=[BOUNDED])
@never_stored
def step_up_by_phone(
    body: CodeIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal, client: TheClient
) -> StepUpOut:
    """Give the code that a phone of the account was sent for this as the second proof."""
    with begin() as tx:
        outcome = services.phones.attempt(
            tx,
            body.challenge,
            body.code,
            client,
            purpose=Purpose.STEP_UP,
            account_id=principal.account_id,
        )
    proof = code_used(outcome)
    with begin() as tx:
        services.step_up.by_identity(tx, principal, proof, client)
    return _state(services, principal)


@router.post("/v1/me/totp", status_code=201)
@never_stored
def enrol_totp(tx: CommandTx, services: TheServices, principal: CurrentPrincipal) -> EnrolmentOut:
    """Ask for a secret for an authenticator app. It counts once the app has shown its first code."""
    enrolment = services.step_up.enrol(tx, principal)
    return EnrolmentOut(secret=enrolment.secret, uri=enrolment.uri)


@router.post("/v1/me/totp/confirm", dependencies=[BOUNDED])
@never_stored
def confirm_totp(
    body: TotpCodeIn, begin: EffectTx, services: TheServices, principal: CurrentPrincipal, client: TheClient
) -> RecoveryCodesOut:
    """Say what the app shows: it is a second proof from now on. The answer has the recovery codes, once."""
    with begin() as tx:
        outcome = services.step_up.confirm(tx, principal, body.code, client)
    if isinstance(outcome, AsoudError):
        raise_committed(outcome)
    return RecoveryCodesOut(recovery_codes=outcome)


@router.delete("/v1/me/totp", status_code=204)
def remove_totp(tx: CommandTx, services: TheServices, principal: CurrentPrincipal, client: TheClient) -> None:
    """Take the authenticator app and its recovery codes away. Needs a second proof."""
    services.step_up.remove_totp(tx, principal, client)


@router.post("/v1/me/totp/recovery-codes")
@never_stored
def renew_recovery_codes(
    tx: CommandTx, services: TheServices, principal: CurrentPrincipal, client: TheClient
) -> RecoveryCodesOut:
    """Make new recovery codes; those of before serve no more. Needs a second proof."""
    return RecoveryCodesOut(recovery_codes=services.step_up.renew_codes(tx, principal, client))


def _state(services: Services, principal: Principal) -> StepUpOut:
    with services.database.transaction() as tx:
        state = services.step_up.state(tx, principal)
    return StepUpOut(
        until=state.until, proofs=list(state.proofs), recovery_codes_left=state.recovery_codes_left
    )
