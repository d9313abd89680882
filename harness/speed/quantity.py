"""What a history is judged by: the steadiest of the numbers that its runs have.

On a machine that is shared with others a time moves from run to run by tens of per cent, with whatever else runs there.
The calibration kernel moves with it, but not by the same factor. The baseline of the operation's group, which took
turns with the operation in the same round, moves alike: of these numbers the ratio to it is by far the steadiest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from harness.speed.record import Measured
from harness.tables import duration
from harness.timing.rounds import ProcessTimes


@dataclass(frozen=True)
class Quantity:
    """A number that each process has, or has not."""

    name: Literal["ratio", "units", "seconds"]
    """Time over the baseline's, in units of the calibration kernel, or as it is."""
    baseline: str | None = None
    """Of a ratio: the label of the model that the operation's group was compared with."""

    @property
    def label(self) -> str:
        """What comes after the word `time`."""
        return {"ratio": f"over {self.baseline}", "units": "in calibration units", "seconds": "of a call"}[self.name]

    def of(self, process: ProcessTimes) -> float | None:
        """The number of a process; None if it has none."""
        match self.name:
            case "ratio":
                return process.ratio if positive(process.ratio) else None
            case "units":
                unit = process.calibration_seconds
                return process.seconds / unit if positive(unit) else None
            case "seconds":
                return process.seconds

    def values(self, measured: Sequence[Measured]) -> list[float]:
        """The numbers of all processes that have one."""
        found = (self.of(process) for one in measured for process in one.processes)
        return [value for value in found if value is not None]

    def text(self, value: float) -> str:
        """A value as it is shown."""
        if self.name == "seconds":
            return duration(value)
        return f"x{value:.4g}" if self.name == "ratio" else f"{value:.3g}"

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"name": self.name, "baseline": self.baseline}


SECONDS = Quantity("seconds")


def steadiest(commits: Sequence[Sequence[Measured]], baseline: str) -> Quantity:
    """The first of ratio, units and seconds that most commits have.

    Args:
        commits: for each what was measured of one operation, in processes with a time.
        baseline: the one of all of them.
    """
    quantities = (Quantity("ratio", baseline), Quantity("units"), SECONDS)
    return next(one for one in quantities if 2 * sum(map(bool, map(one.values, commits))) > len(commits))


def positive(value: float | None) -> TypeGuard[float]:
    """Whether it is a time, or the ratio of two."""
    return value is not None and 0 < value < math.inf
