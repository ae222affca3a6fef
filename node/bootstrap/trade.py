"""Wiring of tokens, listings and relayed transactions."""

from collections.abc import Callable
from dataclasses import dataclass

from node.bootstrap.token_metadata import StoredMetadata
from node.chain.client import ChainClient
from node.chain.deployments import DeploymentRegistry
from node.chain.steps import StepBuilder
from node.kernel.clock import Clock
from node.kernel.settings import Settings
from node.kernel.spine.record import EventRecorder
from node.services.auction.service import AuctionService
from node.services.content.store import ContentStore
from node.services.listing.quotes import QuoteService
from node.services.listing.service import ListingService
from node.services.listing.sweeps import SweepService
from node.services.nft.service import NftService
from node.services.transaction.limiter import RedisRelayLimiter
from node.services.transaction.service import TransactionService
from wallet.asset.service import AssetService


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    assets: AssetService
    nft: NftService
    listing: ListingService
    quotes: QuoteService
    auction: AuctionService
    sweeps: SweepService
    transaction: TransactionService


def trade_services(
    settings: Settings,
    *,
    clock: Clock,
    events: EventRecorder,
    chain: ChainClient,
    deployments: DeploymentRegistry,
    content: ContentStore,
) -> Trade:
    steps = step_builders(chain, deployments, clock)
    assets = AssetService(chain, native_code=settings.native_code)
    limiter = RedisRelayLimiter(settings.redis_url.get_secret_value(), per_minute=settings.relay_per_minute)
    listing = ListingService(clock, events, steps, assets, chain_id=settings.chain_id)
    quotes = QuoteService(clock, events, steps, assets, chain_id=settings.chain_id)
    return Trade(
        assets=assets,
        nft=NftService(clock, steps, StoredMetadata(content), chain_id=settings.chain_id),
        listing=listing,
        quotes=quotes,
        auction=AuctionService(clock, steps, chain_id=settings.chain_id),
        sweeps=SweepService(steps, listing, quotes),
        transaction=TransactionService(clock, chain, lambda: deployments.load(settings.chain_id), limiter),
    )


def step_builders(
    chain: ChainClient, deployments: DeploymentRegistry, clock: Clock
) -> Callable[[], StepBuilder]:
    """A builder over the contracts of now: they may be deployed after this process started."""
    return lambda: StepBuilder(chain, deployments.load(chain.chain_id), clock)
