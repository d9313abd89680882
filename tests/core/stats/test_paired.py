"""Two arms: effect, test, effect size and counts that go together."""

from __future__ import annotations

import dataclasses
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.stats.paired import Paired, Scale, Test, paired, paired_rows, unpaired

TESTS: list[Test] = ["t", "wilcoxon", "permutation", "bootstrap"]
numbers = st.integers(-1000, 1000).map(lambda number: number / 16)
positive = st.integers(1, 1000).map(lambda number: number / 16)
arms = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=12)
positive_arms = st.lists(st.tuples(positive, positive), min_size=2, max_size=12)


def ends(result: Paired) -> tuple[float, float, float]:
    return result.effect.low, result.effect.estimate, result.effect.high


@settings(deadline=None)
@given(arms)
def test_differences_are_compared_as_scipy_does(pairs: list[tuple[float, float]]) -> None:
    a, b = np.array(pairs).T
    result = paired(a, b, direction="lower", scale=Scale.DIFFERENCE)
    assert (result.wins, result.ties, result.losses) == (np.sum(a < b), np.sum(a == b), np.sum(a > b))
    if np.ptp(a - b):
        expected = stats.ttest_rel(a, b)
        interval = expected.confidence_interval()
        assert result.p_value == pytest.approx(expected.pvalue, abs=1e-10)
        assert ends(result) == pytest.approx((interval.low, np.mean(a - b), interval.high), rel=1e-10, abs=1e-10)


@settings(deadline=None)
@given(positive_arms)
def test_ratios_are_differences_of_logarithms(pairs: list[tuple[float, float]]) -> None:
    a, b = np.array(pairs).T
    ratios, logs = (
        paired(a, b, direction="lower"),
        paired(np.log(a), np.log(b), direction="lower", scale=Scale("difference")),
    )
    assert ratios.scale is Scale.RATIO
    assert ends(ratios) == pytest.approx(np.exp(ends(logs)), rel=1e-9)
    assert ratios.p_value == pytest.approx(logs.p_value, abs=1e-9)
    assert (ratios.wins, ratios.ties, ratios.losses) == (np.sum(a < b), np.sum(a == b), np.sum(a > b))


@pytest.mark.parametrize("test", TESTS)
@settings(deadline=None)
@given(pairs=arms | positive_arms)
def test_swapped_arms_mirror_each_other(test: Test, pairs: list[tuple[float, float]]) -> None:
    a, b = np.array(pairs).T
    one, other = paired(a, b, direction="higher", test=test), paired(b, a, direction="higher", test=test)
    assert one.p_value == other.p_value
    assert (one.wins, one.ties, one.losses) == (other.losses, other.ties, other.wins)
    mirrored = np.array(ends(other)[::-1])
    with np.errstate(divide="ignore"):
        mirrored = 1 / mirrored if one.scale is Scale.RATIO else -mirrored
    assert ends(one) == pytest.approx(mirrored.tolist(), rel=1e-9, abs=1e-9)
    assert (one.effect_size is None) == (other.effect_size is None)
    assert one.effect_size is None or one.effect_size == pytest.approx(-other.effect_size)


@pytest.mark.parametrize("test", TESTS)
@settings(deadline=None)
@given(pairs=positive_arms, factor=st.integers(-900, 900), direction=st.sampled_from(["lower", "higher"]))
def test_the_unit_does_not_matter(test: Test, pairs: list[tuple[float, float]], factor: int, direction) -> None:
    a, b = np.array(pairs).T
    one = paired(a, b, direction=direction, scale=Scale.DIFFERENCE, test=test)
    other = paired(a * 2.0**factor, b * 2.0**factor, direction=direction, scale=Scale.DIFFERENCE, test=test)
    assert [end * 2.0**factor for end in ends(one)] == pytest.approx(ends(other))
    assert dataclasses.replace(other, effect=one.effect, deviation=one.deviation) == one


@pytest.mark.parametrize("test", TESTS)
@settings(deadline=None)
@given(pairs=st.lists(st.tuples(numbers, numbers), min_size=3, max_size=12))
def test_the_interval_leaves_out_zero_just_when_its_test_rejects(test: Test, pairs: list[tuple[float, float]]) -> None:
    a, b = np.array(pairs).T
    a += np.linspace(0, 0.01, len(a))  # no ties
    result = paired(a, b, direction="lower", scale=Scale.DIFFERENCE, test=test, resamples=199)
    low, _, high = ends(result)
    assert (result.p_value <= 0.05) == (not low <= 0 <= high)


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("value", [0.0, 0.1, -7.0, 1e-300, 1e300])
def test_identical_pairs_do_not_differ_at_all(test: Test, value: float) -> None:
    values = [value, 3 * value, 2 * value]
    result = paired(values, values, direction="lower", test=test)
    equal = 1.0 if value > 0 else 0.0
    assert ends(result) == (equal, equal, equal)
    assert (result.p_value, result.ties, result.effect_size, result.deviation) == (1, 3, None, 0)


def test_what_rounding_leaves_is_no_difference() -> None:
    result = paired([0.1 + 0.2, 0.5, 0.7 + 0.1], [0.3, 0.5, 0.8], direction="lower")
    assert (result.ties, result.p_value) == (3, 1)


@pytest.mark.parametrize("scale", Scale)
def test_a_constant_difference_is_certain(scale: Scale) -> None:
    b = np.random.default_rng(0).lognormal(size=10)
    a = b * 1.05 if scale is Scale.RATIO else b + 1.05
    result = paired(a, b, direction="lower", scale=scale)
    assert ends(result) == pytest.approx((1.05, 1.05, 1.05))
    assert result.effect.low == result.effect.high
    assert (result.p_value, result.losses, result.effect_size) == (0, 10, None)


@pytest.mark.parametrize("test", TESTS)
def test_one_pair_says_nothing(test: Test) -> None:
    difference = paired([1.0], [-2.0], direction="higher", test=test)
    assert ends(difference) == (-math.inf, 3.0, math.inf)
    assert (difference.p_value, difference.wins, difference.effect_size, difference.deviation) == (1, 1, None, None)
    assert ends(paired([1.0], [2.0], direction="lower", test=test)) == (0.0, pytest.approx(0.5), math.inf)


def test_hedges_g_takes_off_the_bias_of_small_samples() -> None:
    rng = np.random.default_rng(1)
    differences = rng.normal(0.8, 1, (10_000, 5))
    sizes = [paired(row, np.zeros(5), direction="lower").effect_size for row in differences]
    assert abs(np.mean(sizes) - 0.8) < 4 * np.std(sizes) / math.sqrt(len(sizes))
    assert paired([1.0, 2.0], [0.5, 0.1], direction="lower").effect_size is None


@settings(deadline=None)
@given(st.lists(positive, min_size=2, max_size=12), st.lists(positive, min_size=2, max_size=12))
def test_unpaired_samples_are_compared_by_welchs_test(a: list[float], b: list[float]) -> None:
    result = unpaired(a, b, scale=Scale.DIFFERENCE)
    assert (result.wins, result.ties, result.losses, result.test) == (0, 0, 0, "welch")
    if np.ptp(a) or np.ptp(b):
        with warnings.catch_warnings(action="ignore"):  # SciPy's, of constant samples
            expected = stats.ttest_ind(a, b, equal_var=False)
        interval = expected.confidence_interval()
        assert result.p_value == pytest.approx(expected.pvalue, abs=1e-10)
        assert ends(result) == pytest.approx((interval.low, np.mean(a) - np.mean(b), interval.high), abs=1e-8)
    else:
        assert result.p_value == (a[0] == b[0])
        assert result.effect.low == result.effect.high
    mirrored = unpaired(b, a, scale=Scale.DIFFERENCE)
    assert mirrored.p_value == result.p_value
    assert mirrored.effect.low == -result.effect.high


def test_a_single_value_bounds_no_difference() -> None:
    assert ends(unpaired([1.0], [-2.0, 5.0])) == (-math.inf, -0.5, math.inf)
    assert unpaired([1.0], [2.0]).p_value == 1
    assert unpaired([1.0], [2.0]).effect_size is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [1, 2, 3]), "2 values of a, but 3 of b"),
        (([1, math.nan], [1, 2]), "a: 1 of 2 numbers are not finite"),
        (([], []), "a: a 1-d sequence of at least one number"),
        (([1], [[1]]), "b: a 1-d sequence"),
        (([1, 2], [1, 0], Scale.RATIO), "b: logarithms need positive numbers; the smallest is 0"),
    ],
)
def test_mistakes_are_named(arguments, message: str) -> None:
    a, b, *scale = arguments
    with pytest.raises(ValueError, match=message):
        paired(a, b, direction="lower", scale=scale[0] if scale else None)


def test_unknown_words_are_refused() -> None:
    with pytest.raises(ValueError, match="direction 'down'"):
        paired([1, 2], [3, 4], direction="down")
    with pytest.raises(ValueError, match="test 'z'"):
        paired([1, 2], [3, 4], direction="lower", test="z")
    with pytest.raises(ValueError, match="confidence: 95 is not"):
        paired([1, 2], [3, 4], direction="lower", confidence=95)


@settings(deadline=None)
@given(st.lists(st.tuples(*[positive] * 8), min_size=1, max_size=6), st.sampled_from(list(Scale)))
def test_rows_are_compared_each_by_itself(rows: list[tuple[float, ...]], scale: Scale) -> None:
    a, b = np.array(rows)[:, :4], np.array(rows)[:, 4:]
    together = paired_rows(a, b, direction="lower", scale=scale)
    assert together == [paired(*pair, direction="lower", scale=scale) for pair in zip(a, b, strict=True)]


def test_rows_must_fit() -> None:
    with pytest.raises(ValueError, match=r"one shape \(rows, n\) are needed, not \(1, 2\) and \(1, 3\)"):
        paired_rows([[1, 2]], [[1, 2, 3]], direction="lower", scale=Scale.RATIO)
    with pytest.raises(ValueError, match="not finite"):
        paired_rows([[1, math.nan]], [[1, 2]], direction="lower", scale=Scale.DIFFERENCE)
    assert paired_rows(np.empty((0, 3)), np.empty((0, 3)), direction="lower", scale=Scale.RATIO) == []
