"""The event spine: an append-only table that is outbox, audit trail and feed at once.

    record()  ->  kernel.event  ->  Sequencer (numbers committed rows)  ->  Consumers, by position

Writers insert without a position, in the transaction of the state that the event tells of. A position
is given to committed rows only, so a reader of `position > cursor` misses nothing.
"""
