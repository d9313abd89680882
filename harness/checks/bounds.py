"""The two ends that a quantity must lie between."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.checks.verdict import Verdict


@dataclass(frozen=True)
class Bounds:
    """A range; an end may be infinite."""

    low: float
    high: float
    strict: bool = False
    """Whether the ends themselves are outside."""

    def __post_init__(self) -> None:
        if not self.low <= self.high or (math.isinf(self.low) and math.isinf(self.high)):
            raise ValueError(f"no number can fail to lie between {self.low} and {self.high}, or none can lie there")

    def allow(self, value: float) -> bool:
        """Whether a value is inside."""
        return self.low < value < self.high if self.strict else self.low <= value <= self.high

    def margin(self, value: float) -> float:
        """How far inside a value is; negative outside."""
        return min(value - self.low, self.high - value)

    def verdict(self, low: float, high: float, outer_low: float, outer_high: float) -> Verdict:
        """Of an interval: held if it lies inside, failed if a wider one lies outside."""
        if self._holds(low, high):
            return Verdict.HELD
        beyond = outer_high < self.low or self.high < outer_low
        point = outer_low == outer_high and not self.allow(outer_low)
        return Verdict.FAILED if beyond or point else Verdict.INCONCLUSIVE

    def _holds(self, low: float, high: float) -> bool:
        """Whether an interval lies inside; infinite ends of both are no matter of strictness."""
        above = low > self.low if self.strict and math.isfinite(self.low) else low >= self.low
        below = high < self.high if self.strict and math.isfinite(self.high) else high <= self.high
        return above and below

    def __str__(self) -> str:
        if self.low == self.high:
            return f"= {self.low:g}"
        equal = "" if self.strict else "="
        if math.isinf(self.low):
            return f"<{equal} {self.high:g}"
        return f">{equal} {self.low:g}" if math.isinf(self.high) else f"in [{self.low:g}, {self.high:g}]"
