"""How accounts of the ledger are named: whose they are, and what for."""

import uuid
from typing import Final

WALLET: Final = "wallet"
"""The purpose of what an owner has at its free disposal."""
TRANSIT: Final = "transit"
"""What an owner has sent to a phone, and nobody has got yet."""
LIQUIDITY: Final = "liquidity"
"""The node's other side of exchanges."""
BANK: Final = "bank"
"""What the node has told its bank to pay out."""
TAX: Final = "tax"
"""What was paid off the chain as tax, until it is paid to whom it belongs."""
TOLERANCE: Final = "tolerance"
"""What the node adds to deposits that are almost enough: no floor, and below zero by what that cost."""
FEES: Final = "fees"
FAUCET: Final = "faucet"
NODE: Final = "node"


def owner_of_account(account_id: uuid.UUID) -> str:
    return f"account:{account_id}"


def owner_of_market(market_id: uuid.UUID) -> str:
    return f"market:{market_id}"
