"""From the values of a quantity to findings.

A mean over seeds is given with its interval (Student t over the seeds; of a ratio, on the logarithm). A claim about
several settings holds if it holds for each at its own confidence: an intersection-union test (Berger 1982), which needs
no correction. It fails if it fails for any, and for that the intervals are widened by Bonferroni's correction, since
the more settings there are, the likelier one of them fails by chance.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.checks.bounds import Bounds
from harness.checks.evidence import Evidence
from harness.checks.reductions import logarithm
from harness.checks.samples import SEED, CheckError, Key, Samples, place
from harness.checks.verdict import Finding, Judgement, Verdict, all_of
from harness.stats.interval import Interval

if TYPE_CHECKING:
    from harness.checks.quantity import Quantity


def judge_each(what: str, samples: Samples, bounds: Bounds, share: float) -> Judgement:
    """Every single value inside, or a share of them; what is shown is the worst."""
    if not samples.values:
        return Judgement(Verdict.INCONCLUSIVE, reason=f"{what}: no value")
    inside = sum(bounds.allow(value) for value in samples.values.values())
    total = len(samples.values)
    verdict = Verdict.HELD if inside >= share * total else Verdict.FAILED
    key, worst = min(samples.values.items(), key=lambda item: bounds.margin(item[1]))
    at = what if total == 1 else f"{what}, worst of {total}, at {place(samples.dims, key)}"
    reason = "" if inside == total and share == 1 else f"{inside} of {total} are, at least {share:.0%} must be"
    return Judgement(verdict, (Finding(at, verdict, str(bounds), worst, margin=bounds.margin(worst), reason=reason),))


def judge_means(quantity: Quantity, evidence: Evidence, bounds: Bounds) -> Judgement:
    """The mean over seeds inside, for every setting."""
    samples = quantity.samples(evidence)
    if not samples.values:
        return Judgement(Verdict.INCONCLUSIVE, reason=f"{quantity}: no value")
    estimates = _Direct(samples, quantity) if SEED in samples.dims else _Jackknife(samples, quantity, evidence)
    settings, dims = estimates.settings(), [dim for dim in samples.dims if dim != SEED]
    spare = 1 - evidence.confidence
    judgements = []
    for key in settings:
        interval = estimates.interval(key, evidence.confidence)
        outer = estimates.interval(key, 1 - spare / len(settings))
        verdict = bounds.verdict(interval.low, interval.high, outer.low, outer.high)
        what = f"{quantity} at {place(dims, key)}" if key else str(quantity)
        judgements.append(Judgement(verdict, (_finding(what, verdict, bounds, interval),)))
    return all_of(judgements)


def _finding(what: str, verdict: Verdict, bounds: Bounds, interval: Interval) -> Finding:
    low, high = (interval.low, interval.high) if interval.bounded else (None, None)
    reason = "" if interval.bounded else "a single seed bounds nothing"
    margin = bounds.margin(interval.estimate)
    return Finding(what, verdict, str(bounds), interval.estimate, low, high, margin, reason)


class _Direct:
    """Intervals of quantities that have a value for each seed."""

    def __init__(self, samples: Samples, quantity: Quantity) -> None:
        self._relative = quantity.relative
        self._values = {key: [value for _, value in points] for key, points in samples.groups(SEED).items()}
        if self._relative:
            for values in self._values.values():
                for value in values:
                    logarithm(value)  # says so where there is none

    def settings(self) -> list[Key]:
        return list(self._values)

    def interval(self, key: Key, confidence: float) -> Interval:
        from harness.stats.intervals import geometric_mean_interval, mean_interval

        return (geometric_mean_interval if self._relative else mean_interval)(self._values[key], confidence)


class _Jackknife:
    """Intervals of quantities that put seeds together before they are done, as a slope of means does."""

    def __init__(self, samples: Samples, quantity: Quantity, evidence: Evidence) -> None:
        self._relative = quantity.relative
        self._whole = samples
        shared = [{cell.seed for cell in one.cells(evidence)} for one in quantity.measured()]
        self._seeds = sorted(set.intersection(*shared))
        if len(self._seeds) > 1:
            self._partial = [quantity.samples(evidence.without(seed)) for seed in self._seeds]

    def settings(self) -> list[Key]:
        return list(self._whole.values)

    def interval(self, key: Key, confidence: float) -> Interval:
        from harness.stats.intervals import jackknife_interval

        if len(self._seeds) < 2:
            return Interval(self._whole.values[key], -math.inf, math.inf, confidence, len(self._seeds), "one seed")
        whole = self._scaled(self._whole, key)
        without = [self._scaled(partial, key) for partial in self._partial]
        every = len(self._seeds)

        def estimate(kept: Any) -> float:
            return whole if len(kept) == every else without[(set(range(every)) - set(map(int, kept))).pop()]

        interval = jackknife_interval(estimate, every, confidence)
        if not self._relative:
            return interval
        estimate_, low, high = (math.exp(one) for one in (interval.estimate, interval.low, interval.high))
        return Interval(estimate_, low, high, confidence, every, interval.method)

    def _scaled(self, samples: Samples, key: Key) -> float:
        if key not in samples.values:
            raise CheckError("a setting rests on a single seed")
        return logarithm(samples.values[key]) if self._relative else samples.values[key]
