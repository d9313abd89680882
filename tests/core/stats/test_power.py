"""What a paired t test can see, against statsmodels and SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower

from harness.stats.power import minimum_detectable_effect, pairs_needed, power_of

alphas = st.sampled_from([0.001, 0.05, 0.2])
powers = st.sampled_from([0.5, 0.8, 0.99])


@settings(deadline=None)
@given(st.floats(0, 8), st.integers(2, 200), alphas)
def test_power_is_that_of_the_noncentral_t(noncentrality: float, count: int, alpha: float) -> None:
    expected = TTestPower().power(noncentrality / math.sqrt(count), count, alpha)
    if not math.isnan(expected):
        assert power_of(noncentrality, count, alpha) == pytest.approx(expected, abs=1e-10)


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 3e4), st.integers(2, 60), st.sampled_from([1e-6, 0.001, 0.05]))
def test_power_is_that_of_a_normal_over_a_chi(noncentrality: float, count: int, alpha: float) -> None:
    freedom = count - 1
    critical = stats.t.isf(alpha / 2, freedom)

    def rejected(quantile: np.ndarray) -> np.ndarray:
        deviation = np.sqrt(stats.chi2.ppf(quantile, freedom) / freedom)
        noise = critical * deviation
        return stats.norm.sf(noise - noncentrality) + stats.norm.cdf(-noise - noncentrality)

    middle = (np.arange(50_000) + 0.5) / 50_000
    assert power_of(noncentrality, count, alpha) == pytest.approx(rejected(middle).mean(), abs=5e-5)


@settings(deadline=None)
@given(st.floats(1e-3, 1e3), st.integers(2, 100), alphas, powers)
def test_the_minimum_detectable_effect_is_detected_with_the_power_asked_for(
    deviation: float, count: int, alpha: float, power: float
) -> None:
    effect = minimum_detectable_effect(deviation, count, alpha, power)
    assert power_of(effect / deviation * math.sqrt(count), count, alpha) == pytest.approx(power, abs=1e-9)


@settings(deadline=None)
@given(st.floats(0.05, 5), alphas, powers)
def test_the_pairs_needed_are_the_fewest(effect: float, alpha: float, power: float) -> None:
    count = pairs_needed(-effect, 1.0, alpha, power)
    assert power_of(effect * math.sqrt(count), count, alpha) >= power
    assert count == 2 or power_of(effect * math.sqrt(count - 1), count - 1, alpha) < power


def test_the_textbook_example() -> None:
    assert pairs_needed(0.5, 1.0) == 34
    expected = TTestPower().solve_power(effect_size=0.5, alpha=0.05, power=0.8)
    assert pairs_needed(0.5, 1.0) == math.ceil(expected)
    normal = (stats.norm.isf(0.025) + stats.norm.ppf(0.8)) * 2e5
    assert pairs_needed(1e-5, 2.0) == pytest.approx(normal**2, rel=1e-5)


def test_extremes() -> None:
    assert minimum_detectable_effect(1.0, 1) == math.inf
    assert minimum_detectable_effect(0.0, 5) == 0
    assert minimum_detectable_effect(1e300, 5) == pytest.approx(1e300 * minimum_detectable_effect(1.0, 5))
    assert pairs_needed(3.0, 0.0) == 2
    assert math.isfinite(minimum_detectable_effect(1.0, 2, alpha=1e-5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pairs_needed(0, 1), "out of reach"),
        (lambda: pairs_needed(0, 0), "out of reach"),
        (lambda: pairs_needed(1e-200, 1), "out of reach"),
        (lambda: pairs_needed(math.nan, 1), "out of reach"),
        (lambda: minimum_detectable_effect(-1, 5), "deviation: -1"),
        (lambda: minimum_detectable_effect(math.inf, 5), "deviation: inf"),
        (lambda: minimum_detectable_effect(1, 5, alpha=0), "alpha: 0 is not between 0 and 1"),
        (lambda: minimum_detectable_effect(1, 5, power=0.05), "power: 0.05 is not above alpha"),
    ],
)
def test_mistakes_are_named(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
