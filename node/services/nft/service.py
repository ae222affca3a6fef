"""Collections and tokens: the steps that make them, and what their metadata says.

No command here changes who owns what: the wallet sends a transaction, and the chain decides.
"""

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from indexer.models import CollectionRow, TokenRow
from node.chain.actions import CollectionActions, CollectionTerms
from node.chain.artifacts import load_artifact
from node.chain.client import Read
from node.chain.errors import ExecutionReverted, NotAContract
from node.chain.steps import Step, StepBuilder
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.errors import Transient
from node.kernel.hexes import ZERO_ADDRESS, Address, Hash32
from node.kernel.text import one_line
from node.services.nft.errors import (
    CollectionTermsInvalid,
    CollectionUnknown,
    MintInvalid,
    NotCollectionOwner,
    SaltTaken,
    SupplyExhausted,
    TokenUnknown,
)
from node.services.nft.metadata import Metadata, MetadataSource, MetadataState
from node.services.nft.models import MetadataRow, PlannedCollectionRow

Begin = Callable[[], AbstractContextManager[Tx]]

NAME_CHARS_MAX = 120
SYMBOL_CHARS_MAX = 24
URI_BYTES_MAX = 2_048  # each word of it costs its minter storage
ROYALTY_BPS_MAX = 1_000  # MAX_ROYALTY_BPS of the collection
SUPPLY_MAX = 2**64 - 1  # the collection counts in 64 bits
REFRESH_ROUNDS_MAX = 3  # a URI that moves while it is read is read again


@dataclass(frozen=True, slots=True)
class PlannedCollection:
    """The steps to a collection, and where it will be."""

    address: Address
    salt: Hash32
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class PlannedMint:
    """`token_id` is the one that comes next now; another mint may take it first."""

    token_id: int
    metadata: Metadata
    steps: list[Step]


class NftService:
    def __init__(
        self, clock: Clock, steps: Callable[[], StepBuilder], metadata: MetadataSource, *, chain_id: int
    ) -> None:
        self.chain_id = chain_id
        self._clock = clock
        self._steps = steps
        self._metadata = metadata

    def plan_collection(
        self,
        begin: Begin,
        terms: CollectionTerms,
        *,
        salt: Hash32,
        creator: Address,
        account_id: uuid.UUID,
        market_id: uuid.UUID | None,
    ) -> PlannedCollection:
        """The transaction that makes the collection. Who owns the market is checked by the caller.

        Raises:
            TextInvalid, CollectionTermsInvalid: The factory would not make it.
            SaltTaken: The caller has a collection with that salt.
            InsufficientNativeFunds, Transient: As the chain says.
        """
        terms = _checked(terms)
        actions = CollectionActions(self._steps())
        address = actions.predict(creator=creator, salt=salt)
        if actions.steps.client.code(address):
            raise SaltTaken("you made a collection with this salt before", collection=address)
        steps = actions.create(creator=creator, terms=terms, salt=salt)
        with begin() as tx:
            plan = insert(PlannedCollectionRow).values(
                chain_id=self.chain_id,
                address=address,
                creator=creator,
                salt=salt,
                account_id=account_id,
                market_id=market_id,
                planned_at=self._clock.now(),
            )
            key = [PlannedCollectionRow.chain_id, PlannedCollectionRow.address]
            tx.execute(plan.on_conflict_do_update(index_elements=key, set_={"market_id": market_id}))
        return PlannedCollection(address, salt, [*steps])

    def plan_mint(
        self, begin: Begin, *, collection: Address, merchant: Address, to: Address, uri: str
    ) -> PlannedMint:
        """The transaction that makes the next token.

        Raises:
            CollectionUnknown, NotCollectionOwner, SupplyExhausted, MintInvalid: By what is wrong.
            ExecutionReverted, InsufficientNativeFunds, Transient: As the chain says.
        """
        if not uri.strip() or len(uri.encode()) > URI_BYTES_MAX:
            raise MintInvalid(f"a URI has 1 to {URI_BYTES_MAX} bytes", field="uri")
        if to == ZERO_ADDRESS:
            raise MintInvalid("nobody can own a token of the zero address", field="to")
        with begin() as tx:
            self._known(tx, collection)
        actions = CollectionActions(self._steps())
        minted = self._check_mint(actions.steps, collection, merchant)
        steps = actions.mint(merchant=merchant, collection=collection, to=to, uri=uri)
        return PlannedMint(minted + 1, self._metadata.read(uri), [*steps])

    def refresh_metadata(self, begin: Begin, collection: Address, token_id: int) -> MetadataState:
        """Reads what the token's URI points at and keeps it for the views. Idempotent.

        Raises:
            TokenUnknown: The tables of the chain have no such token.
            Transient: The content store is away, or the URI moves all the time.
        """
        with begin() as tx:
            uri = self._uri(tx, collection, token_id)
        for _ in range(REFRESH_ROUNDS_MAX):
            metadata = self._metadata.read(uri)
            with begin() as tx:
                current = self._uri(tx, collection, token_id)
                if current == uri:
                    self._keep(tx, collection, token_id, uri, metadata)
                    return metadata.state
            uri = current
        raise Transient("the token's URI keeps moving", collection=collection, token_id=str(token_id))

    def _known(self, tx: Tx, collection: Address) -> None:
        if tx.get(CollectionRow, (self.chain_id, collection)) is None:
            raise CollectionUnknown("there is no such collection", collection=collection)

    def _check_mint(self, steps: StepBuilder, collection: Address, merchant: Address) -> int:
        """How many tokens there are, by the chain; refuses what the collection would refuse."""
        artifact = load_artifact("Collection")
        views = ("owner", "totalMinted", "maxSupply")
        answers = steps.client.read_many([Read(artifact, collection, view) for view in views])
        if any(isinstance(answer, ExecutionReverted) for answer in answers):
            raise NotAContract("the collection does not answer", contract=collection)
        owner, minted, max_supply = answers
        if owner != merchant:
            raise NotCollectionOwner(
                "only the wallet that owns the collection can mint", collection=collection, owner=owner
            )
        if max_supply and minted >= max_supply:
            raise SupplyExhausted(
                f"the collection is complete with its {max_supply} tokens", collection=collection
            )
        return int(minted)

    def _uri(self, tx: Tx, collection: Address, token_id: int) -> str:
        uri = tx.execute(
            select(TokenRow.uri).where(
                TokenRow.chain_id == self.chain_id,
                TokenRow.collection == collection,
                TokenRow.token_id == token_id,
            )
        ).scalar_one_or_none()
        if uri is None:
            raise TokenUnknown("there is no such token", collection=collection, token_id=str(token_id))
        return uri

    def _keep(self, tx: Tx, collection: Address, token_id: int, uri: str, metadata: Metadata) -> None:
        columns = {
            "uri": uri,
            "state": metadata.state,
            "name": metadata.name,
            "description": metadata.description,
            "image": metadata.image,
            "attributes": metadata.attributes,
            "refreshed_at": self._clock.now(),
        }
        row = insert(MetadataRow).values(
            chain_id=self.chain_id, collection=collection, token_id=token_id, **columns
        )
        key = [MetadataRow.chain_id, MetadataRow.collection, MetadataRow.token_id]
        tx.execute(row.on_conflict_do_update(index_elements=key, set_=columns))


def _checked(terms: CollectionTerms) -> CollectionTerms:
    """Refuses what the contract would refuse, field by field."""
    name = one_line(terms.name, field="name", chars_max=NAME_CHARS_MAX)
    symbol = one_line(terms.symbol, field="symbol", chars_max=SYMBOL_CHARS_MAX)
    if len(terms.contract_uri.encode()) > URI_BYTES_MAX:
        raise CollectionTermsInvalid(f"a URI has at most {URI_BYTES_MAX} bytes", field="contract_uri")
    if not 0 <= terms.royalty_bps <= ROYALTY_BPS_MAX:
        raise CollectionTermsInvalid(
            f"a royalty lies between 0 and {ROYALTY_BPS_MAX} basis points", field="royalty_bps"
        )
    if (terms.royalty_bps == 0) != (terms.royalty_receiver == ZERO_ADDRESS):
        raise CollectionTermsInvalid(
            "a royalty has a receiver, and no royalty has none", field="royalty_receiver"
        )
    if not 0 <= terms.max_supply <= SUPPLY_MAX:
        raise CollectionTermsInvalid("the supply is counted in 64 bits", field="max_supply")
    return CollectionTerms(
        name=name,
        symbol=symbol,
        contract_uri=terms.contract_uri,
        royalty_receiver=terms.royalty_receiver,
        royalty_bps=terms.royalty_bps,
        max_supply=terms.max_supply,
    )
