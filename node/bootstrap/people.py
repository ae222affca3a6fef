"""Wiring of accounts, sign-in and sessions."""

import datetime as dt
from dataclasses import dataclass

from node.bootstrap.signatures import ChainSignatures
from node.chain.client import ChainClient
from node.kernel.clock import Clock
from node.kernel.settings import Settings
from node.kernel.spine.record import EventRecorder
from node.services.identity.accounts import AccountService
from node.services.identity.audit import Audit
from node.services.identity.keys import SigningKeys
from node.services.identity.message import Site
from node.services.identity.service import IdentityService
from node.services.identity.sessions import SessionService
from node.services.identity.tokens import Tokens, load_or_make_key

TOKEN_KEY = "secrets/token_key"  # noqa: S105 - where it lies, not what it is


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleServices:
    identity: IdentityService
    accounts: AccountService
    sessions: SessionService
    signing_keys: SigningKeys


def people_services(
    settings: Settings, *, clock: Clock, events: EventRecorder, chain: ChainClient
) -> PeopleServices:
    site = Site.of(settings.public_url, chain_id=settings.chain_id)
    before = settings.token_secret_before
    keys = SigningKeys(
        clock,
        secret=_secret(settings),
        secret_before=None if before is None else before.get_secret_value().encode(),
        epoch=dt.timedelta(days=settings.token_key_days),
    )
    tokens = Tokens(clock, keys, issuer=site.uri, life=dt.timedelta(minutes=settings.access_token_minutes))
    audit = Audit(clock)
    sessions = SessionService(
        clock,
        tokens,
        audit,
        fresh_for=dt.timedelta(minutes=settings.fresh_sign_in_minutes),
        refresh_life=dt.timedelta(days=settings.refresh_token_days),
        session_life=dt.timedelta(days=settings.session_days),
    )
    identity = IdentityService(
        clock,
        ChainSignatures(chain),
        site=site,
        nonce_life=dt.timedelta(minutes=settings.siwe_nonce_minutes),
    )
    accounts = AccountService(clock, events, sessions, audit)
    return PeopleServices(identity=identity, accounts=accounts, sessions=sessions, signing_keys=keys)


def _secret(settings: Settings) -> bytes:
    if settings.token_secret is not None:
        return settings.token_secret.get_secret_value().encode()
    return load_or_make_key(settings.data_dir / TOKEN_KEY)
