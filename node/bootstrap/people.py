"""Wiring of accounts, sign-in and sessions."""

import datetime as dt
from dataclasses import dataclass

from node.bootstrap.holdings import HOLDINGS
from node.bootstrap.signatures import ChainSignatures
from node.chain.client import ChainClient
from node.kernel.clock import Clock
from node.kernel.countries import country
from node.kernel.settings import DEV_CHAIN_ID, Settings
from node.kernel.spine.record import EventRecorder
from node.services.identity.accounts import AccountService
from node.services.identity.api_keys import ApiKeyService
from node.services.identity.audit import Audit
from node.services.identity.devices import DeviceService
from node.services.identity.handles import HandleService
from node.services.identity.keys import Pepper, Seal, SigningKeys
from node.services.identity.leaving import LeavingService
from node.services.identity.limiter import SignInLimiter
from node.services.identity.message import Site
from node.services.identity.notices import NoticeService
from node.services.identity.phones import PhoneRules, PhoneService
from node.services.identity.recovery import RecoveryService
from node.services.identity.roles import RoleService
from node.services.identity.service import IdentityService
from node.services.identity.sessions import SessionService
from node.services.identity.step_up import StepUpService
from node.services.identity.tokens import Tokens, load_or_make_key
from node.services.identity.totp import TotpService
from node.services.sms.adapter import Options
from node.services.sms.sending import Carriers, open_carriers

REPORT_PATH = "/v1/sms/reports"  # and the name of the carrier
TOKEN_KEY = "secrets/token_key"  # noqa: S105 - where it lies, not what it is


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleServices:
    identity: IdentityService
    accounts: AccountService
    sessions: SessionService
    step_up: StepUpService
    devices: DeviceService
    leaving: LeavingService
    recoveries: RecoveryService
    carriers: Carriers | None
    phones: PhoneService
    limiter: SignInLimiter
    roles: RoleService
    api_keys: ApiKeyService
    audit: Audit
    handles: HandleService
    notices: NoticeService
    signing_keys: SigningKeys


def people_services(
    settings: Settings, *, clock: Clock, events: EventRecorder, chain: ChainClient
) -> PeopleServices:
    site = Site.of(settings.public_url, chain_id=settings.chain_id)
    secret = _secret(settings)
    before = settings.token_secret_before
    keys = SigningKeys(
        clock,
        secret=secret,
        secret_before=None if before is None else before.get_secret_value().encode(),
        epoch=dt.timedelta(days=settings.token_key_days),
    )
    tokens = Tokens(clock, keys, issuer=site.uri, life=dt.timedelta(minutes=settings.access_token_minutes))
    audit = Audit(clock)
    # Tokens may change their secret any day; what is sealed must be read for as long as it is kept.
    data_secret = secret if settings.data_secret is None else settings.data_secret.get_secret_value().encode()
    devices = DeviceService(clock, audit, cool_down=dt.timedelta(hours=settings.withdrawal_cool_down_hours))
    sessions = SessionService(
        clock,
        tokens,
        audit,
        devices,
        fresh_for=dt.timedelta(minutes=settings.fresh_sign_in_minutes),
        refresh_life=dt.timedelta(days=settings.refresh_token_days),
        session_life=dt.timedelta(days=settings.session_days),
    )
    identity = IdentityService(
        clock,
        ChainSignatures(chain),
        audit,
        site=site,
        nonce_life=dt.timedelta(minutes=settings.siwe_nonce_minutes),
    )
    totp = TotpService(clock, seal=Seal(data_secret), pepper=Pepper(data_secret), issuer=site.domain)
    step_up = StepUpService(
        clock, audit, sessions, totp, lasts=dt.timedelta(minutes=settings.step_up_minutes)
    )
    accounts = AccountService(clock, events, audit, sessions=sessions, step_up=step_up, devices=devices)
    carriers = _carriers(settings, site)
    phones = PhoneService(
        clock,
        events,
        audit,
        pepper=Pepper(secret),
        seal=Seal(secret),
        sender=carriers,
        rules=_phone_rules(settings),
        domain=site.domain.partition(":")[0],
    )
    leaving = LeavingService(
        clock,
        events,
        audit,
        HOLDINGS,
        accounts=accounts,
        sessions=sessions,
        step_up=step_up,
        devices=devices,
    )
    recoveries = RecoveryService(
        clock,
        events,
        audit,
        accounts=accounts,
        sessions=sessions,
        step_up=step_up,
        devices=devices,
        totp=totp,
        sender=carriers,
        delay=dt.timedelta(hours=settings.recovery_hours),
        name_phone=phones.proof,
    )
    limiter = SignInLimiter(settings.redis_url.get_secret_value(), per_minute=settings.sign_in_per_minute)
    return PeopleServices(
        identity=identity,
        accounts=accounts,
        sessions=sessions,
        step_up=step_up,
        devices=devices,
        leaving=leaving,
        recoveries=recoveries,
        carriers=carriers,
        phones=phones,
        limiter=limiter,
        roles=RoleService(clock, events, sessions, audit),
        api_keys=ApiKeyService(
            clock,
            audit,
            per_minute_max=settings.key_per_minute,
        ),
        audit=audit,
        handles=HandleService(clock, change_after=dt.timedelta(days=settings.handle_change_days)),
        notices=NoticeService(clock, carriers, per_day=settings.sms_notices_per_day),
        signing_keys=keys,
    )


def _secret(settings: Settings) -> bytes:
    if settings.token_secret is not None:
        return settings.token_secret.get_secret_value().encode()
    return load_or_make_key(settings.data_dir / TOKEN_KEY)


def _carriers(settings: Settings, site: Site) -> Carriers | None:
    """None where phones can't sign in: a public chain whose operator named no carrier."""
    names = _listed(settings.sms_adapters)
    if not names and settings.chain_id == DEV_CHAIN_ID:
        names = ["console"]
    if not names:
        return None
    values = {name: value.get_secret_value() for name, value in settings.sms_options.items()}
    return open_carriers(names, Options(settings.data_dir, values, report_url=f"{site.uri}{REPORT_PATH}"))


def _phone_rules(settings: Settings) -> PhoneRules:
    return PhoneRules(
        countries=frozenset(country(name) for name in _listed(settings.phone_countries)),
        per_address_hour=settings.phone_codes_per_address_hour,
        per_network_hour=settings.phone_codes_per_network_hour,
        per_range_hour=settings.phone_codes_per_range_hour,
        per_phone_day=settings.phone_codes_per_phone_day,
        price=settings.sms_price,
        spend_day=settings.sms_spend_per_day,
    )


def _listed(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]
