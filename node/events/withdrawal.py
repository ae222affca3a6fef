"""Withdrawals by the chain; their stream is `withdrawal:<id>`. Amounts are in the smallest unit."""

from node.kernel.spine.event import Event


def withdrawal_stream(withdrawal_id: object) -> str:
    return f"withdrawal:{withdrawal_id}"


class WithdrawalRequested(Event, frozen=True, kw_only=True):
    """The money is set aside. `to` is the address."""

    type_name = "withdrawal.requested"
    withdrawal_id: str
    owner: str
    asset_id: str
    amount: str
    to: str


class WithdrawalMoved(Event, frozen=True, kw_only=True):
    """From one state to another; `by` is who did it, where somebody did."""

    type_name = "withdrawal.moved"
    withdrawal_id: str
    state: str
    was: str
    by: str | None
    reason: str | None
    tx_hash: str | None
