"""The ledger's accounts of a chain's money, and the assets that are booked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, text

from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import ZERO_ADDRESS, Address
from node.kernel.money import Asset, native_asset
from wallet.ledger.commands import AccountId, Ledger
from wallet.treasury.models import TrackedRow

OUTSIDE: Final = "outside"  # of `chain:<id>`: what everybody else has; what it lacks is what we hold
NODE: Final = "node"
OWN: Final = "treasury"  # what came to the treasury without anybody's deposit
GAS: Final = "gas"  # what our transactions cost
LOSS: Final = "chain-loss"  # what the chain took back after it was final
TRANSIT: Final = "in-transit"  # what was paid out by transactions that vanished and are sent again

_NEW = text("""
    INSERT INTO treasury.tracked (chain_id, address, asset_id, code, exponent, booked)
    SELECT asset.chain_id, asset.address, asset.asset_id, asset.code, asset.exponent, false
    FROM asset.asset AS asset
    JOIN chain.currency AS currency ON currency.chain_id = asset.chain_id
        AND currency.currency = asset.address AND currency.allowed
    WHERE asset.chain_id = :chain_id AND asset.exponent <= 36
    ON CONFLICT DO NOTHING
""")
_NATIVE = text("""
    INSERT INTO treasury.tracked (chain_id, address, asset_id, code, exponent, booked)
    VALUES (:chain_id, :address, :asset_id, :code, 18, true) ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class Tracked:
    address: Address
    asset: Asset
    booked: bool


class ChainAccounts:
    def __init__(self, ledger: Ledger, *, chain_id: int, native_code: str) -> None:
        self._ledger = ledger
        self._native = native_asset(chain_id, code=native_code)
        self.chain_id = chain_id

    @property
    def native(self) -> Asset:
        return self._native

    def outside(self, tx: Tx, asset: Asset) -> AccountId:
        return self._endless(tx, f"chain:{self.chain_id}", OUTSIDE, asset)

    def of_node(self, tx: Tx, purpose: str, asset: Asset) -> AccountId:
        return self._endless(tx, NODE, purpose, asset)

    def track(self, tx: Tx) -> None:
        """Books the coin, and from now on each token of the exchange's list that has a name by now."""
        parameters = {"chain_id": self.chain_id}
        tx.execute(
            _NATIVE,
            parameters | {"address": bytes(20), "asset_id": self._native.id, "code": self._native.code},
        )
        tx.execute(_NEW, parameters)

    def tracked(self, tx: Tx) -> Mapping[Address, Tracked]:
        rows = tx.execute(select(TrackedRow).where(TrackedRow.chain_id == self.chain_id)).scalars()
        return {
            row.address: Tracked(row.address, Asset(row.asset_id, row.code, row.exponent), row.booked)
            for row in rows
        }

    def asset_of(self, tx: Tx, address: Address) -> Asset | None:
        """None for what is not booked."""
        if address == ZERO_ADDRESS:
            return self._native
        row = tx.get(TrackedRow, (self.chain_id, address))
        return None if row is None else Asset(row.asset_id, row.code, row.exponent)

    def _endless(self, tx: Tx, owner: str, purpose: str, asset: Asset) -> AccountId:
        self._ledger.register(tx, asset)
        return self._ledger.account(tx, owner, purpose, asset, floor=None)
