"""Why a command on a market was refused."""

from node.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class MarketUnknown(NotFound):
    """There is no such market."""


class NotMarketOwner(Forbidden):
    """The market belongs to another account."""


class SlugInvalid(Invalid):
    """Nothing of the slug is left after normalisation, or it is too long, or it reads like an id."""


class SlugTaken(Conflict):
    """Another market has that slug."""


class ArbiterUnknown(Invalid):
    """The node does not offer that arbiter, or it is a party itself."""


class PolicyInvalid(Invalid):
    """A window or share of the market's policy is outside of what the node allows."""
