"""The ledger's commands: each is one call of one SQL function, in the caller's transaction.

A refusal aborts the statement, so the caller's transaction has to end (or go back to a savepoint). Commands
of one transaction lock accounts one after the other and may deadlock with another transaction's: what
belongs together is one command (`post` with several transfers).
"""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NewType

import msgspec
import psycopg
from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError

from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Bug
from node.kernel.money import UINT256_MAX, Amount, Asset
from wallet.ledger.errors import AmountInvalid, AssetUnknown, LedgerKeyReused, Words, refusal

AccountId = NewType("AccountId", int)
TransferId = NewType("TransferId", int)
HoldId = NewType("HoldId", int)

POSTINGS_MAX = 10_000  # of one command: bounds how long it holds its locks
KEY_CHARS_MAX = 300
REFUSED_STATE = "ALREF"  # the SQLSTATE of `ledger.refuse`
_KEY_PART = re.compile(r"[A-Za-z0-9._-]{1,80}", re.ASCII)

_MOVE = text("SELECT ledger.move(:key, :kind, :source, :destination, :asset, :exponent, :amount, :now)")
_POST = text("""
    SELECT ledger.post(:keys, :kinds, CAST(:of AS int[]), CAST(:numbers AS int[]),
        CAST(:sources AS bigint[]), CAST(:destinations AS bigint[]), :assets, CAST(:exponents AS int[]),
        CAST(:amounts AS numeric[]), :now)
""")
_EXCHANGE = text("""
    SELECT ledger.exchange(:key, :kind, CAST(:sources AS bigint[]), CAST(:destinations AS bigint[]), :assets,
        CAST(:exponents AS int[]), CAST(:amounts AS numeric[]), :now)
""")
_HOLD = text("SELECT ledger.place_hold(:key, :account, :asset, :exponent, :amount, :expires_at, :now)")
_CAPTURE = text("""
    SELECT ledger.capture_hold(:key, :kind, :hold, CAST(:destinations AS bigint[]), :assets,
        CAST(:exponents AS int[]), CAST(:amounts AS numeric[]), :is_last, :now)
""")
_VOID = text("SELECT ledger.void_hold(:hold, :now)")
_EXPIRE = text("SELECT ledger.expire_holds(:now, :limit)")
_REVERSE = text("""
    SELECT ledger.reverse(:key, :kind, :transfer, CAST(:numbers AS int[]), CAST(:amounts AS numeric[]), :now)
""")
_REGISTER = text("SELECT ledger.register_asset(:asset, :code, :exponent)")
_OPEN = text("SELECT ledger.open_account(:owner, :purpose, :asset, :exponent, CAST(:floor AS numeric), :now)")
_ASSET = text("SELECT id, code, exponent FROM ledger.asset WHERE id = :asset")
_SET_STATE = text("SELECT ledger.set_state(:account, :state)")
_SET_FLOOR = text("SELECT ledger.set_floor(:account, :floor)")


def derived_key(purpose: str, noun_id: object, step: object) -> str:
    """The key of a step of something: `order:0190…:settle`. Sent twice, it moves money once."""
    parts = (purpose, str(noun_id), str(step))
    if not all(_KEY_PART.fullmatch(part) for part in parts):
        raise Bug("a key is made of letters, digits, dots and dashes", key=":".join(parts))
    return ":".join(parts)


@dataclass(frozen=True, slots=True)
class Posting:
    source: AccountId
    destination: AccountId
    amount: Amount


@dataclass(frozen=True, slots=True)
class Transfer:
    """Postings that happen together. They are numbered from 1; a reversal names them so."""

    key: str
    kind: str
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        if not self.postings:
            raise Bug("a transfer has postings", key=self.key)
        if not (0 < len(self.key) <= KEY_CHARS_MAX and self.kind):
            raise Bug("a transfer has a key and a kind", key=self.key[:KEY_CHARS_MAX])


class Ledger:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def register(self, tx: Tx, asset: Asset) -> None:
        """Lets accounts be kept in the asset. Raises CurrencyMismatch when its exponent was another."""
        self._call(tx, _REGISTER, asset=asset.id, code=asset.code, exponent=asset.exponent)

    def asset(self, tx: Tx, asset_id: str) -> Asset:
        """What was registered under the id. Raises AssetUnknown."""
        row = tx.execute(_ASSET, {"asset": asset_id}).one_or_none()
        if row is None:
            raise AssetUnknown("no accounts are kept in that asset", asset=asset_id)
        return Asset(row.id, row.code, row.exponent)

    def account(self, tx: Tx, owner: str, purpose: str, asset: Asset, *, floor: int | None = 0) -> AccountId:
        """The owner's account for a purpose, opened when there is none; `floor` counts then.

        Args:
            owner: `<noun>:<id>`, or a name of the node's own.
            floor: The least that may be available less holds: 0, or below it a credit limit. None for what
                stands for the world outside (a gateway, a chain) and for what everybody pays into (fees).

        Raises:
            AssetUnknown: The asset was never registered.
        """
        made = self._call(
            tx,
            _OPEN,
            owner=owner,
            purpose=purpose,
            asset=asset.id,
            exponent=asset.exponent,
            floor=floor,
            now=self._clock.now(),
        )
        return AccountId(made)

    def post(self, tx: Tx, *transfers: Transfer) -> list[TransferId]:
        """Makes the transfers, all or none; those made before under the same keys are left as they are."""
        first = transfers[0]
        if len(transfers) == 1 and len(first.postings) == 1:
            posting = first.postings[0]
            moved = self._call(
                tx,
                _MOVE,
                key=first.key,
                kind=first.kind,
                source=posting.source,
                destination=posting.destination,
                asset=posting.amount.asset.id,
                exponent=posting.amount.asset.exponent,
                amount=_moving(posting.amount),
                now=self._clock.now(),
            )
            return [TransferId(moved)]
        keys = [transfer.key for transfer in transfers]
        if len(set(keys)) < len(keys):
            raise LedgerKeyReused("two transfers of one command have one key")
        flat = [
            (of, number, posting)
            for of, transfer in enumerate(transfers, 1)
            for number, posting in enumerate(transfer.postings, 1)
        ]
        made = self._call(
            tx,
            _POST,
            keys=keys,
            kinds=[transfer.kind for transfer in transfers],
            of=[of for of, _, _ in flat],
            numbers=[number for _, number, _ in flat],
            **_columns([posting for _, _, posting in flat]),
            now=self._clock.now(),
        )
        return [TransferId(number) for number in made]

    def exchange(self, tx: Tx, key: str, kind: str, *, sold: Posting, bought: Posting) -> list[TransferId]:
        """One asset for another, both ways through the node's liquidity accounts: two linked transfers."""
        made = self._call(
            tx, _EXCHANGE, key=key, kind=kind, **_columns([sold, bought]), now=self._clock.now()
        )
        return [TransferId(number) for number in made]

    def hold(
        self, tx: Tx, key: str, account: AccountId, amount: Amount, *, expires_at: dt.datetime
    ) -> HoldId:
        """Sets money aside until it is captured, voided or expired."""
        placed = self._call(
            tx,
            _HOLD,
            key=key,
            account=account,
            asset=amount.asset.id,
            exponent=amount.asset.exponent,
            amount=_moving(amount),
            expires_at=expires_at,
            now=self._clock.now(),
        )
        return HoldId(placed)

    def capture(
        self,
        tx: Tx,
        key: str,
        kind: str,
        hold: HoldId,
        parts: Sequence[tuple[AccountId, Amount]],
        *,
        is_last: bool = True,
    ) -> TransferId:
        """Pays held money out. The last capture gives back what is left; others leave it held."""
        if not parts:
            raise Bug("a capture has parts", key=key)
        amounts = [amount for _, amount in parts]
        made = self._call(
            tx,
            _CAPTURE,
            key=key,
            kind=kind,
            hold=hold,
            destinations=[account for account, _ in parts],
            assets=[amount.asset.id for amount in amounts],
            exponents=[amount.asset.exponent for amount in amounts],
            amounts=[_moving(amount) for amount in amounts],
            is_last=is_last,
            now=self._clock.now(),
        )
        return TransferId(made)

    def void(self, tx: Tx, hold: HoldId) -> bool:
        """Gives back what is left of the hold; False when that happened before."""
        return bool(self._call(tx, _VOID, hold=hold, now=self._clock.now()))

    def expire_holds(self, tx: Tx, *, limit: int) -> int:
        """Gives back what is left of holds past their time; returns how many there were."""
        return int(self._call(tx, _EXPIRE, limit=limit, now=self._clock.now()))

    def reverse(
        self, tx: Tx, key: str, kind: str, transfer: TransferId, parts: Sequence[tuple[int, Amount]]
    ) -> TransferId:
        """Sends back parts of postings, by their numbers. Several reversals never exceed the original."""
        if not parts:
            raise Bug("a reversal has parts", key=key)
        made = self._call(
            tx,
            _REVERSE,
            key=key,
            kind=kind,
            transfer=transfer,
            numbers=[number for number, _ in parts],
            amounts=[_moving(amount) for _, amount in parts],
            now=self._clock.now(),
        )
        return TransferId(made)

    def freeze(self, tx: Tx, account: AccountId) -> None:
        """Stops what leaves the account; money may still come.

        With a floor no later command gets through, without one those do that are under way.
        """
        self._call(tx, _SET_STATE, account=account, state="frozen")

    def unfreeze(self, tx: Tx, account: AccountId) -> None:
        self._call(tx, _SET_STATE, account=account, state="open")

    def close(self, tx: Tx, account: AccountId) -> None:
        """For good. Raises AccountNotEmpty."""
        self._call(tx, _SET_STATE, account=account, state="closed")

    def set_floor(self, tx: Tx, account: AccountId, floor: int) -> None:
        """Zero, or a credit limit below it. Raises InsufficientFunds when the balance lies lower."""
        self._call(tx, _SET_FLOOR, account=account, floor=floor)

    def _call(self, tx: Tx, statement: TextClause, **arguments: object) -> Any:  # noqa: ANN401 - as SQL says
        with typed_refusals():
            return tx.execute(statement, arguments).scalar_one()


@contextmanager
def typed_refusals(more: Words = MappingProxyType({})) -> Iterator[None]:
    """Turns what `ledger.refuse` raises into our errors; the rest passes.

    Args:
        more: The words of functions that call the ledger's.
    """
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        original = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(original, psycopg.Error) and original.sqlstate == REFUSED_STATE:
            fields = msgspec.json.decode(original.diag.message_detail or "{}")
            raise refusal(original.diag.message_primary or "", fields, more) from None
        raise


def _columns(postings: Sequence[Posting]) -> dict[str, list[Any]]:
    if len(postings) > POSTINGS_MAX:
        raise Bug("too many postings in one command", postings=len(postings))
    return {
        "sources": [posting.source for posting in postings],
        "destinations": [posting.destination for posting in postings],
        "assets": [posting.amount.asset.id for posting in postings],
        "exponents": [posting.amount.asset.exponent for posting in postings],
        "amounts": [_moving(posting.amount) for posting in postings],
    }


def _moving(amount: Amount) -> int:
    """The functions check it again; here it saves the way."""
    if not 0 < amount.value <= UINT256_MAX:
        raise AmountInvalid("an amount is a whole number from 1 to 2^256 - 1", amount=str(amount.value)[:90])
    return amount.value
