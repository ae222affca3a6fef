"""Gateways: fiat money from outside. One way to use them, several providers: each is one file in `providers`.

    begin -> the payer acts there -> {redirect, callback, poller} tell what came of it, in any order, often

Invariant: whatever tells it, and however often, a payment is secured once; what is not exactly the amount
that was asked for is never taken, but parked for an operator. A gateway that does not answer is asked again.
"""
