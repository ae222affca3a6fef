"""Why money does not move from one wallet to another."""

from node.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class WalletTransferUnknown(NotFound):
    """The caller prepared no such transfer."""


class TransferLapsed(Conflict):
    """It was not confirmed in time; prepare it again."""


class ReceiverUnknown(NotFound):
    """Nobody goes by that handle, or nobody has linked that address."""


class ReceiverGone(Conflict):
    """The receiver takes no money any more."""


class OwnWallet(Invalid):
    """The receiver is the sender."""


class PhonesTakeNoMoney(Forbidden):
    """Nobody signs in by phone on this node, so that nobody could take it."""


class RequestUnknown(NotFound):
    """There is no such request for money."""


class RequestOver(Conflict):
    """The request was paid, cancelled, or has run out."""


class RequestFixed(Invalid):
    """The request names another asset or amount."""


class AmountMissing(Invalid):
    """Neither the sender nor the request says how much of what."""


class TooManyRequests(Conflict):
    """The account has as many open requests as it may."""
