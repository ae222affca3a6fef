"""What accounts and markets have on the node: balances and statements of the ledger, by owner."""
