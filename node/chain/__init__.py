"""All that speaks to a chain: artifacts, deployments, the web3 client, typed data, steps, signature checks.

web3 is imported here only. Nothing here opens a database transaction, and nothing may be called inside
one that goes over the network.
"""
