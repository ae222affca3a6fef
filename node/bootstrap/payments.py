"""Wiring of payments and the ways to pay."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from node.bootstrap.till import Desk, Till, wish_of_escrow
from node.kernel.clock import Clock
from node.kernel.settings import Settings
from node.kernel.spine.record import EventRecorder
from node.services.balance.service import BalanceService
from node.services.gateway.provider import Options
from node.services.gateway.reconciling import ReportAgainstPayments
from node.services.gateway.registry import open_gateways
from node.services.gateway.service import GatewayService
from node.services.payment.books import Books
from node.services.payment.funding import RAILS, Funding, Tolerance
from node.services.payment.mirror import Mirror
from node.services.payment.rails.balance import BalanceRail
from node.services.payment.rails.chain import ChainRail
from node.services.payment.rails.gateway import GatewayRail
from node.services.payment.rails.hold import HoldRail
from node.services.payment.service import PaymentService
from wallet.incident.service import Incidents
from wallet.ledger.commands import Ledger

CALLBACK_PATH = "/v1/gateways/callbacks"  # and the name of the gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Payments:
    payment: PaymentService
    mirror: Mirror
    till: Till
    gateway: GatewayService
    funding: Funding
    reports: tuple[ReportAgainstPayments, ...]


def payment_services(
    settings: Settings, *, clock: Clock, events: EventRecorder, ledger: Ledger, balance: BalanceService
) -> Payments:
    books = Books(ledger, balance, debt_max=settings.market_debt_max)
    rails = {
        "balance": BalanceRail(books),
        "hold": HoldRail(books),
        "gateway": GatewayRail(books),
        "escrow": ChainRail(),
        **dict.fromkeys(RAILS, HoldRail(books)),
    }
    payment = PaymentService(clock, events, Incidents(clock), rails)
    values = {name: value.get_secret_value() for name, value in settings.gateway_options.items()}
    own = settings.public_url.rstrip("/")
    gateway = GatewayService(
        clock,
        open_gateways(_listed(settings.gateways), Options(values)),
        Desk(payment),
        callback_url=f"{own}{CALLBACK_PATH}",
        return_origins=(_origin(own), *_listed(settings.cors_origins)),
    )
    mirror = Mirror(payment, wish_of_escrow)
    tolerance = Tolerance(settings.deposit_tolerance_bps, settings.deposit_tolerance)
    funding = Funding(clock, payment, books, tolerance)
    till = Till(payment, funding)
    return Payments(
        payment=payment,
        mirror=mirror,
        till=till,
        gateway=gateway,
        funding=funding,
        reports=tuple(
            ReportAgainstPayments(clock, method.name, method.provider) for method in gateway.choice
        ),
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _listed(names: str) -> list[str]:
    return [entry.strip() for entry in names.split(",") if entry.strip()]
