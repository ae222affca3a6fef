"""Who asks: accounts, wallets, Sign-In with Ethereum (EIP-4361) and access tokens."""
