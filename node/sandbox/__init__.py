"""A gateway for development, with a page where one pays and with all that goes wrong at real ones.

A process and a folder of its own; it knows nothing of the node but where to send callbacks, and what both
sign with. No money moves here.
"""
