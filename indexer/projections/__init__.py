"""What logs mean for the tables: one rule per event."""

from indexer.projections import access, auction, checkout, escrow, exchange, foreign, governance, nft, studio
from indexer.projections.nft import UNREAD
from indexer.projections.rules import Rules

RULES: Rules = {
    **nft.RULES,
    **studio.RULES,
    **exchange.RULES,
    **auction.RULES,
    **checkout.RULES,
    **escrow.RULES,
    **governance.RULES,
    **access.RULES,
}
EVERY_RULE: Rules = {**RULES, **foreign.RULES}  # with those of strangers' events

__all__ = ["EVERY_RULE", "RULES", "UNREAD"]
