"""Measure in this process."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.clocks import Clock, HostClock
from harness.stats.interval import Interval
from harness.timing.ratio import ratio
from harness.timing.samples import Samples
from harness.timing.settings import Settings
from harness.timing.timer import Timer
from harness.timing.turns import take_turns


@dataclass(frozen=True)
class Measurement:
    """What a call costs here."""

    samples: Samples
    cold_seconds: float
    """The first call."""

    @property
    def seconds(self) -> float:
        """The median of the clean samples; not a number if there are too few of them."""
        return math.nan if self.samples.noisy else self.samples.seconds

    def over(self, other: Measurement) -> Interval:
        """Its time over that of another, measured by the same `compare`: a ratio with its interval over turns.

        Raises:
            ValueError: in no turn have both a clean sample.
        """
        turns = zip(self.samples.blocks, other.samples.blocks, strict=True)
        return ratio([statistics.median(a) / statistics.median(b) for a, b in turns if a and b])


class _Local:
    """A timer that takes turns."""

    def __init__(self, timer: Timer, clock: Clock) -> None:
        self.block = timer.block
        self.filters = clock.filters


def compare(
    calls: Mapping[str, Callable[[], object]],
    *,
    clock: Clock | None = None,
    settings: Settings | None = None,
    seed: int = 0,
) -> dict[str, Measurement]:
    """Time several calls in turns.

    Args:
        calls: what to time, by name.
        clock: a backend's; the default is the host's, for calls that use one thread.
        settings: how long.
        seed: of the order of the turns.
    """
    clock, settings = clock or HostClock(), settings or Settings()
    timers = [Timer(call, clock, settings) for call in calls.values()]
    for timer in timers:
        timer.warm_up()
    found = take_turns([_Local(timer, clock) for timer in timers], settings, random.Random(seed))
    return {
        name: Measurement(samples, timer.cold_seconds)
        for name, samples, timer in zip(calls, found, timers, strict=True)
    }


def measure(call: Callable[[], object], *, clock: Clock | None = None, settings: Settings | None = None) -> Measurement:
    """Time one call by itself."""
    return compare({"": call}, clock=clock, settings=settings)[""]
