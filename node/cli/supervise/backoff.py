"""How long a part that died waits before it is started again."""

from dataclasses import dataclass


@dataclass
class Backoff:
    """Doubles with every death in a row; a life of `healthy_after_s` or more counts as a new beginning."""

    first_s: float = 0.5
    longest_s: float = 30.0
    healthy_after_s: float = 60.0
    deaths_in_a_row: int = 0

    def after_life_of(self, lived_s: float) -> float:
        """Seconds to wait now."""
        self.deaths_in_a_row = 1 if lived_s >= self.healthy_after_s else self.deaths_in_a_row + 1
        # the exponent is bounded because the deaths of a part that never comes up are not
        return min(self.first_s * 2.0 ** min(self.deaths_in_a_row - 1, 16), self.longest_s)
