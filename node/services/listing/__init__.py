"""Listings: prices that sellers signed, and whether the exchange would settle them now."""
