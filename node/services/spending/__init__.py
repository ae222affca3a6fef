"""How much may leave a wallet: at once, in a day, in a month."""
