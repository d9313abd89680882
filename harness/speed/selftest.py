"""What the gate can see on this machine: the same operation on either side, and one with a known slow-down."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    """Share of gates without a change that alarm, among gates made of resampled pairs."""
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

    A gate of its own for every figure would take hours. The pairs of equal operations are measured; gates are made of
    them by drawing with replacement, with a slow-down added to their logarithms.

    Raises:
        HarnessError: processes cannot be had, or every pair was noisy.
    """
    import numpy as np

    from harness.errors import HarnessError

    rule = rule or Rule()
    same, slowed, noisy, seconds = _measured(pairs, planted, say)
    if len(same) < rule.looks[0] or len(slowed) < rule.looks[0]:
        raise HarnessError("too few samples are clean to say anything: the machine is too busy")
    deviations = np.abs(np.array(same) - np.median(same))
    resampled = _Resampled(same, rule)
    alarms = resampled.alarms(0.0)
    smallest = next((step for step in _STEPS if resampled.alarms(step) >= 0.95 * _RESAMPLED), None)
    return Seen(
        same=estimate(same),
        planted=planted,
        slowed=estimate(slowed),
        spread=1.4826 * float(np.median(deviations)),
        false_alarms=proportion_interval(alarms, _RESAMPLED),
        smallest=smallest,
        noisy=noisy,
        pair_seconds=seconds / (2 * pairs),
    )


def _measured(pairs: int, planted: float, say: Callable[[str], object]) -> tuple[list[float], list[float], int, float]:
    """Log ratios of equal operations, of slowed ones, how many pairs were noisy, and the time of all."""
    found: dict[float, list[float]] = {0.0: [], planted: []}
    noisy, start = 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="harness-speed-") as scratch:
        measurer = Pairs(Modules(), None, Path(scratch))
        try:
            for number in range(pairs):
                say(f"pair {number + 1} of {pairs}")
                for extra, ratios in found.items():
                    old, new = (Request(_WORKLOAD, {"extra": one}) for one in (0.0, extra))
                    ratio = measurer.measure(old, new, SETTINGS)
                    if ratio is None:
                        noisy += 1
                    else:
                        ratios.append(ratio)
        finally:
            measurer.close()
    return found[0.0], found[planted], noisy, time.monotonic() - start


class _Resampled:
    """Gates made of log ratios drawn with replacement."""

    def __init__(self, ratios: Sequence[float], rule: Rule) -> None:
        import numpy as np

        self._rule = rule
        rng = np.random.default_rng(0)
        shape = (2, _RESAMPLED, rule.looks[-1])
        centred = np.array(ratios) - np.median(ratios)
        # exchanging the two of a pair changes the sign
        self._first, self._second = rng.choice(centred, shape) * rng.choice([-1.0, 1.0], shape)

    def alarms(self, slow_down: float) -> int:
        """How many of them alarm if everything is slower by a share."""
        shift = math.log1p(slow_down)
        screened = self._rule.screened(self._first + shift)
        again = [row for row, one in zip(self._second + shift, screened, strict=True) if one.state is State.SUSPECT]
        states = [self._rule.retest(row, 1) for row in again]
        chances = [self._rule.p_slower(row) for row, state in zip(again, states, strict=True) if state is State.SUSPECT]
        return sum(self._rule.confirmed([chance], 1)[0] for chance in chances)
