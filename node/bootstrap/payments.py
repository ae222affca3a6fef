"""Wiring of payments and the ways to pay."""

from dataclasses import dataclass

from node.bootstrap.till import Till, wish_of_escrow
from node.kernel.clock import Clock
from node.kernel.settings import Settings
from node.kernel.spine.record import EventRecorder
from node.services.balance.service import BalanceService
from node.services.payment.books import Books
from node.services.payment.mirror import Mirror
from node.services.payment.rails.balance import BalanceRail
from node.services.payment.rails.chain import ChainRail
from node.services.payment.rails.gateway import GatewayRail
from node.services.payment.rails.hold import HoldRail
from node.services.payment.service import PaymentService
from wallet.ledger.commands import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Payments:
    payment: PaymentService
    mirror: Mirror
    till: Till


def payment_services(
    settings: Settings, *, clock: Clock, events: EventRecorder, ledger: Ledger, balance: BalanceService
) -> Payments:
    books = Books(ledger, balance, debt_max=settings.market_debt_max)
    rails = {
        "balance": BalanceRail(books),
        "hold": HoldRail(books),
        "gateway": GatewayRail(books),
        "escrow": ChainRail(),
    }
    payment = PaymentService(clock, events, rails)
    return Payments(payment=payment, mirror=Mirror(payment, wish_of_escrow), till=Till(payment))
