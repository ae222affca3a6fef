"""Giving out deposit addresses. Nothing is deployed and no key is kept for them."""

import secrets
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import select

from node.chain.artifacts import load_artifact
from node.chain.client import ChainClient
from node.chain.deployments import Deployment
from node.chain.deposits import deposit_address
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Bug
from node.kernel.hexes import Address, Hash32, hash_from_bytes
from node.services.deposit.books import DepositBooks
from node.services.deposit.errors import DepositsNotReady, DepositUnknown
from node.services.deposit.following import Follower, owner_of
from node.services.deposit.models import AddressRow, DepositRow
from wallet.treasury.outbox import Outbox

Begin = Callable[[], AbstractContextManager[Tx]]

ID_BYTES = 32


@dataclass(frozen=True, slots=True)
class Owner:
    """An account or a market, never both."""

    account_id: uuid.UUID | None = None
    market_id: uuid.UUID | None = None


class DepositService:
    def __init__(
        self,
        clock: Clock,
        chain: ChainClient,
        deployment: Callable[[], Deployment],
        *,
        outbox: Outbox,
        follower: Follower,
        books: DepositBooks,
    ) -> None:
        self._clock = clock
        self._chain = chain
        self._deployment = deployment
        self._outbox = outbox
        self._follower = follower
        self._books = books

    def address(self, begin: Begin, owner: Owner) -> Address:
        """The owner's newest address of the contracts and the treasury of now; made where there is none.

        Raises:
            TreasuryMissing: The node takes no deposits.
            DepositsNotReady, NotDeployed: Not yet.
            Transient: The chain is away.
        """
        contract, destination = self._deployment().deposits.address, self._outbox.address
        with begin() as tx:
            known = self._known(tx, owner, contract, destination)
        if known is not None:
            return known
        deposit_id = hash_from_bytes(secrets.token_bytes(ID_BYTES))
        address = self._derived(contract, destination, deposit_id)
        with begin() as tx:
            # From here on the book is followed, so that what comes to the address is seen.
            if self._follower.open_book(tx) is None:
                raise DepositsNotReady("the chain was not read yet", retry_after_s=5)
            tx.add(
                AddressRow(
                    chain_id=self._chain.chain_id,
                    address=address,
                    deposit_id=deposit_id,
                    deposits=contract,
                    destination=destination,
                    account_id=owner.account_id,
                    market_id=owner.market_id,
                    made_at=self._clock.now(),
                )
            )
        return address

    def owner_at(self, tx: Tx, address: Address) -> str | None:
        """Whose deposit address that is, as the ledger names it; None: it is none of the node's."""
        row = tx.get(AddressRow, (self._chain.chain_id, address))
        return None if row is None else owner_of(row)

    def settle_loss(self, tx: Tx, deposit_id: uuid.UUID, *, claw_back: bool) -> DepositRow:
        """Of a deposit that the chain lost for good. Raises DepositUnknown, DepositNotVanished."""
        row = tx.get(DepositRow, deposit_id, with_for_update=True)
        if row is None:
            raise DepositUnknown("there is no such deposit")
        self._books.settle_loss(tx, row, claw_back=claw_back)
        return row

    def _known(self, tx: Tx, owner: Owner, contract: Address, destination: Address) -> Address | None:
        query = (
            select(AddressRow.address)
            .where(
                AddressRow.chain_id == self._chain.chain_id,
                AddressRow.account_id == owner.account_id,
                AddressRow.market_id == owner.market_id,
                AddressRow.deposits == contract,
                AddressRow.destination == destination,
            )
            .order_by(AddressRow.made_at.desc())
        )
        return tx.execute(query.limit(1)).scalar_one_or_none()

    def _derived(self, contract: Address, destination: Address, deposit_id: Hash32) -> Address:
        """Ours, held against the contract's: money sent to a wrong one would be nobody's."""
        artifact = load_artifact("Deposits")
        derived = deposit_address(
            deposits=contract,
            implementation=self._chain.read(artifact, contract, "implementation"),
            destination=destination,
            deposit_id=deposit_id,
        )
        if self._chain.read(artifact, contract, "addressOf", destination, deposit_id) != derived:
            raise Bug("the contract derives another deposit address", contract=contract)
        return derived
