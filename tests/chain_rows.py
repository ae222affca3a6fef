"""Rows of schema `chain` as the indexer writes them, for tests that start from a state of the chain."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text, update

from indexer.models import (
    Checkpoint,
    CollectionRow,
    CurrencyRow,
    ListingEpochRow,
    ListingNonceRow,
    SaleRow,
    TokenRow,
    TransferRow,
)
from node.kernel.db.unit_of_work import Tx
from node.kernel.hexes import ZERO_ADDRESS, ZERO_HASH, Address, Hash32

CHAIN_ID = 31337
PARTITION = f"""
    SELECT chain.make_partition({CHAIN_ID}, 0, 1000000)
    WHERE NOT EXISTS (SELECT FROM chain.partition WHERE chain_id = {CHAIN_ID})
"""  # noqa: S608 - a number of ours
GENESIS_TIME = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def address(number: int) -> Address:
    return Address(f"0x{number:040x}")


def hash32(number: int) -> Hash32:
    return Hash32(f"0x{number:064x}")


EXCHANGE = address(0xE0)
FACTORY = address(0xFA)


@dataclass
class ChainRows:
    """Each call is one log in a block of its own, in order."""

    tx: Tx
    block: int = 0

    def __post_init__(self) -> None:
        self.tx.execute(text(PARTITION))

    def collection(
        self,
        where: Address,
        *,
        creator: Address,
        max_supply: int = 0,
        royalty: tuple[Address, int] = (ZERO_ADDRESS, 0),
        name: str = "Carpets",
    ) -> Address:
        self._next()
        self.tx.add(
            CollectionRow(
                **self._state(),
                address=where,
                factory=FACTORY,
                creator=creator,
                owner=creator,
                salt=ZERO_HASH,
                name=name,
                symbol=name[:3].upper(),
                contract_uri="",
                royalty_receiver=royalty[0],
                royalty_bps=royalty[1],
                max_supply=max_supply,
                frozen=False,
                minted=0,
                created_block=self.block,
                created_log=0,
                created_at=self.now,
                created_tx=hash32(self.block),
            )
        )
        self.tx.flush()
        return where

    def mint(self, collection: Address, token_id: int, *, to: Address, uri: str = "ipfs://x") -> None:
        self._next()
        self.tx.add(
            TokenRow(
                **self._state(),
                collection=collection,
                token_id=token_id,
                owner=to,
                uri=uri,
                minted_to=to,
                minted_block=self.block,
                minted_log=0,
                minted_at=self.now,
                minted_tx=hash32(self.block),
                moved_block=self.block,
                moved_log=0,
            )
        )
        self.tx.execute(
            update(CollectionRow)
            .where(CollectionRow.chain_id == CHAIN_ID, CollectionRow.address == collection)
            .values(minted=CollectionRow.minted + 1)
        )
        self._transfer(collection, token_id, ZERO_ADDRESS, to, log=0)

    def transfer(self, collection: Address, token_id: int, *, sender: Address, to: Address) -> None:
        self._next()
        self._move(collection, token_id, sender, to)

    def sell(
        self,
        collection: Address,
        token_id: int,
        *,
        seller: Address,
        buyer: Address,
        price: int,
        digest: Hash32,
        nonce: int = 0,
        currency: Address = ZERO_ADDRESS,
        fee: int = 0,
    ) -> None:
        self._next()
        self._move(collection, token_id, seller, buyer)
        self.tx.add(
            SaleRow(
                **self._fact(log=1),
                exchange=EXCHANGE,
                digest=digest,
                kind="listing",
                seller=seller,
                buyer=buyer,
                collection=collection,
                token_id=token_id,
                quantity=1,
                currency=currency,
                price=price,
                royalty_receiver=ZERO_ADDRESS,
                royalty=0,
                fee=fee,
                nonce=nonce,
            )
        )
        self._nonce(seller, nonce, "used", digest)

    def cancel(self, signer: Address, nonce: int) -> None:
        self._next()
        self._nonce(signer, nonce, "cancelled", None)

    def cancel_all(self, signer: Address, *, epoch: int) -> None:
        self._next()
        self.tx.merge(ListingEpochRow(**self._state(), exchange=EXCHANGE, signer=signer, epoch=epoch))
        self.tx.flush()

    def allow(self, currency: Address, *, allowed: bool = True) -> None:
        self._next()
        self.tx.merge(CurrencyRow(**self._state(), exchange=EXCHANGE, currency=currency, allowed=allowed))
        self.tx.flush()

    def checkpoint(self, number: int) -> None:
        """As if the indexer had read so far."""
        self.tx.merge(
            Checkpoint(
                chain_id=CHAIN_ID,
                genesis_hash=ZERO_HASH,
                start_block=0,
                number=number,
                hash=hash32(number),
                block_time=self.now,
                undo_floor=0,
                finalized_number=number,
                emit_after=0,
                head_number=number,
                head_time=self.now,
                state="live",
                reason=None,
                seen_at=self.now,
            )
        )
        self.tx.flush()

    @property
    def now(self) -> dt.datetime:
        return GENESIS_TIME + dt.timedelta(seconds=self.block)

    def _next(self) -> None:
        self.block += 1

    def _state(self) -> dict[str, object]:
        return {
            "chain_id": CHAIN_ID,
            "changed_block": self.block,
            "changed_log": 0,
            "changed_at": self.now,
        }

    def _fact(self, *, log: int) -> dict[str, object]:
        return {
            "chain_id": CHAIN_ID,
            "block_number": self.block,
            "log_index": log,
            "block_time": self.now,
            "tx_hash": hash32(self.block),
        }

    def _move(self, collection: Address, token_id: int, sender: Address, to: Address) -> None:
        self.tx.execute(
            update(TokenRow)
            .where(
                TokenRow.chain_id == CHAIN_ID,
                TokenRow.collection == collection,
                TokenRow.token_id == token_id,
            )
            .values(owner=to, moved_block=self.block, moved_log=0)
        )
        self._transfer(collection, token_id, sender, to, log=0)

    def _transfer(
        self, collection: Address, token_id: int, sender: Address, to: Address, *, log: int
    ) -> None:
        self.tx.add(
            TransferRow(
                **self._fact(log=log), collection=collection, token_id=token_id, sender=sender, recipient=to
            )
        )
        self.tx.flush()

    def _nonce(self, signer: Address, nonce: int, state: str, digest: Hash32 | None) -> None:
        self.tx.add(
            ListingNonceRow(
                **self._state(),
                exchange=EXCHANGE,
                signer=signer,
                nonce=nonce,
                state=state,
                digest=digest,
                tx_hash=hash32(self.block),
            )
        )
        self.tx.flush()
