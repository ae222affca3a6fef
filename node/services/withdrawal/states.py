"""The life of a withdrawal, as data."""

import enum
from collections.abc import Mapping


class State(enum.StrEnum):
    WAITING = "waiting"  # for an operator
    SENDING = "sending"  # the treasury's outbox has it
    DONE = "done"  # final on the chain
    BOOKED = "booked"  # the address is one of this node's: it went from balance to balance
    CANCELLED = "cancelled"  # by its owner, while it waited
    REJECTED = "rejected"  # by an operator
    FAILED = "failed"  # the chain would not do it


# DONE and FAILED can be left: what the chain loses after it was final is sent again.
NEXT: Mapping[State, frozenset[State]] = {
    State.WAITING: frozenset({State.SENDING, State.BOOKED, State.CANCELLED, State.REJECTED}),
    State.SENDING: frozenset({State.DONE, State.FAILED}),
    State.DONE: frozenset({State.SENDING}),
    State.FAILED: frozenset({State.SENDING}),
    State.BOOKED: frozenset(),
    State.CANCELLED: frozenset(),
    State.REJECTED: frozenset(),
}
