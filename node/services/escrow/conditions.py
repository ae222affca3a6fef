"""Under which conditions this node sells through the escrow contract."""

from collections.abc import Callable
from dataclasses import dataclass

from node.chain.deployments import Deployment
from node.kernel.hexes import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The first arbiter is the default. `_bps` are ten-thousandths, windows are seconds."""

    chain_id: int
    contract: Address
    fee_receiver: Address
    fee_bps: int
    arbiters: tuple[Address, ...]
    ship_within_s: int
    inspection_s: int
    ruling_s: int
    silence_seller_bps: int
    court: Address
    appeal_window_s: int
    court_time_s: int


class EscrowService:
    def __init__(
        self,
        deployment: Callable[[], Deployment],
        *,
        chain_id: int,
        fee_bps: int,
        arbiters: tuple[Address, ...],
        windows: tuple[int, int, int],
        silence_seller_bps: int,
        appeal_times: tuple[int, int],
    ) -> None:
        """`windows` are those of shipping, inspection and ruling; `appeal_times` of parties and court."""
        self.chain_id = chain_id
        self._deployment = deployment
        self._fee_bps = fee_bps
        self._arbiters = arbiters
        self._windows = windows
        self._silence_seller_bps = silence_seller_bps
        self._appeal_times = appeal_times

    def conditions(self) -> Conditions:
        """Raises `NotDeployed` while the contracts are not on the chain."""
        deployment = self._deployment()
        appeal_window_s, court_time_s = self._appeal_times
        ship_within_s, inspection_s, ruling_s = self._windows
        return Conditions(
            chain_id=deployment.chain_id,
            contract=deployment.escrow.address,
            fee_receiver=deployment.timelock.address,
            fee_bps=self._fee_bps,
            arbiters=self._arbiters,
            ship_within_s=ship_within_s,
            inspection_s=inspection_s,
            ruling_s=ruling_s,
            silence_seller_bps=self._silence_seller_bps,
            court=deployment.timelock.address,
            appeal_window_s=appeal_window_s,
            court_time_s=court_time_s,
        )
