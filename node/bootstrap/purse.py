"""Wiring of what people do with the money in their wallets."""

import datetime as dt
import json
from dataclasses import dataclass

from node.kernel.clock import Clock
from node.kernel.settings import Settings
from node.kernel.spine.record import EventRecorder
from node.services.identity.errors import AccountFrozen, SessionEnded
from node.services.payout.addresses import AddressRail
from node.services.payout.moving import Moves
from node.services.payout.service import REFUSALS as OF_PAYOUTS
from node.services.payout.service import PayoutService
from node.services.rate.adapter import Options
from node.services.rate.exchanges import ExchangeService
from node.services.rate.service import RateService, open_sources
from node.services.spending.service import REFUSALS as OF_SPENDING
from node.services.spending.service import Rule, SpendingService
from node.services.transfer.requests import RequestService
from node.services.transfer.service import Notices, TransferRules, TransferService
from wallet.ledger.commands import Ledger
from wallet.ledger.errors import Words

OF_SESSIONS: Words = {
    "session_ended": (SessionEnded, "the session was signed out; sign in again"),
    "user_frozen": (AccountFrozen, "the account is frozen; ask the operator"),
}
REQUEST_PATH = "/v1/money-requests/"


@dataclass(frozen=True, slots=True, kw_only=True)
class PurseServices:
    transfers: TransferService
    money_requests: RequestService
    rates_of_money: RateService
    exchanges: ExchangeService
    payouts: PayoutService


def spending_service(settings: Settings, *, clock: Clock) -> SpendingService:
    return SpendingService(
        clock,
        {asset: Rule(**rule) for asset, rule in settings.spending_limits.items()},
        raise_after=dt.timedelta(hours=settings.limit_raise_hours),
    )


def purse_services(
    settings: Settings,
    *,
    clock: Clock,
    events: EventRecorder,
    ledger: Ledger,
    notices: Notices,
    spending: SpendingService,
    addresses: AddressRail,
) -> PurseServices:
    payouts = PayoutService(
        clock,
        ledger,
        moves=Moves(clock, events),
        addresses=addresses,
        reserve_bps=settings.payout_reserve_bps,
        reserve_days=settings.payout_reserve_days,
    )
    transfers = TransferService(
        clock,
        events,
        ledger,
        notices,
        TransferRules(
            fee_bps=settings.transfer_fee_bps,
            quote_life=dt.timedelta(minutes=settings.transfer_quote_minutes),
            claim_life=dt.timedelta(days=settings.transfer_claim_days),
        ),
        bounds=json.dumps(
            {"spending": json.loads(spending.rules_json), "reserve": json.loads(payouts.rules_json)}
        ),
        refusals={**OF_SPENDING, **OF_PAYOUTS, **OF_SESSIONS},
    )
    rates = _rates(settings, clock)
    link = settings.money_request_link or settings.public_url.rstrip("/") + REQUEST_PATH
    return PurseServices(
        transfers=transfers,
        money_requests=RequestService(clock, ledger, link=link),
        rates_of_money=rates,
        exchanges=ExchangeService(
            clock,
            ledger,
            rates,
            spread_bps=settings.exchange_spread_bps,
            holds=dt.timedelta(seconds=settings.exchange_quote_seconds),
            short_max=settings.exchange_short_max,
        ),
        payouts=payouts,
    )


def _rates(settings: Settings, clock: Clock) -> RateService:
    names = [name.strip() for name in settings.rate_sources.split(",") if name.strip()]
    options = Options({name: value.get_secret_value() for name, value in settings.rate_options.items()})
    return RateService(
        clock,
        open_sources(names, options),
        reference=settings.rate_reference,
        stale_after=dt.timedelta(minutes=settings.rate_stale_minutes),
    )
