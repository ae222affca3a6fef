"""Why there is no deposit address."""

from node.kernel.errors import Conflict, NotFound, Transient


class DepositsNotReady(Transient):
    """The chain was not read yet, so nobody could tell what is new there."""


class DepositAddressUnknown(NotFound):
    """The caller has no such deposit address."""


class AssetNotTaken(NotFound):
    """No deposits are taken in that asset."""


class DepositUnknown(NotFound):
    """There is no such deposit."""


class DepositNotVanished(Conflict):
    """The chain has the deposit, or its loss was settled before."""
