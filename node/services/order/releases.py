"""Releases that a buyer signs and anybody sends: the buyer needs no coin for gas.

Invariants: a row is a signature that the escrow would take when it was posted; it is named by its digest and
never changes. Nonces of an order are its id and a small number, so they share a storage word of the contract
and never meet those of another order.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from node.chain.escrow import Release
from node.chain.escrow_actions import EscrowActions
from node.chain.signatures import verify_signature
from node.chain.steps import SignatureStep, TransactionStep
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import Address, Hash32
from node.services.order.access import Caller, Permit
from node.services.order.errors import (
    ReleaseInvalid,
    ReleaseSignatureInvalid,
    ReleaseSpent,
    ReleaseUnknown,
    TooManyReleases,
)
from node.services.order.models import Order, SignedRelease
from node.services.order.service import OrderService
from node.services.order.states import Action

Begin = Callable[[], AbstractContextManager[Tx]]

LIFE_DEFAULT = dt.timedelta(days=30)
LIFE_MAX = dt.timedelta(days=400)  # a forgotten signature should not stand for ever
NONCES_PER_ORDER = 256  # a storage word of the contract; also the most that one order can have

_NEXT_NONCE = text("""
    SELECT candidate FROM generate_series(CAST(:first AS numeric), CAST(:last AS numeric)) AS candidate
    WHERE NOT EXISTS (
        SELECT FROM chain.escrow_signature AS gone
        WHERE gone.chain_id = :chain_id AND gone.contract = decode(substr(:contract, 3), 'hex')
            AND gone.signer = decode(substr(:signer, 3), 'hex') AND gone.nonce = candidate
    ) AND NOT EXISTS (
        SELECT FROM orders.signed_release AS signed
        WHERE signed.order_id = :order_id AND signed.nonce = candidate
    )
    ORDER BY candidate LIMIT 1
""")
_IS_SPENT = text("""
    SELECT EXISTS (
        SELECT FROM chain.escrow_signature AS gone
        WHERE gone.chain_id = :chain_id AND gone.contract = decode(substr(:contract, 3), 'hex')
            AND gone.signer = decode(substr(:signer, 3), 'hex') AND gone.nonce = :nonce
    )
""")


@dataclass(frozen=True, slots=True)
class PreparedRelease:
    release: Release
    digest: Hash32
    step: SignatureStep


class SignedReleases:
    def __init__(self, clock: Clock, orders: OrderService, actions: Callable[[], EscrowActions]) -> None:
        self._clock = clock
        self._orders = orders
        self._actions = actions

    def prepare(
        self,
        begin: Begin,
        caller: Caller,
        order_id: uuid.UUID,
        *,
        amount: int | None,
        deadline: int | None,
        post_to: str,
    ) -> PreparedRelease:
        """A release for the buyer to sign: of all that is held, for 30 days, if nothing else is said.

        Raises:
            ReleaseInvalid, TooManyReleases: And as `OrderService.permit`.
        """
        with begin() as tx:
            leave = self._orders.permit(tx, caller, order_id, Action.SIGN_RELEASE, gross=amount)
            order = tx.get_one(Order, order_id)
            nonce, held, escrow_id = self._next_nonce(tx, order), order.held, order.escrow()[2]
        if deadline is None:
            deadline = int((self._clock.now() + LIFE_DEFAULT).timestamp())
        release = Release(escrow_id, held if amount is None else amount, nonce, deadline)
        self._check(release)
        actions = self._actions()
        step = actions.sign_release(leave.terms, release, post_to=post_to)
        return PreparedRelease(release, release.digest(actions.domain), step)

    def accept(
        self,
        begin: Begin,
        caller: Caller,
        order_id: uuid.UUID,
        *,
        amount: int,
        nonce: int,
        deadline: int,
        signature: bytes,
    ) -> None:
        """Keeps a signed release for the order's parties. Posting it again changes nothing.

        Raises:
            ReleaseSignatureInvalid, ReleaseSpent: And as `prepare`.
        """
        with begin() as tx:
            leave = self._orders.permit(tx, caller, order_id, Action.SIGN_RELEASE, gross=amount)
            order = tx.get_one(Order, order_id)
            escrow_id = order.escrow()[2]
            self._check_unspent(tx, order, nonce)
        release = Release(escrow_id, amount, nonce, deadline)
        self._check(release)
        actions = self._actions()
        digest = release.digest(actions.domain)
        check = verify_signature(
            actions.steps.client, address=leave.terms.buyer, digest=digest, signature=signature
        )
        if not check.valid:
            raise ReleaseSignatureInvalid("the signature is not the buyer's over this release", digest=digest)
        with begin() as tx:
            self._orders.permit(tx, caller, order_id, Action.SIGN_RELEASE)
            self._check_room(tx, order_id)
            row = {
                "digest": digest,
                "order_id": order_id,
                "amount": amount,
                "nonce": nonce,
                "deadline_s": deadline,
                "signature": check.signature,
                "signed_at": self._clock.now(),
            }
            tx.execute(insert(SignedRelease).values(**row).on_conflict_do_nothing())

    def relay(
        self, begin: Begin, caller: Caller, order_id: uuid.UUID, digest: Hash32
    ) -> tuple[Permit, list[TransactionStep]]:
        """The transaction that uses it, for the caller's wallet.

        Raises:
            ReleaseUnknown, ReleaseSpent, ReleaseInvalid: And as `OrderService.permit`.
        """
        with begin() as tx:
            leave = self._orders.permit(tx, caller, order_id, Action.RELAY_RELEASE)
            row, order = _found(tx, order_id, digest), tx.get_one(Order, order_id)
            self._check_unspent(tx, order, row.nonce)
            release, signature = row.release(order.escrow()[2]), row.signature
        self._check(release)
        steps = self._actions().release_signed(leave.terms, release, signature=signature, by=leave.sender)
        return leave, steps

    def void(
        self, begin: Begin, caller: Caller, order_id: uuid.UUID, digest: Hash32
    ) -> tuple[Permit, list[TransactionStep]]:
        """The transaction that voids it, and whatever else the buyer signed with its nonce.

        Raises:
            ReleaseUnknown, ReleaseSpent: And as `OrderService.permit`.
        """
        with begin() as tx:
            leave = self._orders.permit(tx, caller, order_id, Action.VOID_RELEASE)
            row = _found(tx, order_id, digest)
            self._check_unspent(tx, tx.get_one(Order, order_id), row.nonce)
            nonce = row.nonce
        return leave, self._actions().void_signature(leave.terms, nonce=nonce)

    def _check(self, release: Release) -> None:
        if release.amount == 0:
            raise ReleaseInvalid("a release is of more than nothing", field="amount")
        now = self._clock.now()
        if not now.timestamp() <= release.deadline <= (now + LIFE_MAX).timestamp():
            raise ReleaseInvalid(f"the deadline lies within {LIFE_MAX.days} days", field="deadline")

    def _next_nonce(self, tx: Tx, order: Order) -> int:
        first = order.id.int * NONCES_PER_ORDER
        bounds = {"first": first, "last": first + NONCES_PER_ORDER - 1, "order_id": order.id}
        nonce = tx.execute(_NEXT_NONCE, {**_signer(order), **bounds}).scalar_one_or_none()
        if nonce is None:
            raise TooManyReleases("the buyer signed enough for this order", most=NONCES_PER_ORDER)
        return int(nonce)

    def _check_unspent(self, tx: Tx, order: Order, nonce: int) -> None:
        if tx.execute(_IS_SPENT, {**_signer(order), "nonce": nonce}).scalar_one():
            raise ReleaseSpent("what was signed with this nonce was used or voided", nonce=str(nonce))

    def _check_room(self, tx: Tx, order_id: uuid.UUID) -> None:
        """Alternatives of one nonce are rows too."""
        tx.execute(select(Order.id).where(Order.id == order_id).with_for_update())
        signed = select(SignedRelease.digest).where(SignedRelease.order_id == order_id)
        if len(tx.execute(signed.limit(NONCES_PER_ORDER)).all()) == NONCES_PER_ORDER:
            raise TooManyReleases("the buyer signed enough for this order", most=NONCES_PER_ORDER)


def _found(tx: Tx, order_id: uuid.UUID, digest: Hash32) -> SignedRelease:
    row = tx.get(SignedRelease, digest)
    if row is None or row.order_id != order_id:
        raise ReleaseUnknown("the buyer signed no such release of this order", digest=digest)
    return row


def _signer(order: Order) -> dict[str, object]:
    chain_id, contract, _ = order.escrow()
    signer: Address = order.terms().buyer
    return {"chain_id": chain_id, "contract": contract, "signer": signer}
