"""Events of products; their stream is `product:<id>`. Stock that orders move is told by `order.*`."""

from node.kernel.spine.event import Event


class ProductAdded(Event, frozen=True, kw_only=True):
    """`price` is in the smallest unit of `asset_id` (CAIP-19)."""

    type_name = "product.added"

    product_id: str
    market_id: str
    title: str
    asset_id: str
    price: str
    stock: int
    status: str


class ProductChanged(Event, frozen=True, kw_only=True):
    """`fields` names what changed; the values are those of now."""

    type_name = "product.changed"

    product_id: str
    market_id: str
    fields: list[str]
