"""The life of a payout, as data, and the one place that moves it on."""

from collections.abc import Mapping
from typing import Final

from node.events.payout import PayoutFailed, PayoutMade, PayoutPaid, PayoutVanished
from node.kernel.clock import Clock
from node.kernel.db.unit_of_work import Tx
from node.kernel.spine.event import Event
from node.kernel.spine.record import EventRecorder
from node.services.payout.errors import WrongPayoutState
from node.services.payout.models import Payout, Rail, State

# A bank may send money back long after it took it. What a chain loses is sent again; and what it refused may
# arrive then.
NEXT: Final[Mapping[Rail, Mapping[State, frozenset[State]]]] = {
    Rail.WALLET: {},
    Rail.BANK: {
        State.WAITING: frozenset({State.FILED, State.FAILED}),
        State.FILED: frozenset({State.PAID, State.FAILED}),
        State.PAID: frozenset({State.FAILED}),
    },
    Rail.ADDRESS: {
        State.WAITING: frozenset({State.QUEUED, State.FAILED}),
        State.QUEUED: frozenset({State.SENDING}),
        State.SENDING: frozenset({State.PAID, State.FAILED}),
        State.PAID: frozenset({State.SENDING, State.FAILED}),
        State.FAILED: frozenset({State.PAID}),
    },
}
ENDS: Final = frozenset({State.PAID, State.FAILED})


class Moves:
    def __init__(self, clock: Clock, events: EventRecorder) -> None:
        self._clock = clock
        self._events = events

    def begin(self, tx: Tx, payout: Payout) -> None:
        """Told as made; and as paid where it was at once."""
        tx.add(payout)
        tx.flush()
        self._tell(tx, payout, PayoutMade)
        if payout.state == State.PAID:
            self._tell(tx, payout, PayoutPaid)

    def move(self, tx: Tx, payout: Payout, state: State, *, reason: str = "") -> None:
        """Raises WrongPayoutState."""
        was = State(payout.state)
        if state not in NEXT[Rail(payout.rail)].get(was, frozenset()):
            raise WrongPayoutState(f"the payout is {was}", state=was)
        payout.state, payout.reason = state.value, reason
        payout.ended_at = self._clock.now() if state in ENDS else None
        tx.flush()
        if state is State.PAID:
            self._tell(tx, payout, PayoutPaid)
        elif state is State.FAILED:
            self._tell(tx, payout, PayoutFailed)
        elif was is State.PAID:
            self._tell(tx, payout, PayoutVanished)

    def _tell(self, tx: Tx, payout: Payout, event: type[Event]) -> None:
        named = event(payout_id=str(payout.id), market_id=str(payout.market_id))
        self._events.record(tx, f"payout:{payout.id}", named)
