"""The exchange. Streams: that of the token for sales, `signer:<chain id>:<address>`, `exchange:<address>`."""

from node.events.chain import ChainEvent
from node.kernel.hexes import Address, Hash32
from node.kernel.spine.event import Event


def signer_stream(chain_id: int, signer: Address) -> str:
    return f"signer:{chain_id}:{signer}"


def exchange_stream(exchange: Address) -> str:
    return f"exchange:{exchange}"


class TokenSold(ChainEvent, frozen=True, kw_only=True):
    """`price` = the seller's proceeds + `royalty` + `fee`. `digest` names what was signed."""

    type_name = "token.sold"
    digest: Hash32
    kind: str
    seller: Address
    buyer: Address
    collection: Address
    token_id: str
    quantity: str
    currency: Address
    price: str
    royalty_receiver: Address
    royalty: str
    fee: str
    nonce: str


class NonceCancelled(ChainEvent, frozen=True, kw_only=True):
    type_name = "listing.nonce_cancelled"
    signer: Address
    nonce: str


class QuoteFilled(ChainEvent, frozen=True, kw_only=True):
    """Of a quote for several units: its nonce is used up when `filled` is `quantity`."""

    type_name = "listing.quote_filled"
    digest: Hash32
    maker: Address
    nonce: str
    units: str
    filled: str
    quantity: str


class GroupCancelled(ChainEvent, frozen=True, kw_only=True):
    type_name = "listing.group_cancelled"
    signer: Address
    group: str


class AllCancelled(ChainEvent, frozen=True, kw_only=True):
    type_name = "listing.all_cancelled"
    signer: Address
    epoch: str


class ExchangeFeeChanged(ChainEvent, frozen=True, kw_only=True):
    type_name = "exchange.fee_changed"
    receiver: Address
    bps: int


class CurrencyAllowed(ChainEvent, frozen=True, kw_only=True):
    type_name = "exchange.currency_allowed"
    currency: Address
    allowed: bool


def quote_stream(digest: Hash32) -> str:
    return f"quote:{digest}"


class QuoteCreated(Event, frozen=True, kw_only=True):
    """A signed offer, bundle or price by the clock reached this node. Numbers are decimal strings."""

    type_name = "quote.created"
    chain_id: int
    digest: Hash32
    exchange: Address
    maker: Address
    side: str
    scope: str
    collection: Address
    criteria: str
    quantity: str
    currency: Address
    start_price: str
    end_price: str
    taker: Address
    start: int
    end: int


def listing_stream(digest: Hash32) -> str:
    return f"listing:{digest}"


class ListingCreated(Event, frozen=True, kw_only=True):
    """A seller's signed listing reached this node. Amounts and token ids are decimal strings."""

    type_name = "listing.created"
    chain_id: int
    digest: Hash32
    exchange: Address
    seller: Address
    collection: Address
    token_id: str
    currency: Address
    price: str
    buyer: Address
    start: int
    end: int
