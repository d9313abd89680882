"""From the values of a quantity to findings.

A mean over seeds is given with its interval (Student t over the seeds; of a ratio, on the logarithm). A claim about
several settings holds if it holds for each at its own confidence: an intersection-union test (Berger 1982), which needs
no correction. It fails if it fails for any, and for that the intervals are widened by Bonferroni's correction, since
the more settings there are, the likelier one of them fails by chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.checks.bounds import Bounds
from harness.checks.evidence import Evidence
from harness.checks.reductions import logarithm
from harness.checks.samples import SEED, CheckError, Key, Samples, place
from harness.checks.verdict import Finding, Judgement, Verdict, all_of
from harness.stats.interval import Interval

if TYPE_CHECKING:
    from harness.checks.quantity import Quantity


def judge_each(quantity: Quantity, evidence: Evidence, bounds: Bounds, share: float) -> Judgement:
    """Every single value inside, or a share of them; what is shown is the worst."""
    samples = quantity.samples(evidence)
    if not samples.values:
        return Judgement(Verdict.INCONCLUSIVE, reason=f"{quantity}: no value")
    inside = sum(bounds.allow(value) for value in samples.values.values())
    total = len(samples.values)
    if inside / total >= share:
        verdict = Verdict.HELD
    else:  # values that are missing could make up for a share, but not for all
        missing = share < 1 and any(one.gaps(evidence) for one in quantity.measured())
        verdict = Verdict.INCONCLUSIVE if missing else Verdict.FAILED
    key, worst = min(samples.values.items(), key=lambda item: bounds.margin(item[1]))
    at = str(quantity) if total == 1 else f"{quantity}, worst of {total}, at {place(samples.dims, key)}"
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

        values = self._values[key]
        relative = self._relative and _vary(values)
        return (geometric_mean_interval if relative else mean_interval)(values, confidence)


class _Jackknife:
    """Intervals of quantities that put seeds together before they are done, as a slope of means does."""

    def __init__(self, samples: Samples, quantity: Quantity, evidence: Evidence) -> None:
        self._relative = quantity.relative
        self._whole = samples
        seeds = {frozenset(cell.seed for cell in one.cells(evidence)) for one in quantity.measured()}
        if len(seeds) > 1:
            raise CheckError(f"{quantity}: its parts have different seeds")
        (only,) = seeds
        self._without = [quantity.samples(evidence.without(seed)) for seed in sorted(only)] if len(only) > 1 else []

    def settings(self) -> list[Key]:
        return list(self._whole.values)

    def interval(self, key: Key, confidence: float) -> Interval:
        from harness.stats.intervals import jackknife_interval

        whole, count = self._whole.values[key], len(self._without)
        if not count:
            return Interval(whole, -math.inf, math.inf, confidence, 1, "one seed")
        if any(key not in samples.values for samples in self._without):
            raise CheckError("a setting rests on a single seed")
        without = [samples.values[key] for samples in self._without]
        relative = self._relative and _vary([whole, *without])
        if relative:
            whole, without = logarithm(whole), [logarithm(value) for value in without]

        def estimate(kept: Any) -> float:
            return whole if len(kept) == count else without[(set(range(count)) - set(map(int, kept))).pop()]

        interval = jackknife_interval(estimate, count, confidence)
        return interval.exponential() if relative else interval


def _vary(values: Sequence[float]) -> bool:
    """Whether values differ. If not, they stay away from logarithms: these would cost an exact one its last digit."""
    return min(values) != max(values)
