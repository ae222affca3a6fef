"""Payments: one intent for whatever is paid, one state machine for every way of paying it.

    create -> (the payer acts, somewhere) -> authorised: the money is secured -> captured: it is the market's

A rail is one way: a file in `rails`. Invariants: what was secured is what was captured, what was given
back and what is still held; a part is paid out once, as the key of its transfer comes from the intent and the
number of its step; a split conserves every unit.
"""
