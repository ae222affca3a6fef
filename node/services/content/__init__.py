"""Content: files named by the hash of their bytes, the same names that IPFS gives them."""
