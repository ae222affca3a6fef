"""What money on the chain is called: code and decimals of the native coin and of ERC-20 tokens."""
