"""Money is an int in the smallest unit (wei, cents), tagged with its asset.

Invariant: no operation here makes or loses a unit, and none mixes two assets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from node.kernel.errors import Bug

UINT256_MAX = 2**256 - 1
BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Asset:
    """What an amount is counted in.

    `id` is CAIP-19 for what lives on a chain (`eip155:31337/slip44:60`, `eip155:31337/erc20:0x…`) and
    `iso4217:USD` for fiat; `code` is for people; `exponent` is the number of decimals of the smallest unit.
    """

    id: str
    code: str
    exponent: int


def native_asset(chain_id: int, *, code: str = "ETH") -> Asset:
    return Asset(f"eip155:{chain_id}/slip44:60", code, 18)


def erc20_asset(chain_id: int, address: str, *, code: str, exponent: int) -> Asset:
    return Asset(f"eip155:{chain_id}/erc20:{address.lower()}", code, exponent)


class AssetMismatch(Bug):
    """Two amounts of different assets met in one sum."""


@dataclass(frozen=True, slots=True)
class Amount:
    asset: Asset
    value: int

    def __post_init__(self) -> None:
        if type(self.value) is not int:  # a bool or a float would pass for a number
            raise Bug("an amount is an int in the smallest unit", got=type(self.value).__name__)

    def _same(self, other: "Amount") -> None:
        if self.asset != other.asset:
            raise AssetMismatch("amounts of two assets do not add", left=self.asset.id, right=other.asset.id)

    def __add__(self, other: "Amount") -> Self:
        self._same(other)
        return type(self)(self.asset, self.value + other.value)

    def __sub__(self, other: "Amount") -> Self:
        self._same(other)
        return type(self)(self.asset, self.value - other.value)

    def __lt__(self, other: "Amount") -> bool:
        self._same(other)
        return self.value < other.value

    def __le__(self, other: "Amount") -> bool:
        self._same(other)
        return self.value <= other.value

    def split(self, basis_points: Sequence[int]) -> tuple["Amount", ...]:
        """Shares in basis points, then the rest: the last part takes the dust, so the sum is exact."""
        if any(share < 0 for share in basis_points) or sum(basis_points) > BASIS_POINTS:
            raise Bug("shares lie between 0 and 10,000 basis points together")
        parts = [self.value * share // BASIS_POINTS for share in basis_points]
        return tuple(Amount(self.asset, part) for part in [*parts, self.value - sum(parts)])
