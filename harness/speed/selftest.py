"""What the gate can see on this machine: the same operation on either side, and one with a known slow-down."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from harness.errors import HarnessError
from harness.plan.planner import Modules
from harness.speed.check import SETTINGS, Pairs
from harness.speed.decision import Rule, State, estimate
from harness.stats.interval import Interval
from harness.stats.intervals import proportion_interval
from harness.timing.processes import Request

_WORKLOAD = "harness.speed.planted:workload"
_RESAMPLED = 1000
_STEPS = tuple(step / 1000 for step in (*range(10, 100, 5), *range(100, 300, 25)))
"""The slow-downs that are tried, as shares."""
_FEWEST = 6
"""Pairs from either servers that gates are made of, at least."""


class _Ratios(NamedTuple):
    """Log ratios of one operation on either side."""

    first: list[float]
    """From the servers that every operation is measured with."""
    again: list[float]
    """From those that a suspect is measured again with."""

    @property
    def all(self) -> list[float]:
        return [*self.first, *self.again]


@dataclass(frozen=True)
class Seen:
    """What the gate sees here."""

    same: Interval
    """The ratio of two equal operations, over all pairs."""
    planted: float
    """The slow-down that was planted, as a share."""
    slowed: Interval
    """The ratio that was measured for it."""
    spread: float
    """Standard deviation of the log ratios of equal operations, robust (1.4826 times the median deviation)."""
    false_alarms: Interval
    """Share of gates without a change that alarm, among gates made of the pairs by drawing with replacement."""
    smallest: float | None
    """The smallest slow-down, as a share, that at least 95 % of such gates find; None if none that was tried."""
    noisy: int
    """Pairs with too few clean samples."""
    pair_seconds: float
    """Wall-clock time of a pair."""


def selftest(
    pairs: int = 48, planted: float = 0.05, rule: Rule | None = None, say: Callable[[str], object] = lambda _: None
) -> Seen:
    """Measure pairs of equal operations and pairs with a planted slow-down, and try the gate's rule on them.

    A gate of its own for every figure would take hours. The pairs of equal operations are measured, half of them with
    the servers of first and half with those of second measurements; gates are made of them as they are, by drawing with
    replacement, with a slow-down added to their logarithms. What these servers differ by is in all of the gates.

    Raises:
        HarnessError: processes cannot be had, or too many pairs were noisy.
    """
    import numpy as np

    rule = rule or Rule()
    same, slowed, noisy, seconds = _measured(pairs, planted, say)
    if min(map(len, (*same, *slowed))) < _FEWEST:
        raise HarnessError("too few samples are clean to say anything: the machine is too busy")
    deviations = np.abs(np.array(same.all) - np.median(same.all))
    resampled = _Resampled(same, rule)
    alarms = resampled.alarms(0.0)
    smallest = next((step for step in _STEPS if resampled.alarms(step) >= 0.95 * _RESAMPLED), None)
    return Seen(
        same=estimate(same.all),
        planted=planted,
        slowed=estimate(slowed.all),
        spread=1.4826 * float(np.median(deviations)),
        false_alarms=proportion_interval(alarms, _RESAMPLED),
        smallest=smallest,
        noisy=noisy,
        pair_seconds=seconds / (2 * pairs),
    )


def _measured(pairs: int, planted: float, say: Callable[[str], object]) -> tuple[_Ratios, _Ratios, int, float]:
    """Log ratios of equal operations, of slowed ones, how many pairs were noisy, and the time of all."""
    same, slowed = _Ratios([], []), _Ratios([], [])
    noisy, start = 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="harness-speed-") as scratch:
        measurer = Pairs(Modules(), None, Path(scratch))
        try:
            for number in range(pairs):
                say(f"pair {number + 1} of {pairs}")
                again = bool(number % 2)
                for extra, found in ((0.0, same), (planted, slowed)):
                    old, new = (Request(_WORKLOAD, {"extra": one}) for one in (0.0, extra))
                    ratio = measurer.measure(old, new, SETTINGS, again=again)
                    if ratio is None:
                        noisy += 1
                    else:
                        found[again].append(ratio)
        finally:
            measurer.close()
    return same, slowed, noisy, time.monotonic() - start


class _Resampled:
    """Gates made of log ratios drawn with replacement."""

    def __init__(self, ratios: _Ratios, rule: Rule) -> None:
        import numpy as np

        self._rule = rule
        rng = np.random.default_rng(0)
        self._first, self._again = (rng.choice(one, (_RESAMPLED, rule.looks[-1])) for one in ratios)

    def alarms(self, slow_down: float) -> int:
        """How many of them alarm if everything is slower by a share."""
        shift = math.log1p(slow_down)
        screened = self._rule.screened(self._first + shift)
        again = [row for row, one in zip(self._again + shift, screened, strict=True) if one.state is State.SUSPECT]
        states = [self._rule.retest(row, 1) for row in again]
        chances = [self._rule.p_slower(row) for row, state in zip(again, states, strict=True) if state is State.SUSPECT]
        return sum(self._rule.confirmed([chance], 1)[0] for chance in chances)
