"""What everybody may know of escrows: the node's conditions, and each escrow as the chain tells of it."""
