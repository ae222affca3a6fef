"""All services of a node, as one typed value. A type only: `node.bootstrap.build` fills it.

To add a service: one field here, one line there.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from redis.asyncio import Redis

from node.chain.checkout_actions import CheckoutActions
from node.chain.client import ChainClient
from node.chain.deployments import Deployment, DeploymentRegistry
from node.chain.escrow_actions import EscrowActions
from node.kernel.clock import Clock
from node.kernel.db.query_pool import QueryPool, StatementPool
from node.kernel.db.unit_of_work import Database
from node.kernel.rate import SlidingWindow
from node.kernel.spine.record import EventRecorder
from node.services.auction.service import AuctionService
from node.services.balance.service import BalanceService
from node.services.catalog.currencies import Currencies
from node.services.catalog.service import CatalogService
from node.services.charge.remitting import TaxService
from node.services.charge.service import ChargeService
from node.services.content.store import ContentStore
from node.services.credit.service import CreditService
from node.services.deposit.following import Follower
from node.services.deposit.service import DepositService
from node.services.deposit.sweeping import Sweeper
from node.services.escrow.conditions import EscrowService
from node.services.gateway.service import GatewayService
from node.services.governance.ballots import BallotService
from node.services.governance.service import GovernanceService
from node.services.identity.accounts import AccountService
from node.services.identity.api_keys import ApiKeyService
from node.services.identity.devices import DeviceService
from node.services.identity.handles import HandleService
from node.services.identity.keys import SigningKeys
from node.services.identity.leaving import LeavingService
from node.services.identity.limiter import SignInLimiter
from node.services.identity.phones import PhoneService
from node.services.identity.recovery import RecoveryService
from node.services.identity.roles import RoleService
from node.services.identity.service import IdentityService
from node.services.identity.sessions import SessionService
from node.services.identity.step_up import StepUpService
from node.services.listing.quotes import QuoteService
from node.services.listing.service import ListingService
from node.services.listing.sweeps import SweepService
from node.services.market.members import MemberService
from node.services.market.service import MarketService
from node.services.nft.service import NftService
from node.services.order.releases import SignedReleases
from node.services.order.service import OrderService
from node.services.payment.funding import Funding
from node.services.payment.mirror import Mirror
from node.services.payment.service import PaymentService
from node.services.payout.service import PayoutService
from node.services.rate.exchanges import ExchangeService
from node.services.rate.service import RateService
from node.services.reconciliation.service import ReconciliationService
from node.services.sms.sending import Carriers
from node.services.spending.service import SpendingService
from node.services.transaction.service import TransactionService
from node.services.transfer.requests import RequestService
from node.services.transfer.service import TransferService
from node.services.translation.service import TranslationService
from node.services.withdrawal.service import WithdrawalService
from wallet.asset.service import AssetService
from wallet.incident.service import Incidents
from wallet.ledger.commands import Ledger
from wallet.treasury.outbox import Outbox

Probe = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    clock: Clock
    database: Database
    queries: QueryPool
    statements: StatementPool
    redis: Redis
    events: EventRecorder
    chain: ChainClient
    chain_ids: tuple[int, ...]
    """All chains that are indexed; the services work on the first, the node's own."""
    deployments: DeploymentRegistry
    content: ContentStore
    identity: IdentityService
    accounts: AccountService
    sessions: SessionService
    step_up: StepUpService
    devices: DeviceService
    handles: HandleService
    leaving: LeavingService
    recoveries: RecoveryService
    carriers: Carriers | None
    """Of text messages; None where the operator named none."""
    phones: PhoneService
    sign_in_limiter: SignInLimiter
    rates: SlidingWindow
    signing_keys: SigningKeys
    governance: GovernanceService
    ballots: BallotService
    market: MarketService
    members: MemberService
    roles: RoleService
    api_keys: ApiKeyService
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
    """Steps on the escrow contract; made anew for each use, as the contracts may be deployed meanwhile."""
    checkout_actions: Callable[[], CheckoutActions]
    assets: AssetService
    ledger: Ledger
    balance: BalanceService
    spending: SpendingService
    transfers: TransferService
    money_requests: RequestService
    rates_of_money: RateService
    exchanges: ExchangeService
    payment: PaymentService
    payment_mirror: Mirror
    gateway: GatewayService
    funding: Funding
    incidents: Incidents
    outbox: Outbox
    follower: Follower
    sweeper: Sweeper
    deposits: DepositService
    withdrawals: WithdrawalService
    payouts: PayoutService
    reconciliation: ReconciliationService
    nft: NftService
    listing: ListingService
    quotes: QuoteService
    auction: AuctionService
    sweeps: SweepService
    transaction: TransactionService
    probes: Mapping[str, Probe]
    """Needs of this process by name: each returns when its part answers, and raises when it does not."""

    def deployment(self) -> Deployment:
        """Where our contracts are. Raises NotDeployed as long as they are not."""
        return self.deployments.load(self.chain.chain_id)

    async def aclose(self) -> None:
        """Lets go of what was connected. The query pool is closed by whoever opened it."""
        await self.redis.aclose()
        await self.rates.aclose()
        self.chain.close()
        self.database.dispose()
