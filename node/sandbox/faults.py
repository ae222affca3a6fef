"""What goes wrong, by name. For all payments by setting, for one on its page or by `POST /faults`."""

import enum
from collections.abc import Iterable


class Fault(enum.StrEnum):
    SLOW = "slow"  # answers and callbacks take their time
    NO_ANSWER = "no_answer"  # a payment is begun, and its answer never comes
    DUPLICATE = "duplicate"  # each callback comes three times
    OUT_OF_ORDER = "out_of_order"  # the last one comes first
    LOST = "lost"  # no callback comes
    LYING = "lying"  # callbacks tell of another amount
    UNDERPAID = "underpaid"  # less was taken than was asked for, and everything says so
    OVERPAID = "overpaid"
    TWO_STEP = "two_step"  # the money is promised, and has to be captured
    REFUND_FAILS = "refund_fails"  # refunds are refused


def faults(names: Iterable[str]) -> frozenset[Fault]:
    """Raises ValueError for a name that is none."""
    return frozenset(Fault(name.strip()) for name in names if name.strip())
