"""Transactions that wallets signed and this node passes on to the chain."""
