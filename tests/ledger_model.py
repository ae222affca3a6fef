"""The ledger in plain Python: the oracle of the real one. One command after the other, nothing clever.

A command is applied to the model and to the database; both must refuse with the same class, or both succeed.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from node.kernel.errors import Refused
from node.kernel.money import UINT256_MAX, Asset
from wallet.ledger import errors

Wanted = tuple[int, str, str, Asset, int]  # number, source, destination, asset, amount


@dataclass
class Account:
    asset: Asset
    floor: int | None
    posted: int = 0
    held: int = 0
    state: str = "open"

    @property
    def available(self) -> int | None:
        return None if self.floor is None else self.posted - self.held - self.floor


@dataclass
class Hold:
    account: str
    amount: int
    expires_at: dt.datetime
    captured: int = 0
    state: str = "open"

    @property
    def left(self) -> int:
        return self.amount - self.captured if self.state == "open" else 0


@dataclass(frozen=True)
class Made:
    """A transfer as the books keep it."""

    kind: str
    postings: tuple[tuple[int, str, str, int], ...]
    hold: str | None = None
    reverses: str | None = None


@dataclass
class Model:
    now: dt.datetime
    accounts: dict[str, Account] = field(default_factory=dict)
    transfers: dict[str, Made] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)

    def open(self, name: str, asset: Asset, floor: int | None) -> None:
        self.accounts[name] = Account(asset, floor)

    def post(self, transfers: Iterable[tuple[str, str, tuple[Wanted, ...]]]) -> None:
        transfers = list(transfers)
        if len({key for key, _, _ in transfers}) < len(transfers):
            raise errors.LedgerKeyReused("twice in one command")
        _positive(amount for _, _, postings in transfers for *_, amount in postings)
        self._make({key: (Made(kind, _plain(postings)), postings) for key, kind, postings in transfers})

    def exchange(self, key: str, kind: str, sold: Wanted, bought: Wanted) -> None:
        _positive([sold[-1], bought[-1]])
        if sold[3] == bought[3]:
            raise errors.CurrencyMismatch("nothing to exchange")
        self._make(
            {
                f"{key}>{side}": (Made(kind, _plain((posting,))), (posting,))
                for side, posting in (("sold", sold), ("bought", bought))
            }
        )

    def hold(self, key: str, account: str, asset: Asset, amount: int, expires_at: dt.datetime) -> None:
        _positive([amount])
        found = self.accounts[account]
        known = self.holds.get(key)
        if known is not None:
            if (known.account, known.amount) != (account, amount):
                raise errors.LedgerKeyReused("another hold")
            return
        if found.asset != asset:
            raise errors.CurrencyMismatch("hold")
        if found.state != "open":
            raise {"frozen": errors.AccountFrozen, "closed": errors.AccountClosed}[found.state]("hold")
        if found.available is None:
            raise errors.AccountWithoutFloor("hold")
        if expires_at <= self.now:
            raise errors.HoldExpired("at once")
        if amount > found.available:
            raise errors.InsufficientFunds("hold")
        found.held += amount
        self.holds[key] = Hold(account, amount, expires_at)

    def capture(
        self, key: str, kind: str, hold: str, parts: tuple[tuple[str, Asset, int], ...], *, is_last: bool
    ) -> None:
        _positive(amount for *_, amount in parts)
        found = self.holds[hold]
        postings = tuple(
            (n, found.account, account, asset, amount) for n, (account, asset, amount) in enumerate(parts, 1)
        )
        made = Made(kind, _plain(postings), hold=hold)
        if self._known(key, made):
            return
        if found.state == "expired" or (found.state == "open" and found.expires_at <= self.now):
            raise errors.HoldExpired("capture")
        if found.state != "open":
            raise errors.HoldEnded("capture")
        total = sum(amount for *_, amount in parts)
        if total > found.left:
            raise errors.HoldExceeded("capture")
        freed = found.left if is_last else total
        account = self.accounts[found.account]
        account.held -= freed
        try:
            self._make({key: (made, postings)})
        except Refused:
            account.held += freed
            raise
        found.captured += total
        if is_last or found.captured == found.amount:
            found.state = "captured"

    def void(self, hold: str) -> None:
        found = self.holds[hold]
        if found.state == "captured":
            raise errors.HoldEnded("void")
        self._free(found, "voided")

    def expire(self) -> None:
        for hold in self.holds.values():
            if hold.expires_at <= self.now:
                self._free(hold, "expired")

    def _free(self, hold: Hold, state: str) -> None:
        if hold.state == "open":
            self.accounts[hold.account].held -= hold.left
            hold.state = state

    def reverse(self, key: str, kind: str, transfer: str, parts: tuple[tuple[int, Asset, int], ...]) -> None:
        _positive(amount for *_, amount in parts)
        original = self.transfers[transfer]
        if original.reverses is not None:
            raise errors.NotReversible("reversal")
        sides = {n: (source, destination, amount) for n, source, destination, amount in original.postings}
        if all(n in sides for n, _, _ in parts):
            made = Made(
                kind,
                tuple((n, sides[n][1], sides[n][0], amount) for n, _, amount in sorted(parts)),
                reverses=transfer,
            )
            if self._known(key, made):
                return
        elif key in self.transfers:
            raise errors.LedgerKeyReused("another reversal")
        gone = defaultdict[int, int](int)
        for earlier in self.transfers.values():
            if earlier.reverses == transfer:
                for n, _, _, amount in earlier.postings:
                    gone[n] += amount
        numbers = [n for n, _, _ in parts]
        for n, _, amount in parts:
            if n not in sides or amount > sides[n][2] - gone[n] or numbers.count(n) > 1:
                raise errors.ReversalExceeded("reversal")
        postings = tuple(
            (n, sides[n][1], sides[n][0], self.accounts[sides[n][0]].asset, amount) for n, _, amount in parts
        )
        self._make({key: (made, postings)})

    def set_state(self, account: str, state: str) -> None:
        found = self.accounts[account]
        if found.state == "closed" and state != "closed":
            raise errors.AccountClosed("for good")
        if state == "closed" and (found.floor is None or found.posted or found.held):
            raise errors.AccountNotEmpty("close")
        found.state = state

    def set_floor(self, account: str, floor: int) -> None:
        found = self.accounts[account]
        if found.floor is None:
            raise errors.AccountWithoutFloor("floor")
        if not -UINT256_MAX <= floor <= 0:
            raise errors.AmountInvalid("floor")
        if found.posted - found.held < floor:
            raise errors.InsufficientFunds("floor")
        found.floor = floor

    def _known(self, key: str, made: Made) -> bool:
        known = self.transfers.get(key)
        if known is None:
            return False
        if known != made:
            raise errors.LedgerKeyReused(key)
        return True

    def _make(self, wanted: dict[str, tuple[Made, tuple[Wanted, ...]]]) -> None:
        """All or nothing; transfers that were made before stay as they are."""
        fresh = {key: pair for key, pair in wanted.items() if not self._known(key, pair[0])}
        postings = [posting for _, own in fresh.values() for posting in own]
        for posting in postings:
            self._check(posting)
        deltas = defaultdict[str, int](int)
        for _, source, destination, _, amount in postings:
            deltas[source] -= amount
            deltas[destination] += amount
        for name, delta in deltas.items():
            available = self.accounts[name].available
            if available is not None and delta < 0 and available + delta < 0:
                raise errors.InsufficientFunds(name)
        for name, delta in deltas.items():
            if self.accounts[name].floor is not None and self.accounts[name].posted + delta > UINT256_MAX:
                raise errors.AmountOverflow(name)
        for name, delta in deltas.items():
            self.accounts[name].posted += delta
        for key, (made, _) in fresh.items():
            self.transfers[key] = replace(made)

    def _check(self, posting: Wanted) -> None:
        _, source_name, destination_name, asset, _ = posting
        if source_name == destination_name:
            raise errors.SelfTransfer(source_name)
        source, destination = self.accounts[source_name], self.accounts[destination_name]
        if not source.asset == destination.asset == asset:
            raise errors.CurrencyMismatch(asset.id)
        if "closed" in (source.state, destination.state):
            raise errors.AccountClosed("post")
        if source.state == "frozen":
            raise errors.AccountFrozen("post")


def _plain(postings: tuple[Wanted, ...]) -> tuple[tuple[int, str, str, int], ...]:
    return tuple(
        (n, source, destination, amount)
        for n, source, destination, _, amount in sorted(postings, key=_number)
    )


def _number(posting: Wanted) -> int:
    return posting[0]


def _positive(amounts: Iterable[int]) -> None:
    if not all(0 < amount <= UINT256_MAX for amount in amounts):
        raise errors.AmountInvalid("not an amount")
