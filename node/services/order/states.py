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


class Rail(enum.StrEnum):
    """What an order is paid through. The escrow contract judges its own orders; the others the node moves."""

    ESCROW = "escrow"
    BALANCE = "balance"
    HOLD = "hold"
    GATEWAY = "gateway"
    DEPOSIT = "deposit"
    CHECKOUT = "checkout"


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
_BUYER, _SELLER, _ARBITER = (frozenset({role}) for role in Role)
_PARTIES = _BUYER | _SELLER
_BEFORE_DISPUTE = frozenset({State.PAID, State.SHIPPED})
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
    by_anyone: bool = False  # not only the wallet that the terms name may send it


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
    RELEASE_PART = "release_part"
    REFUND_PART = "refund_part"
    SIGN_RELEASE = "sign_release"
    RELAY_RELEASE = "relay_release"
    VOID_RELEASE = "void_release"
    OFFER_SETTLEMENT = "offer_settlement"
    WITHDRAW_SETTLEMENT = "withdraw_settlement"
    ACCEPT_SETTLEMENT = "accept_settlement"
    APPEAL = "appeal"
    FINISH_RULING = "finish_ruling"
    REFUND_LATER = "refund_later"


RULES: Mapping[Action, Rule] = {
    Action.FUND: Rule(_BUYER, frozenset({State.PLACED}), When.BEFORE),
    Action.CANCEL: Rule(_BUYER, frozenset({State.PLACED})),
    Action.SHIP: Rule(_SELLER, frozenset({State.PAID}), When.BEFORE),
    Action.CONFIRM: Rule(_BUYER, _OPEN),
    Action.REFUND: Rule(_SELLER, _OPEN),
    Action.DISPUTE: Rule(_PARTIES, frozenset({State.SHIPPED}), When.BEFORE),
    Action.EVIDENCE: Rule(_PARTIES, frozenset({State.DISPUTED, State.APPEALED})),
    Action.RULE: Rule(_ARBITER, frozenset({State.DISPUTED}), When.BEFORE),
    Action.REFUND_EXPIRED: Rule(_EVERYBODY, frozenset({State.PAID}), When.AFTER, by_anyone=True),
    Action.RELEASE_EXPIRED: Rule(_EVERYBODY, frozenset({State.SHIPPED}), When.AFTER, by_anyone=True),
    Action.RULE_EXPIRED: Rule(_EVERYBODY, frozenset({State.DISPUTED}), When.AFTER, by_anyone=True),
    Action.RELEASE_PART: Rule(_BUYER, _BEFORE_DISPUTE),
    Action.REFUND_PART: Rule(_SELLER, _BEFORE_DISPUTE),
    Action.SIGN_RELEASE: Rule(_BUYER, _OPEN),
    Action.RELAY_RELEASE: Rule(_EVERYBODY, _OPEN, by_anyone=True),
    Action.VOID_RELEASE: Rule(_BUYER, frozenset(State)),
    Action.OFFER_SETTLEMENT: Rule(_PARTIES, _OPEN),
    Action.WITHDRAW_SETTLEMENT: Rule(_PARTIES, _OPEN),
    Action.ACCEPT_SETTLEMENT: Rule(_PARTIES, _OPEN),
    Action.APPEAL: Rule(_PARTIES, frozenset({State.PROPOSED}), When.BEFORE),
    Action.REFUND_LATER: Rule(_SELLER, ENDS),
    Action.FINISH_RULING: Rule(
        _EVERYBODY, frozenset({State.PROPOSED, State.APPEALED}), When.AFTER, by_anyone=True
    ),
}
