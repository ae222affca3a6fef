"""The chain against the ledger, at the block up to which the ledger knows the chain.

What lies at the treasury and at all deposit addresses is what the ledger says that the node holds (users'
balances and holds, and the node's own), to the unit. Coin that came and was not looked at yet is told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from node.chain.artifacts import load_artifact
from node.chain.client import ChainClient, Read
from node.chain.errors import ExecutionReverted
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Transient
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32
from node.services.deposit.holdings import Holdings
from wallet.incident.comparing import Begin, Comparison, Difference
from wallet.treasury.accounts import ChainAccounts, Tracked
from wallet.treasury.models import BookRow
from wallet.treasury.outbox import Outbox

_SNAPSHOT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
_USERS = text("""
    SELECT coalesce(sum(posted), 0) FROM ledger.account
    WHERE asset = :asset AND floor IS NOT NULL AND (owner LIKE 'account:%' OR owner LIKE 'market:%')
""")


@dataclass(frozen=True, slots=True)
class _Side:
    """The ledger's word on an asset: in all, what of it waits at each address, and what is users'."""

    tracked: Tracked
    custody: int
    users: int
    waiting: dict[Address, int]


class ChainAgainstLedger:
    def __init__(
        self, chain: ChainClient, *, accounts: ChainAccounts, outbox: Outbox, holdings: Holdings
    ) -> None:
        self._chain = chain
        self._accounts = accounts
        self._outbox = outbox
        self._holdings = holdings

    @property
    def name(self) -> str:
        return "chain"

    def compare(self, begin: Begin) -> Comparison | None:
        if not self._outbox.is_open:
            return Comparison(())
        with begin() as tx:
            tx.execute(_SNAPSHOT)
            book = tx.get(BookRow, self._chain.chain_id)
            if book is None or book.hash is None or not book.whole:
                return None  # still catching up
            number, block_hash = book.number, book.hash
            addresses = self._holdings.addresses(tx)
            sides = [self._side(tx, tracked, number) for tracked in self._accounts.tracked(tx).values()]
        found = [self._lies(side, addresses, number) for side in sides]
        self._require(number, block_hash)
        differences, lines = [], [f"at block {number}, {len(addresses)} deposit addresses"]
        for side, (total, unseen) in zip(sides, found, strict=True):
            asset = side.tracked.asset
            lines.append(
                f"{asset.code}: on the chain {total}, in the ledger {side.custody} (of users {side.users},"
                f" the node's {side.custody - side.users}), not credited yet {unseen}"
            )
            if total - unseen != side.custody:
                details: dict[str, str | int | None] = {
                    "asset": asset.id,
                    "block": number,
                    "not_credited_yet": str(unseen),
                }
                differences.append(Difference(asset.id, str(total - unseen), str(side.custody), details))
        return Comparison(differences, lines)

    def _side(self, tx: Tx, tracked: Tracked, last: int) -> _Side:
        users = int(tx.execute(_USERS, {"asset": tracked.asset.id}).scalar_one())
        waiting = self._holdings.waiting(tx, tracked.address, last=last)
        return _Side(tracked, self._holdings.custody(tx, tracked), users, waiting)

    def _lies(self, side: _Side, addresses: Sequence[Address], at: int) -> tuple[int, int]:
        """What is on the chain in all, and how much of it is coin that nobody looked at yet."""
        places = [self._outbox.address, *addresses]
        if side.tracked.address == ZERO_ADDRESS:
            has = self._chain.balances(places, at=at)
            there = zip(addresses, has[1:], strict=True)
            return sum(has), sum(max(0, value - side.waiting.get(address, 0)) for address, value in there)
        erc20 = load_artifact("IERC20Metadata")
        asked = [Read(erc20, side.tracked.address, "balanceOf", (place,)) for place in places]
        answers = self._chain.read_many(asked, at=at)
        if any(isinstance(answer, ExecutionReverted) for answer in answers):
            raise Transient("a token does not say what lies where", token=side.tracked.address)
        return sum(answers), 0

    def _require(self, number: int, block_hash: Hash32) -> None:
        """What was answered counts only for the block that the book means."""
        block = self._chain.block(number)
        if block is None or block.hash != block_hash:
            raise Transient("the chain's server is at other blocks than the book", block=number)
