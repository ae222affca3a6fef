"""What logs mean for the tables: one rule per event."""

from indexer.projections import escrow, exchange, foreign, governance, nft
from indexer.projections.nft import UNREAD
from indexer.projections.rules import Rules

RULES: Rules = {**nft.RULES, **exchange.RULES, **escrow.RULES, **governance.RULES}
EVERY_RULE: Rules = {**RULES, **foreign.RULES}  # with those of strangers' events

__all__ = ["EVERY_RULE", "RULES", "UNREAD"]
