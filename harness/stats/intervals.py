"""Confidence intervals of one number.

Values are 1-d sequences of finite floats, independent draws from one distribution unless said otherwise. All functions
raise ValueError on anything else.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.stats.arguments import Floats, Values, finite_values, positive_values, probability
from harness.stats.interval import Interval
from harness.stats.moments import mean_and_deviation
from harness.stats.resampling import batches


def student_interval(estimate: float, error: float, freedom: float, confidence: float, count: int) -> Interval:
    """Estimate and standard error as a Student t interval; without a degree of freedom its ends are infinite."""
    from scipy.special import stdtrit

    probability(confidence, "confidence")
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * error if freedom > 0 else math.inf
    return Interval(estimate, estimate - half, estimate + half, confidence, count, "Student t")


def mean_interval(values: Values, confidence: float = 0.95) -> Interval:
    """Mean with its Student t interval (Student 1908).

    Exact for normal values; near its nominal coverage for symmetric ones; too narrow for few and skewed ones.
    """
    sample = finite_values(values)
    mean, deviation = mean_and_deviation(sample)
    return student_interval(mean, deviation / math.sqrt(sample.size), sample.size - 1, confidence, sample.size)


def geometric_mean_interval(values: Values, confidence: float = 0.95) -> Interval:
    """Geometric mean of positive values, with the t interval of their logarithms; exact for log-normal values."""
    return mean_interval(np.log(positive_values(values)), confidence).exponential()


def median_interval(values: Values, confidence: float = 0.95) -> Interval:
    """Median with an interval between two order statistics (Thompson 1936).

    Assumes nothing of the distribution, and covers at least as often as it says. Below six values there is no such
    interval at 95 %: its ends are infinite.
    """
    from scipy.special import bdtr

    probability(confidence, "confidence")
    ordered = np.sort(finite_values(values))
    count = ordered.size
    tails = bdtr(np.arange(count // 2), count, 0.5)
    left_out = int(np.count_nonzero(tails <= (1 - confidence) / 2))
    low, high = (ordered[left_out - 1], ordered[count - left_out]) if left_out else (-math.inf, math.inf)
    return Interval(float(np.median(ordered)), float(low), float(high), confidence, count, "order statistics")


def proportion_interval(successes: int, total: int, confidence: float = 0.95) -> Interval:
    """Share of successes among independent trials of equal chance, with its score interval (Wilson 1927)."""
    from scipy.special import ndtri

    probability(confidence, "confidence")
    if not 0 <= successes <= total or total < 1:
        raise ValueError(f"{successes} successes of {total} are no proportion")
    share, z = successes / total, float(ndtri((1 + confidence) / 2))
    shrunk = 1 + z**2 / total
    centre = (share + z**2 / (2 * total)) / shrunk
    half = z * math.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2) / shrunk
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == total else centre + half
    return Interval(share, low, high, confidence, total, "Wilson")


def bootstrap_interval(
    values: Values,
    statistic: Callable[..., Any],
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Any smooth statistic of the values with its BCa bootstrap interval (Efron 1987); too narrow for few values.

    `statistic` takes an array; if it has a parameter `axis`, it is computed on many resamples at once. Where the
    correction is not defined (the statistic hardly varies), the percentiles stand in, and `method` says so.
    """
    from scipy.stats import bootstrap

    probability(confidence, "confidence")
    sample = finite_values(values)
    estimate, count = float(statistic(sample)), sample.size
    if count == 1:
        return Interval(estimate, -math.inf, math.inf, confidence, count, "BCa bootstrap")
    if sample.min() == sample.max():
        return Interval(estimate, estimate, estimate, confidence, count, "BCa bootstrap")
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore")  # of degenerate data: seen in the ends below
        batch = next(batches(resamples, count))
        options = {"n_resamples": resamples, "batch": batch, "confidence_level": confidence, "method": "BCa"}
        result = bootstrap((sample,), statistic, rng=np.random.default_rng(seed), **options)
    low, high = map(float, result.confidence_interval)
    if math.isfinite(low) and math.isfinite(high):
        return Interval(estimate, low, high, confidence, count, "BCa bootstrap")
    return _percentiles(estimate, result.bootstrap_distribution, confidence, count, "percentile bootstrap")


def iqm_interval(groups: Sequence[Values], confidence: float = 0.95, resamples: int = 2000, seed: int = 0) -> Interval:
    """Interquartile mean of all groups together, with percentiles of a stratified bootstrap (Agarwal et al. 2021).

    Each group (the seeds of a task) is resampled by itself: the interval speaks of new seeds on the same tasks. Groups
    of one value add nothing to its width; if there are no others, its ends are infinite. Too narrow for groups of few.
    """
    probability(confidence, "confidence")
    samples = [finite_values(group, f"group {index}") for index, group in enumerate(groups)]
    if not samples:
        raise ValueError("groups: at least one is needed")
    pooled = np.concatenate(samples)
    estimate = float(_interquartile_mean(pooled))
    if all(sample.size == 1 for sample in samples):
        return Interval(estimate, -math.inf, math.inf, confidence, pooled.size, "stratified bootstrap")
    rng = np.random.default_rng(seed)
    means = [
        _interquartile_mean(np.concatenate([_resampled(sample, batch, rng) for sample in samples], axis=1))
        for batch in batches(resamples, pooled.size)
    ]
    return _percentiles(estimate, np.concatenate(means), confidence, pooled.size, "stratified bootstrap")


def jackknife_interval(estimate: Callable[[NDArray[np.intp]], float], count: int, confidence: float = 0.95) -> Interval:
    """A smooth function of `count` independent units, with the t interval of its leave-one-out values (Tukey 1958).

    `estimate` maps the indices of the units kept to a number. For a mean the interval is that of `mean_interval`; it
    holds as far as the function is nearly linear in the units, which a median, for one, is not.
    """
    if count < 1:
        raise ValueError(f"count: {count} units are too few")
    everyone = np.arange(count)
    whole = _finite(estimate(everyone))
    if count == 1:
        return Interval(whole, -math.inf, math.inf, probability(confidence, "confidence"), count, "jackknife")
    without = np.array([_finite(estimate(np.delete(everyone, index))) for index in everyone])
    _, deviation = mean_and_deviation(without)
    interval = student_interval(whole, deviation * (count - 1) / math.sqrt(count), count - 1, confidence, count)
    return Interval(whole, interval.low, interval.high, confidence, count, "jackknife")


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError(f"the estimate is {number} on some of the units")
    return float(number)


def _resampled(sample: Floats, resamples: int, rng: np.random.Generator) -> Floats:
    """Draws with replacement: (resamples, values)."""
    return sample[rng.integers(sample.size, size=(resamples, sample.size))]


def _interquartile_mean(values: Floats) -> Floats:
    """Mean without the lowest and the highest quarter (each rounded down to whole values), along the last axis."""
    cut = values.shape[-1] // 4
    middle: Floats = np.sort(values, axis=-1)[..., cut : values.shape[-1] - cut]
    return np.asarray(middle.mean(axis=-1))


def _percentiles(estimate: float, distribution: Floats, confidence: float, count: int, method: str) -> Interval:
    low, high = np.quantile(distribution, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(estimate, float(low), float(high), confidence, count, method)
