"""Confidence intervals, against the libraries that have them."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from harness.stats.interval import Interval
from harness.stats.intervals import (
    bootstrap_interval,
    geometric_mean_interval,
    iqm_interval,
    jackknife_interval,
    mean_interval,
    median_interval,
    proportion_interval,
)

numbers = st.integers(-(10**6), 10**6).map(lambda number: number / 64)
samples = st.lists(numbers, min_size=2, max_size=30).filter(lambda drawn: len(set(drawn)) > 1)
confidences = st.sampled_from([0.5, 0.9, 0.95, 0.999])
BAD = {"none": [], "nan": [1, math.nan], "infinite": [math.inf, 1], "matrix": [[1.0, 2.0]], "number": 3.0}


def ends(interval: Interval) -> tuple[float, float, float]:
    return interval.low, interval.estimate, interval.high


@settings(deadline=None)
@given(samples, confidences)
def test_a_mean_has_the_interval_of_scipy(values: list[float], confidence: float) -> None:
    expected = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    assert ends(mean_interval(values, confidence)) == pytest.approx(
        (expected.low, np.mean(values), expected.high), rel=1e-10, abs=1e-10
    )


@settings(deadline=None)
@given(samples, st.permutations(range(30)), numbers, st.sampled_from([1e-300, 0.125, 3.0, 1e290]))
def test_a_mean_moves_with_its_values(values: list[float], order: list[int], shift: float, scale: float) -> None:
    shuffled = [values[index] for index in order if index < len(values)]
    plain = ends(mean_interval(values))
    size = max(map(abs, values))
    assert ends(mean_interval(shuffled)) == pytest.approx(plain, rel=1e-10, abs=1e-10 * size)
    assert ends(mean_interval(np.array(values) + shift)) == pytest.approx(
        [end + shift for end in plain], rel=1e-9, abs=1e-9 * (size + abs(shift))
    )
    assert ends(mean_interval(np.array(values) * scale)) == pytest.approx(
        [end * scale for end in plain], rel=1e-10, abs=1e-10 * scale * size
    )


@settings(deadline=None)
@given(st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=20), confidences)
def test_a_geometric_mean_is_the_mean_of_logarithms(values: list[float], confidence: float) -> None:
    logs = mean_interval(np.log(values), confidence)
    with np.errstate(over="ignore"):
        assert ends(geometric_mean_interval(values, confidence)) == pytest.approx(np.exp(ends(logs)), rel=1e-10)
    assert geometric_mean_interval(values).estimate == pytest.approx(stats.gmean(values))


def test_an_interval_of_logarithms_may_leave_the_range_of_numbers() -> None:
    interval = geometric_mean_interval([1e-300, 1e300])
    assert ends(interval) == (0.0, pytest.approx(1.0), math.inf)
    assert not interval.bounded
    assert interval.plain()["high"] is None


@settings(deadline=None)
@given(st.lists(numbers, min_size=1, max_size=60), confidences)
def test_a_median_lies_between_the_closest_order_statistics_that_cover(values: list[float], confidence: float) -> None:
    interval, ordered = median_interval(values, confidence), sorted(values)
    covers = {k: 1 - 2 * stats.binom.cdf(k - 1, len(values), 0.5) for k in range(1, len(values) // 2 + 1)}
    enough = [k for k, covered in covers.items() if covered >= confidence]
    assert interval.estimate == np.median(values)
    if enough:
        assert (interval.low, interval.high) == (ordered[max(enough) - 1], ordered[-max(enough)])
    else:
        assert (interval.low, interval.high) == (-math.inf, math.inf)


def test_five_values_do_not_bound_a_median_but_six_do() -> None:
    assert not median_interval(range(5)).bounded
    assert ends(median_interval(range(6))) == (0, 2.5, 5)


@settings(deadline=None)
@given(st.integers(1, 500).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))), confidences)
def test_a_proportion_has_wilsons_interval(counts: tuple[int, int], confidence: float) -> None:
    interval = proportion_interval(*counts, confidence)
    expected = proportion_confint(*counts, alpha=1 - confidence, method="wilson")
    assert (interval.low, interval.high) == pytest.approx(expected, rel=1e-10, abs=1e-12)
    assert 0 <= interval.low <= interval.estimate <= interval.high <= 1


@settings(deadline=None)
@given(
    st.lists(numbers, min_size=2, max_size=15).filter(lambda drawn: len(set(drawn)) > 2),
    st.sampled_from([np.mean, np.std, lambda values: float(np.mean(values))]),
)
def test_a_bootstrap_interval_is_that_of_scipy(values: list[float], statistic) -> None:
    interval = bootstrap_interval(values, statistic, resamples=200, seed=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = stats.bootstrap((values,), statistic, n_resamples=200, rng=np.random.default_rng(4))
    if np.isfinite(result.confidence_interval).all():
        assert (interval.low, interval.high) == pytest.approx(tuple(result.confidence_interval), rel=1e-10, abs=1e-10)
        assert interval.method == "BCa bootstrap"
    else:
        assert interval.bounded
        assert interval.method == "percentile bootstrap"


def test_a_bootstrap_gives_percentiles_where_the_correction_is_not_defined() -> None:
    interval = bootstrap_interval([0, 0, 0, 0, 0, 0, 0, 1], np.median)
    assert interval.method == "percentile bootstrap"
    assert interval.low <= interval.estimate <= interval.high


@settings(deadline=None)
@given(st.lists(st.lists(numbers, min_size=2, max_size=6), min_size=1, max_size=5), st.integers(0, 3))
def test_an_interquartile_mean_is_the_trimmed_mean_of_all_groups(groups: list[list[float]], seed: int) -> None:
    interval = iqm_interval(groups, resamples=50, seed=seed)
    pooled = np.concatenate(groups)
    assert interval.estimate == pytest.approx(stats.trim_mean(pooled, 0.25), rel=1e-10, abs=1e-10)
    rounding = 1e-9 * np.abs(pooled).max()
    assert pooled.min() - rounding <= interval.low <= interval.high <= pooled.max() + rounding
    assert interval == iqm_interval(groups, resamples=50, seed=seed)


def test_the_bootstrap_of_an_interquartile_mean_keeps_to_its_groups() -> None:
    interval = iqm_interval([[1, 1, 1], [5, 5, 5], [9, 9, 9]])
    assert ends(interval) == (5, 5, 5)


def test_tasks_with_one_seed_each_bound_no_interquartile_mean() -> None:
    assert not iqm_interval([[1.0], [2.0], [3.0]]).bounded


@settings(deadline=None)
@given(samples, confidences)
def test_the_jackknife_of_a_mean_is_students_interval(values: list[float], confidence: float) -> None:
    array = np.array(values)
    interval = jackknife_interval(lambda kept: float(array[kept].mean()), len(values), confidence)
    assert ends(interval) == pytest.approx(ends(mean_interval(values, confidence)), rel=1e-8, abs=1e-8)


def test_the_jackknife_has_the_error_of_its_pseudo_values() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.lognormal(size=(2, 12))

    def ratio(kept: np.ndarray) -> float:
        return float(y[kept].mean() / x[kept].mean())

    every = np.arange(12)
    pseudo = [12 * ratio(every) - 11 * ratio(np.delete(every, one)) for one in every]
    half = stats.t.isf(0.025, 11) * stats.sem(pseudo)
    interval = jackknife_interval(ratio, 12)
    assert ends(interval) == pytest.approx((ratio(every) - half, ratio(every), ratio(every) + half), rel=1e-10)


@pytest.mark.parametrize("of", [mean_interval, lambda values: bootstrap_interval(values, np.mean)])
def test_one_value_bounds_nothing(of) -> None:
    assert ends(of([3.0])) == (-math.inf, 3.0, math.inf)


def test_one_positive_value_bounds_nothing() -> None:
    assert ends(geometric_mean_interval([3.0])) == (0.0, pytest.approx(3.0), math.inf)


def test_one_unit_bounds_nothing() -> None:
    assert ends(jackknife_interval(lambda kept: 3.0, 1)) == (-math.inf, 3.0, math.inf)


@pytest.mark.parametrize("value", [0.1, 1e-300, -1e300, 0.0])
@pytest.mark.parametrize("of", [mean_interval, lambda values: bootstrap_interval(values, np.mean, resamples=20)])
def test_equal_values_have_an_interval_without_width(of, value: float) -> None:
    interval = of([value] * 7)
    assert interval.low == interval.estimate == interval.high
    assert interval.estimate == pytest.approx(value)


@pytest.mark.parametrize("values", BAD.values(), ids=BAD)
@pytest.mark.parametrize(
    "of",
    [
        mean_interval,
        geometric_mean_interval,
        median_interval,
        lambda values: bootstrap_interval(values, np.mean),
        lambda values: iqm_interval([values]),
    ],
)
def test_what_is_no_sample_is_refused(of, values) -> None:
    with pytest.raises(ValueError, match=r"1-d sequence of at least one number|not finite"):
        of(values)


@pytest.mark.parametrize("confidence", [0, 1, 95, math.nan])
@pytest.mark.parametrize(
    "of",
    [
        lambda confidence: mean_interval([1, 2], confidence),
        lambda confidence: geometric_mean_interval([1, 2], confidence),
        lambda confidence: median_interval([1, 2], confidence),
        lambda confidence: proportion_interval(1, 2, confidence),
        lambda confidence: bootstrap_interval([1, 2], np.mean, confidence),
        lambda confidence: iqm_interval([[1, 2]], confidence),
        lambda confidence: jackknife_interval(lambda kept: 1.0, 1, confidence),
    ],
)
def test_a_confidence_lies_between_0_and_1(of, confidence: float) -> None:
    with pytest.raises(ValueError, match=r"confidence: .* is not between 0 and 1"):
        of(confidence)


def test_other_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="the smallest is -1"):
        geometric_mean_interval([1, -1])
    with pytest.raises(ValueError, match="3 successes of 2 are no proportion"):
        proportion_interval(3, 2)
    with pytest.raises(ValueError, match="at least one is needed"):
        iqm_interval([])
    with pytest.raises(ValueError, match="0 units are too few"):
        jackknife_interval(lambda kept: 1.0, 0)
    with pytest.raises(ValueError, match="the estimate is nan"):
        jackknife_interval(lambda kept: math.nan, 3)
    with pytest.raises(ValueError, match="resamples: 0 is not positive"):
        iqm_interval([[1, 2]], resamples=0)
    with pytest.raises(ValueError, match="resamples: 0 is not positive"):
        bootstrap_interval([1, 2], np.mean, resamples=0)
