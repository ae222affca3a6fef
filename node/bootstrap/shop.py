"""Wiring of markets, products, orders and their escrow."""

from node.chain.artifacts import load_artifact
from node.chain.client import ChainClient
from node.chain.deployments import DeploymentRegistry
from node.kernel.clock import Clock
from node.kernel.hexes import Address, parse_address
from node.kernel.settings import DEV_CHAIN_ID, Settings
from node.kernel.spine.record import EventRecorder
from node.services.catalog.currencies import Currencies
from node.services.market.service import MarketRules, MarketService, Policy
from wallet.custody.dev import dev_addresses

DEV_ARBITER = 9  # number of the dev account
WINDOW_S_MIN = 3600


def market_service(settings: Settings, clock: Clock, events: EventRecorder) -> MarketService:
    policy = Policy(
        ship_within_s=settings.ship_within_s,
        inspection_s=settings.inspection_s,
        ruling_s=settings.ruling_s,
        silence_seller_bps=settings.silence_seller_bps,
    )
    return MarketService(
        clock,
        events,
        MarketRules(arbiters=arbiters_of(settings), policy=policy, window_s_min=_window_s_min(settings)),
    )


def arbiters_of(settings: Settings) -> tuple[Address, ...]:
    named = tuple(parse_address(raw.strip()) for raw in settings.arbiters.split(",") if raw.strip())
    if not named and settings.chain_id == DEV_CHAIN_ID:
        return (dev_addresses()[DEV_ARBITER],)
    return named


def currencies(settings: Settings, chain: ChainClient) -> Currencies:
    metadata = load_artifact("IERC20Metadata")
    registry = DeploymentRegistry(settings.deployments_dir)

    def token_facts(token: Address) -> tuple[str, int]:
        return chain.read(metadata, token, "symbol"), chain.read(metadata, token, "decimals")

    return Currencies(
        token_facts,
        lambda: registry.load(settings.chain_id),
        chain_id=settings.chain_id,
        native_code=settings.native_code,
    )


def _window_s_min(settings: Settings) -> int:
    if settings.window_s_min is not None:
        return settings.window_s_min
    return 1 if settings.chain_id == DEV_CHAIN_ID else WINDOW_S_MIN
