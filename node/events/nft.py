"""Collections and tokens. Streams: `collection:<address>`, `token:<chain id>:<collection>:<token id>`."""

from node.events.chain import ChainEvent
from node.kernel.hexes import Address, Hash32


def collection_stream(collection: Address) -> str:
    return f"collection:{collection}"


def token_stream(chain_id: int, collection: Address, token_id: int | str) -> str:
    return f"token:{chain_id}:{collection}:{token_id}"


class CollectionCreated(ChainEvent, frozen=True, kw_only=True):
    type_name = "collection.created"
    collection: Address
    creator: Address
    salt: Hash32
    name: str
    symbol: str
    contract_uri: str
    royalty_receiver: Address
    royalty_bps: int
    max_supply: str


class CollectionOwnerChanged(ChainEvent, frozen=True, kw_only=True):
    type_name = "collection.owner_changed"
    collection: Address
    old_owner: Address
    new_owner: Address


class CollectionMetadataChanged(ChainEvent, frozen=True, kw_only=True):
    type_name = "collection.metadata_changed"
    collection: Address
    contract_uri: str


class CollectionRoyaltyChanged(ChainEvent, frozen=True, kw_only=True):
    type_name = "collection.royalty_changed"
    collection: Address
    royalty_receiver: Address
    royalty_bps: int


class CollectionFrozen(ChainEvent, frozen=True, kw_only=True):
    type_name = "collection.frozen"
    collection: Address


class TokenMinted(ChainEvent, frozen=True, kw_only=True):
    type_name = "token.minted"
    collection: Address
    token_id: str
    to: Address
    uri: str


class TokenTransferred(ChainEvent, frozen=True, kw_only=True):
    """Not told for the transfer that is a mint."""

    type_name = "token.transferred"
    collection: Address
    token_id: str
    sender: Address
    recipient: Address


class TokenMetadataChanged(ChainEvent, frozen=True, kw_only=True):
    type_name = "token.metadata_changed"
    collection: Address
    token_id: str
    uri: str
