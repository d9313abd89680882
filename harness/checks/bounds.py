"""The two ends that a quantity must lie between."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.checks.verdict import Verdict


@dataclass(frozen=True)
class Bounds:
    """A closed range; an end may be infinite."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high or (math.isinf(self.low) and math.isinf(self.high)):
            raise ValueError(f"no number can fail to lie between {self.low} and {self.high}, or none can lie there")

    def allow(self, value: float) -> bool:
        """Whether a value is inside."""
        return self.low <= value <= self.high

    def margin(self, value: float) -> float:
        """How far inside a value is; negative outside."""
        return min(value - self.low, self.high - value)

    def verdict(self, low: float, high: float, outer_low: float, outer_high: float) -> Verdict:
        """Of an interval: held if it lies inside, failed if a wider one lies outside."""
        if self.low <= low and high <= self.high:
            return Verdict.HELD
        return Verdict.FAILED if outer_high < self.low or self.high < outer_low else Verdict.INCONCLUSIVE

    def __str__(self) -> str:
        if self.low == self.high:
            return f"= {self.low:g}"
        if math.isinf(self.low):
            return f"<= {self.high:g}"
        return f">= {self.low:g}" if math.isinf(self.high) else f"in [{self.low:g}, {self.high:g}]"
