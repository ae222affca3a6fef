"""What logs mean for the tables: one rule per event."""

from indexer.projections import escrow, exchange, governance, nft
from indexer.projections.nft import UNREAD
from indexer.projections.rules import Rules

RULES: Rules = {**nft.RULES, **exchange.RULES, **escrow.RULES, **governance.RULES}

__all__ = ["RULES", "UNREAD"]
