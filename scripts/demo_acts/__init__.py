"""A day on the node, act by act, as people with wallets live it.

Nothing here imports the node's code: what it says is checked from outside, against the chain as well.
"""
