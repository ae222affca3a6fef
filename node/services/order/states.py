"""The life of an order, as data. What a contract decided comes in as an event and moves the order.

A cancelled or expired order can still be paid: a transaction that was on its way is not lost.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class State(enum.StrEnum):
    PLACED = "placed"
    PAID = "paid"
    SHIPPED = "shipped"
    DISPUTED = "disputed"
    COMPLETED = "completed"
    REFUNDED = "refunded"
    RULED = "ruled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    PROPOSED = "proposed"  # the arbiter ruled, and a party may appeal
    APPEALED = "appealed"
    SETTLED = "settled"  # by a split that the parties agreed on


class Role(enum.StrEnum):
    BUYER = "buyer"
    SELLER = "seller"
    ARBITER = "arbiter"


_BY_THE_PARTIES = frozenset({State.COMPLETED, State.REFUNDED, State.SETTLED})  # while money is held
NEXT: Mapping[State, frozenset[State]] = {
    State.PLACED: frozenset({State.PAID, State.CANCELLED, State.EXPIRED}),
    State.CANCELLED: frozenset({State.PAID}),
    State.EXPIRED: frozenset({State.PAID}),
    State.PAID: frozenset({State.SHIPPED}) | _BY_THE_PARTIES,
    State.SHIPPED: frozenset({State.DISPUTED}) | _BY_THE_PARTIES,
    State.DISPUTED: frozenset({State.RULED, State.PROPOSED}) | _BY_THE_PARTIES,
    State.PROPOSED: frozenset({State.APPEALED, State.RULED}) | _BY_THE_PARTIES,
    State.APPEALED: frozenset({State.RULED}) | _BY_THE_PARTIES,
    State.COMPLETED: frozenset(),
    State.REFUNDED: frozenset(),
    State.RULED: frozenset(),
    State.SETTLED: frozenset(),
}
ENDS = frozenset({State.COMPLETED, State.REFUNDED, State.RULED, State.SETTLED})

# What a state does with the units that an order holds: they go back on sale, or they have left the shop.
# Goods that come back after they were shipped are counted by whoever receives them, not by us.
RETURNS_STOCK = frozenset({State.CANCELLED, State.EXPIRED, State.REFUNDED})
SELLS_STOCK = frozenset({State.SHIPPED, State.COMPLETED, State.RULED, State.SETTLED})

# The state of the escrow that belongs to each state of the order; None: the contract knows of no money.
ESCROW_STATE: Mapping[State, str | None] = {
    State.PLACED: None,
    State.CANCELLED: None,
    State.EXPIRED: None,
    State.PAID: "funded",
    State.SHIPPED: "shipped",
    State.DISPUTED: "disputed",
    State.COMPLETED: "released",
    State.REFUNDED: "refunded",
    State.RULED: "ruled",
    State.PROPOSED: "proposed",
    State.APPEALED: "appealed",
    State.SETTLED: "settled",
}

_EVERYBODY = frozenset(Role)
_OPEN = frozenset({State.PAID, State.SHIPPED, State.DISPUTED, State.PROPOSED, State.APPEALED})


class When(enum.Enum):
    """Which side of the present state's deadline an action needs."""

    EITHER = enum.auto()
    BEFORE = enum.auto()
    AFTER = enum.auto()


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may take an action, in which states, and when."""

    roles: frozenset[Role]
    states: frozenset[State]
    when: When = When.EITHER


class Action(enum.StrEnum):
    FUND = "fund"
    CANCEL = "cancel"
    SHIP = "ship"
    CONFIRM = "confirm"
    REFUND = "refund"
    DISPUTE = "dispute"
    EVIDENCE = "evidence"
    RULE = "rule"
    REFUND_EXPIRED = "refund_expired"
    RELEASE_EXPIRED = "release_expired"
    RULE_EXPIRED = "rule_expired"


RULES: Mapping[Action, Rule] = {
    Action.FUND: Rule(frozenset({Role.BUYER}), frozenset({State.PLACED}), When.BEFORE),
    Action.CANCEL: Rule(frozenset({Role.BUYER}), frozenset({State.PLACED})),
    Action.SHIP: Rule(frozenset({Role.SELLER}), frozenset({State.PAID}), When.BEFORE),
    Action.CONFIRM: Rule(frozenset({Role.BUYER}), _OPEN),
    Action.REFUND: Rule(frozenset({Role.SELLER}), _OPEN),
    Action.DISPUTE: Rule(frozenset({Role.BUYER, Role.SELLER}), frozenset({State.SHIPPED}), When.BEFORE),
    Action.EVIDENCE: Rule(frozenset({Role.BUYER, Role.SELLER}), frozenset({State.DISPUTED, State.APPEALED})),
    Action.RULE: Rule(frozenset({Role.ARBITER}), frozenset({State.DISPUTED}), When.BEFORE),
    Action.REFUND_EXPIRED: Rule(_EVERYBODY, frozenset({State.PAID}), When.AFTER),
    Action.RELEASE_EXPIRED: Rule(_EVERYBODY, frozenset({State.SHIPPED}), When.AFTER),
    Action.RULE_EXPIRED: Rule(_EVERYBODY, frozenset({State.DISPUTED}), When.AFTER),
}
