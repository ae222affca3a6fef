"""Why a command on a product was refused."""

from node.kernel.errors import Conflict, Invalid, NotFound


class ProductUnknown(NotFound):
    """There is no such product, or it is not to be seen."""


class ProductNotForSale(Conflict):
    """The product is archived."""


class OutOfStock(Conflict):
    """Fewer units are left than were asked for. Carries `available`."""


class SkuTaken(Conflict):
    """Another product of the market has that SKU."""


class PriceInvalid(Invalid):
    """A price is positive and fits what an escrow can hold."""


class CurrencyUnknown(Invalid):
    """Prices here are not in that asset: another chain, or not on the allow-list."""
