"""What logs mean for the tables: one rule per event."""

from indexer.projections import access, auction, checkout, escrow, exchange, governance, nft, studio
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

__all__ = ["RULES", "UNREAD"]
