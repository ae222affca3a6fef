"""Wiring of money that comes and goes by the chain."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from node.chain.client import ChainClient
from node.chain.deployments import CurrentDeployment, DeploymentRegistry
from node.kernel.clock import Clock
from node.kernel.settings import DEV_CHAIN_ID, Settings
from node.kernel.spine.record import EventRecorder
from node.services.charge.reconciling import TaxAgainstLedger
from node.services.deposit.books import DepositBooks
from node.services.deposit.following import Follower
from node.services.deposit.holdings import Holdings
from node.services.deposit.reconciling import ChainAgainstLedger
from node.services.deposit.service import DepositService
from node.services.deposit.sweeping import Sweeper
from node.services.payment.reconciling import PaymentsAgainstLedger
from node.services.payout.addresses import AddressRail
from node.services.payout.moving import Moves
from node.services.reconciliation.service import ReconciliationService
from node.services.spending.service import SpendingService
from node.services.withdrawal.reconciling import IntentsAgainstEntries
from node.services.withdrawal.service import WithdrawalService
from wallet.custody.dev import TREASURY_NUMBER, DevSigner
from wallet.custody.keystore import KeystoreSigner
from wallet.custody.signer import Signer
from wallet.incident.comparing import Source
from wallet.incident.service import Incidents
from wallet.ledger.commands import Ledger
from wallet.treasury.accounts import ChainAccounts
from wallet.treasury.outbox import FeeRules, Outbox
from wallet.treasury.parts import Parts
from wallet.treasury.receivers import ApprovalRules, Receivers
from wallet.treasury.settling import Settling


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainMoney:
    incidents: Incidents
    outbox: Outbox
    follower: Follower
    sweeper: Sweeper
    deposits: DepositService
    withdrawals: WithdrawalService
    addresses: AddressRail
    reconciliation: ReconciliationService


def chain_money(
    settings: Settings,
    *,
    clock: Clock,
    events: EventRecorder,
    chain: ChainClient,
    deployments: DeploymentRegistry,
    ledger: Ledger,
    spending: SpendingService,
    reports: Iterable[Source],
) -> ChainMoney:
    incidents = Incidents(clock)
    accounts = ChainAccounts(ledger, chain_id=settings.chain_id, native_code=settings.native_code)
    rules = FeeRules(
        max_fee=settings.treasury_max_fee_wei, stuck_after=dt.timedelta(seconds=settings.treasury_stuck_s)
    )
    parts = Parts(ledger, accounts, incidents)
    outbox = Outbox(
        clock,
        chain,
        ledger=ledger,
        parts=parts,
        events=events,
        signer=treasury_signer(settings),
        rules=rules,
    )
    settling = Settling(clock, ledger, accounts=accounts, parts=parts, events=events, incidents=incidents)
    books = DepositBooks(clock, ledger, accounts, events, incidents)
    holdings = Holdings(accounts)
    follower = Follower(
        clock,
        chain,
        ledger=ledger,
        accounts=accounts,
        outbox=outbox,
        settling=settling,
        books=books,
        holdings=holdings,
    )
    deployment = CurrentDeployment(deployments, settings.chain_id)
    deposits = DepositService(clock, chain, deployment, outbox=outbox, follower=follower, books=books)
    receivers = Receivers(accounts, outbox, deployment)
    approval = ApprovalRules(
        unapproved=settings.withdrawal_unapproved, asks_about_others=settings.chain_id != DEV_CHAIN_ID
    )
    return ChainMoney(
        incidents=incidents,
        outbox=outbox,
        follower=follower,
        sweeper=Sweeper(clock, outbox, chain_id=settings.chain_id, least=settings.sweep_least),
        deposits=deposits,
        reconciliation=ReconciliationService(
            incidents,
            [
                ChainAgainstLedger(chain, accounts=accounts, outbox=outbox, holdings=holdings),
                IntentsAgainstEntries(clock, chain, outbox=outbox),
                PaymentsAgainstLedger(),
                TaxAgainstLedger(),
                *reports,
            ],
        ),
        addresses=AddressRail(
            clock,
            chain,
            moves=Moves(clock, events),
            ledger=ledger,
            accounts=accounts,
            outbox=outbox,
            deployment=deployment,
            receivers=receivers,
            depositor=deposits.owner_at,
            rules=approval,
            cool_down=dt.timedelta(hours=settings.withdrawal_cool_down_hours),
        ),
        withdrawals=WithdrawalService(
            clock,
            events,
            ledger=ledger,
            accounts=accounts,
            outbox=outbox,
            receivers=receivers,
            depositor=deposits.owner_at,
            spending=spending,
            rules=approval,
        ),
    )


def treasury_signer(settings: Settings) -> Callable[[], Signer] | None:
    """Opened at its first use: a keystore takes a second. A KMS is another `Signer` here."""
    path, password_file = settings.treasury_keystore_path, settings.treasury_keystore_password_file

    @cache
    def signer() -> Signer:
        if path is not None and password_file is not None:
            return KeystoreSigner(path, password_file=password_file, chain_id=settings.chain_id)
        return DevSigner(TREASURY_NUMBER, chain_id=settings.chain_id)

    is_there = path is not None and password_file is not None
    return signer if is_there or settings.chain_id == DEV_CHAIN_ID else None
