"""Money that comes by the chain: addresses to pay to, and what arrived there."""
