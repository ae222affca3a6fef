"""The composition root: settings in, `Services` out. Nothing connects before it is used."""

from redis.asyncio import Redis

from node.bootstrap.chain_money import chain_money
from node.bootstrap.payments import payment_services
from node.bootstrap.people import people_services
from node.bootstrap.purse import purse_services, spending_service
from node.bootstrap.shop import shop_services
from node.bootstrap.trade import trade_services
from node.bootstrap.verdicts import IndexerVerdicts
from node.chain.client import ChainClient
from node.chain.deployments import CurrentDeployment, DeploymentRegistry
from node.kernel.clock import Clock, SystemClock
from node.kernel.db.query_pool import QueryPool, StatementPool
from node.kernel.db.unit_of_work import Database
from node.kernel.rate import SlidingWindow
from node.kernel.settings import DEV_CHAIN_ID, Settings
from node.kernel.spine.record import EventRecorder
from node.services.balance.service import BalanceService
from node.services.container import Probe, Services
from node.services.content.kubo import KuboContentStore
from node.services.content.media import UploadPolicy
from node.services.content.store import ContentStore, LocalContentStore
from node.services.governance.ballots import BallotService
from node.services.governance.service import GovernanceService
from wallet.ledger.commands import REFUSED_STATE, Ledger

RATE_TIMEOUT_S = 0.25  # a request waits this long at most to be counted


def build_services(
    settings: Settings, *, clock: Clock | None = None, application_name: str = "asoud"
) -> Services:
    clock = clock or SystemClock()
    database_url = settings.database_url.get_secret_value()
    database = Database(
        database_url, pool_size=settings.database_pool_size, application_name=application_name
    )
    queries = QueryPool(database_url, size=settings.query_pool_size)
    redis = Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=2, socket_connect_timeout=2)
    events = EventRecorder(clock)
    chain = ChainClient(
        [endpoint.url for endpoint in settings.endpoints],
        chain_id=settings.chain_id,
        timeout_s=settings.rpc_timeout_s,
        per_second=settings.rpc_per_second,
        set_aside=IndexerVerdicts(database, settings.chain_id),
    )
    deployments = DeploymentRegistry(settings.deployments_dir)
    content = _content(settings)
    ledger = Ledger(clock)
    balance = BalanceService(ledger, money_is_play=settings.chain_id == DEV_CHAIN_ID)
    payments = payment_services(settings, clock=clock, events=events, ledger=ledger, balance=balance)
    trade = trade_services(
        settings, clock=clock, events=events, chain=chain, deployments=deployments, content=content
    )
    governance = GovernanceService(clock, chain, CurrentDeployment(deployments, settings.chain_id))
    people = people_services(settings, clock=clock, events=events, chain=chain)
    shop = shop_services(
        settings,
        clock=clock,
        events=events,
        chain=chain,
        deployments=deployments,
        assets=trade.assets,
        audit=people.audit,
        payments=payments.till,
        ledger=ledger,
        balance=balance,
    )
    spending = spending_service(settings, clock=clock)
    money = chain_money(
        settings,
        clock=clock,
        events=events,
        chain=chain,
        deployments=deployments,
        ledger=ledger,
        spending=spending,
        reports=payments.reports,
    )
    purse = purse_services(
        settings,
        clock=clock,
        events=events,
        ledger=ledger,
        notices=people.notices,
        spending=spending,
        addresses=money.addresses,
    )
    return Services(
        clock=clock,
        database=database,
        queries=queries,
        statements=StatementPool(
            database_url, size=settings.query_pool_size, passed_on=frozenset({REFUSED_STATE})
        ),
        redis=redis,
        events=events,
        chain=chain,
        chain_ids=settings.chain_ids,
        deployments=deployments,
        content=content,
        identity=people.identity,
        accounts=people.accounts,
        sessions=people.sessions,
        step_up=people.step_up,
        devices=people.devices,
        handles=people.handles,
        leaving=people.leaving,
        recoveries=people.recoveries,
        carriers=people.carriers,
        phones=people.phones,
        sign_in_limiter=people.limiter,
        rates=SlidingWindow(settings.redis_url.get_secret_value(), timeout_s=RATE_TIMEOUT_S),
        signing_keys=people.signing_keys,
        market=shop.market,
        members=shop.members,
        roles=people.roles,
        api_keys=people.api_keys,
        catalog=shop.catalog,
        currencies=shop.currencies,
        translations=shop.translations,
        charge=shop.charge,
        tax=shop.tax,
        order=shop.order,
        releases=shop.releases,
        credit=shop.credit,
        escrow=shop.escrow,
        escrow_actions=shop.escrow_actions,
        checkout_actions=shop.checkout_actions,
        assets=trade.assets,
        ledger=ledger,
        spending=spending,
        transfers=purse.transfers,
        money_requests=purse.money_requests,
        rates_of_money=purse.rates_of_money,
        exchanges=purse.exchanges,
        balance=balance,
        payment=payments.payment,
        payment_mirror=payments.mirror,
        gateway=payments.gateway,
        funding=payments.funding,
        incidents=money.incidents,
        outbox=money.outbox,
        follower=money.follower,
        sweeper=money.sweeper,
        deposits=money.deposits,
        withdrawals=money.withdrawals,
        payouts=purse.payouts,
        reconciliation=money.reconciliation,
        nft=trade.nft,
        listing=trade.listing,
        quotes=trade.quotes,
        auction=trade.auction,
        sweeps=trade.sweeps,
        transaction=trade.transaction,
        governance=governance,
        ballots=BallotService(clock, governance),
        probes={"postgres": _postgres(queries), "redis": _redis(redis)},
    )


def _content(settings: Settings) -> ContentStore:
    policy = UploadPolicy(size_bytes_max=settings.upload_bytes_max)
    if settings.content_store == "kubo":
        return KuboContentStore(settings.kubo_url, policy)
    return LocalContentStore(settings.content_dir, policy)


def _postgres(queries: QueryPool) -> Probe:
    async def probe() -> None:
        await queries.json("SELECT '1'::json", {})

    return probe


def _redis(redis: Redis) -> Probe:
    async def probe() -> None:
        await redis.ping()

    return probe
