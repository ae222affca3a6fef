"""Gateways by name: `ASOUD_GATEWAYS=stripe,sandbox` opens `stripe.py`, then `sandbox.py`.

A new gateway is a file here with `open_provider(options: Options) -> Provider`.
"""
