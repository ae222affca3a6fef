"""The life of a payment, as data: the same for every rail.

`unknown` is no failure: a gateway that did not answer may have taken the money, so somebody asks again. What
was given up can still be paid: money that was on its way is not lost.
"""

import enum
from collections.abc import Mapping


class State(enum.StrEnum):
    CREATED = "created"
    REQUIRES_ACTION = "requires_action"  # the payer has to do something: at the gateway, with a wallet
    PROCESSING = "processing"  # done, and not sure yet
    UNKNOWN = "unknown"  # nobody knows, until somebody asked again
    PARKED = "parked"  # what came is not what was asked for, or nobody can tell: an operator looks
    AUTHORISED = "authorised"  # the money is secured
    PARTLY_CAPTURED = "partly_captured"  # a part of it is the market's, the rest is held
    CAPTURED = "captured"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"  # all that was secured is the payer's again
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"


_UNPAID_ENDS = frozenset({State.CANCELLED, State.FAILED, State.EXPIRED})
_SECURED = frozenset({State.AUTHORISED})
_NOT_SURE = frozenset({State.PROCESSING, State.UNKNOWN, State.PARKED})
NEXT: Mapping[State, frozenset[State]] = {
    State.CREATED: frozenset({State.REQUIRES_ACTION}) | _NOT_SURE | _SECURED | _UNPAID_ENDS,
    State.REQUIRES_ACTION: _NOT_SURE | _SECURED | _UNPAID_ENDS,
    State.PROCESSING: frozenset({State.UNKNOWN, State.PARKED}) | _SECURED | _UNPAID_ENDS,
    State.UNKNOWN: frozenset({State.REQUIRES_ACTION, State.PROCESSING, State.PARKED})
    | _SECURED
    | _UNPAID_ENDS,
    State.PARKED: frozenset({State.AUTHORISED, State.CANCELLED, State.FAILED}),
    State.AUTHORISED: frozenset(
        {State.PARTLY_CAPTURED, State.CAPTURED, State.PARTLY_REFUNDED, State.REFUNDED}
    ),
    State.PARTLY_CAPTURED: frozenset({State.CAPTURED, State.PARTLY_REFUNDED, State.REFUNDED}),
    State.CAPTURED: frozenset({State.PARTLY_REFUNDED, State.REFUNDED}),
    State.PARTLY_REFUNDED: frozenset({State.REFUNDED}),
    State.REFUNDED: frozenset(),
    **{end: frozenset({State.AUTHORISED, State.PARKED}) for end in sorted(_UNPAID_ENDS)},
}
OPEN = frozenset({State.CREATED, State.REQUIRES_ACTION})
IN_FLIGHT = _NOT_SURE
"""Money may be on its way: what it pays for is not given up meanwhile."""
UNPAID_ENDS = _UNPAID_ENDS
HELD = frozenset({State.AUTHORISED, State.PARTLY_CAPTURED})


def state_by_money(*, secured: int, settled: int, returned: int, refunded: int) -> State:
    """Where a payment stands once its money was secured, by what became of that.

    The payer has back what was `returned` of the money held, and `refunded` of what was settled.
    """
    if settled + returned < secured:
        return State.PARTLY_CAPTURED if settled else State.AUTHORISED
    given_back = returned + refunded
    if given_back == 0:
        return State.CAPTURED
    return State.REFUNDED if given_back == secured else State.PARTLY_REFUNDED


def diagram() -> str:
    """The table above for Mermaid, so that the docs draw what the code does."""
    lines = ["stateDiagram-v2", "    [*] --> created"]
    for state in State:
        lines += [f"    {state} --> {to}" for to in State if to in NEXT[state]]
        if not NEXT[state]:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines)
