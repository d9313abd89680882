"""The procedures keep what they promise (benchmarks/coverage.py counts it at length; docs/statistics.md shows it)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness.stats.intervals import geometric_mean_interval, mean_interval, median_interval, proportion_interval
from harness.stats.multiple import adjust
from harness.stats.one_sample import bootstrap_test, permutation_test, t_test, wilcoxon_test
from harness.stats.power import minimum_detectable_effect
from harness.stats.ranks import critical_difference
from harness.stats.scaling import loglog_slope

DRAWS = 2000
SEED = 2026


def test_nineteen_of_twenty_t_intervals_cover() -> None:
    rng = np.random.default_rng(SEED)
    for count in (5, 10, 20):
        normal = [mean_interval(sample) for sample in rng.normal(7, 3, (DRAWS, count))]
        skewed = [geometric_mean_interval(sample) for sample in rng.lognormal(1, 1, (DRAWS, count))]
        assert 0.93 <= np.mean([one.low <= 7 <= one.high for one in normal]) <= 0.97
        assert 0.93 <= np.mean([one.low <= math.e <= one.high for one in skewed]) <= 0.97


def test_order_statistics_cover() -> None:
    rng = np.random.default_rng(SEED)
    medians = [median_interval(sample) for sample in rng.exponential(size=(DRAWS, 12))]
    assert np.mean([one.low <= math.log(2) <= one.high for one in medians]) >= 0.93


@pytest.mark.parametrize("total", [5, 20, 50])
def test_wilsons_interval_covers_on_the_average_over_chances(total: int) -> None:
    chances, counts = np.linspace(0.01, 0.99, 199), np.arange(total + 1)
    intervals = [proportion_interval(count, total) for count in counts.tolist()]
    low, high = np.array([(one.low, one.high) for one in intervals]).T
    held = (low <= chances[:, None]) & (chances[:, None] <= high)
    coverage = (held * stats.binom.pmf(counts, total, chances[:, None])).sum(axis=1)
    assert 0.94 <= coverage.mean() <= 0.97


def test_slopes_of_power_laws_cover() -> None:
    rng, x = np.random.default_rng(SEED), np.array([1.0, 2, 4, 8, 16])
    slopes = [loglog_slope(x, noise * x**0.7) for noise in rng.lognormal(0, 0.3, (DRAWS, 5))]
    assert 0.93 <= np.mean([one.low <= 0.7 <= one.high for one in slopes]) <= 0.97


@pytest.mark.parametrize("count", [3, 10, 40])
def test_p_values_of_the_t_test_are_uniform_where_nothing_is(count: int) -> None:
    rng = np.random.default_rng(SEED)
    p_values = [t_test(sample) for sample in rng.normal(size=(DRAWS, count))]
    assert stats.kstest(p_values, "uniform").pvalue > 0.001


@pytest.mark.parametrize(
    "test", [t_test, wilcoxon_test, permutation_test, lambda sample: bootstrap_test(sample, resamples=199)]
)
def test_one_in_twenty_symmetric_samples_is_rejected_at_most(test) -> None:
    rng = np.random.default_rng(SEED)
    for drawn in (rng.normal(size=(DRAWS, 10)), rng.laplace(size=(DRAWS, 10)), rng.uniform(-1, 1, (DRAWS, 10))):
        assert np.mean([test(sample) <= 0.05 for sample in drawn]) <= 0.067  # 0.05 and 3.5 standard errors


def test_holm_keeps_the_family_and_benjamini_and_hochberg_the_share() -> None:
    rng = np.random.default_rng(SEED)
    drawn = rng.normal(np.repeat([0.0, 1.2], 10)[:, None], 1, (500, 20, 10))
    p_values = [[t_test(differences) for differences in table] for table in drawn]
    holm = np.array([adjust(row, "holm") <= 0.05 for row in p_values])
    hochberg = np.array([adjust(row, "fdr_bh") <= 0.05 for row in p_values])
    assert holm[:, :10].any(axis=1).mean() <= 0.085
    assert (hochberg[:, :10].sum(axis=1) / np.maximum(hochberg.sum(axis=1), 1)).mean() <= 0.05
    assert hochberg[:, 10:].mean() > holm[:, 10:].mean() > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("method", ["nemenyi", "wilcoxon-holm"])
def test_equal_models_are_seldom_told_apart(method) -> None:
    rng = np.random.default_rng(SEED)
    tables = rng.normal(size=(500, 12, 5))
    smallest = [critical_difference(table, "abcde", method=method).p_values.min() for table in tables]
    assert np.mean(np.array(smallest) <= 0.05) <= 0.085


@pytest.mark.parametrize("count", [3, 10, 30])
def test_the_minimum_detectable_effect_is_detected_four_times_in_five(count: int) -> None:
    rng = np.random.default_rng(SEED)
    drawn = rng.normal(minimum_detectable_effect(2.0, count), 2, (DRAWS, count))
    assert 0.77 <= np.mean([t_test(sample) <= 0.05 for sample in drawn]) <= 0.83
