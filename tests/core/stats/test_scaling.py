"""Exponents, against SciPy's regression."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.stats.intervals import mean_interval
from harness.stats.scaling import loglog_slope, loglog_slope_clustered

positive = st.integers(1, 10**6).map(float)
points = st.lists(st.tuples(positive, positive), min_size=3, max_size=20).filter(
    lambda drawn: len({x for x, _ in drawn}) > 1
)


@settings(deadline=None)
@given(points, st.sampled_from([0.5, 0.95]))
def test_the_exponent_is_the_slope_of_logarithms(drawn: list[tuple[float, float]], confidence: float) -> None:
    x, y = np.array(drawn).T
    y[0] += 0.5  # SciPy has no error for constants
    interval = loglog_slope(x, y, confidence)
    expected = stats.linregress(np.log(x), np.log(y))
    half = stats.t.ppf((1 + confidence) / 2, len(x) - 2) * expected.stderr
    scale = 1e-10 * (1 + abs(expected.slope) + half)
    assert interval.estimate == pytest.approx(expected.slope, abs=scale)
    assert (interval.low, interval.high) == pytest.approx(
        (expected.slope - half, expected.slope + half), abs=1e3 * scale
    )


@settings(deadline=None)
@given(points, st.sampled_from([1e-150, 1e-3, 1e150]))
def test_units_do_not_matter(drawn: list[tuple[float, float]], unit: float) -> None:
    x, y = np.array(drawn).T
    plain, scaled = loglog_slope(x, y), loglog_slope(x * unit, y / unit)
    assert (scaled.low, scaled.high) == pytest.approx((plain.low, plain.high), rel=1e-6, abs=1e-6)


def test_a_power_law_is_found_exactly() -> None:
    x = np.array([1.0, 2, 4, 8, 16])
    interval = loglog_slope(x, 3 * x**1.5)
    assert (interval.low, interval.estimate, interval.high) == pytest.approx((1.5, 1.5, 1.5))


def test_two_points_bound_nothing() -> None:
    interval = loglog_slope([1, 2], [1, 4])
    assert (interval.low, interval.estimate, interval.high) == (-math.inf, pytest.approx(2), math.inf)


def test_each_seed_has_a_slope_of_its_own() -> None:
    rng = np.random.default_rng(0)
    x, y = np.array([1.0, 2, 4, 8]), rng.lognormal(size=(6, 4))
    slopes = [stats.linregress(np.log(x), np.log(curve)).slope for curve in y]
    found, expected = loglog_slope_clustered(x, y), mean_interval(slopes)
    assert (found.low, found.estimate, found.high) == pytest.approx((expected.low, expected.estimate, expected.high))
    assert found.count == 6
    assert not loglog_slope_clustered(x, y[:1]).bounded


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: loglog_slope([1, 2], [1, 2, 3]), "2 values of x, but 3 of y"),
        (lambda: loglog_slope([2, 2], [1, 2]), "x: at least two different values"),
        (lambda: loglog_slope([0, 2], [1, 2]), "x: logarithms need positive numbers"),
        (lambda: loglog_slope([1, 2], [1, -2]), "y: logarithms need positive numbers"),
        (lambda: loglog_slope_clustered([1, 2], [1, 2]), r"y: the shape \(seeds, 2\) is needed"),
        (lambda: loglog_slope_clustered([1, 2], np.ones((0, 2))), r"the shape \(seeds, 2\) is needed, not \(0, 2\)"),
        (lambda: loglog_slope_clustered([1, 2], [[1, 2], [1, 0]]), "curve 1: logarithms need positive"),
    ],
)
def test_mistakes_are_named(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
