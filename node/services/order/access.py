"""Who somebody is to an order, and what they may do with it now."""

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import select

from node.chain.escrow import AppealTerms, Terms
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import ZERO_HASH, Address, Hash32
from node.services.order.errors import (
    DeadlineNotReached,
    DeadlinePassed,
    NotThatParty,
    OrderUnknown,
    OtherRail,
    WrongOrderState,
)
from node.services.order.models import Order
from node.services.order.states import RULES, Action, Role, Rule, When


@dataclass(frozen=True, slots=True)
class Caller:
    """An account and the wallet that it signed in with, if it has one."""

    account_id: uuid.UUID
    wallet: Address | None
    works_in: uuid.UUID | None = None
    """The market of the order, where the account works in it: it then acts for the seller."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to take an action: the terms to take it with, and the wallet that has to send it."""

    terms: Terms
    role: Role
    sender: Address
    appeal: AppealTerms | None
    reference: Hash32 | None = None  # hash of what was said with it

    @property
    def said(self) -> Hash32:
        """As the contract takes it: zero is nothing."""
        return self.reference or ZERO_HASH


def roles_of(order: Order, caller: Caller) -> list[Role]:
    """A party is known by its account, or by the wallet that the terms name."""
    roles = []
    wallet = caller.wallet
    if caller.account_id == order.buyer_account_id or (wallet and wallet == order.buyer):
        roles.append(Role.BUYER)
    acts_for_seller = caller.works_in == order.market_id or caller.account_id == order.seller_account_id
    if acts_for_seller or wallet == order.seller:
        roles.append(Role.SELLER)
    if wallet == order.arbiter:
        roles.append(Role.ARBITER)
    return roles


def find(tx: Tx, order_id: uuid.UUID, caller: Caller, *, lock: bool = False) -> Order:
    """An order that the caller is a party of; for others there is none.

    Raises:
        OrderUnknown: There is no such order for the caller.
    """
    statement = select(Order).where(Order.id == order_id)
    order = tx.execute(statement.with_for_update() if lock else statement).scalar_one_or_none()
    if order is None or not roles_of(order, caller):
        raise OrderUnknown("there is no such order", order_id=str(order_id))
    return order


def permit(order: Order, caller: Caller, action: Action, *, now: dt.datetime) -> Permit:
    """Leave for an action on the chain by the final state of the order. The contract has the last word.

    Raises:
        NotThatParty, WrongOrderState, DeadlinePassed, DeadlineNotReached: By what forbids it.
        OtherRail: The order is not paid through the escrow contract.
    """
    role = allowed(order, caller, action, now=now)
    if not order.is_on_chain:
        raise OtherRail("the order is not paid on the chain", rail=order.rail)
    return Permit(order.terms(), role, _sender(order, caller, role, RULES[action]), order.appeal())


def allowed(order: Order, caller: Caller, action: Action, *, now: dt.datetime) -> Role:
    """As what the caller may take an action now. Raises as `permit`, whatever the rail."""
    rule = RULES[action]
    roles = [role for role in roles_of(order, caller) if role in rule.roles]
    if not roles:
        needs = " or ".join(sorted(rule.roles))
        raise NotThatParty(f"only the {needs} of the order may do this", needs=needs)
    if order.state not in rule.states:
        states = " or ".join(sorted(rule.states))
        words = f"the order is {order.state}, and this can be done while it is {states}"
        raise WrongOrderState(words, state=order.state)
    check_clock(order, rule.when, now)
    return roles[0]


def check_clock(order: Order, when: When, now: dt.datetime) -> None:
    if when is When.EITHER or order.deadline is None:
        return
    deadline = order.deadline.isoformat().replace("+00:00", "Z")
    if when is When.BEFORE and now > order.deadline:
        raise DeadlinePassed("the time for this is over", deadline=deadline)
    if when is When.AFTER and now <= order.deadline:
        raise DeadlineNotReached("the other side still has time", deadline=deadline)


def _sender(order: Order, caller: Caller, role: Role, rule: Rule) -> Address:
    """Anybody's wallet may trigger what a deadline decides, or what was signed; else it is the terms'."""
    sender = {Role.BUYER: order.buyer, Role.SELLER: order.seller, Role.ARBITER: order.arbiter}[role]
    if rule.by_anyone and caller.wallet is not None:
        sender = caller.wallet
    assert sender is not None  # an order on the chain names them all
    return sender
