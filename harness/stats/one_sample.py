"""Tests that paired differences are centred at zero; two-sided, but for `signed_rank_tests`.

`differences` are a 1-d sequence of finite floats, one for each pair, independent of each other; ValueError otherwise.
A single pair says nothing of the spread: the p-value is 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from harness.stats.arguments import Floats, Values, finite_values
from harness.stats.midranks import midranks
from harness.stats.moments import mean_and_deviation
from harness.stats.resampling import batches

_EXACT_PATTERNS = 20_000
"""Up to so many sign patterns all are counted."""
EXACT_RANKS = 200
"""Up to so many ranks the distribution of their sum is computed."""
_ROUNDING = 1e-12
"""Sums that differ by this share of their largest possible value are equal but for rounding."""


def t_test(differences: Values) -> float:
    """Student's t test (Student 1908): the mean is zero. Exact for normal differences, robust for symmetric ones."""
    sample = finite_values(differences, "differences")
    mean, deviation = mean_and_deviation(sample)
    return t_probability(mean, deviation / math.sqrt(sample.size), sample.size - 1)


def t_probability(difference: float, error: float, freedom: float) -> float:
    """Two-sided p-value of a difference with its standard error; 1 without a degree of freedom."""
    from scipy.special import stdtr

    if freedom <= 0 or not difference:
        return 1.0
    return 2 * float(stdtr(freedom, -abs(difference) / error)) if error else 0.0


def wilcoxon_test(differences: Values) -> float:
    """Signed-rank test (Wilcoxon 1945): the distribution is symmetric about zero. Differences of zero are left out.

    Exact, with ties too, up to 200 differences; beyond, by the normal approximation. Below six it never reaches 0.05.
    """
    sample = finite_values(differences, "differences")
    return min(1.0, 2 * float(signed_rank_tests(np.stack([sample, -sample])).min()))


def signed_rank_tests(rows: Floats) -> Floats:
    """The signed-rank test of each row of finite differences (m, n), one-sided, as p-values of the shape (m,).

    A small one says that the differences lie above zero. They are exact where the differences are symmetric about zero,
    and too large where they are symmetric about a number below. Zeros, ties and many ranks as in `wilcoxon_test`.
    """
    magnitudes = np.abs(rows)
    steps = np.diff(np.sort(magnitudes, axis=1), axis=1, prepend=0)
    distinct: NDArray[np.bool_] = (steps > 0).all(axis=1) & (rows.shape[1] <= EXACT_RANKS)
    p_values = np.ones(len(rows))
    ranks = np.argsort(np.argsort(magnitudes[distinct], axis=1), axis=1) + 1
    if distinct.any():
        p_values[distinct] = _upper_tail(rows.shape[1])[np.where(rows[distinct] > 0, ranks, 0).sum(axis=1)]
    for place in np.flatnonzero(~distinct):
        p_values[place] = _signed_rank_test(rows[place])
    return p_values


def permutation_test(differences: Values, resamples: int = 9999, seed: int = 0) -> float:
    """Sign-flip test of the mean (Fisher 1935): under exchange of the two names in any pair, each sign is as likely.

    Exact up to 14 pairs; beyond, `resamples` random patterns with the observed one counted among them (Phipson and
    Smyth 2010). Below six differences it can never reach 0.05.
    """
    sample = finite_values(differences, "differences")
    largest = float(np.abs(sample).max())
    if sample.size < 2 or not largest:
        return 1.0
    scaled = sample / largest
    threshold = abs(float(scaled.sum())) - _ROUNDING * float(np.abs(scaled).sum())
    patterns = sign_patterns(sample.size, resamples, seed)
    extreme = sum(int(np.count_nonzero(np.abs((1 - 2 * some) @ scaled) >= threshold)) for some in patterns)
    if _countable(sample.size):
        return extreme / (1 << sample.size)
    return (1 + extreme) / (1 + resamples)


def bootstrap_test(differences: Values, resamples: int = 9999, seed: int = 0) -> float:
    """Studentised bootstrap test of the mean (Hall and Wilson 1991); needs some ten differences."""
    sample = finite_values(differences, "differences")
    mean, deviation = mean_and_deviation(sample)
    if sample.size < 2 or not mean or not deviation:
        return t_test(sample)
    magnitudes = studentized_magnitudes(sample, resamples, seed)
    extreme = np.count_nonzero(magnitudes >= abs(mean) / deviation * math.sqrt(sample.size))
    return (1 + int(extreme)) / (1 + resamples)


def studentized_magnitudes(sample: Floats, resamples: int, seed: int) -> Floats:
    """Absolute t statistics of resamples about the mean of a sample with spread; infinite where a resample has none."""
    rng = np.random.default_rng(seed)
    mean, deviation = mean_and_deviation(sample)
    scaled = (sample - mean) / deviation
    found = []
    for batch in batches(resamples, sample.size):
        drawn = scaled[rng.integers(sample.size, size=(batch, sample.size))]
        varied = drawn.min(axis=1) < drawn.max(axis=1)
        magnitudes = np.full(batch, np.inf)
        errors = drawn[varied].std(axis=1, ddof=1) / math.sqrt(sample.size)
        magnitudes[varied] = np.abs(drawn[varied].mean(axis=1)) / errors
        found.append(magnitudes)
    return np.concatenate(found)


def sign_patterns(count: int, resamples: int, seed: int) -> Iterator[NDArray[np.integer]]:
    """Rows of 0 and 1 in batches: all 2**count of them where they can be counted, else as many random ones."""
    if _countable(count):
        yield np.arange(2**count)[:, None] >> np.arange(count) & 1
        return
    rng = np.random.default_rng(seed)
    for batch in batches(resamples, count):
        yield rng.integers(2, size=(batch, count))


def _countable(count: int) -> bool:
    return 1 << count <= _EXACT_PATTERNS


def rank_sums(ranks: NDArray[np.integer]) -> tuple[NDArray[np.integer], Floats]:
    """The sums that random signs give to whole-numbered ranks, and the chance of each."""
    total = int(ranks.sum())
    chances = np.zeros(total + 1)  # of the sum of the positive ones
    chances[0] = 1
    for rank in ranks:
        chances[rank:] += chances[: total + 1 - rank].copy()
        chances /= 2
    return 2 * np.arange(total + 1) - total, chances


def _signed_rank_test(sample: Floats) -> float:
    """For whatever sample: with zeros, ties, or more differences than are counted out."""
    from scipy.special import ndtr

    ranks = midranks(np.abs(sample[sample != 0]))
    rank_sum = float(ranks @ np.sign(sample[sample != 0]))
    if ranks.size > EXACT_RANKS:
        return float(ndtr(-rank_sum / math.sqrt(ranks @ ranks)))
    sums, chances = rank_sums((2 * ranks).astype(int))
    return float(chances[sums >= 2 * rank_sum].sum())


@cache
def _upper_tail(count: int) -> Floats:
    """The chance that the positive ones of so many distinct ranks add up to at least 0, 1, 2 ..."""
    _, chances = rank_sums(np.arange(1, count + 1))
    return np.cumsum(chances[::-1])[::-1]
