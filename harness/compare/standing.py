"""What is known of one arm on one task: its row in a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.compare.sample import Arm, Sample
from harness.stats.interval import Interval
from harness.stats.intervals import iqm_interval, mean_interval

if TYPE_CHECKING:
    from harness.compare.pair import Pair

_FEWEST_FOR_QUARTERS = 4


@dataclass(frozen=True)
class Standing:
    """One arm on one task."""

    arm: Arm
    estimate: Interval | None
    """The mean over the instances that are ok, with its Student t interval; None if none is."""
    values: tuple[float | None, ...]
    """In the order of the task's instances; None where there is no value."""
    statuses: Mapping[str, int]
    """How many cases ended in which way, the ok ones included."""
    place: tuple[int, int] | None
    """The best and the worst place that the tests leave open, counted from 1; None for what is not ranked."""

    @property
    def places(self) -> str:
        """The places as a table has them: `1`, `2-4`, or nothing."""
        return place_text(self.place)

    @property
    def cases(self) -> str:
        """The cases as a table has them: `3/3`, or `1/3 (2 timeout)`."""
        failures = ", ".join(f"{count} {status}" for status, count in self.failures.items())
        return f"{self.ok}/{self.total}" + (f" ({failures})" if failures else "")

    @property
    def ok(self) -> int:
        """How many cases are ok."""
        return self.statuses.get("ok", 0)

    @property
    def total(self) -> int:
        """How many cases there are."""
        return sum(self.statuses.values())

    @property
    def failures(self) -> dict[str, int]:
        """How many cases are not ok, by status."""
        return {status: count for status, count in self.statuses.items() if status != "ok"}

    @property
    def known(self) -> list[float]:
        """The values that there are."""
        return [value for value in self.values if value is not None]

    @property
    def median(self) -> float | None:
        """The median over the instances that are ok."""
        return float(np.median(self.known)) if self.known else None

    @property
    def interquartile_mean(self) -> Interval | None:
        """The mean of the middle half, with a bootstrap interval; None for fewer than four values."""
        return iqm_interval([self.known]) if len(self.known) >= _FEWEST_FOR_QUARTERS else None

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        quarters = self.interquartile_mean
        return {
            "arm": self.arm.name,
            "role": self.arm.role,
            "place": self.place and list(self.place),
            "mean": self.estimate and self.estimate.plain(),
            "median": self.median,
            "interquartile_mean": quarters and quarters.plain(),
            "ok": self.ok,
            "total": self.total,
            "failures": self.failures,
        }


def place_text(place: tuple[int, int] | None) -> str:
    """The best and the worst place as `1` or `2-4`; nothing for what is not ranked."""
    if place is None:
        return ""
    best, worst = place
    return str(best) if best == worst else f"{best}-{worst}"


def standings(sample: Sample, pairs: Sequence[Pair], confidence: float) -> tuple[Standing, ...]:
    """The arms of a sample: the ranked ones best first, then what has no value, the references last."""
    places = _places([sample.arms[arm].name for arm in sample.ranking], pairs)
    rest = sorted(set(range(len(sample.arms))) - set(sample.ranking))
    rest.sort(key=lambda index: sample.arms[index].role == "reference")
    return tuple(_standing(sample, arm, places, confidence) for arm in [*sample.ranking, *rest])


def _standing(sample: Sample, index: int, places: Mapping[str, tuple[int, int]], confidence: float) -> Standing:
    arm = sample.arms[index]
    known = sample.values[index][sample.known[index]].tolist()
    return Standing(
        arm,
        mean_interval(known, confidence) if known else None,
        tuple(None if math.isnan(value) else value for value in sample.values[index].tolist()),
        sample.statuses[index],
        places.get(arm.name),
    )


def _places(names: Sequence[str], pairs: Sequence[Pair]) -> dict[str, tuple[int, int]]:
    """From one more than those that are better, to as many as there are less those that are worse."""
    better, worse = (dict.fromkeys(names, 0) for _ in range(2))
    for pair in pairs:
        if pair.winner is not None and pair.loser is not None:
            better[pair.loser] += 1
            worse[pair.winner] += 1
    return {name: (1 + better[name], len(names) - worse[name]) for name in names}
