"""Why something about taxes and shipping was refused."""

from node.kernel.errors import Conflict, Invalid, NotFound


class TaxUnknown(NotFound):
    """The market says nothing of taxes in that country."""


class ShippingMethodUnknown(NotFound):
    """The market has no such way of shipping."""


class ChargeInvalid(Invalid):
    """A rate or a price is out of its bounds. `field` says which."""


class TaxTooLarge(Conflict):
    """More would be paid out than the node has of the market's tax. Carries `held`."""


class TooManyCharges(Conflict):
    """The market has as many ways of shipping as it may."""


class CountryNeeded(Invalid):
    """What the order costs depends on where it goes: tell the country."""


class ShippingMethodNeeded(Invalid):
    """The goods are shipped, so the buyer chooses how. Carries `country`."""


class CountryNotServed(Conflict):
    """The market has no way of shipping there for goods in that asset. Carries `country`."""


class ShippingMethodUnfit(Conflict):
    """The order can't be shipped that way. `reason`: inactive, country, currency, or not_needed."""
