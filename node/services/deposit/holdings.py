"""What must lie where on the chain, by what is booked: the other side of what a server says lies there."""

from collections.abc import Sequence

from sqlalchemy import text

from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import Address, to_bytes
from wallet.ledger.statements import balance
from wallet.treasury.accounts import ChainAccounts, Tracked

# Sweeps of contracts that are none of ours say nothing: anybody can write one.
_SWEPT = text("""
    SELECT coalesce(sum(sweep.amount), 0) FROM chain.deposit_sweep AS sweep
    JOIN deposit.address AS known
        ON known.chain_id = sweep.chain_id AND known.address = sweep.forwarder
        AND known.deposits = sweep.deposits
    WHERE sweep.chain_id = :chain_id AND sweep.asset = :asset AND sweep.block_number <= :last
        AND (CAST(:address AS bytea) IS NULL OR sweep.forwarder = :address)
""")
_CREDITED = text("""
    SELECT coalesce(sum(amount), 0) FROM deposit.deposit
    WHERE chain_id = :chain_id AND asset = :asset AND state = 'credited'
        AND (CAST(:address AS bytea) IS NULL OR address = :address)
""")
_WAITING = text("""
    SELECT known.address, coalesce(came.amount, 0) - coalesce(left_it.amount, 0)
    FROM deposit.address AS known
    LEFT JOIN (
        SELECT address, sum(amount) AS amount FROM deposit.deposit
        WHERE chain_id = :chain_id AND asset = :asset AND state = 'credited' GROUP BY address
    ) AS came ON came.address = known.address
    LEFT JOIN (
        SELECT forwarder, deposits, sum(amount) AS amount FROM chain.deposit_sweep
        WHERE chain_id = :chain_id AND asset = :asset AND block_number <= :last GROUP BY forwarder, deposits
    ) AS left_it ON left_it.forwarder = known.address AND left_it.deposits = known.deposits
    WHERE known.chain_id = :chain_id
""")
_ADDRESSES = text("SELECT address FROM deposit.address WHERE chain_id = :chain_id ORDER BY address")


class Holdings:
    def __init__(self, accounts: ChainAccounts) -> None:
        self._accounts = accounts

    def swept(self, tx: Tx, address: Address | None, token: Address, *, last: int) -> int:
        """What left a deposit address, or all of them, up to that block."""
        return int(tx.execute(_SWEPT, {**self._of(address, token), "last": last}).scalar_one())

    def credited(self, tx: Tx, address: Address | None, token: Address) -> int:
        """What came there and was credited."""
        return int(tx.execute(_CREDITED, self._of(address, token)).scalar_one())

    def custody(self, tx: Tx, tracked: Tracked) -> int:
        """What the node holds on the chain by its ledger, wherever it lies."""
        return -balance(tx, self._accounts.outside(tx, tracked.asset)).posted

    def expected(self, tx: Tx, tracked: Tracked, *, last: int) -> int:
        """What must lie at the treasury: all that we hold but what waits at deposit addresses."""
        token = tracked.address
        waiting = self.credited(tx, None, token) - self.swept(tx, None, token, last=last)
        return self.custody(tx, tracked) - waiting

    def waiting(self, tx: Tx, token: Address, *, last: int) -> dict[Address, int]:
        """By deposit address, what was credited and not swept up to that block."""
        parameters = {"chain_id": self._accounts.chain_id, "asset": to_bytes(token), "last": last}
        rows = tx.execute(_WAITING, parameters)
        return {Address("0x" + bytes(raw).hex()): int(amount) for raw, amount in rows}

    def addresses(self, tx: Tx) -> Sequence[Address]:
        """All deposit addresses that were given out."""
        rows = tx.execute(_ADDRESSES, {"chain_id": self._accounts.chain_id}).scalars()
        return [Address("0x" + bytes(raw).hex()) for raw in rows]

    def _of(self, address: Address | None, token: Address) -> dict[str, object]:
        return {
            "chain_id": self._accounts.chain_id,
            "asset": to_bytes(token),
            "address": None if address is None else to_bytes(address),
        }
