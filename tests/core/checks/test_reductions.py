"""Each reduction against NumPy or SciPy."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from scipy import stats

from harness.checks import reductions
from harness.checks.samples import CheckError, Samples

POSITIVE = st.floats(1e-6, 1e6)
CURVES = st.lists(st.tuples(st.integers(1, 1000), POSITIVE), min_size=3, max_size=8, unique_by=lambda point: point[0])


@pytest.mark.parametrize(
    ("reduction", "oracle"),
    [
        (reductions.largest, np.max),
        (reductions.smallest, np.min),
        (reductions.spread, np.ptp),
        (reductions.mean, np.mean),
        (reductions.geometric_mean, stats.gmean),
    ],
)
@given(st.lists(POSITIVE, min_size=1, max_size=8))
def test_of_values(reduction, oracle, values) -> None:
    assert reduction(range(len(values)), values) == pytest.approx(oracle(values), rel=1e-12)


@given(CURVES)
def test_the_slope_is_that_of_the_regression_of_logarithms(curve) -> None:
    x, y = np.log(np.array(sorted(curve))).T
    assert reductions.slope(*zip(*sorted(curve), strict=True)) == pytest.approx(stats.linregress(x, y).slope, abs=1e-9)


@given(CURVES)
def test_the_rank_correlation_is_spearmans(curve) -> None:
    ticks, values = zip(*sorted(curve), strict=True)
    expected = stats.spearmanr(ticks, values).statistic if len(set(values)) > 1 else 0
    assert reductions.rank_correlation(ticks, values) == pytest.approx(expected)


def test_values_that_are_all_equal_go_with_nothing() -> None:
    assert reductions.rank_correlation([1, 2, 3], [5.0, 5.0, 5.0]) == 0


def test_a_power_has_its_exponent_as_slope() -> None:
    assert reductions.slope([2, 8, 32], [5 * tick**1.5 for tick in (2, 8, 32)]) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("reduction", "ticks", "values", "said"),
    [
        (reductions.slope, [4], [1.0], "two different ticks"),
        (reductions.slope, [4, 4.0], [1.0, 2.0], "two different ticks"),
        (reductions.slope, [0, 1], [1.0, 2.0], "the logarithm of 0"),
        (reductions.slope, [1, 2], [1.0, -2.0], "the logarithm of -2"),
        (reductions.slope, ["few", "many"], [1.0, 2.0], "'few' is no number"),
        (reductions.rank_correlation, [1, 2], [1.0, 2.0], "three ticks"),
        (reductions.rank_correlation, ["a", "b", "c"], [1.0, 2.0, 3.0], "'a' is no number"),
        (reductions.geometric_mean, [1, 2], [1.0, 0.0], "the logarithm of 0"),
    ],
)
def test_what_cannot_be_computed_is_said(reduction, ticks, values, said) -> None:
    with pytest.raises(CheckError, match=said):
        reduction(ticks, values)


GRID = Samples(("m", "seed"), {(2, 0): 3.0, (1, 0): 2.0, (4, 0): 9.0, (1, 1): 5.0, (2, 1): 5.0})


def test_growth_is_the_ratio_to_the_tick_before_and_keeps_its_place() -> None:
    assert reductions.successive(GRID, "m", reductions.growth) == Samples(
        ("m", "seed"), {(2, 0): 1.5, (4, 0): 3.0, (2, 1): 1.0}
    )


@given(st.dictionaries(st.tuples(st.integers(0, 4), st.integers(0, 2)), POSITIVE, min_size=1, max_size=9))
def test_growth_of_all_ticks_is_what_numpy_divides(values) -> None:
    seeds = {seed for _, seed in values}
    columns = {seed: [values[key] for key in sorted(values) if key[1] == seed] for seed in seeds}
    expected = [ratio for column in columns.values() for ratio in np.divide(column[1:], column[:-1])]
    if expected:
        grown = reductions.successive(Samples(("m", "seed"), values), "m", reductions.growth)
        assert sorted(grown.values.values()) == pytest.approx(sorted(expected))


def test_growth_needs_something_to_grow_from() -> None:
    with pytest.raises(CheckError, match="nothing has two values along m"):
        reductions.successive(Samples(("m", "seed"), {(1, 0): 1.0, (2, 1): 1.0}), "m", reductions.growth)
    with pytest.raises(CheckError, match="grows from 0"):
        reductions.growth(1.0, 0.0)
    assert reductions.growth(0.0, 1.0) == 0


def test_per_divides_by_the_tick() -> None:
    per = reductions.per(GRID, "m")
    assert per.values == {(2, 0): 1.5, (1, 0): 2.0, (4, 0): 2.25, (1, 1): 5.0, (2, 1): 2.5}


@pytest.mark.parametrize(
    ("values", "dim", "said"),
    [
        ({(0,): 1.0}, "m", "m is 0 somewhere"),
        ({("x",): 1.0}, "m", "'x' is no number"),
        ({(1,): 1.0}, "k", "nothing varies along 'k'"),
    ],
)
def test_what_cannot_divide_is_said(values, dim, said) -> None:
    with pytest.raises(CheckError, match=said):
        reductions.per(Samples(("m",), values), dim)


def test_a_logarithm_of_nothing_is_an_error() -> None:
    assert reductions.logarithm(math.e) == 1
    with pytest.raises(CheckError, match="of nan"):
        reductions.logarithm(math.nan)
