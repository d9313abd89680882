"""Intervals that hold what a test of paired differences does not reject, so that test and interval agree.

`sample` is a 1-d array of finite floats, at least two of which differ.
"""

from __future__ import annotations

import math

import numpy as np

from harness.stats.arguments import Floats
from harness.stats.interval import Interval
from harness.stats.moments import mean_and_deviation
from harness.stats.one_sample import EXACT_RANKS, rank_sums, sign_patterns, studentized_magnitudes


def pseudo_median_interval(sample: Floats, confidence: float) -> Interval:
    """The median of all pairwise means (Hodges and Lehmann 1963), within what the signed-rank test does not reject.

    Assumes a symmetric distribution, whose centre this is. Needs memory for count**2 numbers; below six values there is
    no such interval at 95 %: its ends are infinite.
    """
    rows, columns = np.triu_indices(sample.size)
    means = np.sort((sample[rows] + sample[columns]) / 2)
    low, high = _ends(means, _ranks_left_out(sample.size, confidence))
    return Interval(float(np.median(means)), low, high, confidence, sample.size, "Hodges and Lehmann")


def permutation_interval(sample: Floats, confidence: float, resamples: int, seed: int) -> Interval:
    """The mean, within what the sign-flip test does not reject: between means of subsets (Hartigan 1969).

    Assumes symmetry about the mean. Below six values there is no such interval at 95 %: its ends are infinite.
    """
    means = []
    for patterns in sign_patterns(sample.size, resamples, seed):
        chosen = patterns[patterns.any(axis=1)]
        means.append(chosen @ sample / chosen.sum(axis=1))
    ordered = np.sort(np.concatenate(means))
    left_out = math.floor((ordered.size + 1) * (1 - confidence) / 2 + 1e-9)
    low, high = _ends(ordered, left_out)
    return Interval(float(sample.mean()), low, high, confidence, sample.size, "sign flips")


def studentized_interval(sample: Floats, confidence: float, resamples: int, seed: int) -> Interval:
    """The mean with the symmetric studentised bootstrap interval (Hall 1988); needs some ten values."""
    mean, deviation = mean_and_deviation(sample)
    ordered = np.sort(studentized_magnitudes(sample, resamples, seed))
    place = math.ceil((resamples + 1) * confidence - 1e-9) - 1
    half = float(ordered[place]) * deviation / math.sqrt(sample.size) if place < resamples else math.inf
    return Interval(mean, mean - half, mean + half, confidence, sample.size, "studentised bootstrap")


def _ends(ordered: Floats, left_out: int) -> tuple[float, float]:
    """The interval that leaves out so many of the gaps between ordered numbers at either end."""
    return (float(ordered[left_out - 1]), float(ordered[-left_out])) if left_out else (-math.inf, math.inf)


def _ranks_left_out(count: int, confidence: float) -> int:
    """The most values that the sum of positive ranks takes in one tail with a chance of (1 - confidence) / 2."""
    from scipy.special import ndtri

    tail = (1 - confidence) / 2
    if count > EXACT_RANKS:
        deviation = math.sqrt(count * (count + 1) * (2 * count + 1) / 24)
        return math.floor(count * (count + 1) / 4 + float(ndtri(tail)) * deviation)
    _, chances = rank_sums(np.arange(1, count + 1))
    return int(np.count_nonzero(np.cumsum(chances) <= tail))
