"""Collections and tokens.

What a clone logs while it is being made (owner, royalty, URI) comes before `CollectionCreated` and says
nothing that `CollectionCreated` does not, so changes of an unknown collection are left out.
"""

from indexer.codec import Model
from indexer.models import CollectionRow, ContractRow, TokenRow, TransferRow
from indexer.projections.rules import Rule, Rules, nothing
from indexer.workset import At, Ref, WorkSet
from node.chain import events as ev
from node.chain.logs import CHILD_OF, Kind
from node.kernel.errors import Bug
from node.kernel.hexes import ZERO_ADDRESS


def _collection(at: At, _event: ev.ChainLog) -> list[Ref]:
    return [Ref(CollectionRow, (at.contract,))]


def _token(at: At, event: ev.TokenTransfer | ev.Minted | ev.TokenURIChanged) -> list[Ref]:
    return [Ref(TokenRow, (at.contract, event.token_id))]


def _minting(at: At, event: ev.TokenTransfer) -> list[Ref]:
    return [Ref(CollectionRow, (at.contract,))] if event.sender == ZERO_ADDRESS else []


def _created_refs(at: At, event: ev.CollectionCreated) -> list[Ref]:
    contracts = [Ref(ContractRow, (address,)) for address in (at.contract, event.collection)]
    return [Ref(CollectionRow, (event.collection,)), *contracts]


def _created(work: WorkSet, at: At, event: ev.CollectionCreated) -> None:
    factory = work.find(ContractRow, at.contract)
    if factory is None:
        raise Bug("a collection of an unknown factory", factory=at.contract)
    work.put(
        ContractRow,
        (event.collection,),
        at,
        kind=CHILD_OF[Kind(factory["kind"])].value,
        from_block=at.block,
        creator=event.creator,
    )
    work.put(
        CollectionRow,
        (event.collection,),
        at,
        factory=at.contract,
        creator=event.creator,
        owner=event.creator,
        salt=event.salt,
        name=event.name,
        symbol=event.symbol,
        contract_uri=event.contract_uri,
        royalty_receiver=event.royalty_receiver,
        royalty_bps=event.royalty_bps,
        max_supply=event.max_supply,
        frozen=False,
        minted=0,
        created_block=at.block,
        created_log=at.log,
        created_at=at.time,
        created_tx=at.tx,
    )


def _change(work: WorkSet, at: At, **columns: object) -> None:
    if work.find(CollectionRow, at.contract) is not None:
        work.put(CollectionRow, (at.contract,), at, **columns)


def _owner_changed(work: WorkSet, at: At, event: ev.OwnershipTransferred) -> None:
    _change(work, at, owner=event.new_owner)


def _uri_changed(work: WorkSet, at: At, event: ev.ContractURIChanged) -> None:
    _change(work, at, contract_uri=event.uri)


def _royalty_changed(work: WorkSet, at: At, event: ev.RoyaltyChanged) -> None:
    _change(work, at, royalty_receiver=event.receiver, royalty_bps=event.bps)


def _frozen(work: WorkSet, at: At, _event: ev.MetadataFrozen) -> None:
    _change(work, at, frozen=True)


def _transferred(work: WorkSet, at: At, event: ev.TokenTransfer) -> None:
    work.add(
        TransferRow,
        at,
        collection=at.contract,
        token_id=event.token_id,
        sender=event.sender,
        recipient=event.recipient,
    )
    moved = {"owner": event.recipient, "moved_block": at.block, "moved_log": at.log}
    key = (at.contract, event.token_id)
    if event.sender != ZERO_ADDRESS:
        work.put(TokenRow, key, at, **moved)
        return
    minted = {"minted_block": at.block, "minted_log": at.log, "minted_at": at.time, "minted_tx": at.tx}
    work.put(TokenRow, key, at, uri="", minted_to=event.recipient, **moved, **minted)
    collection = work.find(CollectionRow, at.contract)
    if collection is None:
        raise Bug("a token of an unknown collection was minted", collection=at.contract)
    work.put(CollectionRow, (at.contract,), at, minted=collection["minted"] + 1)


def _uri_set(work: WorkSet, at: At, event: ev.Minted | ev.TokenURIChanged) -> None:
    work.put(TokenRow, (at.contract, event.token_id), at, uri=event.uri)


# No rule reads these rows: a mint writes all of one, what follows some columns of one that is there.
UNREAD: frozenset[Model] = frozenset({TokenRow})

RULES: Rules = {
    ev.CollectionCreated: Rule(_created_refs, _created),
    ev.OwnershipTransferred: Rule(_collection, _owner_changed),
    ev.ContractURIChanged: Rule(_collection, _uri_changed),
    ev.RoyaltyChanged: Rule(_collection, _royalty_changed),
    ev.MetadataFrozen: Rule(_collection, _frozen),
    ev.TokenTransfer: Rule(_minting, _transferred, writes=_token),
    ev.Minted: Rule(nothing, _uri_set, writes=_token),
    ev.TokenURIChanged: Rule(nothing, _uri_set, writes=_token),
}
