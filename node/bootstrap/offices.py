"""Who holds which office from the start, as the settings say; on a development chain known accounts do."""

from node.kernel.hexes import Address, parse_address
from node.kernel.settings import DEV_CHAIN_ID, Settings
from wallet.custody.dev import dev_addresses

DEV_GUARDIAN = 8  # of the development accounts
DEV_ARBITER = 9


def arbiters_of(settings: Settings) -> tuple[Address, ...]:
    return _named(settings.arbiters, settings, or_else=DEV_ARBITER)


def guardians_of(settings: Settings) -> tuple[Address, ...]:
    """Who may pause entries of the contracts at once."""
    return _named(settings.guardians, settings, or_else=DEV_GUARDIAN)


def _named(addresses: str, settings: Settings, *, or_else: int) -> tuple[Address, ...]:
    named = tuple(parse_address(raw.strip()) for raw in addresses.split(",") if raw.strip())
    if not named and settings.chain_id == DEV_CHAIN_ID:
        return (dev_addresses()[or_else],)
    return named
