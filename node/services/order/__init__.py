"""Orders: what a buyer wants of a market, paid through the escrow contract, which is the judge of them."""
