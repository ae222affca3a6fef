"""Why a command on a market was refused."""

from node.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class MarketUnknown(NotFound):
    """There is no such market."""


class NotMarketOwner(Forbidden):
    """The market belongs to another account, and the caller does not work there."""


class MemberUnknown(NotFound):
    """Nobody of that account works in the market."""


class OwnerStays(Conflict):
    """A market always has its owner."""


class AlreadyMember(Conflict):
    """The account works in the market already, in one role."""


class InvitationUnknown(NotFound):
    """There is no such invitation for the caller."""


class InvitationOver(Conflict):
    """The invitation was accepted or revoked, or has run out."""


class TooManyInvitations(Conflict):
    """The market has as many open invitations as it may."""


class SlugInvalid(Invalid):
    """Nothing of the slug is left after normalisation, or it is too long, or it reads like an id."""


class SlugTaken(Conflict):
    """Another market has that slug."""


class ArbiterUnknown(Invalid):
    """The node does not offer that arbiter, or it is a party itself."""


class PolicyInvalid(Invalid):
    """A window or share of the market's policy is outside of what the node allows."""
