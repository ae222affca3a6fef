"""Why money does not leave."""

from node.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class WithdrawalsClosed(Forbidden):
    """Something of the account changed a short time ago. `open_at` says when it may withdraw again."""


class WithdrawalAddressRefused(Invalid):
    """Money sent there would be lost, or come back. `reason` says why."""


class WithdrawalUnknown(NotFound):
    """There is no such withdrawal, or it is another one's."""


class WithdrawalStateWrong(Conflict):
    """It does not wait for anybody any more. `state` says what it is."""


class WithdrawalAssetUnknown(NotFound):
    """The node pays no such asset out."""


class OwnWithdrawal(Forbidden):
    """An operator does not decide on its own money."""
