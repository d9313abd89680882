"""What a speed run measured as series for a history in which smaller is better."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.speed.record import Measured, SpeedRun


@dataclass(frozen=True)
class Series:
    """One quantity of all operations of a run."""

    name: str
    unit: str
    direction: Literal["lower", "higher"]
    """What is better."""
    values: Mapping[str, Sequence[float]]
    """By operation: one for each fresh process; none if it failed, NaN if it could not be measured."""

    def smaller_is_better(self) -> Series:
        """The series itself, or that of the reciprocals with the reciprocal unit."""
        if self.direction == "lower":
            return self
        above, _, below = self.unit.partition("/")
        values = {operation: [1 / value for value in values] for operation, values in self.values.items()}
        return Series(f"inverse_{self.name}", f"{below or 1}/{above}", "lower", values)


def series(run: SpeedRun) -> list[Series]:
    """Times, ratios to the baseline, memory, and throughputs where operations count their items."""
    times = {str(one.key): _values(one, "seconds") for one in run.operations}
    ratios = {str(one.key): _values(one, "ratio") for one in run.operations if one.key.model != one.baseline}
    memory = {str(one.key): _values(one, "peak_memory") for one in run.operations}
    items = {str(one.key): one.items for one in run.operations if one.items}
    rates = {key: [count / seconds for seconds in times[key]] for key, count in items.items()}
    found = [
        Series("seconds", "seconds", "lower", times),
        Series("ratio", "of the baseline's time", "lower", ratios),
        Series("peak_memory", "bytes", "lower", memory),
        Series("throughput", "item/s", "higher", rates),
    ]
    return [one for one in found if one.values]


def _values(measured: Measured, quantity: Literal["seconds", "ratio", "peak_memory"]) -> list[float]:
    match measured.outcome:
        case "ok":
            found = [getattr(process, quantity) for process in measured.processes]
            return [float(value) for value in found if value is not None] or [math.nan]
        case "failed":
            return []
        case "noisy" | "skipped":
            return [math.nan]
