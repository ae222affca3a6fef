"""English auctions: the contract holds token and bids, and judges; nothing is stored here."""
