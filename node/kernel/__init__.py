"""Ground floor: money, ids, clock, errors, settings, database and the event spine.

Imports nothing else of ours, so every package may stand on it.
"""
