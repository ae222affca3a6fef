"""Wiring of markets, products, orders and their escrow."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from node.bootstrap.offices import arbiters_of
from node.chain.actions import PayoutActions
from node.chain.checkout_actions import CheckoutActions
from node.chain.client import ChainClient
from node.chain.deployments import Deployment, DeploymentRegistry
from node.chain.escrow_actions import EscrowActions
from node.chain.steps import StepBuilder
from node.kernel.clock import Clock
from node.kernel.settings import DEV_CHAIN_ID, Settings
from node.kernel.spine.record import EventRecorder
from node.services.balance.service import BalanceService
from node.services.catalog.currencies import Currencies
from node.services.catalog.service import CatalogService
from node.services.catalog.stock import Stock
from node.services.charge.remitting import TaxService
from node.services.charge.service import ChargeService
from node.services.credit.service import CreditService
from node.services.escrow.conditions import EscrowService
from node.services.market.members import Audit, MemberService
from node.services.market.service import MarketRules, MarketService, Policy
from node.services.order.paying import Payments
from node.services.order.releases import SignedReleases
from node.services.order.service import OrderService
from node.services.translation.service import TranslationService
from wallet.asset.service import AssetService
from wallet.ledger.commands import Ledger

WINDOW_S_MIN = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopServices:
    market: MarketService
    members: MemberService
    catalog: CatalogService
    currencies: Currencies
    translations: TranslationService
    charge: ChargeService
    tax: TaxService
    order: OrderService
    releases: SignedReleases
    credit: CreditService
    escrow: EscrowService
    escrow_actions: Callable[[], EscrowActions]
    checkout_actions: Callable[[], CheckoutActions]


def shop_services(
    settings: Settings,
    *,
    clock: Clock,
    events: EventRecorder,
    chain: ChainClient,
    deployments: DeploymentRegistry,
    assets: AssetService,
    audit: Audit,
    payments: Payments,
    ledger: Ledger,
    balance: BalanceService,
) -> ShopServices:
    def deployment() -> Deployment:
        return deployments.load(settings.chain_id)

    def steps() -> StepBuilder:
        return StepBuilder(chain, deployment(), clock)

    def escrow_actions() -> EscrowActions:
        return EscrowActions(steps())

    members = MemberService(clock, events, audit)
    market = MarketService(clock, events, _rules(settings), members)
    charge = ChargeService(clock, events)
    order = OrderService(
        clock,
        events,
        Stock(),
        deployment,
        payments,
        charges=charge,
        fee_bps=settings.escrow_fee_bps,
        appeal_times=(settings.appeal_window_s, settings.court_time_s),
        unfunded=dt.timedelta(minutes=settings.order_unfunded_minutes),
    )
    return ShopServices(
        market=market,
        members=members,
        catalog=CatalogService(clock, events, market),
        currencies=Currencies(assets, deployment, chain_id=settings.chain_id),
        translations=TranslationService(clock, events),
        charge=charge,
        tax=TaxService(clock, ledger, balance),
        order=order,
        escrow=EscrowService(
            deployment,
            chain_id=settings.chain_id,
            fee_bps=settings.escrow_fee_bps,
            arbiters=arbiters_of(settings),
            windows=(settings.ship_within_s, settings.inspection_s, settings.ruling_s),
            silence_seller_bps=settings.silence_seller_bps,
            appeal_times=(settings.appeal_window_s, settings.court_time_s),
        ),
        releases=SignedReleases(clock, order, escrow_actions),
        credit=CreditService(deployment, lambda: PayoutActions(steps())),
        escrow_actions=escrow_actions,
        checkout_actions=lambda: CheckoutActions(steps()),
    )


def _rules(settings: Settings) -> MarketRules:
    policy = Policy(
        ship_within_s=settings.ship_within_s,
        inspection_s=settings.inspection_s,
        ruling_s=settings.ruling_s,
        silence_seller_bps=settings.silence_seller_bps,
    )
    return MarketRules(arbiters=arbiters_of(settings), policy=policy, window_s_min=_window_s_min(settings))


def _window_s_min(settings: Settings) -> int:
    if settings.window_s_min is not None:
        return settings.window_s_min
    return 1 if settings.chain_id == DEV_CHAIN_ID else WINDOW_S_MIN
