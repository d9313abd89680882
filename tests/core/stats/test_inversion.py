"""Intervals of what a test does not reject, against the tests themselves."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.interval import Interval
from harness.stats.inversion import permutation_interval, pseudo_median_interval, studentized_interval
from harness.stats.one_sample import bootstrap_test, permutation_test, wilcoxon_test

PAIRS: dict[str, tuple[Callable[..., Interval], Callable[..., float]]] = {
    "wilcoxon": (pseudo_median_interval, wilcoxon_test),
    "permutation": (lambda sample, confidence: permutation_interval(sample, confidence, 999, 0), permutation_test),
    "bootstrap": (
        lambda sample, confidence: studentized_interval(sample, confidence, 999, 0),
        lambda sample: bootstrap_test(sample, 999, 0),
    ),
}
seeds = st.integers(0, 10**6)


@pytest.mark.parametrize("name", PAIRS)
@settings(deadline=None, max_examples=40)
@given(seed=seeds, count=st.integers(3, 12), confidence=st.sampled_from([0.8, 0.95]))
def test_an_interval_ends_where_its_test_begins_to_reject(name: str, seed: int, count: int, confidence: float) -> None:
    interval_of, p_value = PAIRS[name]
    sample = np.random.default_rng(seed).lognormal(size=count)
    interval = interval_of(sample, confidence)
    assert interval.low < interval.estimate < interval.high
    if interval.bounded:
        near = 1e-6 * (interval.high - interval.low)
        for end, outwards in ((interval.low, -near), (interval.high, near)):
            assert (
                p_value(sample - (end + outwards)) <= 1 - confidence + 1e-9 < p_value(sample - (end - outwards)) + 2e-9
            )
    else:
        assert p_value(sample + 1e9) > 1 - confidence


@settings(deadline=None)
@given(seeds, st.integers(2, 30))
def test_the_pseudo_median_is_the_median_of_pairwise_means(seed: int, count: int) -> None:
    sample = np.random.default_rng(seed).normal(size=count)
    means = [(one + other) / 2 for one, other in combinations_with_replacement(sample, 2)]
    assert pseudo_median_interval(sample, 0.95).estimate == pytest.approx(np.median(means))


@pytest.mark.parametrize("name", ["wilcoxon", "permutation"])
def test_five_differences_have_no_ends_but_six_have(name: str) -> None:
    interval_of, _ = PAIRS[name]
    assert interval_of(np.arange(5.0), 0.95).low == -math.inf
    six = interval_of(np.arange(6.0), 0.95)
    assert (six.low, six.high) == (0, 5)


def test_many_differences_are_approximated() -> None:
    sample = np.random.default_rng(0).normal(size=250)
    ranked, flipped = pseudo_median_interval(sample, 0.95), permutation_interval(sample, 0.95, 20_000, 0)
    for end in (ranked.low, ranked.high):
        assert wilcoxon_test(sample - end) == pytest.approx(0.05, rel=0.02)
    for end in (flipped.low, flipped.high):
        assert permutation_test(sample - end) == pytest.approx(0.05, rel=0.2)


def test_an_outlier_hardly_moves_the_pseudo_median() -> None:
    sample = np.append(np.linspace(0.9, 1.1, 11), 1e6)
    interval = pseudo_median_interval(sample, 0.95)
    assert 0.9 < interval.low < interval.estimate < interval.high < 1.2
