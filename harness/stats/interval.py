"""The one form in which an uncertain number is given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Interval:
    """An estimate with a confidence interval. Where the data bound nothing (a single value), its ends are infinite."""

    estimate: float
    low: float
    high: float
    confidence: float
    """The nominal coverage, such as 0.95."""
    count: int
    """How many independent values it rests on."""
    method: str
    """How it was made, such as `Student t`."""

    @property
    def bounded(self) -> bool:
        """Whether both ends are finite."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def exponential(self) -> Interval:
        """From the interval of a logarithm that of the number itself: from 0 to infinity where data bound nothing."""
        ends = _exponential(self.estimate), _exponential(self.low), _exponential(self.high)
        return Interval(*ends, self.confidence, self.count, f"{self.method} of logarithms")

    def plain(self) -> dict[str, Any]:
        """As JSON has it; an infinite end is None."""
        ends = {"low": self.low, "high": self.high}
        finite = {name: end if math.isfinite(end) else None for name, end in ends.items()}
        return {"estimate": self.estimate, **finite, "count": self.count, "method": self.method}


def _exponential(logarithm: float) -> float:
    try:
        return math.exp(logarithm)
    except OverflowError:
        return math.inf
