"""Requests for money: a link that somebody makes, and anybody may pay by a transfer.

Invariant: a request that serves once is paid once; whoever confirms second is refused (`pay_request`).
"""

import datetime as dt
import io
import secrets
import uuid
from dataclasses import dataclass
from typing import Final

import segno
from sqlalchemy import func, select

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Invalid
from node.kernel.ids import new_id
from node.kernel.text import one_line
from node.services.transfer.errors import AmountMissing, RequestOver, RequestUnknown, TooManyRequests
from node.services.transfer.models import MoneyRequest
from node.services.transfer.service import NOTE_CHARS_MAX
from wallet.ledger.commands import Ledger
from wallet.ledger.errors import AmountInvalid

CODE_BYTES = 12  # nobody guesses 96 bits
CODE_CHARS = 16
LIFE_DEFAULT = dt.timedelta(days=7)
LIFE_MAX = dt.timedelta(days=366)
OPEN_MAX = 200  # of one account


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asks for. None leaves it to the payer."""

    asset: str | None
    amount: int | None
    note: str = ""
    is_once: bool = True
    life: dt.timedelta = LIFE_DEFAULT


class RequestService:
    def __init__(self, clock: Clock, ledger: Ledger, *, link: str) -> None:
        """`link` is what codes are put behind."""
        self._clock = clock
        self._ledger = ledger
        self.link: Final = link

    def make(self, tx: Tx, account_id: uuid.UUID, wish: Wish) -> str:
        """Its code.

        Raises:
            AssetUnknown, AmountInvalid, AmountMissing, TextInvalid, Invalid: By what is wrong.
            TooManyRequests: The account has as many open ones as it may.
        """
        if wish.amount is not None and wish.asset is None:
            raise AmountMissing("an amount is of an asset", field="asset")
        if wish.amount == 0:
            raise AmountInvalid("nothing is no amount", field="amount")
        if not dt.timedelta(0) < wish.life <= LIFE_MAX:
            raise Invalid("a request lasts a year at most", field="expires_in_s")
        if wish.asset is not None:
            self._ledger.asset(tx, wish.asset)
        now = self._clock.now()
        if self._open(tx, account_id, now) >= OPEN_MAX:
            raise TooManyRequests(f"an account has at most {OPEN_MAX} open requests", most=OPEN_MAX)
        request = MoneyRequest(
            id=new_id(),
            code=secrets.token_urlsafe(CODE_BYTES),
            account_id=account_id,
            asset=wish.asset,
            amount=wish.amount,
            note=one_line(wish.note, field="note", chars_max=NOTE_CHARS_MAX) if wish.note else "",
            is_once=wish.is_once,
            made_at=now,
            expires_at=now + wish.life,
        )
        tx.add(request)
        tx.flush()
        return request.code

    def cancel(self, tx: Tx, account_id: uuid.UUID, code: str) -> None:
        """Its maker wants it no more. Again is fine.

        Raises:
            RequestUnknown: The account made no such request.
            RequestOver: It was paid.
        """
        mine = select(MoneyRequest).where(MoneyRequest.code == code, MoneyRequest.account_id == account_id)
        request = tx.execute(mine.with_for_update()).scalar_one_or_none()
        if request is None:
            raise RequestUnknown("there is no such request for money")
        if request.is_once and request.paid:
            raise RequestOver("the request was paid")
        request.cancelled_at = request.cancelled_at or self._clock.now()
        tx.flush()

    def qr(self, code: str) -> bytes:
        """The link as a QR code (ISO 18004), drawn in SVG."""
        drawn = io.BytesIO()
        segno.make(self.link + code, error="m", micro=False).save(drawn, kind="svg", scale=8)
        return drawn.getvalue()

    def _open(self, tx: Tx, account_id: uuid.UUID, now: dt.datetime) -> int:
        counted = (
            select(func.count())
            .select_from(MoneyRequest)
            .where(
                MoneyRequest.account_id == account_id,
                MoneyRequest.expires_at > now,
                MoneyRequest.cancelled_at.is_(None),
                ~(MoneyRequest.is_once & (MoneyRequest.paid > 0)),
            )
        )
        return int(tx.execute(counted).scalar_one())
